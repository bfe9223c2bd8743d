"""Filling a gap in trades: complete, in order, each once, in few calls, across midnights, whatever the market does."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upbit_stream.errors import MalformedMessage
from upbit_stream.session.trade_backfill import TradeBackfill, TradesRequest

from .tapes import DAY_MS, SECOND_MS, Clock, Tick, TradesRest, asked, between, evenly, tape_of, walk

MIDNIGHT_MS = 1_790_000_000_000 // DAY_MS * DAY_MS
NOON_MS = MIDNIGHT_MS + DAY_MS // 2
HOUR_MS, MINUTE_MS = 3_600_000, 60_000


# Any tape

# Pauses from none (a burst within one ms) to days, with and without a crowd behind them.
PAUSES = st.one_of(
    st.integers(0, 3),
    st.integers(0, 2 * SECOND_MS),
    st.integers(0, HOUR_MS),
    st.integers(0, DAY_MS),
    st.sampled_from([SECOND_MS, MINUTE_MS, DAY_MS]),
)
CROWDS = st.one_of(st.just(1), st.integers(1, 8), st.integers(1, 400))


@st.composite
def tapes(draw: st.DrawFn) -> list[Tick]:
    # Beside midnight, where it matters most.
    at_ms = MIDNIGHT_MS - draw(st.sampled_from([0, 1, 1_500, 90_000, HOUR_MS, DAY_MS // 2])) - 5 * DAY_MS
    times = []
    for pause_ms, crowd, spread_ms in draw(
        st.lists(st.tuples(PAUSES, CROWDS, st.sampled_from([0, 0, 1, 7, 400])), min_size=1, max_size=12)
    ):
        at_ms += pause_ms
        times += [at_ms + i * spread_ms for i in range(crowd)]
        at_ms = times[-1]
    return tape_of(times)


@settings(max_examples=250)
@given(tapes(), st.data())
def test_what_is_handed_out_is_the_tape(tape: list[Tick], data: st.DataObject) -> None:
    ends = st.sampled_from([tape[0].timestamp, tape[-1].timestamp, *{t.timestamp for t in tape[:: len(tape) // 9 + 1]}])
    from_ms, to_ms = sorted((data.draw(ends), data.draw(ends)))
    chance = random.Random(data.draw(st.integers(0, 99)))
    steps = data.draw(st.sampled_from([(60, 70), (60, 3_000), (60, 90_000)]))
    # Now and then a long wait: the process slept.
    nap_ms = data.draw(st.sampled_from([0, 0, HOUR_MS, 20 * HOUR_MS]))
    off_ms = data.draw(st.sampled_from([0, 500, 2_000]))
    clock = Clock(
        max(to_ms, from_ms) + data.draw(st.sampled_from([0, 1, 999, HOUR_MS, DAY_MS])),
        lambda: chance.randint(*steps) + (nap_ms if chance.random() < 0.02 else 0),
        lambda: chance.randint(-off_ms, off_ms),
    )
    count = data.draw(st.sampled_from([3, 10, 40, 500]))
    rest = TradesRest(tape)
    backfill: TradeBackfill[Tick] = TradeBackfill(from_ms, to_ms, now_ms=clock.told_ms())
    most = 0

    def note(rows: int) -> None:
        nonlocal most
        most = max(most, rows)

    found = walk(backfill, rest, clock, count=count, after=note)
    wanted = between(tape, from_ms, to_ms)
    kept_from_ms = backfill.lost_before_ms or from_ms
    places = [rest.places[tick.sequential_id] for tick in found]
    assert places == sorted(set(places)), "in order, each once"
    assert set(found) <= set(wanted), "nothing else"
    assert {t for t in wanted if t.timestamp >= kept_from_ms} <= set(found), "nothing is missing"
    assert backfill.reached_ms == max(from_ms, min(max(kept_from_ms, to_ms + 1), to_ms + 1))
    crowded = max(
        sum(1 for t in wanted if at <= t.timestamp < at + 2_000) for at in {t.timestamp for t in wanted[::20]}
    )
    assert most <= max(16 * count, 2 * crowded + count)


@settings(max_examples=150)
@given(tapes(), st.integers(1, 60), st.sampled_from([3, 20, 500]))
def test_stopped_anywhere_and_begun_anew_loses_nothing(tape: list[Tick], calls: int, count: int) -> None:
    from_ms, to_ms = tape[0].timestamp, tape[-1].timestamp
    clock = Clock(MIDNIGHT_MS + DAY_MS if to_ms < MIDNIGHT_MS + DAY_MS else to_ms + 1)
    rest = TradesRest(tape)
    found: list[Tick] = []
    reached_ms, lost_ms = from_ms, from_ms
    while reached_ms <= to_ms:
        backfill: TradeBackfill[Tick] = TradeBackfill(reached_ms, to_ms, now_ms=clock.now_ms)
        part = walk(backfill, rest, clock, count=count, calls=calls)
        assert backfill.reached_ms >= reached_ms
        assert all(tick.timestamp < backfill.reached_ms for tick in part)
        found += part
        lost_ms = max(lost_ms, backfill.lost_before_ms or 0)
        # A run that is too short to complete a piece has to be let run.
        calls = calls if backfill.reached_ms > reached_ms else calls * 2
        reached_ms = backfill.reached_ms
    assert found == between(tape, lost_ms, to_ms)


# How many calls


@pytest.mark.parametrize("trades_a_day", [0, 1, 24, 400])
def test_a_quiet_market_costs_one_call_a_day(trades_a_day: int) -> None:
    from_ms = NOON_MS - 7 * DAY_MS
    tape = evenly(from_ms, NOON_MS, DAY_MS // trades_a_day) if trades_a_day else []
    rest, clock = TradesRest(tape), Clock(NOON_MS)
    backfill: TradeBackfill[Tick] = TradeBackfill(from_ms, NOON_MS, now_ms=NOON_MS)
    assert walk(backfill, rest, clock) == tape
    assert len(rest.calls) == 8


def test_a_market_of_two_thousand_trades_a_day_is_not_asked_twice_for_anything() -> None:
    from_ms = NOON_MS - 7 * DAY_MS
    tape = evenly(from_ms, NOON_MS, DAY_MS // 2_000)
    rest, clock = TradesRest(tape), Clock(NOON_MS)
    assert walk(TradeBackfill(from_ms, NOON_MS, now_ms=NOON_MS), rest, clock) == tape
    assert len(rest.calls) <= len(tape) // 500 + 8 + 1


def test_a_busy_market_costs_little_more_than_its_pages() -> None:
    from_ms = NOON_MS - 26 * HOUR_MS
    tape = evenly(from_ms, NOON_MS, 300)
    rest, clock = TradesRest(tape), Clock(NOON_MS)
    most = 0

    def note(rows: int) -> None:
        nonlocal most
        most = max(most, rows)

    assert walk(TradeBackfill(from_ms, NOON_MS, now_ms=NOON_MS), rest, clock, after=note) == tape
    assert len(rest.calls) <= 1.3 * len(tape) / 500 + 40
    assert most <= 8_000


def test_a_short_gap_costs_one_call_and_two_across_midnight() -> None:
    tape = evenly(MIDNIGHT_MS - HOUR_MS, MIDNIGHT_MS + HOUR_MS, 1_000)
    for from_ms, calls in ((MIDNIGHT_MS + 20 * MINUTE_MS, 1), (MIDNIGHT_MS - 5_000, 2)):
        rest, to_ms = TradesRest(tape), from_ms + 10_000
        found = walk(TradeBackfill(from_ms, to_ms, now_ms=to_ms + 50), rest, Clock(to_ms + 50))
        assert found == between(tape, from_ms, to_ms)
        if calls == 1:
            assert rest.calls == [TradesRequest(0, None, None)]
        else:
            assert len([call for call in rest.calls if call.days_ago]) == 1


@pytest.mark.parametrize(("lasts_ms", "most_calls"), [(10 * MINUTE_MS, 200), (MINUTE_MS, 320), (1_500, 500)])
def test_a_burst_in_a_long_quiet_time_costs_a_few_times_its_pages(lasts_ms: int, most_calls: int) -> None:
    burst = [NOON_MS - 3 * HOUR_MS + i * lasts_ms // 30_000 for i in range(30_000)]
    quiet = range(NOON_MS - 3 * DAY_MS, NOON_MS, HOUR_MS)
    tape = tape_of(sorted([*burst, *quiet]))
    rest = TradesRest(tape)
    assert walk(TradeBackfill(quiet[0], NOON_MS, now_ms=NOON_MS), rest, Clock(NOON_MS)) == tape
    assert len(rest.calls) < most_calls


def test_thousands_of_trades_in_one_second_and_in_one_ms() -> None:
    tape = tape_of([NOON_MS - 5_000 + i // 9 for i in range(9_000)] + [NOON_MS - 1] * 1_700 + [NOON_MS] * 2)
    for from_ms, to_ms in ((tape[0].timestamp, NOON_MS - 1), (NOON_MS - 4_500, NOON_MS), (NOON_MS - 1, NOON_MS - 1)):
        found = walk(TradeBackfill(from_ms, to_ms, now_ms=NOON_MS), TradesRest(tape), Clock(NOON_MS))
        assert found == between(tape, from_ms, to_ms)


# What is asked


def test_the_parameters_of_a_piece() -> None:
    tape = evenly(NOON_MS - 3 * DAY_MS, NOON_MS, 60_000)
    from_ms, to_ms = NOON_MS - 2 * DAY_MS - 10 * HOUR_MS, NOON_MS - 2 * DAY_MS + 500
    rest = TradesRest(tape)
    assert walk(TradeBackfill(from_ms, to_ms, now_ms=NOON_MS), rest, Clock(NOON_MS)) == between(tape, from_ms, to_ms)
    first, second = rest.calls
    assert first == TradesRequest(2, "120001", None), "up to the next whole second"
    assert (second.days_ago, second.to) == (2, None)
    assert rest.tape[rest.places[second.cursor]].timestamp == NOON_MS - 2 * DAY_MS - 499 * 60_000


def test_the_end_of_a_day_is_not_named() -> None:
    backfill: TradeBackfill[Tick] = TradeBackfill(NOON_MS - DAY_MS, NOON_MS, now_ms=NOON_MS)
    assert backfill.next_request(NOON_MS) == TradesRequest(1, None, None)


def test_the_same_request_until_it_is_answered() -> None:
    backfill: TradeBackfill[Tick] = TradeBackfill(NOON_MS - 60_000, NOON_MS - 30_000, now_ms=NOON_MS)
    assert backfill.next_request(NOON_MS) == backfill.next_request(NOON_MS + 50) == TradesRequest(0, "115931", None)


def test_a_failed_request_is_made_for_the_day_it_has_become() -> None:
    backfill: TradeBackfill[Tick] = TradeBackfill(NOON_MS - 60_000, NOON_MS, now_ms=NOON_MS)
    assert backfill.next_request(NOON_MS) == TradesRequest(0, None, None)
    assert backfill.next_request(NOON_MS + 2 * DAY_MS) == TradesRequest(2, "120001", None)


def test_nothing_to_ask_for() -> None:
    backfill: TradeBackfill[Tick] = TradeBackfill(NOON_MS, NOON_MS - 1, now_ms=NOON_MS)
    assert backfill.next_request(NOON_MS) is None
    ahead: TradeBackfill[Tick] = TradeBackfill(NOON_MS + DAY_MS, NOON_MS + DAY_MS, now_ms=NOON_MS)
    assert ahead.next_request(NOON_MS) is None
    assert ahead.reached_ms == NOON_MS + DAY_MS


# What the exchange no longer has


def test_what_is_older_than_seven_days_is_lost() -> None:
    tape = evenly(NOON_MS - 10 * DAY_MS, NOON_MS, HOUR_MS)
    backfill: TradeBackfill[Tick] = TradeBackfill(NOON_MS - 9 * DAY_MS, NOON_MS, now_ms=NOON_MS)
    assert backfill.lost_before_ms == MIDNIGHT_MS - 7 * DAY_MS
    assert walk(backfill, TradesRest(tape), Clock(NOON_MS)) == between(tape, MIDNIGHT_MS - 7 * DAY_MS, NOON_MS)


def test_all_of_it_may_be_lost() -> None:
    to_ms = NOON_MS - 9 * DAY_MS
    backfill: TradeBackfill[Tick] = TradeBackfill(to_ms - 5, to_ms, now_ms=NOON_MS)
    assert backfill.next_request(NOON_MS) is None
    assert (backfill.reached_ms, backfill.lost_before_ms) == (to_ms + 1, MIDNIGHT_MS - 7 * DAY_MS)


def test_nothing_is_lost_from_the_midnight_seven_days_ago() -> None:
    from_ms = MIDNIGHT_MS - 7 * DAY_MS
    backfill: TradeBackfill[Tick] = TradeBackfill(from_ms, NOON_MS, now_ms=NOON_MS)
    assert backfill.lost_before_ms is None
    assert backfill.next_request(NOON_MS) == TradesRequest(7, None, None)


def test_a_day_that_goes_while_it_is_paged_through_is_lost() -> None:
    tape = evenly(MIDNIGHT_MS - 7 * DAY_MS, NOON_MS, 60_000)
    rest, clock = TradesRest(tape), Clock(MIDNIGHT_MS + DAY_MS - 10_000, lambda: 6_000)
    backfill: TradeBackfill[Tick] = TradeBackfill(tape[0].timestamp, NOON_MS, now_ms=clock.now_ms)
    assert backfill.lost_before_ms is None
    found = walk(backfill, rest, clock)
    assert backfill.lost_before_ms == MIDNIGHT_MS - 6 * DAY_MS
    assert found == between(tape, MIDNIGHT_MS - 6 * DAY_MS, NOON_MS)


# Midnight


def test_an_empty_answer_at_midnight_is_not_believed() -> None:
    at_ms = MIDNIGHT_MS + 1_000
    backfill: TradeBackfill[Tick] = TradeBackfill(MIDNIGHT_MS - 5_000, MIDNIGHT_MS - 1, now_ms=at_ms)
    request = asked(backfill, at_ms)
    assert request == TradesRequest(1, None, None)
    assert backfill.take(request, [], at_ms) == []
    assert backfill.next_request(at_ms) == request
    backfill.take(request, [], MIDNIGHT_MS + 5_000)
    assert backfill.next_request(MIDNIGHT_MS + 5_000) == request, "it was made too near to midnight"
    assert backfill.take(request, [], MIDNIGHT_MS + 5_100) == []
    assert backfill.next_request(MIDNIGHT_MS + 5_100) is None


def test_an_empty_answer_of_the_next_day_is_not_believed() -> None:
    tick = Tick(MIDNIGHT_MS - 60_000, 7)
    backfill: TradeBackfill[Tick] = TradeBackfill(tick.timestamp, tick.timestamp, now_ms=MIDNIGHT_MS - 9_000)
    request = asked(backfill, MIDNIGHT_MS - 9_000)
    assert backfill.take(request, [], MIDNIGHT_MS + 9_000) == [], "asked of the old day, answered of the new"
    again = asked(backfill, MIDNIGHT_MS + 9_000)
    assert again == TradesRequest(1, "235901", None)
    assert backfill.take(again, [tick], MIDNIGHT_MS + 9_100) == [tick]


def test_an_empty_answer_that_may_be_of_the_next_day_is_not_believed() -> None:
    asked_ms, answered_ms = MIDNIGHT_MS - 2_100, MIDNIGHT_MS - 1_500
    backfill: TradeBackfill[Tick] = TradeBackfill(MIDNIGHT_MS - 9_000, MIDNIGHT_MS - 8_000, now_ms=asked_ms)
    assert backfill.take(asked(backfill, asked_ms), [], answered_ms) == []
    assert backfill.next_request(answered_ms) is not None


def test_rows_tell_their_day_at_midnight_too() -> None:
    tick = Tick(MIDNIGHT_MS - 1, 7)
    backfill: TradeBackfill[Tick] = TradeBackfill(tick.timestamp, tick.timestamp, now_ms=MIDNIGHT_MS)
    assert backfill.take(asked(backfill, MIDNIGHT_MS), [tick], MIDNIGHT_MS) == [tick]


def test_rows_of_another_day_are_not_used() -> None:
    backfill: TradeBackfill[Tick] = TradeBackfill(NOON_MS - DAY_MS, NOON_MS - DAY_MS + 9, now_ms=NOON_MS)
    request = asked(backfill, NOON_MS)
    for _ in range(4):
        assert backfill.take(request, [Tick(NOON_MS, 1), Tick(NOON_MS - DAY_MS, 2)], NOON_MS) == []
        assert backfill.next_request(NOON_MS) == request
    with pytest.raises(MalformedMessage, match="another day"):
        backfill.take(request, [Tick(NOON_MS, 1)], NOON_MS)


def test_useless_answers_count_only_in_a_row() -> None:
    tape = evenly(NOON_MS - DAY_MS - HOUR_MS, NOON_MS - DAY_MS, 1_000)
    rest = TradesRest(tape)
    backfill: TradeBackfill[Tick] = TradeBackfill(tape[0].timestamp, tape[-1].timestamp, now_ms=NOON_MS)
    found = []
    while (request := backfill.next_request(NOON_MS)) is not None:
        for _ in range(4):
            backfill.take(request, [Tick(NOON_MS, 1)], NOON_MS)
        found += backfill.take(request, rest.answer(request, NOON_MS), NOON_MS)
    assert found == tape


def test_midnight_has_to_pass_some_time() -> None:
    backfill: TradeBackfill[Tick] = TradeBackfill(MIDNIGHT_MS - 9, MIDNIGHT_MS - 1, now_ms=MIDNIGHT_MS)
    request = asked(backfill, MIDNIGHT_MS)
    with pytest.raises(MalformedMessage):
        for _ in range(100):
            backfill.take(request, [], MIDNIGHT_MS)


def test_a_clock_that_is_behind_at_midnight_asks_for_today() -> None:
    tape = evenly(MIDNIGHT_MS - 5_000, MIDNIGHT_MS + 5_000, 100)
    clock = Clock(MIDNIGHT_MS + 1_000, lambda: 50, lambda: -1_900)
    found = walk(TradeBackfill(MIDNIGHT_MS - 300, MIDNIGHT_MS + 600, now_ms=clock.told_ms()), TradesRest(tape), clock)
    assert found == between(tape, MIDNIGHT_MS - 300, MIDNIGHT_MS + 600)


# The floor


@pytest.mark.parametrize("place", [0, 1, 2, 700, 1_399])
def test_the_floor_and_what_is_before_it_are_not_wanted(place: int) -> None:
    tape = tape_of([NOON_MS - 9_000] * 4 + [NOON_MS - 9_000 + i // 3 for i in range(1_396)])
    backfill: TradeBackfill[Tick] = TradeBackfill(
        NOON_MS - 9_000, NOON_MS, now_ms=NOON_MS, floor_id=tape[place].sequential_id
    )
    rest = TradesRest(tape)
    assert walk(backfill, rest, Clock(NOON_MS)) == tape[place + 1 :]
    assert len(rest.calls) <= (1_400 - place) // 500 + 1


def test_a_floor_that_is_not_there_changes_nothing() -> None:
    tape = evenly(NOON_MS - 9_000, NOON_MS, 7)
    backfill: TradeBackfill[Tick] = TradeBackfill(tape[0].timestamp, NOON_MS, now_ms=NOON_MS, floor_id=1)
    assert walk(backfill, TradesRest(tape), Clock(NOON_MS)) == tape
