"""What the exchange documents, kept apart from the tables under test: names in pairs, and one example of each type."""

import json
from collections.abc import Mapping
from typing import Any

from upbit_stream.model import messages as model

FORMATS = ("DEFAULT", "SIMPLE", "JSON_LIST", "SIMPLE_LIST")
NOW = 1_790_000_000_123_456_789


def _pairs(text: str) -> Mapping[str, str]:
    return dict(pair.split() for pair in " ".join(text.split()).split(", "))


_TICKER = _pairs("""
    type ty, code cd, opening_price op, high_price hp, low_price lp, trade_price tp,
    prev_closing_price pcp, change c, change_price cp, signed_change_price scp,
    change_rate cr, signed_change_rate scr, trade_volume tv, acc_trade_volume atv,
    acc_trade_volume_24h atv24h, acc_trade_price atp, acc_trade_price_24h atp24h, trade_date tdt,
    trade_time ttm, trade_timestamp ttms, ask_bid ab,
    acc_ask_volume aav, acc_bid_volume abv, highest_52_week_price h52wp, highest_52_week_date h52wdt,
    lowest_52_week_price l52wp, lowest_52_week_date l52wdt, market_state ms,
    is_trading_suspended its, delisting_date dd, market_warning mw,
    timestamp tms, stream_type st, market_state_for_ios msfi""")
_TRADE = _pairs("""
    type ty, code cd, trade_price tp, trade_volume tv, ask_bid ab,
    prev_closing_price pcp, change c, change_price cp, trade_date td, trade_time ttm, trade_timestamp ttms,
    timestamp tms, sequential_id sid, best_ask_price bap, best_ask_size bas, best_bid_price bbp,
    best_bid_size bbs, stream_type st""")
_ORDERBOOK = _pairs("""
    type ty, code cd, timestamp tms, total_ask_size tas, total_bid_size tbs,
    orderbook_units obu, level lv, stream_type st""")
_CANDLE = _pairs("""
    type ty, code cd, candle_date_time_utc cdttmu, candle_date_time_kst cdttmk, opening_price op, high_price hp,
    low_price lp, trade_price tp, candle_acc_trade_volume catv, candle_acc_trade_price catp,
    timestamp tms, stream_type st""")
_MY_ORDER = _pairs("""
    type ty, code cd, uuid uid, ask_bid ab, order_type ot,
    state s, trade_uuid tuid, price p, avg_price ap,
    volume v, remaining_volume rv, executed_volume ev, trades_count tc, reserved_fee rsf,
    remaining_fee rmf, paid_fee pf, locked l, executed_funds ef, time_in_force tif,
    trade_fee tf, is_maker im, identifier id,
    smp_type smpt, prevented_volume pv, prevented_locked pl,
    trade_timestamp ttms, order_timestamp otms, timestamp tms, stream_type st""")
_MY_ASSET = _pairs("type ty, asset_uuid astuid, assets ast, asset_timestamp asttms, timestamp tms, stream_type st")
_ANNOUNCEMENT = _pairs("""
    type ty, event_type et, uuid uid, title tt, category cat,
    url url, first_listed_at flat, listed_at lat, timestamp tms, stream_type st, body bd""")
_INDICATOR = _pairs("""
    type ty, code cd, timeframe tf, indicator ind, params p, value v, candle_date_time_utc cdttmu,
    timestamp tms, stream_type st""")
_SIGNAL = {**_INDICATOR, **_pairs("trigger tr, event_params ep")}
INSIDE = {
    "orderbook_units": _pairs("ask_price ap, bid_price bp, ask_size as, bid_size bs"),
    "assets": _pairs("currency cu, balance b, locked l"),
    "params": _pairs("""
        period p, type t, short_period shp, long_period lop, multiplier m, fast f, slow s, signal_period sgp"""),
    "event_params": _pairs("threshold th, multiplier mul"),
    "value": _pairs("""
        volume vol, avg_volume av, ratio rto, rsi rsi, value value, ma_short mas, ma_long mal, bb_upper bbu,
        bb_middle bbm, bb_lower bbl, macd macd, macd_signal macds, histogram hist"""),
}

CANDLE_KINDS = tuple(f"candle.{unit}" for unit in ("1s", "1m", "3m", "5m", "10m", "15m", "30m", "60m", "240m"))
NAMES: Mapping[str, Mapping[str, str]] = {
    "ticker": _TICKER,
    "trade": _TRADE,
    "orderbook": _ORDERBOOK,
    **dict.fromkeys(CANDLE_KINDS, _CANDLE),
    "myOrder": _MY_ORDER,
    "myAsset": _MY_ASSET,
    "announcement": _ANNOUNCEMENT,
    "indicator": _INDICATOR,
    "indicator_signal": _SIGNAL,
}
CLASSES: Mapping[str, type[Any]] = {
    "ticker": model.Ticker,
    "trade": model.Trade,
    "orderbook": model.OrderBook,
    **dict.fromkeys(CANDLE_KINDS, model.Candle),
    "myOrder": model.MyOrder,
    "myAsset": model.MyAsset,
    "announcement": model.Announcement,
    "indicator": model.Indicator,
    "indicator_signal": model.IndicatorSignal,
}
KINDS = tuple(NAMES)
MARKET_KINDS = ("ticker", "trade", "orderbook", *CANDLE_KINDS)
# what is an integer by its meaning: times, ids, counts
INTEGERS = {"timestamp", "trade_timestamp", "order_timestamp", "asset_timestamp", "sequential_id", "trades_count"}

_CANDLE_EXAMPLE = """{"type": "candle.1m", "code": "KRW-BTC", "candle_date_time_utc": "2026-10-02T04:28:00",
    "candle_date_time_kst": "2026-10-02T13:28:00", "opening_price": 142009000.00000000, "high_price": 142009000,
    "low_price": 141968000.5, "trade_price": 142000000, "candle_acc_trade_volume": 0.56341227,
    "candle_acc_trade_price": 80003213.43124577, "timestamp": 1790000000101, "stream_type": "REALTIME"}"""

_EXAMPLES: Mapping[str, str] = {
    "ticker": """{"type": "ticker", "code": "SGD-BTC", "opening_price": 87123.00000000, "high_price": 88000,
        "low_price": 86001.5, "trade_price": 87555.12345678, "prev_closing_price": 87123.00000000, "change": "RISE",
        "change_price": 432.12345678, "signed_change_price": 432.12345678, "change_rate": 0.0049599241,
        "signed_change_rate": 0.0049599241, "trade_volume": 0.00012345, "acc_trade_volume": 12.34567890,
        "acc_trade_volume_24h": 23.45678901, "acc_trade_price": 1080000.123456789,
        "acc_trade_price_24h": 2050000.98765432109876, "trade_date": "20261002", "trade_time": "042811",
        "trade_timestamp": 1790000000001, "ask_bid": "BID", "acc_ask_volume": 5.5, "acc_bid_volume": 6.8456789,
        "highest_52_week_price": 170000.0, "highest_52_week_date": "2026-01-02", "lowest_52_week_price": 60000,
        "lowest_52_week_date": "2025-11-03", "market_state": "ACTIVE", "is_trading_suspended": false,
        "delisting_date": null, "market_warning": "NONE", "timestamp": 1790000000099,
        "stream_type": "SNAPSHOT", "market_state_for_ios": "ACTIVE"}""",
    "trade": """{"type": "trade", "code": "SGD-BTC", "trade_price": 87555.10000000, "trade_volume": 0.00012345,
        "ask_bid": "ASK", "prev_closing_price": 87123.00000000, "change": "FALL", "change_price": 432.1,
        "trade_date": "2026-10-02", "trade_time": "04:28:11", "trade_timestamp": 1790000000001,
        "timestamp": 1790000000099, "sequential_id": 17900000000010002, "best_ask_price": 87556,
        "best_ask_size": 0.5, "best_bid_price": 87555.1, "best_bid_size": 1.25000, "stream_type": "REALTIME"}""",
    "orderbook": """{"type": "orderbook", "code": "KRW-BTC", "timestamp": 1790000000099,
        "total_ask_size": 9.30000000, "total_bid_size": 7, "orderbook_units": [
        {"ask_price": 142010000, "bid_price": 142009000.0, "ask_size": 0.12345678, "bid_size": 0.1},
        {"ask_price": 142020000, "bid_price": 142000000.0, "ask_size": 1.50, "bid_size": 3e-8}],
        "level": 10000, "stream_type": "SNAPSHOT"}""",
    **{kind: _CANDLE_EXAMPLE.replace("candle.1m", kind) for kind in CANDLE_KINDS},
    "myOrder": """{"type": "myOrder", "code": "KRW-BTC", "uuid": "ac2dc2a3-fce9-40a2-a4f6-5987c25c438f",
        "ask_bid": "BID", "order_type": "limit", "state": "trade", "trade_uuid": "68315169-fba4-4175-ade3-aff14a616657",
        "price": 142009000.00000000, "avg_price": 141968000.123456789012345678, "volume": 0.00352,
        "remaining_volume": 0,
        "executed_volume": 0.00352, "trades_count": 1, "reserved_fee": 249.93584, "remaining_fee": 0,
        "paid_fee": 249.93584, "locked": 0.0, "executed_funds": 499871.68, "time_in_force": "ioc",
        "trade_fee": 249.93584, "is_maker": true, "identifier": "test-1", "smp_type": "cancel_maker",
        "prevented_volume": 0.00000001, "prevented_locked": 1.42009, "trade_timestamp": 1790000000001,
        "order_timestamp": 1790000000000, "timestamp": 1790000000099, "stream_type": "REALTIME"}""",
    "myAsset": """{"type": "myAsset", "asset_uuid": "e635f223-1609-4969-8fb6-4376937baad6", "assets": [
        {"currency": "KRW", "balance": 1386929.37231066771348207123, "locked": 10329.670127489597585685},
        {"currency": "BTC", "balance": 0.00000001, "locked": 0.00000000}],
        "asset_timestamp": 1790000000001, "timestamp": 1790000000099, "stream_type": "REALTIME"}""",
    "announcement": """{"type": "announcement", "event_type": "CREATED", "uuid": "9d2b6f0e-0001", "title": "점검 안내",
        "category": "maintenance", "url": "https://upbit.com/service_center/notice?id=1",
        "first_listed_at": "2026-10-02T13:00:00+09:00", "listed_at": "2026-10-02T13:28:00+09:00",
        "timestamp": 1790000000099, "stream_type": "REALTIME", "body": "본문 \\"1\\"\\n2"}""",
    "indicator": """{"type": "indicator", "code": "KRW-BTC", "timeframe": "15m", "indicator": "macd",
        "params": {"period": 14, "type": "ema", "short_period": 5, "long_period": 20, "multiplier": 2.5, "fast": 12,
        "slow": 26, "signal_period": 9}, "value": {"volume": 12.34567890, "avg_volume": 10.1, "ratio": 1.2, "rsi": 55.5,
        "value": 142000000.25, "ma_short": 1.125, "ma_long": 2.5, "bb_upper": 3.5, "bb_middle": 4.5, "bb_lower": 5.5,
        "macd": -6.5, "macd_signal": 7.5, "histogram": -0.1},
        "candle_date_time_utc": "2026-10-02T04:15:00", "timestamp": 1790000000099, "stream_type": "REALTIME"}""",
    "indicator_signal": """{"type": "indicator_signal", "code": "KRW-ETH", "timeframe": "1d", "indicator": "volume",
        "params": {"period": 20}, "trigger": "spike", "event_params": {"threshold": 70.5, "multiplier": 3},
        "value": {"volume": 12.5, "avg_volume": 4.1, "ratio": 3.0487}, "candle_date_time_utc": "2026-10-01T00:00:00",
        "timestamp": 1790000000099, "stream_type": "REALTIME"}""",
}


class Number(str):
    """A number as its text, so that its digits survive."""


def write(value: Any) -> str:
    """JSON of a value whose numbers are texts."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{write(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(write, value)) + "]"
    return value if isinstance(value, Number) else json.dumps(value, ensure_ascii=False)


def example(kind: str) -> dict[str, Any]:
    """The documented example of a type by its DEFAULT names, numbers as texts."""
    found: dict[str, Any] = json.loads(_EXAMPLES[kind], parse_float=Number, parse_int=Number)
    return found


def shortened(message: dict[str, Any]) -> dict[str, Any]:
    """The message as the SIMPLE formats write it; names that the exchange does not document stay."""
    names = NAMES.get(message["type"], {"type": "ty", "code": "cd"})
    return {names.get(name, name): _shortened_inside(name, value) for name, value in message.items()}


def _shortened_inside(name: str, value: Any) -> Any:
    names = INSIDE.get(name, {})
    if isinstance(value, list):
        return [_shortened_inside(name, item) for item in value]
    return {names.get(key, key): item for key, item in value.items()} if isinstance(value, dict) else value


def payload(message: dict[str, Any], wire_format: str) -> bytes:
    """One message on the wire."""
    text = write(shortened(message) if wire_format.startswith("SIMPLE") else message)
    return (f"[{text}]" if wire_format.endswith("_LIST") else text).encode()
