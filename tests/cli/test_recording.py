"""The course of a recording: the real stream against the stand-in exchange, in virtual time."""

import asyncio
import re

import pytest
from tests.cli.runs import TRADES, Run, rows

from upbit_stream.errors import ConnectionFailed, RecordingError, RetriesExhausted
from upbit_stream.testing.virtual_time import run_virtual


def test_it_ends_when_the_duration_is_over(tmp_path):
    async def scenario():
        run = Run(tmp_path)
        began = asyncio.get_running_loop().time()
        await run.until_the_end(60.5)
        assert asyncio.get_running_loop().time() - began == pytest.approx(60.5, abs=1)
        assert run.ticks == 61
        return run

    run = run_virtual(scenario())
    assert 200 < len(rows(tmp_path / TRADES)) < 400
    assert run.recorder.summary().messages == len(rows(tmp_path / TRADES))
    assert (run.connections.made, run.connections.lost) == (1, 0)


def test_what_is_received_is_in_the_file_within_a_second(tmp_path):
    async def scenario():
        run = Run(tmp_path)

        def look():
            if run.ticks > 1:
                assert all(stream.unwritten == 0 for stream in run.recorder.summary().streams)
                assert (tmp_path / TRADES).read_bytes().endswith(b"}\n")

        run.on_tick = look
        await run.until_the_end(10)

    run_virtual(scenario())


def test_it_ends_when_it_is_told_to(tmp_path):
    async def scenario():
        run = Run(tmp_path)
        run.on_tick = lambda: run.ending.set() if run.ticks == 5 else None
        await run.until_the_end()
        return run

    run = run_virtual(scenario())
    assert run.ticks == 5
    assert len(rows(tmp_path / TRADES)) == run.recorder.summary().messages > 0


def test_it_goes_on_after_a_lost_connection_and_tells_both(tmp_path, caplog):
    async def scenario():
        run = Run(tmp_path)
        run.on_tick = lambda: run.world.connections[-1].reset() if run.ticks == 5 else None
        await run.until_the_end(20)
        return run

    run = run_virtual(scenario())
    assert (run.connections.made, run.connections.lost) == (2, 1)
    told = [(record.levelname, record.getMessage()) for record in caplog.records if "public: " in record.getMessage()]
    assert [level for level, _ in told] == ["WARNING", "WARNING"]
    assert re.fullmatch(r"public: connected again after \d\.\d s", told[1][1])
    assert len(rows(tmp_path / TRADES)) == run.recorder.summary().messages > 20


@pytest.mark.parametrize("flush_bytes", [64 * 1024, 1])
def test_a_file_that_cannot_be_written_ends_it(tmp_path, flush_bytes):
    """Whether that shows when a second is over, or while a message is taken."""
    (tmp_path / TRADES).mkdir()

    async def scenario():
        run = Run(tmp_path, flush_bytes=flush_bytes)
        with pytest.raises(RecordingError, match=TRADES):
            await run.until_the_end()
        assert run.ticks == 1

    run_virtual(scenario())


def test_a_flush_that_failed_is_told_even_if_the_end_goes_well(tmp_path, monkeypatch):
    async def scenario():
        run = Run(tmp_path)

        def fail():
            monkeypatch.undo()
            raise RecordingError("the disk was full for a while")

        monkeypatch.setattr(run.recorder, "flush", fail)
        with pytest.raises(RecordingError, match="for a while"):
            await run.until_the_end()

    run_virtual(scenario())


def test_what_ends_the_stream_ends_it(tmp_path):
    async def scenario():
        run = Run(tmp_path, max_retries=2)
        run.world.reachable = False
        with pytest.raises(RetriesExhausted):
            await run.until_the_end()

    run_virtual(scenario())


def test_a_duration_without_one_connection_is_no_success(tmp_path):
    async def scenario():
        run = Run(tmp_path)
        run.world.reachable = False
        with pytest.raises(ConnectionFailed, match="no connection could be made within 30 s: cannot connect to"):
            await run.until_the_end(30)
        assert run.connections.failed > 1

    run_virtual(scenario())


def test_who_ends_it_before_there_is_a_connection_is_not_scolded(tmp_path):
    async def scenario():
        run = Run(tmp_path)
        run.world.reachable = False
        run.on_tick = lambda: run.ending.set() if run.ticks == 5 else None
        await run.until_the_end(30)

    run_virtual(scenario())
