"""The classes that a decoder makes first: same slots as the public ones, other names on the wire."""

import copy
import pickle
from decimal import Decimal

import msgspec
import pytest

from upbit_stream.errors import MalformedMessage
from upbit_stream.model.messages import Candle, OrderBook, OrderBookUnit
from upbit_stream.wire import names
from upbit_stream.wire.decoder import Decoder
from upbit_stream.wire.twins import decode_units, settle, twins

from . import documented as doc

BOTH = [False, True]


@pytest.mark.parametrize("simple", BOTH)
@pytest.mark.parametrize("exact", BOTH)
def test_every_type_has_one_twin_with_the_slots_of_its_public_class(simple, exact):
    found = twins(simple, exact)
    assert [twin.kind for twin in found] == list(doc.KINDS)
    assert len({twin.decoded for twin in found}) == len(found)
    for twin in found:
        assert twin.public is doc.CLASSES[twin.kind]
        assert twin.decoded.__struct_fields__ == twin.public.__struct_fields__


def test_twins_are_made_once():
    assert twins(True, False) is twins(True, False)


@pytest.mark.parametrize("kind", doc.KINDS)
def test_the_short_names_are_the_documented_ones(kind):
    found = next(twin for twin in twins(True, False) if twin.kind == kind)
    encoded = {field.name: field.encode_name for field in msgspec.structs.fields(found.decoded)}
    assert found.decoded.__struct_config__.tag_field == "ty"
    documented = {name: short for name, short in doc.NAMES[kind].items() if name != "type"}
    assert {name: encoded[name] for name in documented} == documented


def test_the_names_inside_nested_objects_are_the_documented_ones():
    for table, name in ((names.PARAMS, "params"), (names.EVENT_PARAMS, "event_params"), (names.VALUE, "value")):
        assert dict(table) == {short: long for long, short in doc.INSIDE[name].items() if short != long}
    assert dict(names.ORDERBOOK_UNIT) == doc.INSIDE["orderbook_units"]
    assert dict(names.ASSET) == doc.INSIDE["assets"]


def test_a_settled_message_is_of_the_public_class_and_stamped():
    twin = next(twin for twin in twins(False, False) if twin.kind == "candle.1m")
    decoded = msgspec.json.decode(doc.payload(doc.example("candle.1m"), "DEFAULT"), type=twin.decoded)
    message = settle(twin, decoded, 5)
    assert message is decoded
    assert (type(message), message.received_at_ns, message.type) == (Candle, 5, "candle.1m")


# the units of an order book, decoded when they are asked for


def book(wire_format: str = "DEFAULT", *, exact: bool = False, units: bytes | None = None) -> OrderBook:
    payload = doc.payload(doc.example("orderbook"), wire_format)
    if units is not None:
        start, end = payload.index(b"[{"), payload.index(b"}]") + 2
        payload = payload[:start] + units + payload[end:]
    (found,) = Decoder(wire_format, exact=exact).decode(payload, doc.NOW)
    assert type(found) is OrderBook
    return found


def slot(found: OrderBook) -> object:
    """What the book holds now, without asking it."""
    return msgspec.structs.astuple(found)[found.__struct_fields__.index("orderbook_units")]


every_way = pytest.mark.parametrize(
    "made", [lambda one=one, exact=exact: book(one, exact=exact) for one in ("DEFAULT", "SIMPLE") for exact in BOTH]
)


@every_way
def test_units_are_decoded_when_first_asked_for_and_once(made):
    found = made()
    assert type(slot(found)) is msgspec.Raw
    units = found.orderbook_units
    assert slot(found) is units
    assert found.orderbook_units is units
    assert [type(unit) for unit in units] == [OrderBookUnit, OrderBookUnit]
    assert float(units[1].bid_size) == 3e-8


@every_way
def test_the_best_level_is_the_first_and_asking_for_it_decodes_no_other(made):
    found = made()
    best = found.best
    assert type(slot(found)) is msgspec.Raw
    assert type(best) is OrderBookUnit
    assert best == made().orderbook_units[0]
    assert found.orderbook_units[0] == best
    assert found.best is found.orderbook_units[0]


def units_of(*levels, simple):
    short = names.ORDERBOOK_UNIT
    return msgspec.json.encode(
        [{short[name] if simple else name: value for name, value in one.items()} for one in levels]
    )


@pytest.mark.parametrize("simple", BOTH)
@pytest.mark.parametrize("exact", BOTH)
@pytest.mark.parametrize("levels", [0, 1, 2, 30])
def test_the_best_level_of_a_book_of_any_depth(simple, exact, levels):
    level = {"ask_price": 1.5, "bid_price": 0.5, "ask_size": 7, "bid_size": 1e-8}
    encoded = units_of(*[level] * levels, simple=simple)
    found = book("SIMPLE" if simple else "DEFAULT", units=encoded, exact=exact)
    assert found.best == (found.orderbook_units[0] if levels else None)
    assert found.best is None or type(found.best.ask_price) is (Decimal if exact else float)


@pytest.mark.parametrize("units", [b"[{},{}]", b'[{"ap":"x","bp":1,"as":1,"bs":1},{}]', b'[{"ap":{}},{}]', b"[1,2]"])
def test_a_best_level_that_is_none_says_so(units):
    with pytest.raises(MalformedMessage, match="of an order book cannot be read"):
        book("SIMPLE", units=units).best  # noqa: B018  # asking is what raises


@every_way
@pytest.mark.parametrize(
    "use",
    [
        lambda found: found == found,
        hash,
        repr,
        lambda found: found.to_dict(),
        pickle.dumps,
        copy.deepcopy,
        lambda found: found.orderbook_units[0].ask_price,
    ],
)
def test_each_use_of_an_untouched_book_works(made, use):
    touched = made()
    assert touched.orderbook_units
    assert use(made()) == use(touched)


@every_way
def test_an_untouched_book_equals_a_touched_one(made):
    untouched, touched = made(), made()
    assert touched.orderbook_units
    assert untouched == touched
    assert (made() != touched) is False
    assert touched == made()
    assert made() == made()
    assert hash(made()) == hash(touched)
    assert len({made(), touched}) == 1


@every_way
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda found: pickle.loads(pickle.dumps(found))])  # noqa: S301
def test_a_copy_of_an_untouched_book_is_equal_and_can_be_asked(made, copied):
    found = copied(made())
    assert found == made()
    assert found.orderbook_units == made().orderbook_units
    assert found.to_dict() == made().to_dict()


def test_units_outlive_the_payload_that_they_came_in():
    found = book("SIMPLE")
    other = [book("SIMPLE", exact=True) for _ in range(100)]
    assert found.orderbook_units[0].ask_price == 142010000
    assert len(set(other)) == 1


@pytest.mark.parametrize(
    "units",
    [
        b"null",
        b"5",
        b"{}",
        b'"x"',
        b"[5]",
        b"[{}]",
        b"[[]]",
        b'[{"ask_price":1,"bid_price":2,"ask_size":3}]',
        b'[{"ask_price":"x","bid_price":2,"ask_size":3,"bid_size":4}]',
        b'[{"ap":1,"bp":2,"as":3,"bs":null}]',
        b'[{"ap":1,"bp":2,"as":3,"bs":1e999999999999999999999}]',
    ],
)
@pytest.mark.parametrize("exact", BOTH)
def test_units_that_are_none_are_told_when_asked_for(units, exact):
    found = book(exact=exact, units=units)
    assert found.code == "KRW-BTC"
    for _ in range(2):
        with pytest.raises(MalformedMessage, match="the units of an order book cannot be read: .+"):
            _ = found.orderbook_units
    with pytest.raises(MalformedMessage):
        found.to_dict()
    assert "cannot be read" in repr(found)
    assert "code='KRW-BTC'" in repr(found)


def test_deep_nesting_in_a_unit_is_told_too():
    deep = b"[" * 100_000 + b"]" * 100_000
    with pytest.raises(MalformedMessage):
        decode_units(msgspec.Raw(b'[{"ap":1,"bp":2,"as":3,"bs":4,"x":' + deep + b"}]"), exact=False)


@pytest.mark.parametrize("wire_format", ["DEFAULT", "SIMPLE"])
def test_a_book_without_units_has_none(wire_format):
    assert book(wire_format, units=b"[]").orderbook_units == ()
