"""The units of a long order book are left out of the parse; what comes out is the same, unless they are no JSON."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from tests.native.lanes import Watched
from tests.native.test_lane import SPOILT

from upbit_stream.model.messages import OrderBook
from upbit_stream.native import native
from upbit_stream.wire import names
from upbit_stream.wire.decoder import Decoder
from upbit_stream.wire.twins import _become, _first_object

LEVEL = ("ask_price", "bid_price", "ask_size", "bid_size")
ODD = ["]", "}", "[{", '","obu":[{', "\\", 'a"]},', "x" * 300]
odd_values = st.one_of(
    st.integers(-5, 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.none(),
    st.sampled_from(ODD),
    st.lists(st.sampled_from(ODD), max_size=2),
    st.dictionaries(st.sampled_from([*ODD, "obu", "orderbook_units"]), st.integers(), max_size=2),
)


@st.composite
def books(draw, simple):
    """Mostly what the exchange sends, with something new in it now and then."""
    short = {**names.ORDERBOOK, **names.ORDERBOOK_UNIT, "type": "ty"} if simple else {}
    count = draw(st.sampled_from([0, 1, 2, 15, 30]))
    units = [{short.get(name, name): 1.5 + number for name in LEVEL} for number in range(count)]
    for _ in range(draw(st.integers(0, 2)) if units else 0):
        draw(st.sampled_from(units))[draw(st.sampled_from(["new", short.get("ask_size", "ask_size")]))] = draw(
            odd_values
        )
    fields = [("type", "orderbook"), ("code", "SGD-A"), ("timestamp", 7), ("total_ask_size", 1), ("total_bid_size", 2)]
    fields += [("orderbook_units", units), ("level", 0), ("stream_type", "REALTIME")]
    fields = [(short.get(name, name), value) for name, value in fields]
    if draw(st.booleans()):
        fields.insert(
            draw(st.integers(0, len(fields))), (draw(st.sampled_from(["new", *short.values()])), draw(odd_values))
        )
    if draw(st.booleans()):
        del fields[draw(st.integers(0, len(fields) - 1))]
    separators = draw(st.sampled_from([(",", ":"), (", ", ": ")]))
    return json.dumps(dict(fields), separators=separators).encode()


def seen(twin, simple, exact, consumers, payloads):
    watched = Watched(twin, "SIMPLE" if simple else "DEFAULT", exact=exact)
    watched.listen(consumers, (), ())
    for payload in payloads:
        watched.intake.receive(payload)
    return watched.state()


@given(
    st.booleans().flatmap(lambda simple: st.tuples(st.just(simple), st.lists(books(simple), max_size=3))), st.booleans()
)
def test_both_lanes_make_the_same_books(case, exact):
    simple, payloads = case
    assert seen("c", simple, exact, ["consume"], payloads) == seen("python", simple, exact, ["consume"], payloads)


@given(st.booleans(), st.integers(0, 2**32))
def test_what_is_spoilt_around_the_units_is_found(simple, seed):
    chance = random.Random(seed)
    unit = dict.fromkeys(("ap", "bp", "as", "bs") if simple else LEVEL, 1.5)
    fields = {"type": "orderbook", "code": "A", "timestamp": 7, "total_ask_size": 1.0, "total_bid_size": 2.0}
    fields |= {"orderbook_units": [unit] * 15, "stream_type": "REALTIME"}
    short = {**names.ORDERBOOK, "type": "ty"} if simple else {}
    payload = json.dumps(
        {short.get(name, name): value for name, value in fields.items()}, separators=(",", ":")
    ).encode()
    first, last = payload.index(b"["), payload.index(b"]")
    payloads = []
    for _ in range(10):
        at = chance.choice([*range(first), *range(last + 1, len(payload))])
        payloads.append(payload[:at] + chance.choice(SPOILT) + payload[at + chance.randint(0, 1) :])
    assert seen("c", simple, False, ["consume"], payloads) == seen("python", simple, False, ["consume"], payloads)


@given(st.one_of(books(True), books(False), st.binary(max_size=300)), st.integers(0, 300))
def test_both_find_the_same_first_object(payload, end):
    for text in (payload, payload[payload.find(b"[") :], payload[payload.find(b"[") :][:end], b"[{" + payload):
        assert native.first_object(Raw(text)) == _first_object(Raw(text))


@pytest.mark.parametrize("become", [_become, native and native.become])
def test_each_becomes_the_other(become):
    class Made:
        __slots__ = ("x",)

    class Public:
        __slots__ = ("x",)

    items = (Made(), Made(), Public(), Made())
    become(items, Public)
    assert {type(item) for item in items} == {Public}
    become((), Public)
    with pytest.raises(TypeError):
        become((1,), Public)
    with pytest.raises(TypeError):
        become((Made(), 1), Public)


def test_a_book_keeps_the_bytes_of_its_units_alone():
    watched = Watched("c")
    got: list[OrderBook] = []
    watched.outlet.all = (got.append,)
    watched.intake.refresh()
    unit = dict.fromkeys(LEVEL, 1.5)
    fields = {"type": "orderbook", "code": "A", "timestamp": 7, "total_ask_size": 1, "total_bid_size": 2}
    payload = json.dumps(fields | {"orderbook_units": [unit] * 15, "stream_type": ""}, separators=(",", ":")).encode()
    watched.intake.receive(payload)
    [plain] = Decoder().decode(payload, 100)
    assert got == [plain]
    assert got[0].best == plain.orderbook_units[0]
