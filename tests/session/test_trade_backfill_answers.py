"""Answers that make no sense are refused while a gap in trades is filled; those that are merely odd are not."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from upbit_stream.errors import MalformedMessage
from upbit_stream.session.trade_backfill import TradeBackfill, TradesRequest

from .tapes import DAY_MS, SECOND_MS, Tick, asked, between, evenly, held, tape_of

MIDNIGHT_MS = 1_790_000_000_000 // DAY_MS * DAY_MS
NOON_MS = MIDNIGHT_MS + DAY_MS // 2
HOUR_MS = 3_600_000


def begun(tape: list[Tick]) -> tuple[TradeBackfill[Tick], TradesRequest, list[Tick]]:
    """A backfill that has taken its first page."""
    backfill: TradeBackfill[Tick] = TradeBackfill(tape[0].timestamp, tape[-1].timestamp, now_ms=NOON_MS)
    request = asked(backfill, NOON_MS)
    page = tape[::-1][:500]
    assert backfill.take(request, page, NOON_MS) == []
    second = asked(backfill, NOON_MS)
    assert second.cursor == page[-1].sequential_id
    return backfill, second, page


TAPE = evenly(NOON_MS - 2 * HOUR_MS, NOON_MS - HOUR_MS, 1_000)


def test_the_same_page_again() -> None:
    backfill, request, page = begun(TAPE)
    with pytest.raises(MalformedMessage, match="pages before"):
        backfill.take(request, page, NOON_MS)


def test_a_page_that_is_newer_than_its_cursor() -> None:
    backfill, request, page = begun(TAPE)
    newer = [Tick(tick.timestamp, tick.sequential_id + 10**14) for tick in page]
    with pytest.raises(MalformedMessage, match="back in time"):
        backfill.take(request, newer, NOON_MS)


def test_a_page_in_the_wrong_order() -> None:
    backfill: TradeBackfill[Tick] = TradeBackfill(TAPE[0].timestamp, TAPE[-1].timestamp, now_ms=NOON_MS)
    with pytest.raises(MalformedMessage, match="back in time"):
        backfill.take(asked(backfill, NOON_MS), TAPE[:500], NOON_MS)


def test_a_page_beyond_the_time_that_was_asked_for() -> None:
    backfill: TradeBackfill[Tick] = TradeBackfill(TAPE[0].timestamp, TAPE[-1].timestamp, now_ms=NOON_MS)
    with pytest.raises(MalformedMessage, match="beyond"):
        backfill.take(asked(backfill, NOON_MS), [Tick(NOON_MS, 1), *TAPE[::-1]][:500], NOON_MS)


def test_a_second_without_an_end() -> None:
    backfill: TradeBackfill[Tick] = TradeBackfill(NOON_MS - 500, NOON_MS, now_ms=NOON_MS)
    with pytest.raises(MalformedMessage, match="no end"):
        for page in range(1_000):
            request = asked(backfill, NOON_MS)
            backfill.take(request, [Tick(NOON_MS, page * 500 + i) for i in range(500)], NOON_MS)
    assert held(backfill) <= 200_000


def test_trades_that_are_told_twice_are_handed_out_once() -> None:
    backfill, request, page = begun(TAPE)
    found = backfill.take(request, [page[-1], page[-1], *TAPE[-501::-1]][:499], NOON_MS)
    assert found == TAPE[-997:]


# Trades that are dated before the one they follow


def test_trades_dated_a_second_early_are_found_and_in_the_order_of_the_tape() -> None:
    chance = random.Random(5)
    at_ms = sorted(NOON_MS - DAY_MS + chance.randrange(HOUR_MS) for _ in range(3_000))
    tape = tape_of([moment - (SECOND_MS if chance.random() < 0.1 else 0) for moment in at_ms])

    def answer(request: TradesRequest) -> list[Tick]:
        end = len(tape)
        if request.to is not None:
            hours, minutes, seconds = (int(request.to[i : i + 2]) for i in (0, 2, 4))
            to_ms = MIDNIGHT_MS - DAY_MS + ((hours * 60 + minutes) * 60 + seconds) * SECOND_MS
            end = 1 + max(i for i, tick in enumerate(tape) if tick.timestamp < to_ms)
            return [tick for tick in tape[:end] if tick.timestamp < to_ms][::-1][:500]
        if request.cursor is not None:
            end = next(i for i, tick in enumerate(tape) if tick.sequential_id == request.cursor)
        return tape[:end][::-1][:500]

    # Gaps that begin and end at trades which an earlier dated one follows.
    ends = [t.timestamp for t, after in pairwise(tape) if after.timestamp < t.timestamp]
    for first, last in zip(ends[:40], ends[-40:], strict=True):
        backfill: TradeBackfill[Tick] = TradeBackfill(first, last, now_ms=NOON_MS)
        found: list[Tick] = []
        while (request := backfill.next_request(NOON_MS)) is not None:
            found += backfill.take(request, answer(request), NOON_MS)
        assert found == between(tape, first, last)
