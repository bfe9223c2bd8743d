import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upbit_stream.record import verify_lines
from upbit_stream.record.verify_lines import Lines


def lines_of(content, size=None):
    told = []
    lines = Lines(io.BytesIO(content), len(content) if size is None else size, told.append)
    found = [line for some in lines for line in some]
    return found, lines.torn_bytes, sum(told)


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(verify_lines, "_BLOCK", 3)
    monkeypatch.setattr(verify_lines, "_LONGEST", 8)


@given(st.lists(st.binary(max_size=8).filter(lambda line: b"\n" not in line)), st.sampled_from([b"", b"torn"]))
def test_lines_come_whole_whatever_the_blocks(lines, torn):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verify_lines, "_BLOCK", 3)
        content = b"".join(line + b"\n" for line in lines) + torn
        assert lines_of(content) == (lines, len(torn), len(content))


def test_only_what_was_there_at_the_start_is_read(small_blocks):
    assert lines_of(b"one\ntwo\nthree\n", 10) == ([b"one", b"two"], 2, 10)


def test_a_file_that_shrinks_meanwhile_ends(small_blocks):
    assert lines_of(b"one\n", 100) == ([b"one"], 0, 4)


def test_a_line_without_an_end_is_not_held(small_blocks):
    found, torn, read = lines_of(b"one\n" + b"\0" * 1000 + b"\ntwo\n")
    assert (found[0], found[2], torn, read) == (b"one", b"two", 0, 1009)
    assert len(found[1]) < 12
    assert found[1].startswith(b"\0")


def test_how_much_is_torn_is_told_also_of_a_long_line(small_blocks):
    assert lines_of(b"one\n" + b"x" * 1000) == ([b"one"], 1000, 1004)
