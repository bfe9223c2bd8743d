import functools
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upbit_stream.model.subscription import Subscription
from upbit_stream.session.silence import LONGEST_S, SILENCE_LIMITS_S, SilenceWatch

CHECK_S = 5.0


class Day:
    """A session in simulated time: it looks every 5 s, and a resubscription brings a snapshot per code.

    The snapshots may come before the exchange confirms the set, or after.
    """

    def __init__(self, *wanted, late_snapshots, limits_s=SILENCE_LIMITS_S):
        self.now = 1_000.0
        self.counts: dict[str, int] = {}
        self.found: list[tuple[float, str, str]] = []
        self._watch = SilenceWatch(limits_s)
        self._wanted: list[Subscription] = []
        self._late_snapshots = late_snapshots
        self.want(*wanted)

    def want(self, *wanted):
        """The exchange confirms a set."""
        self._wanted = [Subscription.parse(item) if isinstance(item, str) else item for item in wanted]
        if self._late_snapshots:
            self._watch.subscribed(self._wanted, self.counts, self.now)
        for subscription in self._wanted:
            if not subscription.is_only_realtime:
                self.receive(subscription.type.partition(".")[0], len(tuple(subscription.codes)))
        if not self._late_snapshots:
            self._watch.subscribed(self._wanted, self.counts, self.now)

    def receive(self, kind, count=1):
        self.counts[kind] = self.counts.get(kind, 0) + count

    def live(self, seconds, each=()):
        """Let time pass, with these types arriving at each step."""
        end = self.now + seconds
        while self.now < end:
            self.now += CHECK_S
            for kind in each:
                self.receive(kind)
            if found := self._watch.check(self.counts, self.now):
                self.found.append((self.now - 1_000, *found))
                self.want(*self._wanted)
        return self.found


@pytest.fixture(params=[False, True], ids=["snapshots before the answer", "snapshots after the answer"])
def a_day(request):
    return functools.partial(Day, late_snapshots=request.param)


@pytest.mark.parametrize(("kind", "limit_s"), SILENCE_LIMITS_S.items())
def test_a_silent_type_is_found_at_its_limit(a_day, kind, limit_s):
    day = a_day(f"{'candle.1m' if kind == 'candle' else kind}:SGD-BTC")
    assert day.live(limit_s - CHECK_S) == []
    assert day.live(CHECK_S) == [(limit_s, kind, "resubscribe")]


def test_the_remedies_take_turns_with_twice_the_patience_up_to_an_hour(a_day):
    found = a_day("orderbook:SGD-BTC").live(25_000)
    times = [0.0, *(at for at, _, _ in found)]
    patience = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert patience == [60, 120, 240, 480, 960, 1_920, 3_600, 3_600, 3_600, 3_600, 3_600]
    assert LONGEST_S == 3_600
    assert [remedy for _, _, remedy in found] == ["resubscribe", "reconnect"] * 5 + ["resubscribe"]


def test_snapshots_after_a_resubscription_are_no_recovery(a_day):
    day = a_day("ticker:SGD-BTC,SGD-ETH,SGD-XRP")
    day.live(120 + 240)
    assert [remedy for _, _, remedy in day.found] == ["resubscribe", "reconnect"]


def test_snapshots_of_a_subscription_to_snapshots_alone_are_no_recovery_either(a_day):
    day = a_day("ticker:SGD-BTC", Subscription(type="ticker", codes=["SGD-ETH", "SGD-XRP"], is_only_snapshot=True))
    day.live(120 + 240)
    assert [remedy for _, _, remedy in day.found] == ["resubscribe", "reconnect"]


def test_real_data_ends_the_escalation(a_day):
    day = a_day("ticker:SGD-BTC")
    day.live(360)
    day.live(10, each=["ticker"])
    recovered_at = day.now - 1_000
    day.live(240)
    assert [(at, remedy) for at, _, remedy in day.found[2:]] == [(recovered_at + 120, "resubscribe")]


def test_a_single_message_of_many_codes_is_life(a_day):
    """Snapshots come at once; a message of a quiet market, minutes later, is none."""
    codes = ",".join(f"SGD-A{number}" for number in range(200))
    day = a_day(f"trade:{codes}")
    for _ in range(20):
        assert day.live(590) == []
        day.receive("trade")


def test_without_snapshots_the_first_message_is_life(a_day):
    day = a_day(Subscription(type="orderbook", codes=["SGD-BTC", "SGD-ETH"], is_only_realtime=True))
    day.live(5, each=["orderbook"])
    assert day.live(55) == []
    assert day.live(5) == [(65, "orderbook", "resubscribe")]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=100), st.booleans())
def test_a_type_that_keeps_arriving_is_never_silent(steps, late_snapshots):
    day = Day("orderbook:SGD-BTC", late_snapshots=late_snapshots)
    for step in steps:
        day.live(step * CHECK_S)
        day.receive("orderbook")
    assert day.found == []


def test_one_silent_type_among_living_ones_is_found(a_day):
    day = a_day("ticker:SGD-BTC", "orderbook:SGD-BTC", "trade:SGD-BTC")
    day.live(100, each=["ticker", "trade"])
    assert day.found == [(60, "orderbook", "resubscribe")]


def test_two_silent_types_are_both_found(a_day):
    day = a_day("ticker:SGD-BTC", "orderbook:SGD-BTC")
    day.live(600)
    assert {kind for _, kind, _ in day.found} == {"ticker", "orderbook"}


def test_the_units_of_candles_are_watched_as_one(a_day):
    day = a_day("candle.1m:SGD-BTC", "candle.1s:SGD-BTC,SGD-ETH")
    assert day.live(600) == [(600, "candle", "resubscribe")]


def test_types_that_may_be_silent_are_not_watched(a_day):
    day = a_day(
        "myOrder",
        "myAsset",
        "announcement",
        Subscription(type="indicator", codes=["KRW-BTC"], timeframe="5m", indicators=["rsi"]),
        Subscription(type="indicator_signal", codes=["KRW-BTC"], timeframe="5m", indicators=["rsi"]),
        Subscription(type="ticker", codes=["SGD-BTC"], is_only_snapshot=True),
    )
    assert day.live(20_000) == []


def test_no_limits_turn_the_watch_off(a_day):
    assert a_day("ticker:SGD-BTC", "orderbook:SGD-BTC", limits_s={}).live(20_000) == []


def test_other_limits_can_be_set(a_day):
    day = a_day("ticker:SGD-BTC", "orderbook:SGD-BTC", limits_s={"ticker": 30.0})
    assert day.live(60) == [(30, "ticker", "resubscribe")]


def test_what_is_unsubscribed_is_watched_no_more(a_day):
    day = a_day("ticker:SGD-BTC", "orderbook:SGD-BTC")
    day.live(50, each=["ticker"])
    day.want("ticker:SGD-BTC")
    assert day.live(500, each=["ticker"]) == []


def test_what_comes_back_is_watched_anew(a_day):
    day = a_day("orderbook:SGD-BTC")
    day.live(60 + 120)
    day.want("ticker:SGD-BTC")
    day.want("ticker:SGD-BTC", "orderbook:SGD-BTC")
    before = day.now - 1_000
    day.live(60, each=["ticker"])
    assert day.found[2:] == [(before + 60, "orderbook", "resubscribe")]
