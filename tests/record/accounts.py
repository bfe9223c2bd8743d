"""Rows of an account, as short as tests want them."""

from __future__ import annotations

import json

from upbit_stream.model.raw import RawMessage
from upbit_stream.wire.names import MY_ASSET, MY_ORDER


def order(uuid, at_ns, state="wait", executed="0", *, stream_type="REALTIME", code="SGD-BTC", simple=False):
    fields = {
        "type": "myOrder",
        "code": code,
        "uuid": uuid,
        "ask_bid": "BID",
        "order_type": "limit",
        "state": state,
        "executed_volume": None if executed is None else float(executed),
        "timestamp": at_ns // 1_000_000,
        "stream_type": stream_type,
    }
    return RawMessage(_payload(fields, MY_ORDER, simple), "myOrder", code, at_ns)


def assets(at_ns, *rows, stream_type="REALTIME", simple=False):
    """``rows`` are ``(currency, balance)`` or ``(currency, balance, locked)``."""
    short = simple and {"currency": "cu", "balance": "b", "locked": "l"}
    told = []
    for currency, balance, *locked in rows:
        asset = {"currency": currency, "balance": float(balance), "locked": float(*locked) if locked else 0}
        told.append({short[name]: value for name, value in asset.items()} if short else asset)
    fields = {
        "type": "myAsset",
        "asset_uuid": "u",
        "assets": told,
        "asset_timestamp": at_ns // 1_000_000,
        "timestamp": at_ns // 1_000_000,
        "stream_type": stream_type,
    }
    return RawMessage(_payload(fields, MY_ASSET, simple), "myAsset", "", at_ns)


def _payload(fields, names, simple):
    return json.dumps({{"type": "ty", **names}[name] if simple else name: fields[name] for name in fields}).encode()
