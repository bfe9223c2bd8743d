"""The file that a tape is kept in."""

import errno
import os
import signal
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upbit_stream.simulator import Exchange
from upbit_stream.simulator.tape_file import TapeError, TapeFile

from .conftest import START_MS


@pytest.fixture(scope="module")
def trades():
    exchange = Exchange(start_ms=START_MS, trade_rate=20.0)
    exchange.advance(START_MS + 3_000)
    return list(exchange.tape)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "tape.jsonl"


def write(path, trades):
    with TapeFile(path) as tape:
        for trade in trades:
            tape.append(trade)


def test_what_was_written_is_read_the_same(path, trades):
    write(path, trades[:20])
    write(path, trades[20:])
    with TapeFile(path) as tape:
        assert list(tape.trades()) == trades


@settings(derandomize=True, deadline=None, max_examples=100)
@given(data=st.data())
def test_a_tape_cut_anywhere_keeps_its_whole_lines(tmp_path_factory, trades, data):
    path = tmp_path_factory.mktemp("cut") / "tape.jsonl"
    write(path, trades[:10])
    content = path.read_bytes()
    left = data.draw(st.integers(0, len(content)))
    path.write_bytes(content[:left])
    write(path, trades[10:12])
    with TapeFile(path) as tape:
        assert list(tape.trades()) == trades[: content[:left].count(b"\n")] + trades[10:12]


def test_a_tape_is_written_by_one_process_at_a_time(path):
    with TapeFile(path), pytest.raises(BlockingIOError):
        TapeFile(path)


@pytest.mark.parametrize("content", [b"a letter to nobody", b'{"type":"trade"}\n', b"\n", b"\x00"])
def test_another_file_is_left_as_it_is(path, content):
    path.write_bytes(content)
    with pytest.raises(TapeError, match="is no tape"):
        TapeFile(path)
    assert path.read_bytes() == content


def test_a_line_that_is_no_trade_is_named(path, trades):
    write(path, trades[:2])
    with path.open("ab") as file:
        file.write(b'{"code":"SGD-BTC"}\n')
    with TapeFile(path) as tape, pytest.raises(TapeError, match=r"line 3 of .*tape\.jsonl is no trade"):
        list(tape.trades())


def test_a_write_that_fails_is_told_and_raised(path, trades):
    told = []
    tape = TapeFile(path, on_failure=told.append)
    os.close(tape._fd)
    tape._fd = os.open("/dev/full", os.O_WRONLY)
    with pytest.raises(OSError, match="No space"):
        tape.append(trades[0])
    assert [problem.errno for problem in told] == [errno.ENOSPC]
    tape.close()


KILLED = """
import sys, time
from pathlib import Path
from upbit_stream.simulator import Exchange
from upbit_stream.simulator.tape_file import TapeFile

tape = TapeFile(Path(sys.argv[1]))
exchange = Exchange(start_ms=1_790_000_000_000, trade_rate=50, on_trade=tape.append)
exchange.advance(1_790_000_002_000)
print(len(exchange.tape), flush=True)
time.sleep(600)
"""


def test_a_killed_process_has_lost_no_trade_and_lets_the_file_go(path):
    with subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True) as writer:
        try:
            executed = int(writer.stdout.readline())
        finally:
            os.kill(writer.pid, signal.SIGKILL)
    with TapeFile(path) as tape:
        assert len(list(tape.trades())) == executed > 50
