"""The two names of every field: DEFAULT and SIMPLE, for each type of message, nested ones included.

Owns the tables, in the exchange's documented order, and renaming in both directions. Must not know how a
message comes to be. Written from the documentation on its own: it shares no table with the client, so that
one mistake cannot hide on both ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one object's fields; ``inner`` names the objects (or lists of objects) inside it."""

    short: Mapping[str, str]
    inner: Mapping[str, Names] = field(default_factory=dict)


def _table(words: str, **inner: Names) -> Names:
    parts = words.split()
    return Names(dict(zip(parts[::2], parts[1::2], strict=True)), inner)


TICKER = _table(
    "type ty code cd opening_price op high_price hp low_price lp trade_price tp prev_closing_price pcp "
    "change c change_price cp signed_change_price scp change_rate cr signed_change_rate scr "
    "trade_volume tv acc_trade_volume atv acc_trade_volume_24h atv24h acc_trade_price atp "
    "acc_trade_price_24h atp24h trade_date tdt trade_time ttm trade_timestamp ttms ask_bid ab "
    "acc_ask_volume aav acc_bid_volume abv highest_52_week_price h52wp highest_52_week_date h52wdt "
    "lowest_52_week_price l52wp lowest_52_week_date l52wdt market_state ms is_trading_suspended its "
    "delisting_date dd market_warning mw timestamp tms stream_type st market_state_for_ios msfi"
)
TRADE = _table(
    "type ty code cd trade_price tp trade_volume tv ask_bid ab prev_closing_price pcp change c "
    "change_price cp trade_date td trade_time ttm trade_timestamp ttms timestamp tms sequential_id sid "
    "best_ask_price bap best_ask_size bas best_bid_price bbp best_bid_size bbs stream_type st"
)
ORDERBOOK = _table(
    "type ty code cd timestamp tms total_ask_size tas total_bid_size tbs orderbook_units obu level lv stream_type st",
    orderbook_units=_table("ask_price ap bid_price bp ask_size as bid_size bs"),
)
CANDLE = _table(
    "type ty code cd candle_date_time_utc cdttmu candle_date_time_kst cdttmk opening_price op "
    "high_price hp low_price lp trade_price tp candle_acc_trade_volume catv candle_acc_trade_price catp "
    "timestamp tms stream_type st"
)
MY_ORDER = _table(
    "type ty code cd uuid uid ask_bid ab order_type ot state s trade_uuid tuid price p avg_price ap "
    "volume v remaining_volume rv executed_volume ev trades_count tc reserved_fee rsf remaining_fee rmf "
    "paid_fee pf locked l executed_funds ef time_in_force tif trade_fee tf is_maker im identifier id "
    "smp_type smpt prevented_volume pv prevented_locked pl trade_timestamp ttms order_timestamp otms "
    "timestamp tms stream_type st"
)
MY_ASSET = _table(
    "type ty asset_uuid astuid assets ast asset_timestamp asttms timestamp tms stream_type st",
    assets=_table("currency cu balance b locked l"),
)
ANNOUNCEMENT = _table(
    "type ty event_type et uuid uid title tt category cat url url first_listed_at flat listed_at lat "
    "timestamp tms stream_type st body bd"
)
_PARAMS = _table("period p type t short_period shp long_period lop multiplier m fast f slow s signal_period sgp")
_VALUE = _table(
    "volume vol avg_volume av ratio rto rsi rsi value value ma_short mas ma_long mal bb_upper bbu "
    "bb_middle bbm bb_lower bbl macd macd macd_signal macds histogram hist"
)
INDICATOR = _table(
    "type ty code cd timeframe tf indicator ind params p value v candle_date_time_utc cdttmu "
    "timestamp tms stream_type st",
    params=_PARAMS,
    value=_VALUE,
)
INDICATOR_SIGNAL = _table(
    "type ty code cd timeframe tf indicator ind params p trigger tr event_params ep value v "
    "candle_date_time_utc cdttmu timestamp tms stream_type st",
    params=_PARAMS,
    event_params=_table("threshold th multiplier mul"),
    value=_VALUE,
)
LIST_SUBSCRIPTIONS = _table(
    "method mthd result rslt ticket tckt",
    result=_table("type ty codes cds level lv timeframe tf"),
)

_BY_TYPE = {
    "ticker": TICKER,
    "trade": TRADE,
    "orderbook": ORDERBOOK,
    "myOrder": MY_ORDER,
    "myAsset": MY_ASSET,
    "announcement": ANNOUNCEMENT,
    "indicator": INDICATOR,
    "indicator_signal": INDICATOR_SIGNAL,
}
_NOTHING = Names({})


def names_of(kind: str) -> Names:
    """The names for messages of a type; none for a type that is not in the documentation."""
    return CANDLE if kind.startswith("candle.") else _BY_TYPE.get(kind, _NOTHING)


def shorten(message: Mapping[str, object], names: Names) -> dict[str, object]:
    """The same message under SIMPLE names; a field without a short name keeps its own."""
    return {names.short.get(key, key): _inside(item, names.inner.get(key)) for key, item in message.items()}


def _inside(value: object, names: Names | None) -> object:
    if names is None:
        return value
    if isinstance(value, list):
        return [_inside(item, names) for item in value]
    return shorten(value, names) if isinstance(value, Mapping) else value


def _reversed(names: Names) -> Names:
    long = {short: key for key, short in names.short.items()}
    return Names(long, {names.short[key]: _reversed(inner) for key, inner in names.inner.items()})


def translate(payload: bytes, kind: str, *, to_simple: bool) -> bytes:
    """A payload under the other names, every value's digits and spelling left as they are."""
    names = names_of(kind)
    return _renamed(payload, names if to_simple else _reversed(names))


def _renamed(payload: bytes, names: Names) -> bytes:
    fields = msgspec.json.decode(payload, type=dict[str, msgspec.Raw])
    renamed = {names.short.get(key, key): _renamed_inside(item, names.inner.get(key)) for key, item in fields.items()}
    return msgspec.json.encode(renamed)


def _renamed_inside(value: msgspec.Raw, names: Names | None) -> msgspec.Raw:
    text = bytes(value).strip()
    if names is None or text[:1] not in (b"[", b"{"):
        return value
    if text[:1] == b"{":
        return msgspec.Raw(_renamed(text, names))
    items = msgspec.json.decode(text, type=list[msgspec.Raw])
    return msgspec.Raw(msgspec.json.encode([_renamed_inside(item, names) for item in items]))
