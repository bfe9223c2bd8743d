"""The messages that the exchange really sent on 17 April 2021."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from upbit_stream.model import messages as model
from upbit_stream.wire.decoder import Decoder

from . import documented as doc

CAPTURE = Path(__file__).parent.parent / "captures" / "upbit-kr-2021-04-17.tsv"
CAPTURED = [line.split(b"\t", 1)[1] for line in CAPTURE.read_bytes().splitlines()]

every_format = pytest.mark.parametrize("wire_format", doc.FORMATS)


def check_capture(found: list[Any]) -> None:
    for payload, message in zip(CAPTURED, found, strict=True):
        sent = json.loads(payload)
        assert type(message) is {"trade": model.Trade, "orderbook": model.OrderBook}[sent["ty"]]
        assert (message.code, message.timestamp, message.stream_type) == (sent["cd"], sent["tms"], sent["st"])
        if isinstance(message, model.Trade):
            assert (message.trade_price, message.trade_volume) == (sent["tp"], sent["tv"])
            assert (message.sequential_id, message.trade_date, message.trade_time) == (
                (sent["sid"], sent["td"], sent["ttm"])
            )
            best = (message.best_ask_price, message.best_ask_size, message.best_bid_price, message.best_bid_size)
            assert best == (None, None, None, None)
        else:
            assert message.level is None
            assert [
                (unit.ask_price, unit.bid_price, unit.ask_size, unit.bid_size) for unit in message.orderbook_units
            ] == [(unit["ap"], unit["bp"], unit["as"], unit["bs"]) for unit in sent["obu"]]


def test_the_capture_has_all_its_messages():
    assert len(CAPTURED) == 260


@every_format
def test_old_traffic_is_read_one_by_one_and_in_lists(wire_format):
    decoder = Decoder(wire_format)
    check_capture([message for payload in CAPTURED for message in decoder.decode(payload, doc.NOW)])
    check_capture(decoder.decode(b"[" + b",".join(CAPTURED) + b"]", doc.NOW))


def test_old_traffic_is_read_exactly():
    decoder = Decoder("SIMPLE", exact=True)
    for payload in CAPTURED:
        (message,) = decoder.decode(payload, doc.NOW)
        sent = json.loads(payload, parse_float=Decimal)
        if sent["ty"] == "trade":
            assert (str(message.trade_price), str(message.trade_volume)) == (str(sent["tp"]), str(sent["tv"]))
        else:
            assert [str(unit.ask_size) for unit in message.orderbook_units] == [str(unit["as"]) for unit in sent["obu"]]
