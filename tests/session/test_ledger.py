import pytest
from hypothesis import given
from hypothesis import strategies as st

from upbit_stream.session import ledger as module
from upbit_stream.session.ledger import BEFORE_NEWEST_NS, GENERATION_IDS, GENERATION_NS, KEPT_NS, SECOND_NS, Ledger

BTC, ETH = "SGD-BTC", "SGD-ETH"


class Day:
    """A ledger in simulated time, which ticks every second, beside all that it was ever told."""

    def __init__(self, **options):
        self.now = 0
        self.ledger = Ledger(0, **options)
        self.told: dict[tuple[str, int], int] = {}
        self.count = 0
        self.is_needed = lambda from_s, to_s: False

    def trade(self, code=BTC, trade_id=None):
        self.count += 1
        trade_id = self.count if trade_id is None else trade_id
        was = (code, trade_id) in self.told
        self.told.setdefault((code, trade_id), self.now)
        assert self.ledger.add(code, trade_id) is not was
        return trade_id

    def live(self, seconds, *codes):
        """Let time pass, with a trade of each of these codes every second. The ids."""
        ids = []
        for _ in range(seconds):
            ids += [self.trade(code) for code in codes]
            self.now += 1
            self.ledger.tick(
                self.now * SECOND_NS, lambda begin, end: self.is_needed(begin / SECOND_NS, end / SECOND_NS)
            )
        return ids

    def knows(self, *ids, code=BTC):
        return [self.ledger.received(code, trade_id) for trade_id in ids]

    @property
    def held(self):
        past = sum(len(generation.ids) for generation in self.ledger._past)
        return len(self.ledger.new) + past + sum(map(len, self.ledger._tails.values()))


# what was received


def test_a_trade_is_new_once_in_each_market():
    ledger = Ledger()
    assert ledger.add(BTC, 17)
    assert not ledger.add(BTC, 17)
    assert not ledger.received(ETH, 17)
    assert ledger.add(ETH, 17)
    assert not ledger.add(ETH, 17)
    assert ledger.received(BTC, 17)
    assert ledger.received(ETH, 17)


def test_to_ask_notes_nothing():
    ledger = Ledger()
    assert not ledger.received(BTC, 17)
    assert ledger.add(BTC, 17)


def test_an_id_of_two_markets_is_told_apart_also_when_it_is_older():
    day = Day()
    day.trade(BTC, 17)
    day.live(130)
    assert day.ledger.add(ETH, 17)
    assert not day.ledger.add(ETH, 17)
    assert not day.ledger.add(BTC, 17)


def test_the_receiving_path_finds_the_last_minute_in_the_two_newest():
    day = Day()
    for _ in range(200):
        ids = day.live(1, BTC)
        assert ids[0] in day.ledger.new or ids[0] in day.ledger.old
    recent = range(200 - 58, 201)
    assert all(trade_id in day.ledger.new or trade_id in day.ledger.old for trade_id in recent)


def test_what_was_received_lately_is_told_quicker_and_no_less_exactly():
    day = Day()
    first, *_ = day.live(59, BTC)
    assert day.ledger.knows(BTC, first)
    assert not day.ledger.knows(ETH, first)
    assert not day.ledger.knows(BTC, 9_999)
    day.ledger.note(ETH, first)
    assert day.ledger.knows(ETH, first)
    assert day.ledger.knows(BTC, first)
    day.live(130, BTC)
    assert not day.ledger.knows(BTC, first)
    assert day.ledger.received(BTC, first)


# when


def test_the_newest_of_each_market_is_dated_by_the_second_and_never_late():
    day = Day()
    day.live(70, BTC, ETH)
    day.live(20, BTC)
    day.trade(BTC)
    assert day.ledger.newest_ns() == {BTC: 90 * SECOND_NS, ETH: 69 * SECOND_NS}


def test_what_an_earlier_run_received_is_known_with_its_time():
    day = Day()
    day.ledger.load(BTC, {3: 30, 2: 20})
    day.ledger.load(ETH, {})
    assert day.knows(2, 3, 4) == [True, True, False]
    assert not day.ledger.add(BTC, 2)
    assert day.ledger.newest_ns() == {BTC: 30}
    day.count = 100
    day.live(5, BTC)
    assert day.ledger.newest_ns() == {BTC: 4 * SECOND_NS}


# what is forgotten


def test_what_is_old_is_forgotten_and_five_minutes_are_kept():
    day = Day()
    first = day.live(60, BTC)
    ids = day.live(3_600, BTC)
    assert not any(day.knows(*first))
    assert all(day.knows(*ids[-KEPT_NS // SECOND_NS :]))
    assert day.held < (KEPT_NS + 3 * GENERATION_NS) // SECOND_NS


def test_how_long_ids_are_kept_can_be_set():
    day = Day(kept_ns=1_200 * SECOND_NS)
    ids = day.live(3_600, BTC)
    assert all(day.knows(*ids[-1_200:]))
    assert not any(day.knows(*ids[:1_200]))


def test_a_quiet_market_keeps_its_last_trades_for_ever():
    day = Day()
    before = day.live(300, BTC, ETH)[::2]
    last = day.live(int(BEFORE_NEWEST_NS / SECOND_NS), BTC, ETH)
    day.live(20_000, ETH)
    assert all(day.knows(*last[::2]))
    assert not any(day.knows(*before[:100]))
    last_ns = 299 * SECOND_NS + BEFORE_NEWEST_NS
    assert last_ns - GENERATION_NS <= day.ledger.newest_ns()[BTC] <= last_ns


def test_a_market_that_wakes_up_forgets_what_was_before_its_sleep():
    day = Day()
    asleep = day.live(30, BTC)
    day.live(4_000, ETH)
    assert all(day.knows(*asleep))
    awake = day.live(700, BTC, ETH)[::2]
    assert not any(day.knows(*asleep))
    assert all(day.knows(*awake[-300:]))
    assert day.ledger._tails == {}


def test_everything_since_a_moment_is_known():
    day = Day()
    assert day.ledger.complete_since_ns == 0
    day.live(3_000, BTC)
    since = day.ledger.complete_since_ns
    assert 3_000 * SECOND_NS - KEPT_NS - 2 * GENERATION_NS <= since <= 3_000 * SECOND_NS - KEPT_NS
    assert all(day.ledger.received(*key) for key, at in day.told.items() if at * SECOND_NS >= since)


def test_what_is_needed_is_kept_as_long_as_it_is():
    day = Day()
    day.is_needed = lambda from_s, to_s: from_s <= 200 and to_s >= 100
    ids = day.live(3_000, BTC)
    assert all(day.knows(*ids[99:200]))
    assert not any(day.knows(*ids[260:2_000]))
    day.is_needed = lambda from_s, to_s: False
    day.live(130, BTC)
    assert not any(day.knows(*ids[:200]))


def test_what_an_earlier_run_received_is_kept_as_long_as_it_is_needed():
    day = Day()
    day.ledger.load(BTC, {7_777_777: -10 * SECOND_NS})
    day.is_needed = lambda from_s, to_s: from_s <= 150 and to_s >= -160
    day.live(900, BTC)
    assert day.ledger.received(BTC, 7_777_777)
    day.is_needed = lambda from_s, to_s: False
    day.live(900, BTC)
    assert not day.ledger.received(BTC, 7_777_777)


def test_a_flood_begins_new_generations_and_is_cut_at_a_bound(monkeypatch):
    monkeypatch.setattr(module, "KEPT_IDS", 3 * GENERATION_IDS)
    day = Day()
    for _ in range(8):
        for _ in range(GENERATION_IDS):
            day.trade()
        day.live(1)
        assert len(day.ledger.new) == 0
    assert len(day.ledger.old) == GENERATION_IDS
    assert day.held <= 3 * GENERATION_IDS
    assert all(day.knows(*range(day.count - 2 * GENERATION_IDS + 1, day.count + 1)))


def test_a_clash_is_forgotten_with_its_id():
    day = Day()
    day.trade(BTC, 17)
    day.trade(ETH, 17)
    day.count = 100
    day.live(1_000, BTC, ETH)
    assert day.knows(17) == day.knows(17, code=ETH) == [False]
    assert day.ledger._clashes == set()


# against all that was ever told

moves = st.lists(
    st.tuples(st.sampled_from(["A", "B", "C"]), st.integers(0, 40), st.sampled_from([0, 1, 5, 40, 130, 400])),
    max_size=40,
)


@given(moves, st.integers(0, 1_000), st.integers(0, 400))
def test_what_is_promised_is_known_and_nothing_that_never_came(steps, needed_from, needed_for):
    day = Day()
    needed_to = needed_from + needed_for
    day.is_needed = lambda from_s, to_s: from_s <= needed_to and to_s >= needed_from
    newest: dict[str, int] = {}
    clashing = set()
    for code, number, pause in steps:
        if day.ledger.received(code, number):
            assert (code, number) in day.told
        else:
            if any(day.ledger.received(other, number) for other in "ABC"):
                clashing.add((code, number))
            assert day.ledger.add(code, number)
            day.told[code, number] = day.now
            newest[code] = day.now
        day.live(pause)
    for (code, number), received_s in day.told.items():
        if (code, number) in clashing:
            continue  # ids are unique within a market; two markets that share one share its fate
        is_recent = received_s > day.now - KEPT_NS // SECOND_NS
        is_last = received_s == newest[code]
        if is_recent or is_last or needed_from <= received_s <= needed_to:
            assert day.ledger.received(code, number), (code, number)
        if received_s * SECOND_NS >= day.ledger.complete_since_ns:
            assert day.ledger.received(code, number)


@pytest.mark.parametrize("seconds", [1, 59, 60, 61, 600])
def test_a_ledger_without_trades_is_empty(seconds):
    day = Day()
    day.live(seconds)
    assert (day.held, day.ledger.newest_ns()) == (0, {})
