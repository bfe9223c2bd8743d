import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from upbit_stream.record import backwards
from upbit_stream.record.backwards import lines_backwards


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.lists(st.sampled_from([b"\n", b"a", b"bc", b"\r"])).map(b"".join), block=st.integers(1, 9))
def test_whole_lines_come_in_reverse_whatever_the_blocks(tmp_path, content, block):
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backwards, "_BLOCK_BYTES", block)
        assert list(lines_backwards(path)) == content.split(b"\n")[-2::-1]


def test_the_newest_lines_of_a_large_file_cost_one_block(tmp_path, monkeypatch):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"x" * 99 + b"\n" + b"".join(b"%099d\n" % n for n in range(50_000)))
    reads = []
    real = os.pread
    monkeypatch.setattr(os, "pread", lambda fd, size, at: (reads.append(size), real(fd, size, at))[1])
    lines = lines_backwards(path)
    assert [int(next(lines)) for _ in range(3)] == [49_999, 49_998, 49_997]
    lines.close()
    assert sum(reads) <= 64 * 1024


@pytest.mark.parametrize("length", [19, 20, 21, 500])
def test_a_line_beyond_any_message_is_not_held(tmp_path, monkeypatch, length):
    monkeypatch.setattr(backwards, "_BLOCK_BYTES", 7)
    monkeypatch.setattr(backwards, "_LONGEST_LINE_BYTES", 20)
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"first\n" + b"x" * length + b"\nlast\n")
    assert list(lines_backwards(path)) == [b"last", b"x" * length if length <= 20 else b"", b"first"]


def test_descriptors_are_let_go(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"1\n2\n")
    before = len(os.listdir("/proc/self/fd"))
    lines = lines_backwards(path)
    next(lines)
    lines.close()
    list(lines_backwards(path))
    assert len(os.listdir("/proc/self/fd")) == before
