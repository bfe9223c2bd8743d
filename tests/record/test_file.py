import errno
import logging
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from upbit_stream.errors import RecordingError
from upbit_stream.record import file as file_module
from upbit_stream.record.file import AppendFile

LINES = [b'{"n":1}\n', b"\n", b'{"n":22}\n', b'{"long":"' + b"x" * 40 + b'"}\n']


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.jsonl"


def append(path, lines):
    file = AppendFile(path)
    try:
        file.append(lines)
    finally:
        file.close()


def test_lines_are_appended_over_openings(path):
    append(path, b"1\n2\n")
    append(path, b"3\n")
    assert path.read_bytes() == b"1\n2\n3\n"


@pytest.mark.parametrize("block", [1, 7, 64 * 1024])
def test_a_cut_at_any_place_leaves_exactly_the_whole_lines(path, block, monkeypatch):
    monkeypatch.setattr(file_module, "_BLOCK_BYTES", block)
    whole = b"".join(LINES)
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        kept = whole[: whole.rfind(b"\n", 0, cut) + 1]
        file = AppendFile(path)
        file.append(b"next\n")
        file.close()
        assert path.read_bytes() == kept + b"next\n"
        assert file.cut_bytes == cut - len(kept)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300), block=st.integers(1, 50))
def test_any_content_is_cut_after_its_last_line_break(path, content, block):
    path.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(file_module, "_BLOCK_BYTES", block)
        AppendFile(path).close()
    assert path.read_bytes() == content[: content.rfind(b"\n") + 1]


def test_a_cut_is_told(path, caplog):
    path.write_bytes(b"1\n2345")
    with caplog.at_level(logging.WARNING, "upbit_stream"):
        AppendFile(path).close()
    assert "torn last line of 4 bytes" in caplog.text
    assert str(path) in caplog.text


def refuse_writes(monkeypatch, *, after, code):
    """Let ``after`` bytes through, as a disk that fills up does: a part first, then the error."""
    left = after
    real = os.write

    def write(fd, block):
        nonlocal left
        if left == 0:
            raise OSError(code, os.strerror(code))
        part = bytes(block)[:left]
        left -= len(part)
        return real(fd, part)

    monkeypatch.setattr(os, "write", write)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG])
def test_an_append_is_all_or_nothing_wherever_the_disk_fills_up(path, code):
    append(path, b"kept\n")
    block = b"".join(LINES)
    for room in range(len(block)):
        file = AppendFile(path)
        with pytest.MonkeyPatch.context() as patch:
            refuse_writes(patch, after=room, code=code)
            with pytest.raises(RecordingError, match=r"a\.jsonl") as caught:
                file.append(block)
        assert os.strerror(code) in str(caught.value)
        assert path.read_bytes() == b"kept\n"
        file.append(b"")
        file.close()
    append(path, block)
    assert path.read_bytes() == b"kept\n" + block


def test_an_interrupt_between_two_writes_leaves_no_torn_line(path, monkeypatch):
    file = AppendFile(path)
    file.append(b"kept\n")
    real = os.write
    blocks = []

    def write_a_part_then_be_interrupted(fd, block):
        if blocks:
            raise KeyboardInterrupt
        blocks.append(block)
        return real(fd, bytes(block)[:3])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "write", write_a_part_then_be_interrupted)
        with pytest.raises(KeyboardInterrupt):
            file.append(b"torn in the middle\n")
    file.append(b"next\n")
    file.close()
    assert path.read_bytes() == b"kept\nnext\n"


def test_what_could_not_be_taken_back_is_cut_before_the_next_append(path, monkeypatch, caplog):
    file = AppendFile(path)
    file.append(b"kept\n")

    def no_truncate(fd, size):
        raise OSError(errno.EIO, "Input/output error")

    with pytest.MonkeyPatch.context() as patch:
        refuse_writes(patch, after=3, code=errno.ENOSPC)
        patch.setattr(os, "ftruncate", no_truncate)
        with pytest.raises(RecordingError):
            file.append(b"torn\n")
        with pytest.raises(RecordingError):
            file.append(b"never\n")
    assert path.read_bytes() == b"kept\ntor"
    assert "torn line" in caplog.text

    file.append(b"next\n")
    file.close()
    assert path.read_bytes() == b"kept\nnext\n"


def test_a_file_that_is_emptied_meanwhile_gets_no_zeros(path, monkeypatch):
    file = AppendFile(path)
    file.append(b"12345\n")
    path.write_bytes(b"")
    refuse_writes(monkeypatch, after=2, code=errno.ENOSPC)
    with pytest.raises(RecordingError):
        file.append(b"6\n7\n")
    file.close()
    assert path.read_bytes() == b""


def test_an_error_of_fsync_is_told(path, monkeypatch):
    file = AppendFile(path)

    def no_sync(fd):
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr(os, "fsync", no_sync)
    with pytest.raises(RecordingError, match="quota"):
        file.sync()
    file.close()


@pytest.mark.parametrize("kind", ["directory", "link", "pipe", "missing directory"])
def test_what_is_no_file_of_ours_is_refused(path, kind):
    if kind == "directory":
        path.mkdir()
    elif kind == "link":
        path.symlink_to(path.with_name("elsewhere"))
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path = path.with_name("none") / "a.jsonl"
    with pytest.raises(RecordingError, match="cannot open"):
        AppendFile(path)
    assert not path.with_name("elsewhere").exists()


def test_close_may_be_called_again(path):
    file = AppendFile(path)
    file.close()
    file.close()
