"""The recorder and gaps: what is written when, and what happens where the disk says no."""

import errno
import json
import os
from pathlib import Path

import pytest
from tests.record.trades import NOW, S, gap, recovered, trade

from upbit_stream.errors import RecordingError
from upbit_stream.record import GapCount, Recorder, read_gaps
from upbit_stream.record.gaps import GAPS

TRADES = "SGD-BTC_trade.jsonl"


class FakeStream:
    """Takes what a recorder wires to a stream."""

    def __init__(self):
        self.calls = []
        self.taps = []
        self.handlers = {}

    def resume(self, marks):
        self.calls.append("resume")
        self.marks = list(marks)

    def tap(self, tap, sink=None):
        self.calls.append("tap")
        self.taps.append(tap)

    def on(self, name, handler):
        self.calls.append(name)
        self.handlers[name] = handler


def ids(path):
    return [json.loads(line)["sequential_id"] for line in path.read_bytes().splitlines()]


def states(directory):
    return [(row.gap.rpartition("-")[2], row.state) for row in read_gaps(directory)]


@pytest.fixture
def full(monkeypatch):
    """Names of files that the disk has no room for."""
    names = set()
    real = os.write

    def write(fd, block):
        if Path(f"/proc/self/fd/{fd}").readlink().name in names:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(fd, block)

    monkeypatch.setattr(os, "write", write)
    return names


def test_attaching_wires_everything_and_resumes_first(tmp_path):
    with Recorder(tmp_path) as recorder:
        recorder.write(trade(1, NOW))
    with Recorder(tmp_path) as recorder:
        stream = FakeStream()
        recorder.attach(stream)
        assert stream.calls == ["resume", "tap", "gap", "recovered"]
        assert [(mark.type, mark.received_at_ns) for mark in stream.marks] == [("trade", NOW)]
        stream.handlers["gap"](gap(1))
        stream.taps[0](trade(2, NOW + S))
        stream.handlers["recovered"](recovered(1, count=1))
    assert ids(tmp_path / TRADES) == [1, 2]
    assert states(tmp_path) == [("1", "recovered")]


def test_a_gap_is_in_its_file_before_any_flush_and_filled_only_after_its_messages(tmp_path):
    with Recorder(tmp_path) as recorder:
        recorder.gap(gap(1))
        assert states(tmp_path) == [("1", "open")]
        recorder.write(trade(1, NOW, stream_type="RECOVERED"))
        recorder.write(trade(2, NOW, code="SGD-ETH"))
        assert not (tmp_path / TRADES).exists()
        recorder.recovered(recovered(1, count=1))
        assert ids(tmp_path / TRADES) == [1]
        assert states(tmp_path) == [("1", "recovered")]
        assert not (tmp_path / "SGD-ETH_trade.jsonl").exists()
        assert recorder.summary().gaps == GapCount(noticed=1, filled=1, messages=1)


def test_a_gap_of_all_codes_is_filled_after_the_messages_of_each(tmp_path):
    with Recorder(tmp_path) as recorder:
        for code in ("SGD-BTC", "SGD-ETH"):
            recorder.write(trade(1, NOW, code=code))
        recorder.gap(gap(1, code=""))
        recorder.recovered(recovered(1, code=""))
        assert (tmp_path / TRADES).exists()
        assert (tmp_path / "SGD-ETH_trade.jsonl").exists()


def test_a_gap_is_not_called_filled_where_its_messages_could_not_be_written(tmp_path, full):
    recorder = Recorder(tmp_path)
    recorder.gap(gap(1))
    recorder.write(trade(1, NOW))
    full.add(TRADES)
    recorder.recovered(recovered(1))
    recorder.recovered(recovered(2, code="SGD-ETH"))
    with pytest.raises(RecordingError, match=f"{TRADES}: No space left"):
        recorder.flush()
    full.clear()
    recorder.close()
    assert states(tmp_path) == [("1", "open")]
    assert ids(tmp_path / TRADES) == [1]


@pytest.mark.parametrize("told_by", ["write", "flush", "close"])
def test_a_gap_that_cannot_be_written_down_ends_the_recording(tmp_path, full, told_by):
    recorder = Recorder(tmp_path)
    recorder.write(trade(1, NOW))
    full.add(GAPS)
    recorder.gap(gap(1))
    recorder.gap(gap(2))
    with pytest.raises(RecordingError, match=r"cannot write .*gaps\.jsonl: No space left on device"):
        recorder.write(trade(2, NOW + S)) if told_by == "write" else getattr(recorder, told_by)()
    if told_by == "close":
        Recorder(tmp_path).close()  # the directory is free
        return
    full.clear()
    recorder.write(trade(3, NOW + 2 * S))
    recorder.close()
    assert ids(tmp_path / TRADES) == [1, 3]
    assert states(tmp_path) == [("1", "open"), ("2", "open")]
    assert [stream.messages for stream in recorder.summary().streams] == [2]


def test_a_failure_that_was_told_is_told_again_only_if_it_lasts(tmp_path, full):
    recorder = Recorder(tmp_path)
    full.add(GAPS)
    recorder.gap(gap(1))
    with pytest.raises(RecordingError):
        recorder.flush()
    recorder.flush()
    with pytest.raises(RecordingError, match=r"gaps\.jsonl"):
        recorder.close()


def test_a_gap_after_the_end_touches_nothing(tmp_path, caplog):
    recorder = Recorder(tmp_path)
    recorder.close()
    recorder.gap(gap(1))
    recorder.recovered(recovered(1))
    assert not (tmp_path / GAPS).exists()
    assert "the recording is closed" in caplog.text


def test_at_the_end_the_account_is_on_the_disk_too(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(Path(f"/proc/self/fd/{fd}").readlink().name))
    with Recorder(tmp_path / "data") as recorder:
        recorder.gap(gap(1))
    assert synced == [GAPS, "data"]


def test_an_account_that_cannot_be_kept_is_told_at_the_start_and_the_directory_is_free(tmp_path):
    (tmp_path / GAPS).mkdir()
    with pytest.raises(RecordingError, match=r"gaps\.jsonl"):
        Recorder(tmp_path)
    (tmp_path / GAPS).rmdir()
    Recorder(tmp_path).close()
