"""Filling a gap in candles: complete, ascending, each once, in few calls, whatever traded."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upbit_stream.errors import MalformedMessage, UsageError
from upbit_stream.session.candle_backfill import UNIT_MS, CandleBackfill, CandlesRequest

DAY_MS = 86_400_000
NOON_MS = 1_790_000_000_000 // DAY_MS * DAY_MS + DAY_MS // 2
UNITS = st.sampled_from(sorted(UNIT_MS))


@dataclass(frozen=True, slots=True)
class Candle:
    start_ms: int


class CandlesRest:
    """``GET /v1/candles/…`` of one unit: these candles and no others; ``inclusive`` where it takes ``to`` to be so."""

    def __init__(self, starts_ms: Sequence[int], *, inclusive: bool = False) -> None:
        self.starts_ms = starts_ms
        self.inclusive = inclusive
        self.calls: list[CandlesRequest] = []

    def answer(self, request: CandlesRequest) -> list[Candle]:
        assert 1 <= request.count <= 200
        self.calls.append(request)
        end = bisect_left(self.starts_ms, request.to_ms + self.inclusive)
        return [Candle(start_ms) for start_ms in self.starts_ms[max(0, end - request.count) : end][::-1]]


def walk(
    backfill: CandleBackfill[Candle], rest: CandlesRest, *, count: int = 200, now_ms: int = NOON_MS, calls: int = 10**6
) -> list[int]:
    found: list[int] = []
    for _ in range(calls):
        request = backfill.next_request(now_ms)
        if request is None:
            break
        request = replace(request, count=count)
        found += [candle.start_ms for candle in backfill.take(request, rest.answer(request), now_ms)]
        assert backfill._walk is None or len(backfill._walk.rows) < 10_000
    return found


def asked(backfill: CandleBackfill[Candle], now_ms: int) -> CandlesRequest:
    """The next request, where there has to be one."""
    request = backfill.next_request(now_ms)
    assert request is not None
    return request


@st.composite
def markets(draw: st.DrawFn, unit_ms: int) -> list[int]:
    """Stretches of periods in which each, or each n-th, saw a trade, and pauses between them."""
    at_ms, starts = NOON_MS - NOON_MS % unit_ms, []
    for length, every, pause in draw(
        st.lists(
            st.tuples(
                st.integers(1, 900),
                st.integers(1, 9),
                st.one_of(st.integers(1, 30), st.integers(1, 40_000)),
            ),
            min_size=1,
            max_size=6,
        )
    ):
        for _ in range(length):
            starts.append(at_ms)
            at_ms -= every * unit_ms
        at_ms -= pause * unit_ms
    return starts[::-1]


@settings(max_examples=200)
@given(UNITS, st.data())
def test_what_is_handed_out_is_what_there_is(unit: str, data: st.DataObject) -> None:
    unit_ms = UNIT_MS[unit]
    starts = data.draw(markets(unit_ms))
    ends = st.sampled_from([starts[0], starts[-1], starts[len(starts) // 2], starts[len(starts) // 3]])
    from_ms, to_ms = sorted(data.draw(ends) + data.draw(st.integers(0, 2 * unit_ms - 1)) for _ in range(2))
    rest = CandlesRest(starts, inclusive=data.draw(st.booleans()))
    backfill: CandleBackfill[Candle] = CandleBackfill(unit, from_ms, to_ms, now_ms=NOON_MS)
    count = data.draw(st.sampled_from([7, 60, 200]))
    wanted = [start for start in starts if from_ms // unit_ms * unit_ms <= start <= to_ms]
    found = walk(backfill, rest, count=count)
    assert backfill.lost_before_ms is None
    assert found == wanted
    assert backfill.reached_ms == to_ms // unit_ms * unit_ms + unit_ms
    assert len(rest.calls) <= 2 * len(wanted) / (count - 1) + 40


@settings(max_examples=60)
@given(st.data(), st.integers(1, 30))
def test_stopped_anywhere_and_begun_anew_loses_nothing(data: st.DataObject, calls: int) -> None:
    starts = data.draw(markets(60_000))
    rest, found, reached_ms = CandlesRest(starts), [], starts[0]
    while reached_ms <= starts[-1]:
        backfill: CandleBackfill[Candle] = CandleBackfill("1m", reached_ms, starts[-1], now_ms=NOON_MS)
        found += walk(backfill, rest, calls=calls)
        calls = calls if backfill.reached_ms > reached_ms else calls * 2
        reached_ms = backfill.reached_ms
    assert found == starts


def test_the_units_are_those_of_the_exchange() -> None:
    assert UNIT_MS["1s"] == 1_000
    assert UNIT_MS["240m"] == 14_400_000
    assert len(UNIT_MS) == 9
    with pytest.raises(UsageError, match="no unit '2m'"):
        CandleBackfill("2m", 0, 1, now_ms=NOON_MS)


def test_a_market_without_trades_costs_one_call() -> None:
    rest = CandlesRest([])
    backfill: CandleBackfill[Candle] = CandleBackfill("1s", NOON_MS - 80 * DAY_MS, NOON_MS, now_ms=NOON_MS)
    assert walk(backfill, rest) == []
    assert rest.calls == [CandlesRequest(NOON_MS + 1_000)]


def test_a_sparse_market_costs_as_many_calls_as_it_has_pages() -> None:
    starts = range(NOON_MS - 80 * DAY_MS, NOON_MS, 3_600_000)
    rest = CandlesRest(starts)
    assert walk(CandleBackfill("1s", starts[0], NOON_MS, now_ms=NOON_MS), rest) == list(starts)
    assert len(rest.calls) == len(starts) // 200 + 1


@pytest.mark.parametrize("every_ms", [1_000, 2_000, 7_000])
def test_a_dense_market_costs_little_more_than_its_pages(every_ms: int) -> None:
    starts = range(NOON_MS - 100_000 * every_ms, NOON_MS, every_ms)
    rest = CandlesRest(starts)
    assert walk(CandleBackfill("1s", starts[0], NOON_MS, now_ms=NOON_MS), rest) == list(starts)
    assert len(rest.calls) <= 1.1 * len(starts) / 200 + 60


def test_pieces_end_between_periods() -> None:
    backfill: CandleBackfill[Candle] = CandleBackfill("1m", NOON_MS - 90 * DAY_MS, NOON_MS, now_ms=NOON_MS)
    backfill._pace.length_ms = 10_000 * 60_000 + 1
    assert asked(backfill, NOON_MS).to_ms == NOON_MS - 90 * DAY_MS + 10_001 * 60_000


def test_what_is_sparse_in_no_order_is_complete() -> None:
    chance, at_ms, starts = random.Random(3), NOON_MS - 40 * DAY_MS, []
    while len(starts) < 30_000:
        at_ms += 60_000 * chance.choice([1, 1, 1, 2, 3])
        starts.append(at_ms)
    rest = CandlesRest(starts)
    backfill: CandleBackfill[Candle] = CandleBackfill("1m", starts[0], starts[-1], now_ms=NOON_MS)
    assert walk(backfill, rest) == starts
    assert len(rest.calls) < 1.2 * len(starts) / 200 + 50


def test_a_market_that_falls_asleep_is_asked_for_in_longer_pieces() -> None:
    from_ms = NOON_MS - 80 * DAY_MS
    starts = [*range(from_ms, from_ms + 30_000_000, 1_000), *range(from_ms + 30_000_000, NOON_MS, 3_600_000)]
    rest = CandlesRest(starts)
    assert walk(CandleBackfill("1s", from_ms, NOON_MS, now_ms=NOON_MS), rest) == starts
    assert len(rest.calls) < 2 * len(starts) / 200 + 20


def test_seconds_reach_back_ninety_days() -> None:
    now_ms = NOON_MS + 1
    backfill: CandleBackfill[Candle] = CandleBackfill("1s", NOON_MS - 91 * DAY_MS, NOON_MS, now_ms=now_ms)
    assert backfill.lost_before_ms == backfill.reached_ms == NOON_MS - 90 * DAY_MS + 1_000
    starts = range(NOON_MS - 91 * DAY_MS, NOON_MS, 600_000)
    assert walk(backfill, CandlesRest(starts), now_ms=now_ms) == [s for s in starts if s > NOON_MS - 90 * DAY_MS]
    whole: CandleBackfill[Candle] = CandleBackfill("1s", NOON_MS - 90 * DAY_MS, NOON_MS, now_ms=NOON_MS)
    assert whole.lost_before_ms is None
    gone: CandleBackfill[Candle] = CandleBackfill("1s", 5_500, 9_500, now_ms=NOON_MS)
    assert gone.next_request(NOON_MS) is None
    assert gone.reached_ms == 10_000


def test_minutes_reach_back_without_end() -> None:
    backfill: CandleBackfill[Candle] = CandleBackfill("1m", NOON_MS - 900 * DAY_MS, NOON_MS, now_ms=NOON_MS)
    assert backfill.lost_before_ms is None


def test_the_same_request_until_it_is_answered() -> None:
    backfill: CandleBackfill[Candle] = CandleBackfill("3m", NOON_MS - DAY_MS, NOON_MS, now_ms=NOON_MS)
    assert backfill.next_request(NOON_MS) == backfill.next_request(NOON_MS + 9) == CandlesRequest(NOON_MS + 180_000)


def begun() -> tuple[CandleBackfill[Candle], CandlesRequest, list[Candle]]:
    rest = CandlesRest(range(NOON_MS - DAY_MS, NOON_MS, 60_000))
    backfill: CandleBackfill[Candle] = CandleBackfill("1m", NOON_MS - DAY_MS, NOON_MS - 1, now_ms=NOON_MS)
    request = asked(backfill, NOON_MS)
    return backfill, request, rest.answer(request)


def test_the_same_page_again() -> None:
    backfill, request, page = begun()
    assert backfill.take(request, page, NOON_MS) == []
    with pytest.raises(MalformedMessage, match="nothing that is older"):
        backfill.take(asked(backfill, NOON_MS), page, NOON_MS)


def test_a_page_in_the_wrong_order() -> None:
    backfill, request, page = begun()
    with pytest.raises(MalformedMessage, match="back in time"):
        backfill.take(request, page[::-1], NOON_MS)


def test_a_candle_that_begins_within_a_period() -> None:
    backfill, request, page = begun()
    with pytest.raises(MalformedMessage, match="period by period"):
        backfill.take(request, [Candle(page[0].start_ms - 1), *page[1:]], NOON_MS)


def test_candles_that_are_told_twice_are_handed_out_once() -> None:
    backfill, request, page = begun()
    assert backfill.take(request, [page[0], *page[:150]], NOON_MS) == page[149::-1]
