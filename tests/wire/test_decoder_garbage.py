"""Whatever bytes come, the decoder answers with values: no exception leaves it but those it names."""

import json
import random
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upbit_stream.errors import MalformedMessage
from upbit_stream.model.messages import AnyMessage, OrderBook
from upbit_stream.wire.decoder import UNREADABLE, Decoder, Reply, Unreadable, read_head, split

from . import documented as doc

steady = settings(derandomize=True, deadline=None)  # the same inputs every time, on any machine

CAPTURE = Path(__file__).parent.parent / "captures" / "upbit-kr-2021-04-17.tsv"
REPLIES = [
    {"error": {"name": "WRONG_FORMAT", "message": "text"}},
    {"status": "UP"},
    {"method": "LIST_SUBSCRIPTIONS", "result": [{"type": "trade", "codes": ["A-B"]}], "ticket": "t"},
    {"mthd": "LIST_SUBSCRIPTIONS", "rslt": [{"ty": "trade", "cds": ["A-B"]}], "tckt": "t"},
    {"type": "liquidation", "code": "A-B"},
]
REAL = [
    *(line.split(b"\t", 1)[1] for line in CAPTURE.read_bytes().splitlines()),
    *(doc.payload(doc.example(kind), one) for kind in doc.KINDS for one in doc.FORMATS),
    *(json.dumps(reply).encode() for reply in REPLIES),
    *(json.dumps([reply]).encode() for reply in REPLIES),
]
DECODERS = [Decoder(one, exact=exact) for one in doc.FORMATS for exact in (False, True)]
RESULTS = (*get_args(AnyMessage), *get_args(Reply), Unreadable)

_NINES = b"9" * 4301  # more digits than Python turns into an int
VALUES = [
    *(b"null", b"true", b"{}", b"[]", b'""', b"0", b"-0", b"-1", b"1.5", b"NaN", b"-Infinity", b"Infinity", b"nan"),
    *(b'"NaN"', b'"sNaN123"', b'"Infinity"', b'"-Infinity"', b'"1.5"', b'"1e999999999999999999999"', b'"12_3"'),
    *(b"1e999", b"-1e999", b"1e-999", b"1e99999999999999999999", b"1e-99999999999999999999", b"1e", b"01", b"+1"),
    *(b"9223372036854775808", b"-9223372036854775809", b"18446744073709551616", b"340282366920938463463374607431768"),
    *(_NINES, b"-" + _NINES, b"0." + _NINES, _NINES + b".5", _NINES + b"e5", b'"' + _NINES + b'"', b".5", b"5."),
    *(b'"\\ud800"', b'"\\udc00\\ud800"', b'"\\ud83d\\ude00"', b'"\\u0000"', b'"\\x"', b'"\\u12"'),
    *(b'"\xff\xfe"', b'"\xed\xa0\x80"', b'"\xc0\x80"', b'"\x00"', b'"\n"'),
    *(b"[" * 100 + b"]" * 100, b"[" * 20_000, b'{"a":' * 990 + b"1" + b"}" * 990, b'{"a":' * 20_000),
    *(b'[{"ap":1}]', b'[{"ask_price":null}]', b"[[]]", b'[{"cu":1}]', b'{"p":' + _NINES + b"}", b'{"p":1e999}'),
]
SCALAR = re.compile(rb'"[^"]*"|-?[0-9][0-9.]*|true|false|null')


def bit_flip(payload: bytearray, rng: random.Random) -> None:
    payload[rng.randrange(len(payload))] ^= 1 << rng.randrange(8)


def cut(payload: bytearray, rng: random.Random) -> None:
    start = rng.randrange(len(payload))
    del payload[start : rng.choice([start + 1, start + rng.randrange(40), len(payload)])]


def insert(payload: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(payload) + 1)
    payload[at:at] = rng.choice([rng.randbytes(rng.randrange(1, 9)), b"\x00", b'"', b"}", b"]", b"{", b"[", b",", b" "])


def replace_value(payload: bytearray, rng: random.Random) -> None:
    places = list(SCALAR.finditer(payload))
    if places:
        place = rng.choice(places)
        payload[place.start() : place.end()] = rng.choice(VALUES)


def repeat_key(payload: bytearray, rng: random.Random) -> None:
    names = re.findall(rb'("[^"]*"):', payload)
    at = payload.find(b"{") + 1
    if names and at:
        payload[at:at] = rng.choice(names) + b":" + rng.choice(VALUES) + b","


def splice(payload: bytearray, rng: random.Random) -> None:
    other = rng.choice(REAL)
    payload[rng.randrange(len(payload)) :] = other[rng.randrange(len(other)) :]


MUTATIONS = [bit_flip, cut, insert, replace_value, replace_value, repeat_key, splice]


def mutated(rng: random.Random) -> bytes:
    payload = bytearray(rng.choice(REAL))
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        if payload:
            rng.choice(MUTATIONS)(payload, rng)
    return bytes(payload)


def check(decoder: Decoder, payload: bytes) -> list[Any]:
    """Everything that the users of a decoder rely on."""
    try:
        decoder.fast(payload)
    except UNREADABLE:
        assert all(not isinstance(item, bytes) or read_head(item) is not None for item in split(payload))
    found = decoder.decode(payload, doc.NOW)
    assert type(found) is list
    for item in found:
        assert type(item) in RESULTS
        if isinstance(item, Unreadable):
            assert item.reason
            assert item.payload in payload
        elif type(item) is OrderBook:
            check_units(item)
        if isinstance(item, AnyMessage):
            assert item.received_at_ns == doc.NOW
            assert repr(item)
    return found


def check_units(book: OrderBook) -> None:
    try:
        units = book.orderbook_units
    except MalformedMessage:
        return
    assert type(units) is tuple
    assert book.to_dict()["orderbook_units"] == [unit.to_dict() for unit in units]


def test_mutated_traffic_raises_nothing():
    rng = random.Random(20210417)
    unreadable = 0
    for _ in range(24_000):
        found = check(rng.choice(DECODERS), mutated(rng))
        unreadable += any(isinstance(item, Unreadable) for item in found)
    assert 5_000 < unreadable < 23_000  # the mutations neither spoil everything nor nothing


@pytest.mark.parametrize("decoder", DECODERS, ids=lambda decoder: f"{decoder.wire_format}-{decoder.exact}")
@pytest.mark.parametrize("kind", [kind for kind in doc.KINDS if not kind.startswith("candle") or kind == "candle.1m"])
def test_no_value_of_a_field_raises(decoder, kind):
    payload = doc.payload(doc.example(kind), decoder.wire_format)
    for place in SCALAR.finditer(payload):
        for value in VALUES:
            check(decoder, payload[: place.start()] + value + payload[place.end() :])


@steady
@given(st.binary(max_size=200), st.sampled_from(DECODERS))
def test_any_bytes_raise_nothing(payload, decoder):
    check(decoder, payload)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(set(doc.NAMES["trade"]))), inner)
    ),
    max_leaves=10,
)


@steady
@given(ANY_JSON, st.sampled_from(doc.KINDS), st.sampled_from(DECODERS))
def test_any_json_raises_nothing(content, kind, decoder):
    for value in (content, [content], {"type": kind, "x": content}, {"ty": kind, "cd": content}, {"error": content}):
        check(decoder, json.dumps(value).encode())


@steady
@given(st.data(), st.sampled_from(DECODERS))
def test_a_real_message_with_any_bytes_in_it_raises_nothing(data, decoder):
    payload = data.draw(st.sampled_from(REAL))
    start = data.draw(st.integers(0, len(payload)))
    end = data.draw(st.integers(start, len(payload)))
    check(decoder, payload[:start] + data.draw(st.binary(max_size=30)) + payload[end:])
