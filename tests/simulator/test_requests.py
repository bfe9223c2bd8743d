import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upbit_stream.simulator.requests import parse_request
from upbit_stream.simulator.type_objects import CATEGORIES, RequestError
from upbit_stream.simulator.wanted import FORMATS, Depth, Feed, ListRequest, Study, SubscriptionRequest, Topics

TICKET = {"ticket": "t"}
TRADE = {"type": "trade", "codes": ["SGD-BTC"]}
RSI = {"type": "rsi", "params": {"period": 14}}
OVERBOUGHT = {**RSI, "trigger": "overbought", "event_params": {"threshold": 70}}
INDICATOR = {"type": "indicator", "codes": ["KRW-BTC"], "timeframe": "5m", "indicators": [RSI]}
SIGNAL = {"type": "indicator_signal", "codes": ["KRW-BTC"], "timeframe": "5m", "indicators": [OVERBOUGHT]}


def parse(*objects: Any, endpoint: str = "public", authenticated: bool = True) -> Any:
    return parse_request(json.dumps(objects), endpoint, authenticated=authenticated)  # type: ignore[arg-type]


def refused(text: str, endpoint: str = "public", *, authenticated: bool = True) -> str:
    with pytest.raises(RequestError) as caught:
        parse_request(text, endpoint, authenticated=authenticated)  # type: ignore[arg-type]
    return caught.value.name


def misused(item: dict[str, Any], endpoint: str = "public", *, authenticated: bool = True) -> str:
    return refused(json.dumps([TICKET, item]), endpoint, authenticated=authenticated)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("", "WRONG_FORMAT"),
        ("not json", "WRONG_FORMAT"),
        ("[" * 100_000, "WRONG_FORMAT"),
        ('[{"ticket":"t"}] trailing', "WRONG_FORMAT"),
        ('[{"ticket":"t","x":NaN}]', "WRONG_FORMAT"),
        ('["\udc80"]', "WRONG_FORMAT"),
        ("{}", "WRONG_FORMAT"),
        ('"PONG"', "WRONG_FORMAT"),
        ('["ticket"]', "WRONG_FORMAT"),
        ("[]", "NO_TICKET"),
        ("[{}]", "NO_TICKET"),
        ('[{"ticket":""}]', "NO_TICKET"),
        ('[{"type":"trade","codes":["SGD-BTC"]},{"ticket":"t"}]', "NO_TICKET"),
        ('[{"ticket":7},{"type":"trade","codes":["SGD-BTC"]}]', "INVALID_PARAM"),
        ('[{"ticket":"t"}]', "NO_TYPE"),
        ('[{"ticket":"t"},{"format":"SIMPLE"}]', "NO_TYPE"),
        ('[{"ticket":"t"},{"codes":["SGD-BTC"]}]', "NO_TYPE"),
        ('[{"ticket":"t"},{"method":"UNSUBSCRIBE"}]', "INVALID_PARAM"),
        ('[{"ticket":"t"},{"method":"LIST_SUBSCRIPTIONS"},{"type":"myAsset"}]', "WRONG_FORMAT"),
        ('[{"ticket":"t"},{"type":"trade","codes":["SGD-BTC"]},{"format":"SHORT"}]', "INVALID_PARAM"),
        ('[{"ticket":"t"},{"type":"trade","codes":["SGD-BTC"]},{"format":null}]', "INVALID_PARAM"),
    ],
)
def test_what_is_no_request(text: str, name: str) -> None:
    assert refused(text) == name


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"type": "trades"}, "INVALID_PARAM"),
        ({"type": 5}, "INVALID_PARAM"),
        ({"type": "candle.2m"}, "INVALID_PARAM"),
        ({"type": "candle."}, "INVALID_PARAM"),
        ({"codes": None}, "NO_CODES"),
        ({"codes": []}, "NO_CODES"),
        ({"codes": "SGD-BTC"}, "WRONG_FORMAT"),
        ({"codes": ["SGD-BTC", 5]}, "WRONG_FORMAT"),
        ({"is_only_snapshot": True, "is_only_realtime": True}, "INVALID_PARAM"),
        ({"is_only_snapshot": "true"}, "INVALID_PARAM"),
        ({"is_only_realtime": 1}, "INVALID_PARAM"),
        ({"type": "orderbook", "level": "10"}, "INVALID_PARAM"),
        ({"type": "orderbook", "level": None}, "INVALID_PARAM"),
        ({"type": "orderbook", "level": True}, "INVALID_PARAM"),
        ({"type": "orderbook", "level": [10]}, "INVALID_PARAM"),
    ],
)
def test_what_is_wrong_with_a_public_type(change: dict[str, Any], name: str) -> None:
    assert misused(TRADE | change) == name


@pytest.mark.parametrize(
    ("item", "name"),
    [
        ({"type": "myAsset", "codes": ["SGD-BTC"]}, "WRONG_FORMAT"),
        ({"type": "myAsset", "codes": []}, "WRONG_FORMAT"),
        ({"type": "myOrder", "codes": "SGD-BTC"}, "WRONG_FORMAT"),
        ({"type": "announcement", "categories": "notice"}, "INVALID_PARAM"),
        ({"type": "announcement", "categories": ["gossip"]}, "INVALID_PARAM"),
        ({"type": "announcement", "categories": [["notice"]]}, "INVALID_PARAM"),
        ({"type": "announcement", "include_body": "yes"}, "INVALID_PARAM"),
        (TRADE, "INVALID_PARAM"),
    ],
)
def test_what_is_wrong_with_a_private_type(item: dict[str, Any], name: str) -> None:
    assert misused(item, "private") == name


@pytest.mark.parametrize("kind", ["myOrder", "myAsset", "announcement"])
def test_private_types_elsewhere(kind: str) -> None:
    assert misused({"type": kind}, authenticated=False) == "INVALID_AUTH"
    assert misused({"type": kind}, authenticated=True) == "INVALID_PARAM"


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"codes": []}, "NO_CODES"),
        ({"codes": ["SGD-BTC"]}, "INVALID_PARAM"),
        ({"timeframe": "1m"}, "INVALID_PARAM"),
        ({"timeframe": None}, "INVALID_PARAM"),
        ({"timeframe": ["5m"]}, "INVALID_PARAM"),
        ({"indicators": []}, "INVALID_PARAM"),
        ({"indicators": "rsi"}, "INVALID_PARAM"),
        ({"indicators": ["rsi"]}, "INVALID_PARAM"),
        ({"indicators": [{"type": "luck", "params": {}}]}, "INVALID_PARAM"),
        ({"indicators": [{"type": ["rsi"], "params": {}}]}, "INVALID_PARAM"),
        ({"indicators": [{"type": "rsi"}]}, "INVALID_PARAM"),
        ({"indicators": [{"type": "rsi", "params": {"period": 15}}]}, "INVALID_PARAM"),
        ({"indicators": [{"type": "rsi", "params": {"period": [14]}}]}, "INVALID_PARAM"),
        ({"indicators": [{"type": "moving_average", "params": {"period": 5, "type": "WMA"}}]}, "INVALID_PARAM"),
        ({"indicators": [{"type": "bollinger_bands", "params": {"period": 20}}]}, "INVALID_PARAM"),
        ({"codes": [f"KRW-C{n}" for n in range(101)]}, "INVALID_PARAM"),
    ],
)
def test_what_is_wrong_with_an_indicator(change: dict[str, Any], name: str) -> None:
    assert misused(INDICATOR | change, "info") == name


@pytest.mark.parametrize(
    "change",
    [
        {"trigger": None},
        {"trigger": "golden_cross"},
        {"trigger": ["overbought"]},
        {"event_params": None},
        {"event_params": {"threshold": 75}},
        {"params": {"period": 13}},
    ],
)
def test_what_is_wrong_with_a_signal(change: dict[str, Any]) -> None:
    assert misused(SIGNAL | {"indicators": [OVERBOUGHT | change]}, "info") == "INVALID_PARAM"


def test_the_hundred_combinations_are_counted_over_both_types() -> None:
    half = [f"KRW-C{n}" for n in range(50)]
    both = [INDICATOR | {"codes": half}, SIGNAL | {"codes": half}]
    assert len(parse(TICKET, *both, endpoint="info").wanted) == 2
    more = [INDICATOR | {"codes": half}, SIGNAL | {"codes": [*half, "KRW-BTC"]}]
    assert refused(json.dumps([TICKET, *more]), "info") == "INVALID_PARAM"


def test_a_study_keeps_its_settings() -> None:
    (indicator, signal) = parse(TICKET, INDICATOR, SIGNAL, endpoint="info").wanted
    assert indicator.feeds == (Feed("indicator", "KRW-BTC", Study("5m", "rsi", (("period", 14),))),)
    study = Study("5m", "rsi", (("period", 14),), "overbought", (("threshold", 70),))
    assert signal.feeds == (Feed("indicator_signal", "KRW-BTC", study),)


@pytest.mark.parametrize("place", [1, 2, 3])
@pytest.mark.parametrize("name", FORMATS)
def test_the_format_may_stand_anywhere_after_the_ticket(place: int, name: str) -> None:
    objects = [TICKET, TRADE, {"type": "ticker", "codes": ["SGD-ETH"]}]
    objects.insert(place, {"format": name})
    request = parse(*objects)
    assert request.format == FORMATS[name]
    assert [wanted.kind for wanted in request.wanted] == ["trade", "ticker"]


def test_flags_choose_snapshot_and_real_time() -> None:
    def modes(**flags: bool) -> tuple[bool, bool]:
        (wanted,) = parse(TICKET, TRADE | flags).wanted
        return wanted.snapshot, wanted.realtime

    assert modes() == (True, True)
    assert modes(is_only_snapshot=True) == (True, False)
    assert modes(is_only_realtime=True) == (False, True)
    assert modes(is_only_realtime=False, is_only_snapshot=False) == (True, True)


@pytest.mark.parametrize(
    ("code", "units"),
    [
        ("KRW-BTC", 30),
        *[(f"KRW-BTC.{units}", units) for units in (1, 5, 15, 30)],
        *[(f"KRW-BTC.{other}", 30) for other in ("10", "0", "-5", "x", "", "5.5", "99999999999", "٥")],
    ],
)
def test_the_depth_of_a_book_is_part_of_the_code(code: str, units: int) -> None:
    (wanted,) = parse(TICKET, {"type": "orderbook", "codes": [code], "level": 100}).wanted
    assert wanted.feeds == (Feed("orderbook", "KRW-BTC", Depth(units, Decimal(100))),)
    assert wanted.listed == {"type": "orderbook", "codes": [code], "level": 100}


def test_what_private_types_take() -> None:
    parsed: Callable[..., Any] = lambda item: parse(TICKET, item, endpoint="private").wanted[0]  # noqa: E731
    assert [feed.code for feed in parsed({"type": "myOrder"}).feeds] == ["*"]
    assert [feed.code for feed in parsed({"type": "myOrder", "codes": []}).feeds] == ["*"]
    assert [feed.code for feed in parsed({"type": "myOrder", "codes": ["A-B", "C-D"]}).feeds] == ["A-B", "C-D"]
    assert not parsed({"type": "myAsset"}).snapshot
    (feed,) = parsed({"type": "announcement", "categories": list(CATEGORIES), "include_body": True}).feeds
    assert feed.variant == Topics(frozenset(CATEGORIES), include_body=True)


def test_list_subscriptions() -> None:
    method = {"method": "LIST_SUBSCRIPTIONS"}
    assert parse(TICKET, method) == ListRequest("t", FORMATS["DEFAULT"])
    assert parse(TICKET, {"format": "SIMPLE_LIST"}, method) == ListRequest("t", FORMATS["SIMPLE_LIST"])


KEYS = st.sampled_from(
    ["ticket", "type", "codes", "format", "method", "level", "indicators", "timeframe", "params", "trigger"]
) | st.text(max_size=3)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)


CHANGED = st.tuples(
    st.sampled_from([TRADE, INDICATOR, SIGNAL, {"type": "orderbook", "codes": ["KRW-BTC.5"], "level": 0}]),
    st.dictionaries(KEYS, ANY_JSON, max_size=3),
).map(lambda both: both[0] | both[1])


@given(st.lists(ANY_JSON | CHANGED, max_size=4), st.sampled_from(["public", "private", "info"]))
def test_any_json_is_taken_or_refused_by_name(items: list[Any], endpoint: str) -> None:
    try:
        request = parse(TICKET, *items, endpoint=endpoint)
    except RequestError as error:
        assert error.name in {"WRONG_FORMAT", "NO_TYPE", "NO_CODES", "INVALID_PARAM"}  # noqa: PT017
    else:
        assert isinstance(request, SubscriptionRequest | ListRequest)
