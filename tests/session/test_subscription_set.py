import pytest
from hypothesis import given
from hypothesis import strategies as st

from upbit_stream.errors import InvalidSubscription
from upbit_stream.model.subscription import MAX_INDICATORS, Subscription
from upbit_stream.session.desired import SubscriptionSet

CODES = ("KRW-BTC", "KRW-ETH", "KRW-XRP", "KRW-SOL")
TYPES = ("trade", "ticker", "orderbook", "candle.1m", "myOrder")
codes = st.lists(st.sampled_from(CODES), min_size=1, max_size=4)
steps = st.lists(st.tuples(st.sampled_from(["plus", "minus"]), st.sampled_from(TYPES), codes), max_size=30)


def plus(*items, to=None):
    whole = to or SubscriptionSet()
    for item in items:
        whole = whole.plus(item if isinstance(item, Subscription) else Subscription.parse(item))
    return whole


def named(whole):
    return [str(subscription) for subscription in whole.subscriptions]


def indicators(count, kind="indicator", markets=1, **options):
    names = [f"KRW-A{number}" for number in range(markets)]
    return Subscription(
        type=kind, codes=names, timeframe="5m", indicators=[f"i{number}" for number in range(count)], **options
    )


@given(steps)
def test_a_set_holds_what_a_set_of_type_and_code_would(moves):
    whole, model = SubscriptionSet(), set()
    for move, kind, names in moves:
        pairs = {(kind, name) for name in names}
        if move == "plus":
            whole, model = whole.plus(Subscription(type=kind, codes=names)), model | pairs
        else:
            whole, model = whole.minus(kind, names), model - pairs
        assert {(entry.type, code) for entry in whole.subscriptions for code in entry.codes} == model
        assert all(whole.has(*pair) == (pair in model) for pair in ((kind, code) for kind in TYPES for code in CODES))
        assert len({entry.type for entry in whole.subscriptions}) == len(whole.subscriptions)
        assert bool(whole) == bool(model)


@given(steps)
def test_a_set_that_was_made_never_changes(moves):
    history = [(SubscriptionSet(), [])]
    for move, kind, names in moves:
        last = history[-1][0]
        after = last.plus(Subscription(type=kind, codes=names)) if move == "plus" else last.minus(kind, names)
        history.append((after, named(after)))
    assert all(named(whole) == before for whole, before in history)


def test_codes_of_one_type_with_the_same_options_stand_together_in_order_and_once():
    whole = plus("trade:KRW-BTC", "ticker:KRW-BTC", "trade:KRW-ETH,KRW-BTC")
    assert named(whole) == ["trade:KRW-BTC,KRW-ETH", "ticker:KRW-BTC"]


def test_other_options_stand_apart():
    whole = plus(
        Subscription(type="orderbook", codes=["KRW-BTC"], level=10_000),
        Subscription(type="orderbook", codes=["KRW-BTC"]),
        Subscription(type="orderbook", codes=["KRW-ETH"], level=10_000),
        Subscription(type="orderbook", codes=["KRW-ETH"], is_only_realtime=True),
    )
    assert [(entry.level, entry.codes) for entry in whole.subscriptions] == [
        (10_000, ("KRW-BTC", "KRW-ETH")),
        (None, ("KRW-BTC",)),
        (None, ("KRW-ETH",)),
    ]


def test_a_level_is_a_number_however_it_is_written():
    whole = plus(
        Subscription(type="orderbook", codes=["KRW-BTC"], level=10_000),
        Subscription(type="orderbook", codes=["KRW-ETH"], level=10_000.0),
    )
    assert len(whole.subscriptions) == 1


def test_all_markets_take_in_any_codes():
    assert named(plus("myOrder:KRW-BTC", "myOrder")) == ["myOrder"]
    assert named(plus("myOrder", "myOrder:KRW-BTC")) == ["myOrder"]


def test_one_code_cannot_be_taken_from_all_markets():
    assert named(plus("myOrder").minus("myOrder", ["KRW-BTC"])) == ["myOrder"]


def test_a_code_goes_from_every_entry_of_its_type():
    whole = plus(
        Subscription(type="orderbook", codes=["KRW-BTC"], level=10_000),
        Subscription(type="orderbook", codes=["KRW-BTC", "KRW-ETH"]),
        "trade:KRW-BTC",
    )
    assert named(whole.minus("orderbook", ["KRW-BTC"])) == ["orderbook:KRW-ETH", "trade:KRW-BTC"]


def test_without_codes_the_whole_type_goes():
    whole = plus("myOrder", "myAsset", "trade:KRW-BTC,KRW-ETH")
    assert named(whole.minus("trade")) == ["myOrder", "myAsset"]
    assert named(whole.minus("myAsset")) == ["myOrder", "trade:KRW-BTC,KRW-ETH"]
    assert named(whole.minus("ticker")) == named(whole)


def test_no_more_combinations_of_code_and_indicator_than_the_exchange_takes():
    whole = plus(indicators(10, markets=5), indicators(10, "indicator_signal", markets=5))
    assert MAX_INDICATORS == 100
    with pytest.raises(InvalidSubscription, match="101 combinations"):
        plus(indicators(1), to=whole)
    with pytest.raises(InvalidSubscription, match="101 combinations"):
        plus(indicators(101))
    assert plus(indicators(100)).subscriptions
    assert plus("trade:KRW-BTC", to=whole).has("trade")


def test_merged_codes_count_once_for_the_limit():
    whole = plus(indicators(20, markets=5))
    assert plus(indicators(20, markets=3), to=whole).subscriptions == whole.subscriptions
