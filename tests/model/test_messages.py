"""Messages as values: frozen, equal by their fields, shown, copied, matched, turned into dicts."""

import copy
import pickle
from decimal import Decimal
from typing import Any, get_args

import msgspec
import pytest
from tests.wire import documented as doc

from upbit_stream.model.messages import (
    AnyMessage,
    Asset,
    Candle,
    Indicator,
    Message,
    MyAsset,
    MyOrder,
    OrderBook,
    OrderBookUnit,
    Ticker,
    Trade,
    Unknown,
)
from upbit_stream.wire.decoder import Decoder

UNKNOWN = b'{"type":"liquidation","code":"SGD-BTC","size":1.5}'


def decoded(kind: str) -> Any:
    payload = UNKNOWN if kind == "unknown" else doc.payload(doc.example(kind), "SIMPLE")
    (message,) = Decoder("SIMPLE").decode(payload, doc.NOW)
    return message


def by_hand(kind: str) -> Any:
    """The same message, made from the outside by its constructor."""
    message = decoded(kind)
    fields = {name: getattr(message, name) for name in message.__struct_fields__}
    return type(message)(**fields)


every_kind = pytest.mark.parametrize("kind", [*doc.KINDS, "unknown"])


@every_kind
def test_it_is_frozen(kind):
    message = decoded(kind)
    before = repr(message)
    for name in (*message.__struct_fields__, "type", "another"):
        with pytest.raises(AttributeError):
            setattr(message, name, None)
        with pytest.raises((AttributeError, TypeError)):
            delattr(message, name)
    assert repr(message) == before


@every_kind
def test_a_decoded_message_equals_the_same_made_by_hand(kind):
    message = decoded(kind)
    assert message == by_hand(kind)
    assert hash(message) == hash(by_hand(kind))
    assert repr(message) == repr(by_hand(kind))
    assert message.to_dict() == by_hand(kind).to_dict()
    assert {message: 1}[by_hand(kind)] == 1


@every_kind
def test_each_field_counts_in_a_comparison(kind):
    message = decoded(kind)
    for name in message.__struct_fields__:
        other = msgspec.structs.replace(message, **{name: ("something else",)})
        assert (message == other) is False
        assert (message != other) is True
    assert message != object()
    assert (message == None) is False  # noqa: E711  # the comparison itself is looked at


@every_kind
def test_a_message_is_of_one_class_only(kind):
    message = decoded(kind)
    assert isinstance(message, Message)
    assert type(message) in get_args(AnyMessage)
    assert not isinstance(message, tuple(set(get_args(AnyMessage)) - {type(message)}))


@every_kind
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_it_survives_pickling(kind, protocol):
    found = pickle.loads(pickle.dumps(decoded(kind), protocol))  # noqa: S301  # our own
    assert type(found) is type(decoded(kind))
    assert found == decoded(kind)
    assert repr(found) == repr(decoded(kind))


@every_kind
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_it_can_be_copied(kind, copied):
    found = copied(decoded(kind))
    assert type(found) is type(decoded(kind))
    assert found == decoded(kind)


@every_kind
def test_repr_names_class_and_fields(kind):
    message = decoded(kind)
    shown = repr(message)
    assert shown.startswith(f"{type(message).__name__}(")
    assert "Twin" not in shown
    for name in message.__struct_fields__:
        assert f"{name}={getattr(message, name)!r}" in shown
    assert str(message) == shown
    assert message.__rich_repr__() == [(name, getattr(message, name)) for name in message.__struct_fields__]


@every_kind
def test_a_dict_holds_every_field_and_no_message(kind):
    message = decoded(kind)
    found = message.to_dict()
    assert list(found) == ["type", *(name for name in message.__struct_fields__ if name != "type")]
    assert found["type"] == message.type
    for name, value in found.items():
        assert not isinstance(value, Message | tuple | msgspec.Raw)
        assert type(value) is list or value == getattr(message, name)


def test_nested_values_of_a_dict_are_dicts():
    assert decoded("orderbook").to_dict()["orderbook_units"][0] == {
        "ask_price": 142010000.0,
        "bid_price": 142009000.0,
        "ask_size": 0.12345678,
        "bid_size": 0.1,
    }
    assert decoded("myAsset").to_dict()["assets"][1] == {
        "currency": "BTC",
        "balance": Decimal("0.00000001"),
        "locked": Decimal(0),
    }


@pytest.mark.parametrize("kind", [kind for kind in doc.KINDS if kind not in ("myAsset", "announcement")])
def test_a_message_about_a_market_names_it(kind):
    assert decoded(kind).code in ("SGD-BTC", "KRW-BTC", "KRW-ETH")


@pytest.mark.parametrize("kind", ["myAsset", "announcement"])
def test_a_message_about_no_market_has_no_code(kind):
    assert decoded(kind).code == ""
    assert "code" not in decoded(kind).to_dict()


def test_changing_a_dict_changes_no_message():
    for kind in doc.KINDS:
        message = decoded(kind)
        for value in message.to_dict().values():
            if isinstance(value, dict | list):
                value.clear()
        assert message == decoded(kind)


def matched(message: AnyMessage) -> object:
    match message:
        case Ticker(code=code, change="RISE" | "FALL" as change):
            return code, change
        case Trade(type="trade", code="SGD-BTC", sequential_id=int(found)):
            return found
        case OrderBook(orderbook_units=(OrderBookUnit(ask_price=ask), *rest)):
            return ask, len(rest)
        case Candle(unit="1m" | "240m" as unit):
            return unit
        case Candle():
            return "another candle"
        case MyOrder(state="trade", trade_fee=Decimal()):
            return "paid"
        case MyAsset(assets=[Asset(currency=first), Asset(currency=second)]):
            return first, second
        case Indicator(value={"rsi": rsi}):
            return rsi
        case Unknown(type=kind):
            return kind
        case _:
            return "something else"


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("ticker", ("SGD-BTC", "RISE")),
        ("trade", 17900000000010002),
        ("orderbook", (142010000.0, 1)),
        ("candle.1m", "1m"),
        ("candle.240m", "240m"),
        ("candle.3m", "another candle"),
        ("myOrder", "paid"),
        ("myAsset", ("KRW", "BTC")),
        ("indicator", 55.5),
        ("unknown", "liquidation"),
        ("announcement", "something else"),
    ],
)
def test_match_statements_take_messages_apart(kind, found):
    assert matched(decoded(kind)) == found
    assert matched(by_hand(kind)) == found


@pytest.mark.parametrize("kind", doc.CANDLE_KINDS)
def test_a_candle_tells_its_unit(kind):
    assert f"candle.{decoded(kind).unit}" == kind


UNITS = (OrderBookUnit(ask_price=2.0, bid_price=1.0, ask_size=3.0, bid_size=4.0),)
BOOK: dict[str, Any] = {
    "code": "SGD-BTC",
    "timestamp": 1,
    "total_ask_size": 3.0,
    "total_bid_size": 4.0,
    "stream_type": "REALTIME",
}


@pytest.mark.parametrize("units", [UNITS, ()])
def test_an_order_book_can_be_made_by_hand(units):
    book = OrderBook(**BOOK, orderbook_units=units)
    assert book.orderbook_units is units
    assert book.level is None
    assert book.to_dict() == {
        "type": "orderbook",
        **BOOK,
        "orderbook_units": [unit.to_dict() for unit in units],
        "level": None,
        "received_at_ns": 0,
    }
    assert pickle.loads(pickle.dumps(book)) == book == copy.copy(book)  # noqa: S301  # our own
    assert f"orderbook_units={units!r}" in repr(book)


def test_a_made_book_is_shown_like_any_message():
    assert repr(OrderBook(**BOOK, orderbook_units=())) == (
        "OrderBook(code='SGD-BTC', timestamp=1, total_ask_size=3.0, total_bid_size=4.0, orderbook_units=(), "
        "stream_type='REALTIME', level=None, received_at_ns=0)"
    )


@every_kind
def test_a_message_that_was_not_received_has_no_time_of_it(kind):
    message = decoded(kind)
    fields = {name: getattr(message, name) for name in message.__struct_fields__ if name != "received_at_ns"}
    assert type(message)(**fields).received_at_ns == 0


def test_order_books_differ_by_their_units():
    books = [OrderBook(**BOOK, orderbook_units=units) for units in ((), UNITS, UNITS * 2)]
    assert len(set(books)) == 3
    assert books[0] != books[1] != books[2]


@pytest.mark.parametrize("cls", [*doc.CLASSES.values(), Asset, OrderBookUnit, Unknown])
def test_fields_are_given_by_name_only(cls):
    with pytest.raises(TypeError):
        cls("SGD-BTC")
    with pytest.raises(TypeError):
        cls()


def test_an_unknown_message_shows_its_content():
    assert decoded("unknown").content == {"type": "liquidation", "code": "SGD-BTC", "size": 1.5}


def test_an_indicator_with_other_values_is_another_one():
    one, other = decoded("indicator"), msgspec.structs.replace(decoded("indicator"), value={"rsi": 1})
    assert one != other
    assert len({one, other, decoded("indicator")}) == 2
