import errno
import json
import os
import resource
import subprocess
import sys
from collections import deque
from itertools import count
from pathlib import Path

import pytest

from upbit_stream.errors import RecordingError
from upbit_stream.record import Recorder


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


def rows(path):
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_each_stream_has_its_file_and_every_row_its_time(tmp_path, raw):
    with Recorder(tmp_path / "new" / "data") as recorder:
        recorder.write(raw(1))
        recorder.write(raw(2, "ticker"))
        recorder.write(raw(3, code="SGD-ETH"))
        recorder.write(raw(4))
        recorder.write(raw(5, "myAsset", ""))
    directory = tmp_path / "new" / "data"
    assert {path.name for path in directory.glob("*.jsonl")} == {
        "SGD-BTC_trade.jsonl",
        "SGD-BTC_ticker.jsonl",
        "SGD-ETH_trade.jsonl",
        "myAsset.jsonl",
    }
    assert [(row["n"], row["received_at_ns"]) for row in rows(directory / "SGD-BTC_trade.jsonl")] == [
        (1, 1_700_000_000_000_000_001),
        (4, 1_700_000_000_000_000_004),
    ]


def test_rows_are_held_until_a_flush(tmp_path, raw):
    with Recorder(tmp_path) as recorder:
        recorder.write(raw(1))
        assert not (tmp_path / "SGD-BTC_trade.jsonl").exists()
        recorder.flush()
        assert len(rows(tmp_path / "SGD-BTC_trade.jsonl")) == 1


def test_it_flushes_by_itself_when_enough_is_held(tmp_path, raw):
    message = raw(1)
    with Recorder(tmp_path, flush_bytes=2 * len(message.payload)) as recorder:
        for _ in range(5):
            recorder.write(message)
        assert len(rows(tmp_path / "SGD-BTC_trade.jsonl")) == 4
        assert recorder.summary().streams[0].unwritten == 1


def test_what_cannot_be_read_is_kept_as_base64(tmp_path, raw):
    with Recorder(tmp_path) as recorder:
        recorder.write(raw(1, "", "", payload=b"\xff\n"))
        recorder.write(raw(2, "", "SGD-BTC", payload=b""))
        recorder.write(raw(3))
    assert [row["payload_base64"] for row in rows(tmp_path / "malformed.jsonl")] == ["/wo=", ""]
    summary = recorder.summary()
    assert (summary.malformed, summary.malformed_path) == (2, tmp_path / "malformed.jsonl")
    assert [(stream.type, stream.code) for stream in summary.streams] == [("trade", "SGD-BTC")]


def test_the_summary_counts_before_and_after_the_end(tmp_path, raw):
    (tmp_path / "SGD-BTC_trade.jsonl").write_bytes(b'{"old":1,"received_at_ns":1}\n{"torn')
    with Recorder(tmp_path) as recorder:
        recorder.write(raw(5))
        recorder.write(raw(7))
        held = recorder.summary().streams[0]
        assert (held.messages, held.unwritten, held.bytes) == (2, 2, 0)
        assert held.newest_received_at_ns == 1_700_000_000_000_000_007
    summary = recorder.summary()
    (stream,) = summary.streams
    path = tmp_path / "SGD-BTC_trade.jsonl"
    assert (stream.messages, stream.unwritten, stream.path) == (2, 0, path)
    assert stream.bytes == path.stat().st_size - len(b'{"old":1,"received_at_ns":1}\n')
    assert (stream.first_received_at_ns, stream.newest_received_at_ns) == (
        1_700_000_000_000_000_005,
        1_700_000_000_000_000_007,
    )
    assert (summary.messages, summary.bytes, summary.cut_bytes) == (2, stream.bytes, 6)


def test_torn_lines_are_cut_at_the_start_also_of_streams_that_stay_silent(tmp_path):
    row = b'{"type":"trade","received_at_ns":1}\n'
    (tmp_path / "SGD-BTC_trade.jsonl").write_bytes(row + b'{"type":"tr')
    (tmp_path / "malformed.jsonl").write_bytes(b'{"payload_base64":"AA==","received_at_ns":1}\n{"pay')
    (tmp_path / "whole.jsonl").write_bytes(row)
    with Recorder(tmp_path) as recorder:
        assert (tmp_path / "SGD-BTC_trade.jsonl").read_bytes() == row
        assert recorder.summary().cut_bytes == 11 + 5
    assert (tmp_path / "whole.jsonl").read_bytes() == row


@pytest.mark.parametrize(
    "content", [b"no line break", b'{"of": "another make"}\n{"whole": 1}', b'{"x":"received_at_ns":1}x\n{']
)
def test_a_file_of_another_make_is_left_alone(tmp_path, content):
    (tmp_path / "notes.jsonl").write_bytes(content)
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "notes.jsonl")
    Recorder(tmp_path).close()
    assert (tmp_path / "notes.jsonl").read_bytes() == content


def test_a_recording_elsewhere_is_not_cut_through_a_link(tmp_path):
    elsewhere = tmp_path / "elsewhere.jsonl"
    elsewhere.write_bytes(b'{"type":"trade","received_at_ns":1}\n{"to')
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "SGD-BTC_trade.jsonl").symlink_to(elsewhere)
    Recorder(tmp_path / "data").close()
    assert elsewhere.read_bytes().endswith(b'{"to')


def test_at_the_end_every_file_written_and_the_directory_are_on_the_disk(tmp_path, raw, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(Path(f"/proc/self/fd/{fd}").readlink().name))
    with Recorder(tmp_path / "data", max_open_files=1) as recorder:
        recorder.write(raw(1))
        recorder.write(raw(2, "ticker"))
        recorder.flush()
        assert synced == []
    assert synced == ["SGD-BTC_trade.jsonl", "SGD-BTC_ticker.jsonl", "data"]


def test_a_second_recorder_is_refused_until_the_first_is_closed(tmp_path):
    first = Recorder(tmp_path)
    with pytest.raises(RecordingError, match=str(tmp_path)):
        Recorder(tmp_path)
    first.close()
    Recorder(tmp_path).close()


def test_an_impossible_directory_is_told(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(RecordingError, match="file is in the way"):
        Recorder(tmp_path / "file")
    with pytest.raises(RecordingError, match="choose"):
        Recorder(tmp_path / "file" / "below")


def test_close_may_be_called_again_and_writing_then_is_refused(tmp_path, raw):
    recorder = Recorder(tmp_path)
    recorder.write(raw())
    recorder.close()
    recorder.close()
    with pytest.raises(RecordingError, match="closed"):
        recorder.write(raw())


def test_more_streams_than_files_may_be_open(tmp_path, raw):
    before = open_files()
    with Recorder(tmp_path, max_open_files=3) as recorder:
        for second in range(4):
            for market in range(10):
                recorder.write(raw(second, code=f"SGD-M{market}"))
            recorder.flush()
            assert open_files() <= before + 3 + 1  # and the lock
    assert open_files() == before
    for market in range(10):
        assert [row["n"] for row in rows(tmp_path / f"SGD-M{market}_trade.jsonl")] == [0, 1, 2, 3]


def fill_disk_for(monkeypatch, name):
    real = os.write

    def write(fd, block):
        if Path(f"/proc/self/fd/{fd}").readlink().name == name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(fd, block)

    monkeypatch.setattr(os, "write", write)


def test_a_file_that_fails_does_not_keep_the_others_from_being_written(tmp_path, raw):
    recorder = Recorder(tmp_path)
    recorder.write(raw(1, code="SGD-A"))
    recorder.write(raw(2, code="SGD-B"))
    with pytest.MonkeyPatch.context() as patch:
        fill_disk_for(patch, "SGD-A_trade.jsonl")
        with pytest.raises(RecordingError, match=r"SGD-A_trade.jsonl: No space left on device; free some space"):
            recorder.flush()
    assert len(rows(tmp_path / "SGD-B_trade.jsonl")) == 1
    assert rows(tmp_path / "SGD-A_trade.jsonl") == []
    recorder.close()  # there is space again
    assert len(rows(tmp_path / "SGD-A_trade.jsonl")) == 1


def test_on_a_full_disk_no_more_is_held_than_the_bound(tmp_path, raw, monkeypatch):
    recorder = Recorder(tmp_path, flush_bytes=1)
    recorder.write(raw(1))
    fill_disk_for(monkeypatch, "SGD-BTC_trade.jsonl")
    for n in range(3):
        with pytest.raises(RecordingError):
            recorder.write(raw(n))
    assert recorder.summary().messages == 1
    with pytest.raises(RecordingError, match="1 messages are lost"):
        recorder.close()
    Recorder(tmp_path).close()  # the directory is free


FULL = """
import resource, sys
from pathlib import Path
from upbit_stream.errors import RecordingError
from upbit_stream.model.raw import RawMessage
from upbit_stream.record import Recorder

recorder = Recorder(Path(sys.argv[1]), flush_bytes=512)
try:
    for n in range(100_000):
        recorder.write(RawMessage(b'{"type":"trade","code":"SGD-BTC","n":%d}' % n, "trade", "SGD-BTC", n))
except RecordingError as error:
    print(error)
try:
    recorder.close()
except RecordingError as error:
    print(error)
"""


def limit_file_size():
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_001, 10_001))


def test_a_real_limit_of_the_system_leaves_whole_lines(tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=limit_file_size,
    )
    assert "File too large" in run.stdout
    assert "messages are lost" in run.stdout
    content = (tmp_path / "SGD-BTC_trade.jsonl").read_bytes()
    assert 9_000 < len(content) < 10_001
    assert content.endswith(b"}\n")
    assert [row["n"] for row in rows(tmp_path / "SGD-BTC_trade.jsonl")] == list(range(content.count(b"\n")))


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a file system needs root")
def test_a_really_full_disk_leaves_whole_lines_and_goes_on_when_there_is_space(tmp_path, raw):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mount.returncode:
        pytest.skip(f"cannot mount: {mount.stderr.decode()}")
    try:
        ballast = disk / "ballast"
        recorder = Recorder(disk, flush_bytes=1000)
        ballast.write_bytes(b"x" * 40_000)
        numbers = count()
        with pytest.raises(RecordingError, match="No space left on device") as caught:
            deque((recorder.write(raw(n)) for n in numbers), maxlen=0)
        assert "SGD-BTC_trade.jsonl" in str(caught.value)
        path = disk / "SGD-BTC_trade.jsonl"
        assert path.read_bytes().endswith(b"}\n")
        ballast.unlink()
        recorder.close()
        assert [row["n"] for row in rows(path)] == list(range(next(numbers) - 1))
    finally:
        subprocess.run(["umount", str(disk)], check=True)
