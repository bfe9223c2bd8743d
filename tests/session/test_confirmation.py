import pytest
from hypothesis import given
from hypothesis import strategies as st

from upbit_stream.model.subscription import Subscription
from upbit_stream.session.confirmation import missing
from upbit_stream.wire.decoder import Registered

codes = st.lists(st.sampled_from(["SGD-BTC", "SGD-ETH", "SGD-XRP", "BTC-ETH"]), min_size=1, max_size=4, unique=True)
wanted = st.dictionaries(st.sampled_from(["trade", "ticker", "candle.1m", "candle.1s"]), codes, min_size=1)


def subscriptions(groups):
    return [Subscription(type=kind, codes=names) for kind, names in groups.items()]


@given(wanted, wanted)
def test_exactly_what_is_wanted_and_not_registered_is_missing(groups, registered):
    expected = []
    for kind, names in groups.items():
        gone = [code for code in names if code not in registered.get(kind, [])]
        if gone:
            expected.append(f"{kind}:{','.join(gone)}")
    entries = [Registered(kind, tuple(names)) for kind, names in registered.items()]
    assert missing(subscriptions(groups), entries) == expected


@given(wanted)
def test_all_is_missing_where_nothing_is_registered(groups):
    assert missing(subscriptions(groups), []) == [str(subscription) for subscription in subscriptions(groups)]


@pytest.mark.parametrize("code", ["KRW-BTC", "KRW-BTC.5", "KRW-BTC.30"])
def test_the_depth_of_a_book_is_not_compared(code):
    assert missing([Subscription(type="orderbook", codes=["KRW-BTC.15"])], [Registered("orderbook", (code,))]) == []


def test_codes_may_be_spread_over_several_entries_of_a_type():
    wanted = [
        Subscription(type="orderbook", codes=["KRW-BTC"], level=10_000),
        Subscription(type="orderbook", codes=["KRW-ETH"]),
    ]
    entries = [Registered("orderbook", ("KRW-BTC",)), Registered("orderbook", ("KRW-ETH", "KRW-XRP"))]
    assert missing(wanted, entries) == []


def test_types_without_codes_need_only_be_there():
    wanted = [Subscription.parse("myOrder"), Subscription.parse("myAsset")]
    assert missing(wanted, [Registered("myOrder"), Registered("myAsset")]) == []
    assert missing(wanted, [Registered("myOrder")]) == ["myAsset"]


def test_more_than_what_is_wanted_is_no_fault():
    assert missing([], [Registered("trade", ("SGD-BTC",))]) == []
