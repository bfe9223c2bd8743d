import json
import logging

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.record.trades import NOW, S

from upbit_stream.errors import RecordingError
from upbit_stream.record import GapRow, read_gaps
from upbit_stream.record.gaps import gap_line, open_gaps

STATES = st.sampled_from(["open", "recovered", "lost"])


def row(gap="a-1", state="open", **changes):
    fields = {"type": "trade", "code": "SGD-BTC", "from_ns": NOW, "to_ns": NOW + S, "reason": "reset"}
    return GapRow(gap=gap, state=state, **{**fields, **changes})


def test_a_row_says_all_in_words_and_numbers():
    line = gap_line(row(state="recovered", recovered=7, from_ns=NOW + 1_234_567_890, code=""))
    assert json.loads(line) == {
        "gap": "a-1",
        "type": "trade",
        "code": "",
        "from": "2026-09-21T14:13:21.234Z",
        "to": "2026-09-21T14:13:21.000Z",
        "from_ns": NOW + 1_234_567_890,
        "to_ns": NOW + S,
        "reason": "reset",
        "state": "recovered",
        "recovered": 7,
    }
    assert line.endswith(b"}\n")


@pytest.mark.parametrize(
    ("state", "changes", "keys"),
    [
        ("open", {}, set()),
        ("recovered", {}, {"recovered"}),  # also where it was nothing
        ("lost", {"why": "too long ago"}, {"why"}),
    ],
)
def test_only_what_was_settled_says_how(state, changes, keys):
    assert json.loads(gap_line(row(state=state, **changes))).keys() & {"recovered", "why"} == keys


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.builds(
            row,
            gap=st.sampled_from(["a-1", "a-2", "b-1"]),
            state=STATES,
            reason=st.text(max_size=5),
            code=st.text(max_size=5),
        )
    ),
    st.data(),
)
def test_of_each_gap_the_last_whole_row_counts_wherever_the_file_ends(tmp_path, rows, data):
    lines = [gap_line(r) for r in rows]
    content = b"".join(lines)
    cut = data.draw(st.integers(0, len(content)))
    (tmp_path / "gaps.jsonl").write_bytes(content[:cut])
    whole = rows[: content[:cut].count(b"\n")]
    newest = {r.gap: r for r in whole}
    assert read_gaps(tmp_path) == list(newest.values())
    assert {r.gap: r for r in open_gaps(tmp_path)} == {k: r for k, r in newest.items() if r.state == "open"}


def test_a_line_that_is_no_row_is_told_and_left_out(tmp_path, caplog):
    lines = [gap_line(row("a-1")), b"\xff\n", b'{"gap":1}\n', b"\n", gap_line(row("a-2"))]
    (tmp_path / "gaps.jsonl").write_bytes(b"".join(lines))
    with caplog.at_level(logging.WARNING, "upbit_stream"):
        assert [r.gap for r in read_gaps(str(tmp_path))] == ["a-1", "a-2"]
    assert "3 lines are no rows of gaps" in caplog.text


def test_half_a_surrogate_pair_in_a_reason_makes_no_unreadable_row(tmp_path):
    (tmp_path / "gaps.jsonl").write_bytes(gap_line(row(reason="no\ud800")))
    assert [r.reason for r in read_gaps(tmp_path)] == ["no?"]


def test_without_the_file_there_are_none(tmp_path):
    assert read_gaps(tmp_path) == open_gaps(tmp_path) == []


def test_what_cannot_be_read_is_told(tmp_path):
    (tmp_path / "gaps.jsonl").mkdir()
    with pytest.raises(RecordingError, match=r"gaps\.jsonl: cannot be read"):
        read_gaps(tmp_path)
