"""What a recording misses, and how it is filled: the real stream against the stand-in exchange, in virtual time."""

import asyncio

import pytest
from tests.cli.runs import TRADES, Run, new_world, rows

from upbit_stream.errors import RecordingError
from upbit_stream.record import read_gaps
from upbit_stream.record.gaps import GAPS
from upbit_stream.testing.memory_rest import MemoryTransport
from upbit_stream.testing.virtual_time import run_virtual


def assert_nothing_is_missing(directory, world):
    """Each trade of the exchange between the first and the last that were recorded is there, and there once."""
    recorded = [row["sequential_id"] for row in rows(directory / TRADES)]
    on_tape = [trade.sequential_id for trade in world.exchange.tape]
    begin, end = on_tape.index(recorded[0]), max(map(on_tape.index, recorded))
    assert sorted(recorded) == sorted(on_tape[begin : end + 1])


def is_recovered(directory):
    return [row["stream_type"] == "RECOVERED" for row in rows(directory / TRADES)]


def states(directory, type_="trade"):
    return [row.state for row in read_gaps(directory) if row.type == type_]


def test_what_a_lost_connection_missed_is_filled(tmp_path):
    async def scenario():
        run = Run(tmp_path, streams=("trade:SGD-BTC", "orderbook:SGD-BTC"))

        def lose():
            if run.ticks == 5:
                run.world.connections[-1].reset()
                run.world.reachable = False
            run.world.reachable = run.world.reachable or run.ticks == 15

        run.on_tick = lose
        await run.until_the_end(120)
        return run

    run = run_virtual(scenario())
    assert_nothing_is_missing(tmp_path, run.world)
    gaps = run.recorder.summary().gaps
    assert gaps.messages == sum(is_recovered(tmp_path)) > 10
    assert (gaps.noticed, gaps.filled, gaps.lost, gaps.open) == (2, 1, 1, 0)
    assert states(tmp_path) == ["recovered"]
    assert states(tmp_path, "orderbook") == ["lost"]


def test_what_came_between_two_runs_is_filled_by_the_second(tmp_path):
    async def scenario():
        world = new_world()
        await Run(tmp_path, world=world).until_the_end(20)
        await asyncio.sleep(600)
        await Run(tmp_path, world=world).until_the_end(60)
        return world

    assert_nothing_is_missing(tmp_path, run_virtual(scenario()))
    assert sum(is_recovered(tmp_path)) > 1000
    assert states(tmp_path) == ["recovered"]


def test_runs_that_are_killed_leave_what_the_next_one_fills(tmp_path):
    async def scenario():
        world = new_world()
        for seconds in (20, 0.5, 1.5, 2.5, 7, 60):
            run = Run(tmp_path, world=world, flush_bytes=500)
            task = asyncio.create_task(run.until_the_process_ends())
            await asyncio.sleep(seconds)
            if seconds < 60:  # killed: nothing more is written, whatever the stream still tells
                run.recorder._tracks.clear()
                run.recorder._all.clear()
                run.recorder._closed = True
                run.recorder._pool.close()
                run.recorder._lock.release()
            run.ending.set()
            await asyncio.wait({task})
            if seconds == 60:
                run.recorder.close()
            await asyncio.sleep(100)
        return world

    assert_nothing_is_missing(tmp_path, run_virtual(scenario()))
    assert set(states(tmp_path)) == {"recovered"}


def without_rest(world):
    """From now on the exchange answers REST only while what is returned holds something."""
    answers = []
    world._rest_transport = lambda: MemoryTransport(world.exchange, world.now_ms, 0.01, lambda: bool(answers))
    return answers


async def end_with_a_gap(run):
    """Lose the connection, and end the recording as soon as there is a gap; return how long that took."""
    loop = asyncio.get_running_loop()
    ended_at = []

    def happen():
        if run.ticks == 5:
            run.world.connections[-1].reset()
        if run.stream.gaps() and not ended_at:
            ended_at.append(loop.time())
            run.ending.set()

    run.on_tick = happen
    await run.until_the_end()
    return loop.time() - ended_at[0]


def test_a_gap_that_cannot_be_filled_at_the_end_is_left_to_the_next_run(tmp_path):
    async def scenario():
        world = new_world()
        answers = without_rest(world)
        first = Run(tmp_path, world=world)
        assert await end_with_a_gap(first) == pytest.approx(5, abs=0.1)
        assert first.recorder.summary().gaps.open == 1
        [gap] = read_gaps(tmp_path)
        assert (gap.state, gap.why) == ("open", "")
        answers.append("again")
        await Run(tmp_path, world=world).until_the_end(60)
        filled = {row.gap: row for row in read_gaps(tmp_path)}
        assert len(filled) == 2
        assert (filled[gap.gap].state, filled[gap.gap].from_ns) == ("recovered", gap.from_ns)
        return world

    assert_nothing_is_missing(tmp_path, run_virtual(scenario()))
    assert set(states(tmp_path)) == {"recovered"}


def test_the_end_waits_for_a_gap_no_longer_than_it_takes(tmp_path):
    async def scenario():
        run = Run(tmp_path)
        assert await end_with_a_gap(run) < 5
        return run

    run = run_virtual(scenario())
    assert_nothing_is_missing(tmp_path, run.world)
    assert states(tmp_path) == ["recovered"]


def test_the_end_does_not_wait_for_what_only_looks_for_gaps(tmp_path):
    async def scenario():
        world = new_world()
        without_rest(world)
        run = Run(tmp_path, world=world, audit_s=20.0)
        looking = []
        run.on_tick = lambda: looking.append(bool(run.stream._recovery._queues))
        loop = asyncio.get_running_loop()
        began = loop.time()
        await run.until_the_end(60)
        assert looking[-1]
        assert loop.time() - began == pytest.approx(60, abs=1)

    run_virtual(scenario())


def test_a_recording_that_failed_waits_for_no_gap(tmp_path, monkeypatch):
    async def scenario():
        run = Run(tmp_path)
        without_rest(run.world)
        run.on_tick = lambda: run.world.connections[-1].reset() if run.ticks == 5 else None
        began = asyncio.get_running_loop().time()

        def fail():
            if run.stream.gaps():
                monkeypatch.undo()
                raise RecordingError("the disk is full")

        monkeypatch.setattr(run.recorder, "flush", fail)
        with pytest.raises(RecordingError, match="disk is full"):
            await run.until_the_end()
        return asyncio.get_running_loop().time() - began

    assert run_virtual(scenario()) < 10


def test_gaps_that_cannot_be_accounted_for_end_the_recording(tmp_path):
    async def scenario():
        run = Run(tmp_path)
        (tmp_path / GAPS).mkdir()
        run.on_tick = lambda: run.world.connections[-1].reset() if run.ticks == 5 else None
        with pytest.raises(RecordingError, match=r"gaps\.jsonl"):
            await run.until_the_end(60)
        assert run.ticks < 20

    run_virtual(scenario())


def test_without_recovery_gaps_are_told_alone(tmp_path):
    async def scenario():
        run = Run(tmp_path, recover=False)
        run.on_tick = lambda: run.world.connections[-1].reset() if run.ticks == 5 else None
        await run.until_the_end(30)

    run_virtual(scenario())
    assert states(tmp_path) == ["lost"]
    assert not any(is_recovered(tmp_path))
