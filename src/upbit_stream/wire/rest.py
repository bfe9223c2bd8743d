"""The rows of REST answers, and the messages that the stream would have sent in their place.

Numbers of the market stay the text that the exchange wrote, so no digit is lost on the way into a message. What is
no row is refused when it is read: whatever a row holds can be put into a payload that the decoder reads.

Owns the rows of trades, candles, orders and balances, and error bodies. Knows nothing of requests, nor of which rows
were missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from math import isfinite
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct
from msgspec.structs import force_setattr

from upbit_stream.errors import MalformedMessage
from upbit_stream.wire import names
from upbit_stream.wire.decoder import UNREADABLE

RECOVERED = "RECOVERED"
"""The ``stream_type`` of a message that came over REST."""

_FIRST_MS = 1_262_304_000_000  # 2010
_LAST_MS = 7_258_118_400_000  # 2200
_KST = timezone(timedelta(hours=9))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,39})(?:\.[0-9]{1,60})?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_MOST_DIGITS = 80  # more than any balance has; a longer exponent would be written out as gigabytes

Market: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Z0-9]{1,20}-[A-Z0-9]{1,20}\Z")]
Millis: TypeAlias = Annotated[int, Meta(ge=_FIRST_MS, lt=_LAST_MS)]
_Name: TypeAlias = Annotated[str, Meta(pattern=r"^[0-9A-Za-z_-]{1,80}\Z")]
_Day: TypeAlias = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]
_Clock: TypeAlias = Annotated[str, Meta(pattern=r"^[0-9]{2}:[0-9]{2}:[0-9]{2}\Z")]
_Moment: TypeAlias = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\Z")]
_Text: TypeAlias = Annotated[str, Meta(max_length=200)]

_ZERO = Raw(b"0")
_encode = msgspec.json.Encoder().encode


class TradeRow(Struct, frozen=True, kw_only=True):
    """One execution. ``timestamp`` is its time in ms; ``change_price`` has a sign here.

    https://global-docs.upbit.com/reference/recent-trades-history
    """

    market: Market
    sequential_id: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    timestamp: Millis
    trade_price: Raw
    trade_volume: Raw
    ask_bid: Literal["ASK", "BID"]
    trade_date_utc: _Day
    trade_time_utc: _Clock
    prev_closing_price: Raw = _ZERO
    change_price: Raw = _ZERO

    def __post_init__(self) -> None:
        _zero_for_null(self, "prev_closing_price", "change_price")
        _check_numbers(self, "trade_price", "trade_volume", "prev_closing_price", "change_price")

    def payload(self, simple: bool = False) -> bytes:
        """The ``trade`` message under DEFAULT or SIMPLE names; the best prices of then are not known."""
        change = _digits(self.change_price)
        fields = {
            "code": self.market,
            "trade_price": self.trade_price,
            "trade_volume": self.trade_volume,
            "ask_bid": self.ask_bid,
            "prev_closing_price": self.prev_closing_price,
            "change": "EVEN" if _is_zero(change) else "FALL" if change.startswith("-") else "RISE",
            "change_price": Raw(change.removeprefix("-").encode()),
            "trade_date": self.trade_date_utc,
            "trade_time": self.trade_time_utc,
            "trade_timestamp": self.timestamp,
            "timestamp": self.timestamp,
            "sequential_id": self.sequential_id,
            "stream_type": RECOVERED,
        }
        return _message("trade", names.TRADE, fields, simple)


class CandleRow(Struct, frozen=True, kw_only=True):
    """One candle as it stood when it was asked for. ``timestamp`` is that of its last trade, in ms.

    https://global-docs.upbit.com/reference/list-candles-minutes
    """

    market: Market
    candle_date_time_utc: _Moment
    candle_date_time_kst: _Moment
    opening_price: Raw
    high_price: Raw
    low_price: Raw
    trade_price: Raw
    timestamp: Millis
    candle_acc_trade_price: Raw
    candle_acc_trade_volume: Raw

    def __post_init__(self) -> None:
        _check_numbers(self, "opening_price", "high_price", "low_price", "trade_price")
        _check_numbers(self, "candle_acc_trade_price", "candle_acc_trade_volume")
        _millis(self.candle_date_time_utc, UTC)

    @property
    def start_ms(self) -> int:
        """When the candle begins, in ms since the epoch."""
        return _millis(self.candle_date_time_utc, UTC)

    @property
    def volume(self) -> float:
        """``candle_acc_trade_volume`` for comparing: it only ever grows."""
        return float(_digits(self.candle_acc_trade_volume))

    def payload(self, unit: str, simple: bool = False) -> bytes:
        """The ``candle.UNIT`` message under DEFAULT or SIMPLE names."""
        fields = {
            "code": self.market,
            "candle_date_time_utc": self.candle_date_time_utc,
            "candle_date_time_kst": self.candle_date_time_kst,
            "opening_price": self.opening_price,
            "high_price": self.high_price,
            "low_price": self.low_price,
            "trade_price": self.trade_price,
            "candle_acc_trade_volume": self.candle_acc_trade_volume,
            "candle_acc_trade_price": self.candle_acc_trade_price,
            "timestamp": self.timestamp,
            "stream_type": RECOVERED,
        }
        return _message(f"candle.{unit}", names.CANDLE, fields, simple)


class OrderRow(Struct, frozen=True, kw_only=True):
    """One of the account's orders as it stands. Fields that the exchange leaves out are None.

    https://global-docs.upbit.com/reference/get-order
    """

    uuid: _Name
    side: Literal["bid", "ask"]
    ord_type: _Name
    state: _Name
    market: Market
    created_at: _Text  # ISO 8601, mostly KST
    paid_fee: Decimal
    locked: Decimal
    executed_volume: Decimal
    trades_count: Annotated[int, Meta(ge=0, le=2**53)]
    price: Decimal | None = None
    volume: Decimal | None = None
    remaining_volume: Decimal | None = None
    reserved_fee: Decimal | None = None
    remaining_fee: Decimal | None = None
    executed_funds: Decimal | None = None
    time_in_force: _Name | None = None
    identifier: _Text | None = None
    smp_type: _Name | None = None
    prevented_volume: Decimal | None = None
    prevented_locked: Decimal | None = None

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, Decimal):
                _check_amount(value)
        _millis(self.created_at, _KST)

    @property
    def created_ms(self) -> int:
        """When the order was placed, in ms since the epoch."""
        return _millis(self.created_at, _KST)

    def payload(self, timestamp_ms: int, simple: bool = False) -> bytes:
        """The ``myOrder`` message under DEFAULT or SIMPLE names. What only a trade tells is null."""
        fields = {
            "code": self.market,
            "uuid": self.uuid,
            "ask_bid": self.side.upper(),
            "order_type": self.ord_type,
            "state": self.state,
            "trade_uuid": None,
            "price": _amount(self.price),
            "avg_price": None,
            "volume": _amount(self.volume),
            "remaining_volume": _amount(self.remaining_volume),
            "executed_volume": _amount(self.executed_volume),
            "trades_count": self.trades_count,
            "reserved_fee": _amount(self.reserved_fee),
            "remaining_fee": _amount(self.remaining_fee),
            "paid_fee": _amount(self.paid_fee),
            "locked": _amount(self.locked),
            "executed_funds": _amount(self.executed_funds),
            "time_in_force": self.time_in_force,
            "trade_fee": None,
            "is_maker": None,
            "identifier": self.identifier,
            "smp_type": self.smp_type,
            "prevented_volume": _amount(self.prevented_volume),
            "prevented_locked": _amount(self.prevented_locked),
            "trade_timestamp": None,
            "order_timestamp": self.created_ms,
            "timestamp": timestamp_ms,
            "stream_type": RECOVERED,
        }
        return _message("myOrder", names.MY_ORDER, fields, simple)


class BalanceRow(Struct, frozen=True, kw_only=True):
    """The balance of one currency as it stands.

    https://global-docs.upbit.com/reference/get-balance
    """

    currency: _Name
    balance: Decimal
    locked: Decimal

    def __post_init__(self) -> None:
        _check_amount(self.balance)
        _check_amount(self.locked)


def assets_payload(rows: Sequence[BalanceRow], asset_uuid: str, timestamp_ms: int, simple: bool = False) -> bytes:
    """The ``myAsset`` message that tells of these balances, under DEFAULT or SIMPLE names."""
    assets = [
        _named(
            names.ASSET,
            {"currency": row.currency, "balance": _amount(row.balance), "locked": _amount(row.locked)},
            simple,
        )
        for row in rows
    ]
    fields = {
        "asset_uuid": asset_uuid,
        "assets": assets,
        "asset_timestamp": timestamp_ms,
        "timestamp": timestamp_ms,
        "stream_type": RECOVERED,
    }
    return _message("myAsset", names.MY_ASSET, fields, simple)


_Row = TypeVar("_Row")
_trades = msgspec.json.Decoder(list[TradeRow]).decode
_candles = msgspec.json.Decoder(list[CandleRow]).decode
_orders = msgspec.json.Decoder(list[OrderRow]).decode
_balances = msgspec.json.Decoder(list[BalanceRow]).decode


def read_trades(body: bytes) -> list[TradeRow]:
    """The rows of an answer, in its order (newest first). Raises `MalformedMessage` for anything else."""
    return _read(_trades, body)


def read_candles(body: bytes) -> list[CandleRow]:
    """As `read_trades`."""
    return _read(_candles, body)


def read_orders(body: bytes) -> list[OrderRow]:
    """As `read_trades`."""
    return _read(_orders, body)


def read_balances(body: bytes) -> list[BalanceRow]:
    """As `read_trades`."""
    return _read(_balances, body)


def _read(decode: Callable[[bytes], list[_Row]], body: bytes) -> list[_Row]:
    try:
        return decode(body)
    except UNREADABLE as error:
        raise MalformedMessage(f"the answer cannot be read: {error}") from error


def read_error(body: bytes) -> tuple[str, str]:
    """The name and the text of an error answer, "" where it tells none. Never raises.

    >>> read_error(b'{"error": {"name": 404, "message": "Code not found"}}')
    ('404', 'Code not found')
    """
    try:
        said = msgspec.json.decode(body)
    except UNREADABLE:
        return "", body[:200].decode("utf-8", "replace").strip()
    if isinstance(said, dict):
        said = said.get("error", said)
    if not isinstance(said, dict):
        return "", said[:200] if isinstance(said, str) else ""
    name, text = said.get("name"), said.get("message")
    return (
        str(name)[:100] if isinstance(name, str | int | float) else "",
        text[:500] if isinstance(text, str) else "",
    )


def _message(kind: str, table: Mapping[str, str], fields: Mapping[str, Any], simple: bool) -> bytes:
    return _encode({"ty" if simple else "type": kind, **_named(table, fields, simple)})


def _named(table: Mapping[str, str], fields: Mapping[str, Any], simple: bool) -> dict[str, Any]:
    return {table[name]: value for name, value in fields.items()} if simple else dict(fields)


def _digits(number: Raw) -> str:
    return memoryview(number).tobytes().decode("ascii", "replace")


def _check_numbers(row: Struct, *fields: str) -> None:
    """A Raw may hold any JSON; only a number that a float can hold is put into a message.

    The exchange's own package takes the numbers of the market for strings, so a number in quotes is one as well.
    """
    for name in fields:
        text = _digits(getattr(row, name))
        if text.startswith('"'):
            text = text.strip('"')
            force_setattr(row, name, Raw(text.encode()))
        if not (_NUMBER.fullmatch(text) and isfinite(float(text))):
            raise ValueError(f"{text[:40]} is no number that the exchange would write")


def _is_zero(number: str) -> bool:
    mantissa = number.lower().partition("e")[0]
    return not mantissa.strip("-0.")


def _zero_for_null(row: Struct, *fields: str) -> None:
    for name in fields:
        if _digits(getattr(row, name)) == "null":
            force_setattr(row, name, _ZERO)


def _check_amount(amount: Decimal) -> None:
    if not amount.is_finite():
        raise ValueError(f"{amount} is no amount")
    digits, exponent = amount.as_tuple()[1:]
    if len(digits) > _MOST_DIGITS or not -_MOST_DIGITS <= int(exponent) <= _MOST_DIGITS:
        raise ValueError("an amount of more digits than the exchange would write")


def _amount(amount: Decimal | None) -> Raw | None:
    return None if amount is None else Raw(format(amount, "f").encode())


def _millis(text: str, zone: timezone) -> int:
    """A moment in ISO 8601 as ms since the epoch; in ``zone`` where it names none."""
    moment = datetime.fromisoformat(text)
    passed = (moment if moment.tzinfo else moment.replace(tzinfo=zone)) - _EPOCH
    millis = (passed.days * 86_400 + passed.seconds) * 1_000 + passed.microseconds // 1_000
    if not _FIRST_MS <= millis < _LAST_MS:
        raise ValueError(f"{text} is out of the time in which the exchange exists")
    return millis
