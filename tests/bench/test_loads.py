"""The loads: what is sent has the shape of the exchange's, and every frame can be read."""

import json
import struct
import zlib
from dataclasses import replace

import pytest
from bench.loads import CHUNK, CODES, LOADS, chunks, payloads

from upbit_stream.model.messages import OrderBook, Ticker, Trade
from upbit_stream.wire.decoder import Decoder

SIZES = {"A": (400, 480), "B": (2_700, 3_000), "C": (800, 950), "D": (400, 480), "E": (400, 480)}


def frames(stream: bytes) -> list[tuple[int, bytes]]:
    """The first byte and the payload of each frame, read by RFC 6455."""
    found = []
    while stream:
        head, size, at = stream[0], stream[1], 2
        assert size < 128, "a server does not mask"
        if size == 126:
            [size], at = struct.unpack(">H", stream[2:4]), 4
        elif size == 127:
            [size], at = struct.unpack(">Q", stream[2:10]), 10
        found.append((head, stream[at : at + size]))
        assert len(found[-1][1]) == size
        stream = stream[at + size :]
    return found


@pytest.mark.parametrize("load", LOADS.values(), ids=LOADS)
def test_messages_are_as_large_as_the_exchanges(load):
    sizes = [len(payload) for payload in payloads(load, 2 * CHUNK)]
    least, most = SIZES[load.name]
    assert least < sum(sizes) / len(sizes) < most


@pytest.mark.parametrize("load", LOADS.values(), ids=LOADS)
def test_our_decoder_reads_every_message_without_a_second_look(load):
    decode = Decoder(load.format).fast
    assert {type(decode(payload)).__name__ for payload in payloads(load, CHUNK)} <= {
        "_TradeTwin",
        "_OrderBookTwin",
        "_TickerTwin",
    }


def test_load_a_is_four_trades_to_one_book_of_15_levels_in_every_market():
    decoder = Decoder("SIMPLE")
    messages = [message for payload in payloads(LOADS["A"], CHUNK) for message in decoder.decode(payload)]
    trades = [message for message in messages if type(message) is Trade]
    books = [message for message in messages if type(message) is OrderBook]
    assert (len(trades), len(books)) == (800, 200)
    assert {len(book.orderbook_units) for book in books} == {15}
    assert {trade.code for trade in trades} == {book.code for book in books} == set(CODES)


@pytest.mark.parametrize(("name", "kind", "levels"), [("B", OrderBook, 30), ("C", Ticker, None)])
def test_the_other_loads_are_of_one_type(name, kind, levels):
    decoder = Decoder("DEFAULT")
    messages = [message for payload in payloads(LOADS[name], 50) for message in decoder.decode(payload)]
    assert {type(message) for message in messages} == {kind}
    if levels:
        assert {len(book.orderbook_units) for book in messages} == {levels}


def test_no_trade_has_the_id_of_another_and_they_rise():
    found = [json.loads(payload) for payload in payloads(LOADS["A"], 3 * CHUNK)]
    ids = [message["sid"] for message in found if message["ty"] == "trade"]
    assert len(ids) == 2_400
    assert ids == sorted(set(ids))


def test_the_same_seed_makes_the_same_and_another_seed_something_else():
    def prices(seed: int) -> list[float]:
        return [json.loads(payload)["trade_price"] for payload in payloads(LOADS["C"], 50, seed=seed)]

    assert prices(1) == prices(1) != prices(2)


@pytest.mark.parametrize("name", ["A", "B", "C"])
def test_chunks_are_the_same_messages_as_frames(name):
    pieces = list(chunks(LOADS[name], 2 * CHUNK + 10))
    assert [len(frames(piece)) for piece in pieces] == [CHUNK, CHUNK, 10]
    found = frames(b"".join(pieces))
    assert {head for head, _ in found} == {0x82}
    assert sum(len(payload) for _, payload in found) == sum(map(len, payloads(LOADS[name], 2 * CHUNK + 10)))


def test_what_repeats_is_held_once():
    first, second, _ = chunks(LOADS["B"], 2 * CHUNK + 1)
    assert first is second


def test_deflated_messages_are_one_stream_with_its_window_kept():
    inflater = zlib.decompressobj(-15)
    found = frames(b"".join(chunks(LOADS["E"], CHUNK)))
    plain = [inflater.decompress(payload + b"\x00\x00\xff\xff") for _, payload in found]
    assert {head for head, _ in found} == {0xC2}
    assert [json.loads(message)["ty"] for message in plain] == [
        json.loads(payload)["ty"] for payload in payloads(LOADS["E"], CHUNK)
    ]
    assert sum(len(payload) for _, payload in found) < sum(map(len, plain)) / 4


def test_a_load_can_be_had_under_the_other_names():
    payload = next(payloads(replace(LOADS["A"], format="DEFAULT"), 1))
    [message] = Decoder("DEFAULT").decode(payload)
    assert type(message) in (Trade, OrderBook)
    assert b'"type"' in payload
