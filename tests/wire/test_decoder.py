"""Every type from every format, with floats and with exact numbers."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upbit_stream.model import messages as model
from upbit_stream.wire.decoder import Decoder

from . import documented as doc

steady = settings(derandomize=True, deadline=None)  # the same inputs every time, on any machine

UNDOCUMENTED = {"ticker": {"trade_status": None}}  # what messages have beyond the examples

every_kind = pytest.mark.parametrize("kind", doc.KINDS)
every_format = pytest.mark.parametrize("wire_format", doc.FORMATS)
both_ways = pytest.mark.parametrize("exact", [False, True], ids=["float", "exact"])


def decode(payload: bytes, wire_format: str = "DEFAULT", *, exact: bool = False) -> Any:
    (found,) = Decoder(wire_format, exact=exact).decode(payload, doc.NOW)
    return found


def with_numbers(value: Any, number: Any, name: str = "") -> Any:
    """An example with its texts of numbers made numbers: ``number``, or int where the name means one."""
    if isinstance(value, doc.Number):
        return int(value) if name in doc.INTEGERS else number(value)
    if isinstance(value, dict):
        return {key: with_numbers(item, number, key) for key, item in value.items()}
    return [with_numbers(item, number) for item in value] if isinstance(value, list) else value


def untyped(text: str, fraction: Any) -> Any:
    """A number inside an indicator: its own form decides whether it is an integer."""
    return int(text) if text.lstrip("-").isdigit() else fraction(text)


def numbers_of(kind: str, *, exact: bool) -> Any:
    fraction = Decimal if exact or kind in ("myOrder", "myAsset") else float
    return (lambda text: untyped(text, fraction)) if kind.startswith("indicator") else fraction


def digits(value: Any) -> Any:
    """The value with each number as its type and exact digits: Decimal("1.0") equals Decimal("1"), this does not."""
    if isinstance(value, dict):
        return {key: digits(item) for key, item in value.items()}
    if isinstance(value, list):
        return [digits(item) for item in value]
    return (type(value), value.as_tuple()) if isinstance(value, Decimal) else (type(value), value)


@every_kind
@every_format
@both_ways
def test_each_type_is_decoded_with_all_its_fields(kind, wire_format, exact):
    found = decode(doc.payload(doc.example(kind), wire_format), wire_format, exact=exact)
    assert type(found) is doc.CLASSES[kind]
    assert found.type == kind
    assert found.received_at_ns == doc.NOW
    wanted = with_numbers(doc.example(kind), numbers_of(kind, exact=exact))
    fields = {**wanted, **UNDOCUMENTED.get(kind, {}), "received_at_ns": doc.NOW}
    assert digits(found.to_dict()) == digits(fields)
    assert next(iter(found.to_dict())) == "type"
    assert {name: getattr(found, name) for name in wanted if type(wanted[name]) not in (dict, list)} == {
        name: value for name, value in wanted.items() if type(value) not in (dict, list)
    }


@every_kind
@both_ways
def test_a_message_is_the_same_from_every_format(kind, exact):
    found = [decode(doc.payload(doc.example(kind), one), one, exact=exact) for one in doc.FORMATS]
    assert all(message == found[0] for message in found)
    assert not any(message != found[0] for message in found)
    assert len(set(found)) == 1
    assert len({repr(message) for message in found}) == 1


@every_kind
@every_format
@pytest.mark.parametrize("connection", doc.FORMATS)
def test_a_message_in_another_format_than_the_connections_is_read_too(kind, wire_format, connection):
    payload = doc.payload(doc.example(kind), wire_format)
    assert decode(payload, connection) == decode(payload, wire_format)


@every_kind
@every_format
def test_the_fast_path_takes_every_type(kind, wire_format):
    fast = Decoder(wire_format).fast(doc.payload(doc.example(kind), wire_format))
    assert isinstance(fast, list) == wire_format.endswith("_LIST")


def test_the_examples_show_every_field_that_a_message_has():
    for kind in doc.KINDS:
        names = {"type", *doc.CLASSES[kind].__struct_fields__} - {"received_at_ns"}
        assert names == {*doc.example(kind), *UNDOCUMENTED.get(kind, {})}
        if kind != "indicator_signal":
            assert set(doc.NAMES[kind]) == set(doc.example(kind))


@every_format
def test_a_list_holds_several_messages_in_their_order(wire_format):
    texts = [doc.write(doc.shortened(doc.example(kind))) for kind in doc.KINDS]
    found = Decoder(wire_format).decode(f" [ {' , '.join(texts)} ]\n".encode(), doc.NOW)
    assert [getattr(message, "type", None) for message in found] == list(doc.KINDS)
    assert [type(message) for message in found] == [doc.CLASSES[kind] for kind in doc.KINDS]


@every_format
def test_an_empty_list_holds_nothing(wire_format):
    assert Decoder(wire_format).decode(b"[]", doc.NOW) == []


def test_the_older_servers_fields_are_kept():
    ticker = decode(doc.payload({**doc.example("ticker"), "trade_status": "ACTIVE"}, "DEFAULT"))
    assert (ticker.trade_status, ticker.market_state_for_ios) == ("ACTIVE", "ACTIVE")


# exact numbers

WIRE_NUMBERS = st.builds(
    lambda sign, whole, fraction, exponent: f"{sign}{whole}{fraction}{exponent}",
    st.sampled_from(["", "-"]),
    st.from_regex(r"\A(0|[1-9][0-9]{0,38})\Z"),
    st.from_regex(r"\A(|\.[0-9]{1,20})\Z"),
    st.one_of(st.just(""), st.from_regex(r"\A[eE][+-]?[0-9]{1,2}\Z")),
).filter(lambda text: text != "-0")  # an integer has no negative zero


@pytest.mark.parametrize("kind", ["ticker", "trade", "orderbook", "candle.1s", "myOrder"])
@steady
@given(text=WIRE_NUMBERS, simple=st.booleans())
def test_an_exact_number_has_exactly_the_digits_of_the_wire(kind, text, simple):
    wire_format = "SIMPLE" if simple else "DEFAULT"
    message = doc.example(kind)
    numbers = [name for name, value in message.items() if isinstance(value, doc.Number) and name not in doc.INTEGERS]
    message.update(dict.fromkeys(numbers, doc.Number(text)))
    found = decode(doc.payload(message, wire_format), wire_format, exact=True)
    assert numbers
    for name in numbers:
        value = getattr(found, name)
        assert type(value) is Decimal
        assert value.as_tuple() == Decimal(text).as_tuple()


@steady
@given(text=WIRE_NUMBERS, simple=st.booleans())
def test_the_exact_units_of_an_order_book_have_exactly_the_digits_of_the_wire(text, simple):
    wire_format = "SIMPLE" if simple else "DEFAULT"
    unit = dict.fromkeys(("ask_price", "bid_price", "ask_size", "bid_size"), doc.Number(text))
    message = {**doc.example("orderbook"), "orderbook_units": [unit]}
    found = decode(doc.payload(message, wire_format), wire_format, exact=True)
    assert {value.as_tuple() for value in found.orderbook_units[0].to_dict().values()} == {Decimal(text).as_tuple()}


@both_ways
@every_format
def test_balances_are_exact_whether_asked_for_or_not(wire_format, exact):
    assets = decode(doc.payload(doc.example("myAsset"), wire_format), wire_format, exact=exact).assets
    assert type(assets) is tuple
    assert [type(asset) for asset in assets] == [model.Asset, model.Asset]
    assert str(assets[0].balance) == "1386929.37231066771348207123"
    assert str(assets[1].locked) == "0E-8"


@pytest.mark.parametrize("kind", ["indicator", "indicator_signal"])
@every_format
def test_exact_reaches_into_an_indicator(kind, wire_format):
    message = {**doc.example(kind), "value": {"volume": doc.Number("0.1234567890123456789"), "rsi": doc.Number("7")}}
    exact = decode(doc.payload(message, wire_format), wire_format, exact=True).value
    assert digits(exact) == digits({"volume": Decimal("0.1234567890123456789"), "rsi": 7})
    assert type(decode(doc.payload(message, wire_format), wire_format).value["volume"]) is float


# what the exchange may add or leave out


@every_kind
@every_format
def test_new_fields_are_ignored_also_nested_ones(kind, wire_format):
    plain = doc.example(kind)
    new = {
        "zz": None,
        "yy": [1, {"x": 2}],
        "status": 3,
        "method": {"a": 1},
        "error": "none",
        "received": doc.Number("1"),
    }
    more: dict[str, Any] = {**plain, **new}
    for name in ("orderbook_units", "assets"):
        if name in plain:
            more[name] = [{**item, **new} for item in plain[name]]
    for connection in (wire_format, "DEFAULT"):
        found = decode(doc.payload(more, wire_format), connection)
        assert found == decode(doc.payload(plain, wire_format), wire_format)


@pytest.mark.parametrize("kind", ["indicator", "indicator_signal"])
@every_format
def test_new_names_inside_an_indicator_are_handed_on(kind, wire_format):
    message = doc.example(kind)
    message["value"]["obv"] = doc.Number("5")
    found = decode(doc.payload(message, wire_format), wire_format)
    assert found.value["obv"] == 5
    assert "volume" in found.value


@every_format
@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("trade", {"change": "X", "ask_bid": "X", "stream_type": "X"}),
        ("ticker", {"change": "X", "market_state": "X", "market_warning": "X"}),
        ("myOrder", {"state": "X", "order_type": "X", "time_in_force": "X", "smp_type": "X"}),
        ("announcement", {"event_type": "X", "category": "X"}),
        ("indicator", {"timeframe": "2d", "indicator": "X"}),
        ("ticker", {"delisting_date": None, "market_warning": None, "is_trading_suspended": None}),
        ("myOrder", {"time_in_force": None, "trade_fee": None, "is_maker": None, "identifier": None, "smp_type": None}),
        ("myOrder", {"price": None, "avg_price": None, "trade_uuid": None, "trade_timestamp": None, "volume": None}),
        ("announcement", {"body": None}),
        ("trade", {"best_ask_price": None, "best_ask_size": None, "best_bid_price": None, "best_bid_size": None}),
        ("orderbook", {"level": None}),
        ("orderbook", {"orderbook_units": []}),
        ("indicator_signal", {"event_params": None}),
        ("myAsset", {"assets": []}),
    ],
)
def test_unknown_words_and_documented_nulls_are_values(kind, changes, wire_format):
    found = decode(doc.payload({**doc.example(kind), **changes}, wire_format), wire_format)
    assert type(found) is doc.CLASSES[kind]
    assert {name: found.to_dict()[name] for name in changes} == changes


@pytest.mark.parametrize(
    ("kind", "absent"),
    [
        ("trade", ["best_ask_price", "best_ask_size", "best_bid_price", "best_bid_size"]),
        ("ticker", ["is_trading_suspended", "market_warning", "delisting_date", "market_state"]),
        ("orderbook", ["level"]),
        ("announcement", ["body"]),
        ("myOrder", ["identifier", "time_in_force", "trade_fee", "is_maker", "smp_type", "prevented_volume"]),
    ],
)
def test_what_some_servers_leave_out_is_none(kind, absent):
    message = {name: value for name, value in doc.example(kind).items() if name not in absent}
    found = decode(doc.payload(message, "SIMPLE"), "SIMPLE")
    assert [getattr(found, name) for name in absent] == [None] * len(absent)
