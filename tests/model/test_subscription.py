"""A subscription cannot be made wrong, and the refusal names what and why."""

import copy
import pickle
import re

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upbit_stream.errors import InvalidSubscription
from upbit_stream.model.subscription import MAX_INDICATORS, TYPES, Subscription

from .subscriptions import CANDLE_UNITS, ENDPOINTS, VALID, refusal

steady = settings(derandomize=True, deadline=None)  # the same inputs every time, on any machine


def test_these_are_all_types():
    assert set(VALID) == set(TYPES)
    assert {kind for kind, rules in TYPES.items() if rules.korea_only} == {
        "announcement",
        "indicator",
        "indicator_signal",
    }
    assert MAX_INDICATORS == 100


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


@steady
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


@steady
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
