"""The public half of REST: trades, candles, markets.

Owns what these endpoints answer. It reads the tape and the candles that the streams tell of, so that both
say the same. Must not know budgets or HTTP.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from .candles import Candle
from .dates import DAY_MS, MINUTE_MS, SECOND_MS, kst_iso, utc, utc_iso
from .instruments import instrument
from .market import Market, Trade
from .messages import Message
from .plain import fixed, from_units
from .rest_query import Parameters, RestError
from .tape import DAYS_BACK, Tape

MOST_TRADES = 500
MOST_CANDLES = 200
MINUTE_UNITS = (1, 3, 5, 10, 15, 30, 60, 240)
_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):?([0-5]\d):?([0-5]\d)", re.ASCII)
_CAUTIONS = (
    "PRICE_FLUCTUATIONS",
    "TRADING_VOLUME_SOARING",
    "DEPOSIT_AMOUNT_SOARING",
    "GLOBAL_PRICE_DIFFERENCES",
    "CONCENTRATION_OF_SMALL_ACCOUNTS",
)


class Quotation:
    """Answers about markets. ``codes`` are all there are; those that are not generated have no trades."""

    def __init__(self, tape: Tape, markets: Mapping[str, Market], codes: Callable[[], Sequence[str]]) -> None:
        self._tape = tape
        self._markets = markets
        self._codes = codes

    def trades(self, asked: Parameters, now_ms: int) -> object:
        """``/v1/trades/ticks``: one UTC day of trades, newest first.

        ``cursor`` is the id of a trade of this market; what came before it on the tape is told. One of a
        later day does not narrow the day that is asked for; before one of an earlier day that day has
        nothing. An id that is not (or no longer) on the tape is refused: the documentation is silent, and
        nothing would look like «no trades».
        """
        code = self._market(asked)
        count = asked.count("count", 1, MOST_TRADES)
        days_ago = asked.number("days_ago", 0, 1, DAYS_BACK) or 0
        day = now_ms // DAY_MS - days_ago
        cursor = asked.number("cursor", None, 0)
        before = None if cursor is None else self._tape.find(cursor)
        if cursor is not None and (before is None or before.code != code):
            raise asked.bad("cursor is the sequential_id of no trade of this market.")
        to_ms = _time_of_day(asked, day)
        return [_trade(trade) for trade in self._tape.page(code, day, count, before=before, to_ms=to_ms)]

    def seconds(self, asked: Parameters, _now_ms: int) -> object:
        """``/v1/candles/seconds``."""
        return [_candle(code, candle) for code, candle in self._candles(asked, "1s")]

    def minutes(self, unit: str, asked: Parameters) -> object:
        """``/v1/candles/minutes/UNIT``."""
        if unit not in map(str, MINUTE_UNITS):
            raise asked.bad("specified unit is not valid.")
        return [_candle(code, candle) | {"unit": int(unit)} for code, candle in self._candles(asked, f"{unit}m")]

    def _candles(self, asked: Parameters, unit: str) -> list[tuple[str, Candle]]:
        code = self._market(asked)
        # The exchange answers a larger count with as many as it gives at most, and without a word.
        count = min(asked.count("count", 1), MOST_CANDLES)
        to_ms = asked.moment("to")
        market = self._markets.get(code)
        return [] if market is None else [(code, candle) for candle in market.candles.page(unit, count, to_ms)]

    def markets(self, asked: Parameters, _now_ms: int) -> object:
        """``/v1/market/all``."""
        details = asked.one_of("is_details", ("true", "false"), "false") == "true"
        return [_listing(code, details=details) for code in self._codes()]

    def instruments(self, asked: Parameters, _now_ms: int) -> object:
        """``/v1/orderbook/instruments``."""
        codes = [code.strip() for code in asked.required("markets").split(",")]
        if not set(codes) <= set(self._codes()):
            raise _unknown_market()
        return [_instrument(code) for code in codes]

    def _market(self, asked: Parameters) -> str:
        code = asked.required("market")
        if code not in self._codes():
            raise _unknown_market()
        return code


def _unknown_market() -> RestError:
    # The name is a number in this half of the exchange.
    return RestError(404, 404, "Code not found")


def _time_of_day(asked: Parameters, day: int) -> int | None:
    value = asked.text("to")
    if value is None:
        return None
    found = _TIME_OF_DAY.fullmatch(value)
    if found is None:
        raise asked.bad("to is no time of the day as HHmmss or HH:mm:ss.")
    hours, minutes, seconds = map(int, found.groups())
    return day * DAY_MS + (hours * 60 + minutes) * MINUTE_MS + seconds * SECOND_MS


def _trade(trade: Trade) -> Message:
    return {
        "market": trade.code,
        "trade_date_utc": utc(trade.trade_timestamp, "%Y-%m-%d"),
        "trade_time_utc": utc(trade.trade_timestamp, "%H:%M:%S"),
        "timestamp": trade.trade_timestamp,
        "trade_price": fixed(trade.price_e8),
        "trade_volume": fixed(trade.volume_e8),
        "prev_closing_price": fixed(trade.previous_close_e8),
        "change_price": fixed(trade.price_e8 - trade.previous_close_e8),
        "ask_bid": trade.side,
        "sequential_id": trade.sequential_id,
    }


def _candle(code: str, candle: Candle) -> Message:
    return {
        "market": code,
        "candle_date_time_utc": utc_iso(candle.start_ms),
        "candle_date_time_kst": kst_iso(candle.start_ms),
        "opening_price": fixed(candle.open),
        "high_price": fixed(candle.high),
        "low_price": fixed(candle.low),
        "trade_price": fixed(candle.close),
        "timestamp": candle.timestamp,
        "candle_acc_trade_price": fixed(candle.value // 10**8),
        "candle_acc_trade_volume": fixed(candle.volume),
    }


def _listing(code: str, *, details: bool) -> Message:
    base = code.partition("-")[2]
    listing: Message = {"market": code, "korean_name": base, "english_name": base}
    if details:
        listing["market_event"] = {"warning": False, "caution": dict.fromkeys(_CAUTIONS, False)}
    return listing


def _instrument(code: str) -> Message:
    found = instrument(code)
    return {
        "market": code,
        "quote_currency": found.quote,
        "tick_size": format(from_units(found.tick_e8).normalize(), "f"),
        "supported_levels": [format(level.normalize(), "f") for level in found.supported_levels],
    }
