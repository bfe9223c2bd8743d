import functools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from upbit_stream.errors import InvalidSubscription, SubscriptionRejected
from upbit_stream.model.subscription import Subscription
from upbit_stream.session.desired import Change, Desired

GOOD = tuple(f"SGD-G{number}" for number in range(6))
BAD = tuple(f"SGD-B{number}" for number in range(3))
REFUSAL = SubscriptionRejected("INVALID_PARAM", "no such thing")
wishes = st.tuples(st.sampled_from(["add", "remove"]), st.lists(st.sampled_from(GOOD + BAD), min_size=1, max_size=3))


def add(*codes, kind="trade"):
    return lambda wanted: wanted.plus(Subscription(type=kind, codes=codes))


def remove(*codes, kind="trade"):
    return lambda wanted: wanted.minus(kind, codes)


def codes_of(whole):
    return {code for entry in whole.subscriptions for code in entry.codes}


class Wishes:
    """A `Desired`, the wishes on it in their order, and what became of each."""

    def __init__(self):
        self.desired = Desired()
        self.applies = []
        self.changes = []
        self.outcomes = {}

    def want(self, apply):
        number = len(self.changes)
        change = Change(apply, functools.partial(self._settle, number))
        self.desired.want(change)
        self.applies.append(apply)
        self.changes.append(change)
        return number

    def _settle(self, number, error):
        assert number not in self.outcomes, "settled twice"
        self.outcomes[number] = error

    def round(self):
        """One round with an exchange that refuses any set with a bad code in it."""
        if codes_of(self.desired.begin()) & set(BAD):
            self.desired.refused(REFUSAL)
            return False
        self.desired.accepted()
        return True

    def rounds(self):
        count = 0
        while self.desired.has_changes:
            self.round()
            count += 1
        return count


class AgainstANaiveModel(RuleBasedStateMachine):
    """The model: a set, to which the wishes that succeeded are applied one by one in the order they were made."""

    def __init__(self):
        super().__init__()
        self.wishes = Wishes()
        self.desired = self.wishes.desired
        self.asked = []
        self.withdrawn = set()
        self.withdrawn_under_way = set()
        self.under_way = False
        self.exchange_has = set()

    @rule(wish=wishes)
    def want(self, wish):
        kind, codes = wish
        self.asked.append(wish)
        self.wishes.want((add if kind == "add" else remove)(*codes))

    @precondition(lambda self: not self.under_way)
    @rule()
    def begin(self):
        self.target = codes_of(self.desired.begin())
        self.under_way = True

    @precondition(lambda self: self.under_way)
    @rule()
    def answer(self):
        self.under_way = False
        if self.target & set(BAD):
            self.desired.refused(REFUSAL)
        else:
            self.exchange_has = self.target
            self.desired.accepted()
        self.forgotten()

    @precondition(lambda self: self.under_way)
    @rule()
    def lose_the_connection(self):
        self.under_way = False
        self.desired.interrupted()
        self.forgotten()

    def forgotten(self):
        """A wish that was withdrawn while it was under way, and has no outcome when its round is over, gets none."""
        self.withdrawn |= self.withdrawn_under_way - set(self.wishes.outcomes)
        self.withdrawn_under_way = set()

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def withdraw(self, data):
        number = data.draw(st.integers(0, len(self.asked) - 1))
        change = self.wishes.changes[number]
        waiting, under_way = change in self.desired._waiting, change in self.desired._under_way
        self.desired.withdraw(change)
        if waiting:
            self.withdrawn.add(number)
        elif under_way:
            self.withdrawn_under_way.add(number)

    @invariant()
    def the_confirmed_set_is_what_the_exchange_took(self):
        assert codes_of(self.desired.confirmed) == self.exchange_has

    @invariant()
    def it_is_what_the_successful_wishes_make(self):
        model = set()
        for number in sorted(number for number, error in self.wishes.outcomes.items() if error is None):
            kind, codes = self.asked[number]
            model = model | set(codes) if kind == "add" else model - set(codes)
        assert codes_of(self.desired.confirmed) == model

    @invariant()
    def wishes_are_settled_in_their_order_and_no_withdrawn_one_is(self):
        assert list(self.wishes.outcomes) == sorted(self.wishes.outcomes)
        assert not self.withdrawn & set(self.wishes.outcomes)

    @invariant()
    def only_wishes_for_a_bad_code_fail(self):
        failed = [number for number, error in self.wishes.outcomes.items() if error is not None]
        assert all(self.asked[number][0] == "add" and set(self.asked[number][1]) & set(BAD) for number in failed)

    @invariant()
    def it_is_idle_only_if_nothing_is_left(self):
        open_wishes = len(self.asked) - len(self.wishes.outcomes) - len(self.withdrawn)
        assert self.desired.is_idle == (not self.exchange_has and not open_wishes)

    def teardown(self):
        if self.under_way:
            self.answer()
        self.wishes.rounds()
        assert set(self.wishes.outcomes) | self.withdrawn == set(range(len(self.asked)))
        self.it_is_what_the_successful_wishes_make()


TestAgainstANaiveModel = AgainstANaiveModel.TestCase
TestAgainstANaiveModel.settings = settings(max_examples=60, stateful_step_count=40)


@given(st.lists(st.lists(st.sampled_from(GOOD + BAD), min_size=1, max_size=3), min_size=1, max_size=20))
def test_a_refused_batch_fails_exactly_the_bad_wishes_in_few_rounds(batch):
    wishes = Wishes()
    for codes in batch:
        wishes.want(add(*codes))
    assert wishes.rounds() <= 1 + len(batch)
    bad = [bool(set(codes) & set(BAD)) for codes in batch]
    assert [wishes.outcomes[number] is REFUSAL for number in range(len(batch))] == bad
    good = {code for codes, is_bad in zip(batch, bad, strict=True) for code in codes if not is_bad}
    assert codes_of(wishes.desired.confirmed) == good


def test_good_wishes_take_one_round():
    wishes = Wishes()
    for code in GOOD:
        wishes.want(add(code))
    assert wishes.rounds() == 1


def test_wishes_made_after_a_refusal_go_together_again():
    wishes = Wishes()
    for code in (*GOOD[:2], *BAD[:1]):
        wishes.want(add(code))
    wishes.round()
    for code in GOOD[3:]:
        wishes.want(add(code))
    assert wishes.rounds() == 3 + 1


def test_what_waits_alone_waits_for_the_round_before_it():
    wishes = Wishes()
    wishes.want(add(GOOD[0]))
    wishes.want(add(BAD[0]))
    wishes.round()
    assert codes_of(wishes.desired.begin()) == {GOOD[0]}
    wishes.desired.interrupted()
    assert codes_of(wishes.desired.begin()) == {GOOD[0]}
    assert codes_of(wishes.desired.eventual) == {GOOD[0], BAD[0]}


def test_a_refused_set_without_changes_has_nobody_to_blame():
    wishes = Wishes()
    wishes.want(add(GOOD[0]))
    wishes.rounds()
    assert codes_of(wishes.desired.begin()) == {GOOD[0]}
    assert wishes.desired.refused(REFUSAL) is False
    assert codes_of(wishes.desired.confirmed) == {GOOD[0]}


def test_a_wish_that_makes_the_whole_too_large_is_refused_at_once():
    wishes = Wishes()
    wishes.want(indicators(100))
    with pytest.raises(InvalidSubscription, match="101 combinations"):
        wishes.want(indicators(1, kind="indicator_signal"))
    assert wishes.rounds() == 1


@pytest.mark.parametrize("how", ["withdrawn", "refused"])
def test_a_wish_that_became_impossible_is_told_and_stops_nothing_else(how):
    """The second wish was possible only after the first, which did not come about."""
    wishes = Wishes()
    first = wishes.want(indicators(100))
    wishes.rounds()
    removal = wishes.want(remove(kind="indicator"))
    instead = wishes.want(indicators(100, kind="indicator_signal"))
    other = wishes.want(add("KRW-BTC"))
    if how == "withdrawn":
        wishes.desired.withdraw(wishes.changes[removal])
    else:
        wishes.desired.begin()
        wishes.desired.refused(REFUSAL)
        wishes.desired.begin()
        wishes.desired.refused(REFUSAL)
    assert codes_of(wishes.desired.eventual) == {f"KRW-I{number}" for number in range(100)} | {"KRW-BTC"}
    last = wishes.want(add("KRW-ETH"))
    wishes.rounds()
    assert isinstance(wishes.outcomes[instead], InvalidSubscription)
    assert [wishes.outcomes[number] for number in (first, other, last)] == [None] * 3
    assert wishes.desired.confirmed.has("indicator")
    assert not wishes.desired.confirmed.has("indicator_signal")


def test_the_end_is_told_to_every_wish_once():
    wishes = Wishes()
    wishes.want(add(GOOD[0]))
    wishes.desired.begin()
    wishes.want(add(GOOD[1]))
    wishes.desired.fail(REFUSAL)
    assert wishes.outcomes == {0: REFUSAL, 1: REFUSAL}
    wishes.desired.fail(REFUSAL)
    assert wishes.desired.is_idle


def indicators(count, kind="indicator"):
    names = [f"KRW-I{number}" for number in range(count)]
    return lambda wanted: wanted.plus(Subscription(type=kind, codes=names, timeframe="5m", indicators=["rsi"]))


def test_an_error_that_may_have_another_cause_blames_a_change_only_the_third_time():
    wishes = Wishes()
    wishes.want(add("SGD-G0"))
    error = SubscriptionRejected("INTERNAL", "something else")
    for _ in range(2):
        wishes.desired.begin()
        assert wishes.desired.doubted(error)
        assert wishes.outcomes == {}
        assert wishes.desired.has_changes
    wishes.desired.begin()
    assert wishes.desired.doubted(error)
    assert wishes.outcomes == {0: error}
    assert not wishes.desired.doubted(error)
