"""A subscription cannot be made wrong, and the refusal names what and why."""

import copy
import math
import pickle
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upbit_stream.errors import InvalidSubscription
from upbit_stream.model.subscription import MAX_INDICATORS, TYPES, Subscription

# written out: what the exchange documents is not read from the table under test
CANDLE_UNITS = ("1s", "1m", "3m", "5m", "10m", "15m", "30m", "60m", "240m")
INDICATOR = {"codes": ["KRW-BTC"], "timeframe": "15m", "indicators": ["rsi"]}
NEEDS = {"codes": ("KRW-BTC",)}
VALID: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("ticker", "trade", "orderbook", *(f"candle.{unit}" for unit in CANDLE_UNITS)), NEEDS),
    **{kind: {} for kind in ("myOrder", "myAsset", "announcement")},
    **dict.fromkeys(("indicator", "indicator_signal"), INDICATOR),
}
ENDPOINTS = {
    **dict.fromkeys(("myOrder", "myAsset", "announcement"), "private"),
    **dict.fromkeys(("indicator", "indicator_signal"), "info"),
}


def refusal(**fields) -> str:
    with pytest.raises(InvalidSubscription) as raised:
        Subscription(**fields)
    assert isinstance(raised.value, ValueError)
    assert raised.value.__cause__ is None
    return str(raised.value)


def test_these_are_all_types():
    assert set(VALID) == set(TYPES)
    assert {kind for kind, rules in TYPES.items() if rules.korea_only} == {
        "announcement",
        "indicator",
        "indicator_signal",
    }
    assert MAX_INDICATORS == 100


ONLY = {"is_only_snapshot", "is_only_realtime"}


@pytest.mark.parametrize("kind", VALID)
def test_each_type_takes_the_documented_options(kind):
    documented = {
        "orderbook": {*ONLY, "level"},
        "myOrder": set(),
        "myAsset": set(),
        "announcement": {"categories", "include_body"},
        "indicator": {"timeframe", "indicators"},
        "indicator_signal": {"timeframe", "indicators", "trigger", "event_params"},
    }
    assert TYPES[kind].options == documented.get(kind, ONLY)


@pytest.mark.parametrize("kind", VALID)
def test_every_type_can_be_subscribed_to_on_its_endpoint(kind):
    made = Subscription(type=kind, **VALID[kind])
    assert made.type == kind
    assert made.endpoint == ENDPOINTS.get(kind, "public")


# codes


@pytest.mark.parametrize(
    "codes",
    [["SGD-BTC", "SGD-ETH"], ("SGD-BTC", "SGD-ETH"), {"SGD-BTC": 1, "SGD-ETH": 2}.keys(), ["SGD-BTC", "SGD-ETH"] * 2],
)
def test_codes_are_kept_as_a_tuple_in_their_order_each_once(codes):
    assert Subscription(type="trade", codes=codes).codes == ("SGD-BTC", "SGD-ETH")
    assert Subscription(type="trade", codes=iter(codes)).codes == ("SGD-BTC", "SGD-ETH")


def test_one_code_may_stand_by_itself():
    assert Subscription(type="trade", codes="SGD-BTC").codes == ("SGD-BTC",)


@pytest.mark.parametrize("codes", [[], (), "", None])
@pytest.mark.parametrize("kind", ["ticker", "trade", "orderbook", "candle.1m", "indicator"])
def test_a_market_type_needs_codes(kind, codes):
    fields = {**VALID[kind], "codes": codes}
    text = refusal(type=kind, **fields)
    assert text.startswith(f"{kind}: ")
    assert "code" in text


@pytest.mark.parametrize("codes", [[], (), ["SGD-BTC"], "SGD-BTC"])
def test_my_order_takes_codes_or_none(codes):
    assert Subscription(type="myOrder", codes=codes).codes in ((), ("SGD-BTC",))


@pytest.mark.parametrize("kind", ["myAsset", "announcement"])
@pytest.mark.parametrize("codes", [["SGD-BTC"], "SGD-BTC"])
def test_a_type_about_the_whole_account_takes_no_codes(kind, codes):
    text = refusal(type=kind, codes=codes)
    assert kind in text
    assert "takes no codes" in text
    assert "'SGD-BTC'" in text


@pytest.mark.parametrize("kind", ["trade", "orderbook", "myOrder"])
@pytest.mark.parametrize("code", ["sgd-btc", "Sgd-BTC", "SGD-btc"])
def test_a_lower_case_code_is_refused_with_the_right_one(kind, code):
    text = refusal(type=kind, codes=[code])
    assert repr(code) in text
    assert "upper case: 'SGD-BTC'" in text


@pytest.mark.parametrize(
    "code",
    [
        *(
            "",
            " ",
            "-",
            "SGD",
            "SGD-",
            "-BTC",
            "SGDBTC",
            "SGD_BTC",
            "SGD/BTC",
            "SGD-BTC-X",
            "SGD--BTC",
            ".5",
            "SGD-BTC ",
        ),
        *(
            " SGD-BTC",
            "SGD-BTC\n",
            "SGD-BTC\x00",
            "SGD-BTC\n.5",
            "SGD-ＢＴＣ",
            "SGD-٣",
            "КRW-BTC",
            "SGD-B\u0301TC",
            "SGD-BTC,SGD-ETH",
        ),
    ],
)
@pytest.mark.parametrize("kind", ["trade", "orderbook", "myOrder"])
def test_a_malformed_code_is_refused_with_the_form(kind, code):
    text = refusal(type=kind, codes=["SGD-BTC", code])
    assert repr(code) in text
    assert "QUOTE-BASE" in text


@given(st.text(max_size=10))
def test_a_code_is_upper_case_ascii_or_refused(code):
    try:
        made = Subscription(type="trade", codes=[code])
    except InvalidSubscription:
        assert not re.fullmatch("[A-Z0-9]+-[A-Z0-9]+", code)
    else:
        assert made.codes == (code,)
        assert code.isascii()
        assert code == code.upper()
        assert code.count("-") == 1
        assert code.replace("-", "").isalnum()


@pytest.mark.parametrize("code", [5, None, b"SGD-BTC", ["SGD-BTC"], {}, 1.5])
def test_a_code_that_is_no_string_is_named(code):
    text = refusal(type="trade", codes=[code])
    assert repr(code) in text
    assert "no string" in text


@pytest.mark.parametrize("codes", [5, 1.5, object()])
def test_codes_that_are_no_list_are_named(codes):
    text = refusal(type="trade", codes=codes)
    assert repr(codes) in text
    assert "trade: codes" in text


@pytest.mark.parametrize("unit", ["1", "5", "15", "30"])
def test_an_order_books_code_may_name_its_depth(unit):
    assert Subscription(type="orderbook", codes=[f"SGD-BTC.{unit}"]).codes == (f"SGD-BTC.{unit}",)


@pytest.mark.parametrize("unit", ["", "0", "2", "10", "31", "05", "15.0", " 5", "5 ", "5\n", "x", "-1", "５", "1_5"])
def test_another_depth_is_refused_with_the_four(unit):
    text = refusal(type="orderbook", codes=[f"SGD-BTC.{unit}"])
    assert f"depth {unit!r} is not one of 1, 5, 15, 30" in text


@pytest.mark.parametrize("kind", ["trade", "ticker", "candle.1s", "myOrder"])
@pytest.mark.parametrize("unit", ["5", "15", ""])
def test_only_an_order_books_code_takes_a_depth(kind, unit):
    text = refusal(type=kind, codes=[f"SGD-BTC.{unit}"])
    assert "only an orderbook's code takes a depth; write 'SGD-BTC'" in text


# types


@pytest.mark.parametrize(
    "kind", ["candle", "candle.", "candle.2m", "candle.1h", "candle.1d", "candle.1S", "candle.60", "candle.1m "]
)
def test_an_unknown_candle_unit_is_refused_with_the_nine(kind):
    text = refusal(type=kind, codes=["SGD-BTC"])
    assert repr(kind) in text
    assert all(f"candle.{unit}" in text for unit in CANDLE_UNITS)


@pytest.mark.parametrize(
    ("kind", "meant"),
    [
        ("Trade", "trade"),
        ("myorder", "myOrder"),
        ("MYASSET", "myAsset"),
        ("orderBook", "orderbook"),
        ("Candle.1m", "candle.1m"),
    ],
)
def test_a_type_of_another_spelling_is_refused_with_the_right_one(kind, meant):
    assert f"did you mean {meant!r}?" in refusal(type=kind, codes=["SGD-BTC"])


@pytest.mark.parametrize("kind", ["", "trades", "trade ", "order_book", "LIST_SUBSCRIPTIONS", None, 5, [], b"trade"])
def test_an_unknown_type_is_refused_with_all_there_are(kind):
    text = refusal(type=kind, codes=["SGD-BTC"])
    assert repr(kind) in text
    assert all(name in text for name in TYPES)


# options

OPTIONS: dict[str, list[Any]] = {
    "is_only_snapshot": [True],
    "is_only_realtime": [True],
    "level": [0, 0.0, 10000],
    "categories": [["trade"], [], "trade"],
    "include_body": [True, False],
    "timeframe": ["5m", ""],
    "indicators": [["rsi"], [], "rsi"],
    "trigger": ["cross", ""],
    "event_params": [{"threshold": 1}, {}],
}


@pytest.mark.parametrize("kind", VALID)
@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in OPTIONS.items() for value in values])
def test_an_option_of_another_type_is_refused_by_name(kind, name, value):
    if name in TYPES[kind].options:
        return
    text = refusal(type=kind, **{**VALID[kind], name: value})
    assert text == f"{kind}: takes no option {name!r}"


def test_both_only_flags_leave_nothing():
    text = refusal(type="trade", codes=["SGD-BTC"], is_only_snapshot=True, is_only_realtime=True)
    assert "is_only_snapshot and is_only_realtime together leave nothing" in text


@pytest.mark.parametrize("name", ["is_only_snapshot", "is_only_realtime"])
@pytest.mark.parametrize("value", ["yes", "false", None, 0, 1, []])
def test_a_flag_is_true_or_false(name, value):
    text = refusal(type="trade", codes=["SGD-BTC"], **{name: value})
    assert f"trade: {name} {value!r} is neither True nor False" in text


@pytest.mark.parametrize("value", ["yes", 0, 1, []])
def test_whether_to_include_the_body_is_true_or_false(value):
    assert f"include_body {value!r} is neither True nor False" in refusal(type="announcement", include_body=value)


@pytest.mark.parametrize("value", [True, False])
def test_including_the_body_or_not_can_be_said(value):
    assert Subscription(type="announcement", include_body=value).include_body is value


@pytest.mark.parametrize("code", ["SGD-BTC", "BTC-ETH", "USDT-BTC", "SGD-BTC.5", "KRWX-BTC"])
def test_a_level_is_for_krw_markets(code):
    text = refusal(type="orderbook", codes=["KRW-BTC", code], level=10000)
    assert f"level 10000 is for KRW markets only, not for {code}" in text
    assert Subscription(type="orderbook", codes=[code], level=0).level == 0


@pytest.mark.parametrize("level", [-1, -0.1, math.nan, math.inf, True, "10000", [], 1j])
def test_a_level_is_a_number_of_zero_or_more(level):
    text = refusal(type="orderbook", codes=["KRW-BTC"], level=level)
    assert f"level {level!r} is no price grouping" in text


@pytest.mark.parametrize("codes", [["KRW-BTC"], ["KRW-BTC.5", "KRW-ETH"]])
@pytest.mark.parametrize("level", [0, 1, 0.01, 10000, 10000.0])
def test_a_krw_book_takes_a_level(codes, level):
    assert Subscription(type="orderbook", codes=codes, level=level).level == level


def test_a_whole_level_is_the_same_however_it_was_written():
    floated, whole = (Subscription(type="orderbook", codes=["KRW-BTC"], level=level) for level in (1e4, 10**4))
    assert floated == whole
    assert msgspec.json.encode(floated) == msgspec.json.encode(whole)
    assert repr(floated) == repr(whole)


@pytest.mark.parametrize("categories", [["notice", "event"], ("nft",), "digital_asset"])
def test_the_categories_of_announcements_are_kept(categories):
    wanted = (categories,) if isinstance(categories, str) else tuple(categories)
    assert Subscription(type="announcement", categories=categories).categories == wanted


@pytest.mark.parametrize("category", ["news", "Notice", "", 5, []])
def test_an_unknown_category_is_refused_with_all_there_are(category):
    text = refusal(type="announcement", categories=["trade", category])
    assert f"unknown category {category!r}" in text
    assert "notice, trade, wallet, maintenance, digital_asset, nft, service, event" in text


def test_categories_that_are_no_list_are_named():
    assert "announcement: categories 5 " in refusal(type="announcement", categories=5)


@pytest.mark.parametrize("kind", ["indicator", "indicator_signal"])
@pytest.mark.parametrize("timeframe", [None, "", "1m", "5M", "1h", 5, []])
def test_an_indicators_timeframe_is_one_of_five(kind, timeframe):
    text = refusal(type=kind, **{**INDICATOR, "timeframe": timeframe})
    assert f"{kind}: timeframe {timeframe!r} is not one of 5m, 15m, 60m, 240m, 1d" in text


@pytest.mark.parametrize("indicators", [None, [], ()])
def test_an_indicator_has_to_be_named(indicators):
    assert "needs at least one of the exchange's indicators" in refusal(
        type="indicator", **{**INDICATOR, "indicators": indicators}
    )


def test_indicators_that_are_no_list_are_named():
    assert "indicator: indicators 5 " in refusal(type="indicator", **{**INDICATOR, "indicators": 5})


def test_indicators_are_for_krw_markets():
    text = refusal(type="indicator", **{**INDICATOR, "codes": ["KRW-BTC", "SGD-BTC"]})
    assert "indicator: is for KRW markets only, not for SGD-BTC" in text


@pytest.mark.parametrize(
    "indicators", ["rsi", ["rsi"], ["rsi", "macd"], {"indicator": "rsi"}, [{"indicator": "rsi", "params": {}}]]
)
def test_indicators_are_names_or_objects(indicators):
    made = Subscription(type="indicator", **{**INDICATOR, "indicators": indicators})
    assert made.indicators == (tuple(indicators) if isinstance(indicators, list) else (indicators,))
    assert hash(made) == hash(copy.deepcopy(made))


# the value


def test_it_is_frozen():
    made = Subscription(type="trade", codes=["SGD-BTC"])
    for name in made.__struct_fields__:
        with pytest.raises(AttributeError):
            setattr(made, name, getattr(made, name))


@pytest.mark.parametrize("kind", VALID)
def test_equal_ones_have_one_hash_and_copies_are_equal(kind):
    made, again = (Subscription(type=kind, **VALID[kind]) for _ in range(2))
    assert made == again
    assert hash(made) == hash(again)
    assert copy.copy(made) == copy.deepcopy(made) == pickle.loads(pickle.dumps(made)) == made  # noqa: S301  # our own
    assert made != Subscription(type="trade", codes=["SGD-XRP"])


def test_replacing_a_field_checks_again():
    made = Subscription(type="trade", codes=["SGD-BTC"])
    assert msgspec.structs.replace(made, codes=["SGD-ETH"] * 2).codes == ("SGD-ETH",)
    with pytest.raises(InvalidSubscription):
        msgspec.structs.replace(made, codes=["sgd-eth"])


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"type": "myAsset"}, "Subscription(type='myAsset')"),
        (
            {"type": "orderbook", "codes": ["KRW-BTC"], "level": 0},
            "Subscription(type='orderbook', codes=('KRW-BTC',), level=0)",
        ),
        ({"type": "announcement", "include_body": False}, "Subscription(type='announcement', include_body=False)"),
        (
            {"type": "trade", "codes": "A-B", "is_only_realtime": True},
            "Subscription(type='trade', codes=('A-B',), is_only_realtime=True)",
        ),
    ],
)
def test_repr_shows_what_was_given_and_can_be_evaluated(fields, shown):
    made = Subscription(**fields)
    assert repr(made) == shown
    assert eval(shown) == made  # noqa: S307  # our own text


@given(
    st.sampled_from(["trade", "ticker", "orderbook", "candle.1s", "myOrder"]),
    st.lists(st.from_regex(r"[A-Z0-9]{1,5}-[A-Z0-9]{1,5}", fullmatch=True), min_size=1, unique=True),
)
def test_text_and_parse_are_inverse(kind, codes):
    made = Subscription(type=kind, codes=codes)
    assert str(made) == f"{kind}:{','.join(codes)}"
    assert Subscription.parse(str(made)) == made
    assert f"{made}" == str(made)


@pytest.mark.parametrize("kind", ["myOrder", "myAsset", "announcement"])
def test_a_type_alone_is_parsed(kind):
    assert Subscription.parse(f" {kind}\n") == Subscription(type=kind)
    assert str(Subscription(type=kind)) == kind


def test_parsing_takes_the_constructors_options():
    made = Subscription.parse("orderbook:KRW-BTC.5", level=10000, is_only_realtime=True)
    assert (made.codes, made.level, made.is_only_realtime) == (("KRW-BTC.5",), 10000, True)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "'': unknown type"),
        (":", "no code after the colon"),
        ("trade:", "'trade:': no code after the colon; write trade:CODE[,CODE…] or trade"),
        ("trade", "needs at least one code"),
        ("trade:SGD-BTC,", "code ''"),
        ("trade:SGD-BTC,,SGD-ETH", "code ''"),
        ("trade:SGD-BTC, SGD-ETH", "code ' SGD-ETH'"),
        ("trade:SGD-BTC:SGD-ETH", "code 'SGD-BTC:SGD-ETH'"),
        ("candle:SGD-BTC", "unknown candle unit"),
        ("myAsset:KRW", "takes no codes"),
    ],
)
def test_text_that_names_no_subscription_is_refused(text, why):
    with pytest.raises(InvalidSubscription) as raised:
        Subscription.parse(text)
    assert why in str(raised.value)
