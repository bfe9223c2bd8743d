"""Rows of trades and candles, and events about gaps, as short as tests want them."""

from __future__ import annotations

import json

from upbit_stream.model.events import Gap, Recovered
from upbit_stream.model.raw import RawMessage

S = 1_000_000_000
NOW = 1_790_000_000 * S


def trade(id_, at_ns, *, traded_ns=None, stream_type="REALTIME", code="SGD-BTC", simple=False):
    traded_ms = (at_ns if traded_ns is None else traded_ns) // 1_000_000
    names = ("ty", "cd", "ttms", "sid", "st") if simple else ("type", "code", "trade_timestamp", "sequential_id")
    names = names if simple else (*names, "stream_type")
    payload = dict(zip(names, ("trade", code, traded_ms, id_, stream_type), strict=True))
    return RawMessage(json.dumps(payload).encode(), "trade", code, at_ns)


def candle(begin, at_ns, *, stamp=1, volume=1.0, stream_type="REALTIME", simple=False, unit="1m"):
    names = ("ty", "cd", "cdttmu", "tms", "catv", "st")
    if not simple:
        names = ("type", "code", "candle_date_time_utc", "timestamp", "candle_acc_trade_volume", "stream_type")
    payload = dict(zip(names, (f"candle.{unit}", "SGD-BTC", begin, stamp, volume, stream_type), strict=True))
    return RawMessage(json.dumps(payload).encode(), f"candle.{unit}", "SGD-BTC", at_ns)


def plain(type_, code, at_ns):
    payload = {"type": type_, "code": code} if code else {"type": type_}
    return RawMessage(json.dumps(payload).encode(), type_, code, at_ns)


def gap(number=1, *, from_ns=NOW, to_ns=NOW + 10 * S, lost="", type_="trade", code="SGD-BTC", reason="reset"):
    return Gap(
        at_ns=to_ns,
        number=number,
        message_type=type_,
        code=code,
        from_ns=from_ns,
        to_ns=to_ns,
        reason=reason,
        lost=lost,
    )


def recovered(number=1, *, count=3, from_ns=NOW, to_ns=NOW + 10 * S, type_="trade", code="SGD-BTC"):
    return Recovered(
        at_ns=to_ns, number=number, message_type=type_, code=code, from_ns=from_ns, to_ns=to_ns, count=count
    )
