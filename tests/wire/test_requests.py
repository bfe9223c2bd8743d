"""What is sent, read back with the standard library."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upbit_stream.errors import UsageError
from upbit_stream.model.subscription import (
    ANNOUNCEMENT_CATEGORIES,
    CANDLE_UNITS,
    ORDERBOOK_UNITS,
    TIMEFRAMES,
    Subscription,
)
from upbit_stream.wire.requests import PING_TEXT, check_format, list_subscriptions, subscribe

from .documented import FORMATS

steady = settings(derandomize=True, deadline=None)  # the same inputs every time, on any machine

CODES = st.from_regex(r"[A-Z0-9]{1,6}-[A-Z0-9]{1,8}", fullmatch=True)
KRW_CODES = st.from_regex(r"KRW-[A-Z0-9]{1,8}", fullmatch=True)
MODES = st.sampled_from([{}, {"is_only_snapshot": True}, {"is_only_realtime": True}])


def listed(items: st.SearchStrategy[str], min_size: int = 1) -> st.SearchStrategy[list[str]]:
    return st.lists(items, min_size=min_size, max_size=4, unique=True)


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


# the fields of one data type object, as the exchange documents them
PLAIN = st.builds(
    lambda kind, codes, mode: {"type": kind, "codes": codes, **mode},
    st.sampled_from(["ticker", "trade", *(f"candle.{unit}" for unit in CANDLE_UNITS)]),
    listed(CODES),
    MODES,
)
DEEP = st.builds(
    lambda codes, mode: {"type": "orderbook", "codes": codes, **mode},
    listed(st.one_of(CODES, st.builds("{}.{}".format, CODES, st.sampled_from(ORDERBOOK_UNITS)))),
    MODES,
)
LEVELLED = st.builds(
    lambda codes, level: {"type": "orderbook", "codes": codes, "level": level},
    listed(KRW_CODES),
    st.one_of(st.integers(0, 10**8), st.floats(0.0001, 1e7)),
)
PRIVATE = st.one_of(
    st.just({"type": "myAsset"}),
    st.just({"type": "myOrder"}),
    st.builds(lambda codes: {"type": "myOrder", "codes": codes}, listed(CODES)),
    optional(categories=listed(st.sampled_from(ANNOUNCEMENT_CATEGORIES)), include_body=st.booleans()).map(
        lambda options: {"type": "announcement", **options}
    ),
)
INDICATORS = st.builds(
    lambda kind, codes, timeframe, indicators, rest: {
        "type": kind,
        "codes": codes,
        "timeframe": timeframe,
        "indicators": indicators,
        **(rest if kind == "indicator_signal" else {}),
    },
    st.sampled_from(["indicator", "indicator_signal"]),
    listed(KRW_CODES),
    st.sampled_from(TIMEFRAMES),
    listed(st.sampled_from(["rsi", "macd", "volume"])),
    optional(trigger=st.just("cross"), event_params=st.just({"threshold": 70.5})),
)


@steady
@given(
    st.lists(st.one_of(PLAIN, DEEP, LEVELLED, PRIVATE, INDICATORS), max_size=6),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.sampled_from(FORMATS),
)
def test_a_request_says_exactly_what_was_asked_for(objects, ticket, wire_format):
    sent = subscribe([Subscription(**fields) for fields in objects], ticket=ticket, wire_format=wire_format)
    assert json.loads(sent) == [{"ticket": ticket}, *objects, {"format": wire_format}]


def test_the_order_of_keys_is_the_documented_one():
    book = Subscription(type="orderbook", codes=["KRW-BTC.5"], is_only_realtime=True, level=10000)
    assert subscribe([book, Subscription(type="myAsset")], ticket="t", wire_format="JSON_LIST") == (
        b'[{"ticket":"t"},{"type":"orderbook","codes":["KRW-BTC.5"],"is_only_realtime":true,"level":10000},'
        b'{"type":"myAsset"},{"format":"JSON_LIST"}]'
    )


@pytest.mark.parametrize(
    ("level", "written"),
    [(10000.0, b"10000"), (10000, b"10000"), (0, b"0"), (0.0, b"0"), (0.01, b"0.01"), (10**400, b"1" + b"0" * 400)],
)
def test_a_level_is_written_as_the_exchange_documents_it(level, written):
    book = Subscription(type="orderbook", codes=["KRW-BTC"], level=level)
    assert b'"level":' + written + b"}" in subscribe([book], ticket="t", wire_format="DEFAULT")


def test_one_type_may_stand_twice():
    books = [Subscription(type="orderbook", codes=["KRW-BTC"], level=level) for level in (0, 10000)]
    sent = json.loads(subscribe(books, ticket="t", wire_format="DEFAULT"))
    assert [item.get("level") for item in sent[1:3]] == [0, 10000]


@pytest.mark.parametrize("wire_format", FORMATS)
def test_asking_for_the_list_repeats_the_format_in_use(wire_format):
    sent = json.loads(list_subscriptions(ticket="t", wire_format=wire_format))
    assert sent == [{"ticket": "t"}, {"method": "LIST_SUBSCRIPTIONS"}, {"format": wire_format}]


@pytest.mark.parametrize("name", FORMATS)
def test_the_four_formats_are_known(name):
    assert check_format(name) == name


@pytest.mark.parametrize("name", ["", "simple", "LIST", "SIMPLE ", None, 5])
def test_another_format_is_a_usage_error_that_names_the_four(name):
    with pytest.raises(UsageError, match=r"unknown format .*; one of DEFAULT, SIMPLE, JSON_LIST, SIMPLE_LIST"):
        check_format(name)


def test_the_text_ping():
    assert PING_TEXT == b"PING"
