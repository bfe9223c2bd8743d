"""A recorder that is killed in the middle of a write, for real."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.record.trades import NOW, gap, recovered

from upbit_stream.record import Recorder, read_gaps

WRITER = """
import os, sys, time
from pathlib import Path
from upbit_stream.model.raw import RawMessage
from upbit_stream.record import Recorder, file

real = os.write

def write_half_and_hang(fd, block):
    written = real(fd, bytes(block)[: len(block) // 2 + 3])
    print("half", flush=True)
    time.sleep(600)
    return written

recorder = Recorder(Path(sys.argv[1]))
for n in range(100):
    recorder.write(RawMessage(b'{"type":"trade","n":%d}' % n, "trade", "SGD-BTC", n))
recorder.flush()
for n in range(100, 200):
    recorder.write(RawMessage(b'{"type":"trade","n":%d}' % n, "trade", "SGD-BTC", n))
file.os.write = write_half_and_hang
recorder.flush()
"""


def test_after_a_kill_in_mid_write_the_next_start_finds_whole_lines(tmp_path, raw):
    path = tmp_path / "SGD-BTC_trade.jsonl"
    with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as writer:
        try:
            assert writer.stdout.readline() == "half\n"
        finally:
            os.kill(writer.pid, signal.SIGKILL)
    torn = path.read_bytes()
    assert not torn.endswith(b"\n")

    with Recorder(tmp_path) as recorder:  # the lock of the dead is no obstacle
        assert recorder.summary().cut_bytes == len(torn) - torn.rfind(b"\n") - 1
        recorder.write(raw(5))

    rows = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert 100 < len(rows) < 201
    assert [row["n"] for row in rows] == [*range(len(rows) - 1), 5]


FILLER = """
import os, sys, time
from pathlib import Path
from tests.record.trades import NOW, S, gap, recovered, trade
from upbit_stream.record import Recorder, file

real = os.write

def write_half_and_hang(fd, block):
    written = real(fd, bytes(block)[: len(block) // 2 + 3])
    print("half", flush=True)
    time.sleep(600)
    return written

recorder = Recorder(Path(sys.argv[1]))
recorder.write(trade(1, NOW))
recorder.flush()
recorder.gap(gap(1))
for n in range(2, 100):
    recorder.write(trade(n, NOW + 20 * S, traded_ns=NOW + n * S // 10, stream_type="RECOVERED"))
if sys.argv[2] == "account":
    recorder.flush()
file.os.write = write_half_and_hang
recorder.recovered(recovered(1, count=98))
"""


@pytest.mark.parametrize("killed_while_writing", ["messages", "account"])
def test_after_a_kill_before_a_gap_is_called_filled_the_next_run_takes_it_up(tmp_path, killed_while_writing):
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", FILLER, str(tmp_path), killed_while_writing]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as writer:
        try:
            assert writer.stdout.readline() == "half\n"
        finally:
            os.kill(writer.pid, signal.SIGKILL)

    with Recorder(tmp_path) as recorder:
        [mark] = recorder.marks()
        rows = (tmp_path / "SGD-BTC_trade.jsonl").read_bytes().splitlines()
        [unfilled] = mark.unfilled
        assert unfilled.trades == set(mark.trades) == {json.loads(line)["sequential_id"] for line in rows}
        assert mark.received_at_ns == NOW
        assert len(rows) == 99 if killed_while_writing == "account" else 1 < len(rows) < 99
        recorder.gap(gap(7, from_ns=unfilled.from_ns, to_ns=unfilled.to_ns))
        recorder.recovered(recovered(7, count=99 - len(rows)))
    [row] = read_gaps(tmp_path)
    assert (row.gap, row.state, row.recovered) == (unfilled.key, "recovered", 99 - len(rows))
