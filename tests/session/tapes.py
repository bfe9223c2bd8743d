"""A tape of trades and the exchange's REST over it, as its documentation tells of it: what a backfill is tried on."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from upbit_stream.session.trade_backfill import TradeBackfill, TradesRequest

SECOND_MS, DAY_MS = 1_000, 86_400_000


@dataclass(frozen=True, slots=True)
class Tick:
    timestamp: int
    sequential_id: int


def executed_ms(tick: Tick) -> int:
    return tick.timestamp


def tape_of(times_ms: Sequence[int]) -> list[Tick]:
    """Trades executed at these moments, which ascend; their ids do not."""
    return [Tick(at_ms, 10**15 + i * 7_919_007 % 10_000_019) for i, at_ms in enumerate(times_ms)]


def between(tape: list[Tick], from_ms: int, to_ms: int) -> list[Tick]:
    return [tick for tick in tape if from_ms <= tick.timestamp <= to_ms]


def evenly(from_ms: int, to_ms: int, every_ms: int) -> list[Tick]:
    return tape_of(range(from_ms, to_ms, every_ms))


class TradesRest:
    """``GET /v1/trades/ticks`` over one tape, of which only what was executed by then is told."""

    def __init__(self, tape: Sequence[Tick]) -> None:
        self.tape = tape
        self.places = {tick.sequential_id: place for place, tick in enumerate(tape)}
        assert len(self.places) == len(tape)
        self.calls: list[TradesRequest] = []

    def answer(self, request: TradesRequest, at_ms: int) -> list[Tick]:
        assert 0 <= request.days_ago <= 7
        assert 1 <= request.count <= 500
        self.calls.append(request)
        begin_ms = (at_ms // DAY_MS - request.days_ago) * DAY_MS
        first = bisect_left(self.tape, begin_ms, key=executed_ms)
        end = bisect_left(self.tape, begin_ms + DAY_MS, key=executed_ms)
        end = min(end, bisect_right(self.tape, at_ms, key=executed_ms))
        if request.to is not None:
            hours, minutes, seconds = (int(request.to[i : i + 2]) for i in (0, 2, 4))
            to_ms = begin_ms + ((hours * 60 + minutes) * 60 + seconds) * SECOND_MS
            end = min(end, bisect_left(self.tape, to_ms, key=executed_ms))
        if request.cursor is not None:
            end = min(end, self.places[request.cursor])
        return list(self.tape[max(first, end - request.count) : max(first, end)][::-1])


class Clock:
    """The exchange's time, and how it is told: each trip takes a while, and what is told may be off."""

    def __init__(self, now_ms: int, trip_ms: Callable[[], int] = lambda: 30, off_ms: Callable[[], int] = lambda: 0):
        self.now_ms = now_ms
        self._trip_ms = trip_ms
        self._off_ms = off_ms

    def told_ms(self) -> int:
        return self.now_ms + self._off_ms()

    def travel(self) -> None:
        self.now_ms += self._trip_ms()


def walk(
    backfill: TradeBackfill[Tick],
    rest: TradesRest,
    clock: Clock,
    *,
    count: int = 500,
    calls: int = 100_000,
    after: Callable[[int], None] = lambda count: None,
) -> list[Tick]:
    """Ask until there is nothing more to ask, or so many times; give what was handed out."""
    found: list[Tick] = []
    for _ in range(calls):
        request = backfill.next_request(clock.told_ms())
        if request is None:
            break
        request = replace(request, count=count)
        clock.travel()
        rows = rest.answer(request, clock.now_ms)
        clock.travel()
        found += backfill.take(request, rows, clock.told_ms())
        after(held(backfill))
    return found


def held(backfill: TradeBackfill[Tick]) -> int:
    """How many rows it keeps for later."""
    return 0 if backfill._walk is None else len(backfill._walk.rows)


def asked(backfill: TradeBackfill[Tick], now_ms: int) -> TradesRequest:
    """The next request, where there has to be one."""
    request = backfill.next_request(now_ms)
    assert request is not None
    return request
