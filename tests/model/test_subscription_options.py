"""Options of subscriptions: each type takes its own, with values that mean something."""

import copy
import math
from typing import Any

import msgspec
import pytest

from upbit_stream.model.subscription import TYPES, Subscription

from .subscriptions import INDICATOR, VALID, refusal

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
