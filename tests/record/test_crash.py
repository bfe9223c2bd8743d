"""A recorder that is killed in the middle of a write, for real."""

import json
import os
import signal
import subprocess
import sys

from upbit_stream.record import Recorder

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
