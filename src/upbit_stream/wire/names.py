"""The short field names of the SIMPLE formats, type by type, as the exchange documents them.

Owns these tables only. A short name's meaning depends on the type (``td`` in a trade is the ticker's ``tdt``).
"""

from __future__ import annotations

from collections.abc import Mapping

TICKER: Mapping[str, str] = {
    "code": "cd",
    "opening_price": "op",
    "high_price": "hp",
    "low_price": "lp",
    "trade_price": "tp",
    "prev_closing_price": "pcp",
    "change": "c",
    "change_price": "cp",
    "signed_change_price": "scp",
    "change_rate": "cr",
    "signed_change_rate": "scr",
    "trade_volume": "tv",
    "acc_trade_volume": "atv",
    "acc_trade_volume_24h": "atv24h",
    "acc_trade_price": "atp",
    "acc_trade_price_24h": "atp24h",
    "trade_date": "tdt",
    "trade_time": "ttm",
    "trade_timestamp": "ttms",
    "ask_bid": "ab",
    "acc_ask_volume": "aav",
    "acc_bid_volume": "abv",
    "highest_52_week_price": "h52wp",
    "highest_52_week_date": "h52wdt",
    "lowest_52_week_price": "l52wp",
    "lowest_52_week_date": "l52wdt",
    "timestamp": "tms",
    "stream_type": "st",
    "market_state": "ms",
    "is_trading_suspended": "its",
    "delisting_date": "dd",
    "market_warning": "mw",
    "trade_status": "ts",
    "market_state_for_ios": "msfi",
}

TRADE: Mapping[str, str] = {
    "code": "cd",
    "trade_price": "tp",
    "trade_volume": "tv",
    "ask_bid": "ab",
    "prev_closing_price": "pcp",
    "change": "c",
    "change_price": "cp",
    "trade_date": "td",
    "trade_time": "ttm",
    "trade_timestamp": "ttms",
    "timestamp": "tms",
    "sequential_id": "sid",
    "stream_type": "st",
    "best_ask_price": "bap",
    "best_ask_size": "bas",
    "best_bid_price": "bbp",
    "best_bid_size": "bbs",
}

ORDERBOOK: Mapping[str, str] = {
    "code": "cd",
    "timestamp": "tms",
    "total_ask_size": "tas",
    "total_bid_size": "tbs",
    "orderbook_units": "obu",
    "stream_type": "st",
    "level": "lv",
}

ORDERBOOK_UNIT: Mapping[str, str] = {
    "ask_price": "ap",
    "bid_price": "bp",
    "ask_size": "as",
    "bid_size": "bs",
}

CANDLE: Mapping[str, str] = {
    "code": "cd",
    "candle_date_time_utc": "cdttmu",
    "candle_date_time_kst": "cdttmk",
    "opening_price": "op",
    "high_price": "hp",
    "low_price": "lp",
    "trade_price": "tp",
    "candle_acc_trade_volume": "catv",
    "candle_acc_trade_price": "catp",
    "timestamp": "tms",
    "stream_type": "st",
}

MY_ORDER: Mapping[str, str] = {
    "code": "cd",
    "uuid": "uid",
    "ask_bid": "ab",
    "order_type": "ot",
    "state": "s",
    "timestamp": "tms",
    "stream_type": "st",
    "trade_uuid": "tuid",
    "price": "p",
    "avg_price": "ap",
    "volume": "v",
    "remaining_volume": "rv",
    "executed_volume": "ev",
    "trades_count": "tc",
    "reserved_fee": "rsf",
    "remaining_fee": "rmf",
    "paid_fee": "pf",
    "locked": "l",
    "executed_funds": "ef",
    "time_in_force": "tif",
    "trade_fee": "tf",
    "is_maker": "im",
    "identifier": "id",
    "smp_type": "smpt",
    "prevented_volume": "pv",
    "prevented_locked": "pl",
    "trade_timestamp": "ttms",
    "order_timestamp": "otms",
}

ASSET: Mapping[str, str] = {"currency": "cu", "balance": "b", "locked": "l"}

MY_ASSET: Mapping[str, str] = {
    "asset_uuid": "astuid",
    "assets": "ast",
    "asset_timestamp": "asttms",
    "timestamp": "tms",
    "stream_type": "st",
}

ANNOUNCEMENT: Mapping[str, str] = {
    "event_type": "et",
    "uuid": "uid",
    "title": "tt",
    "category": "cat",
    "url": "url",
    "first_listed_at": "flat",
    "listed_at": "lat",
    "timestamp": "tms",
    "stream_type": "st",
    "body": "bd",
}

INDICATOR: Mapping[str, str] = {
    "code": "cd",
    "timeframe": "tf",
    "indicator": "ind",
    "params": "p",
    "value": "v",
    "candle_date_time_utc": "cdttmu",
    "timestamp": "tms",
    "stream_type": "st",
}

INDICATOR_SIGNAL: Mapping[str, str] = {**INDICATOR, "trigger": "tr", "event_params": "ep"}

# Inside an indicator's nested objects: short name to DEFAULT name.
PARAMS: Mapping[str, str] = {
    "p": "period",
    "t": "type",
    "shp": "short_period",
    "lop": "long_period",
    "m": "multiplier",
    "f": "fast",
    "s": "slow",
    "sgp": "signal_period",
}
EVENT_PARAMS: Mapping[str, str] = {"th": "threshold", "mul": "multiplier"}
VALUE: Mapping[str, str] = {
    "vol": "volume",
    "av": "avg_volume",
    "rto": "ratio",
    "mas": "ma_short",
    "mal": "ma_long",
    "bbu": "bb_upper",
    "bbm": "bb_middle",
    "bbl": "bb_lower",
    "macds": "macd_signal",
    "hist": "histogram",
}
