"""Whatever befalls a stream, its consumers get each trade once, and the last word on every candle and order.

Five hundred schedules of faults, drawn from their seeds; ``make soak`` runs thousands. The blocks are run by as many
processes as there are cores.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from tests.extent import extent
from tests.stream.nothing_lost import failures
from tests.stream.schedules import FORMATS, draw
from upbit_stream.simulator.faults import EVERY_FAULT

# The run on the built wheel only shows that nothing of the package is missing.
SEEDS = extent(500, 25)
AT_A_TIME = 25
# Each failed once, for the reason beside it.
ONCE_FAILED: dict[int, str] = {
    36: "several half-open connections: one that was asked for its set again was thought to have covered until then",
    51: "as 36, asked because the wanted set changed",
    58: "a market that was confirmed but not heard of before its connection was lost had no beginning",
    78: "as 36, for a single trade",
    122: "as 36, with a market that came later",
    492: "what was read late, for a consumer was slow, proved a connection alive that had been lost",
    1986: "as 36; the newest trade was known, and taken for proof that none before it was missing",
}
BLOCKS = [list(ONCE_FAILED), *(list(range(at, at + AT_A_TIME)) for at in range(0, SEEDS, AT_A_TIME))]


def named(block) -> str:
    return f"{len(block)}-from-{block[0]}"


@pytest.fixture(scope="module")
def running(request: pytest.FixtureRequest) -> Iterator[dict[str, Future[dict[int, str]]]]:
    """The blocks of the tests that were asked for, on all cores, from the first test on."""
    asked = str([item.name for item in request.session.items if item.path == request.path])
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        yield {named(block): pool.submit(failures, block) for block in BLOCKS if named(block) in asked}
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("block", BLOCKS, ids=named)
def test_nothing_is_lost_nor_told_twice_nor_invented(block, running):
    failed = running[named(block)].result()
    assert not failed, "\n\n".join(failed.values())


def test_a_seed_draws_the_same_schedule_each_time():
    assert repr(draw(17)) == repr(draw(17))


def test_the_schedules_know_every_fault_and_option_and_cross_midnight():
    drawn = [draw(seed) for seed in range(500)]
    assert {type(fault) for schedule in drawn for fault in schedule.faults} == set(EVERY_FAULT)
    assert {schedule.options["format"] for schedule in drawn} == set(FORMATS)
    assert {schedule.options["connections"] for schedule in drawn} == {1, 2, 3}
    assert {name for schedule in drawn for name in schedule.witnesses} == {"handler", "tap", "slow"}
    assert sum(schedule.crosses_midnight for schedule in drawn) > 100
