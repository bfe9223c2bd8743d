"""Recordings made by the recorder, for verification to be tried on."""

import json

from upbit_stream.model.raw import RawMessage
from upbit_stream.record import Recorder
from upbit_stream.record.verify import Verification
from upbit_stream.wire.names import TRADE

START_MS = 1_760_000_000_000
MS = 1_000_000


def trade(sequential_id, executed_ms=None, code="SGD-BTC", price=100.5, stream_type="REALTIME", simple=False):
    """The payload of a trade, as the exchange would send it."""
    executed_ms = START_MS + sequential_id if executed_ms is None else executed_ms
    fields = {
        "code": code,
        "trade_price": price,
        "trade_volume": 0.25,
        "ask_bid": "BID",
        "prev_closing_price": 99.5,
        "change": "RISE",
        "change_price": 1.0,
        "trade_date": "2025-10-09",
        "trade_time": "08:53:20",
        "trade_timestamp": executed_ms,
        "timestamp": executed_ms,
        "sequential_id": sequential_id,
        "stream_type": stream_type,
    }
    if simple:
        fields = {TRADE[name]: value for name, value in fields.items()}
    return json.dumps({"ty" if simple else "type": "trade", **fields}).encode()


def record(directory, *payloads, type_="trade", code="SGD-BTC", received_ms=START_MS):
    """Have the recorder write them, a ms apart."""
    with Recorder(directory) as recorder:
        for number, payload in enumerate(payloads):
            recorder.write(RawMessage(payload, type_, code, (received_ms + number) * MS))
    return directory


def verified(directory, limit=None):
    """What a verification says of each file, by its name, and of the whole."""
    verification = Verification(directory, limit=limit)
    for _ in verification.files():
        pass
    return {file.file: file for file in verification.report.files}, verification.report


def lines_of(path):
    return path.read_bytes().splitlines(keepends=True)
