import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.flow.test_intake import GARBAGE, PAYLOADS

from upbit_stream.native import native
from upbit_stream.record.held import PythonRows
from upbit_stream.record.line import malformed_line, message_line

payloads = st.one_of(
    st.sampled_from(PAYLOADS),
    st.sampled_from([each for each in GARBAGE if len(each) > 1]),
    st.sampled_from(
        [b"{}", b"{ }", b'{"a":1 }', b'{"a":1\n}', b' {"a":1} \r\n', b'{"a":"\x00"}', b"[1]", b'{"a":{}}', b"{\t}"]
    ),
    st.binary(min_size=1, max_size=40).map(lambda key: msgspec.json.encode({key.hex(): 1})),
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), payloads, st.sampled_from([0, 1, 9, 10, 1_800_000_000_123_456_789, 2**63 - 1, -5])),
        st.tuples(st.just("clear")),
    ),
    max_size=30,
)


def held(rows):
    with rows.lent() as lines:
        assert lines == bytes(rows)
    return bytes(rows), len(rows), rows.size, rows.newest_ns


@given(steps, st.sampled_from([message_line, malformed_line]), st.sampled_from([0, 1, 100, 10_000]))
def test_both_hold_the_same_rows_and_ask_for_room_at_the_same_time(moves, form, limit):
    asked = ([], [])
    both = [
        kind(form, limit, lambda asks=asks: asks.append(1), form is message_line)
        for kind, asks in zip((PythonRows, native.Rows), asked, strict=True)
    ]
    for name, *given_ in moves:
        for rows in both:
            getattr(rows, name)(*given_)
        assert held(both[0]) == held(both[1])
        assert asked[0] == asked[1]


def test_rows_that_are_being_read_stay_as_they_are():
    rows = native.Rows(message_line, 10**6, lambda: None)
    rows.put(b'{"a":1}', 5)
    with rows.lent() as lines:
        for change in (rows.clear, lambda: rows.put(b'{"a":1}', 5), lambda: rows.put(b'{"a":1} ', 5)):
            with pytest.raises(BufferError, match="are being read"):
                change()
        assert lines == message_line(b'{"a":1}', 5)
    rows.clear()
    assert bytes(rows) == b""


def test_a_plain_message_takes_the_short_way():
    rows = native.Rows(lambda *_: pytest.fail("formed"), 10**6, lambda: None)
    for payload in PAYLOADS:
        rows.put(payload, 5)
    assert bytes(rows) == b"".join(message_line(payload, 5) for payload in PAYLOADS)


@pytest.mark.parametrize("kind", [PythonRows, native and native.Rows])
def test_where_there_is_no_room_nothing_is_taken(kind):
    def full():
        raise OSError("no space left on device")

    rows = kind(message_line, 0, full)
    with pytest.raises(OSError, match="no space"):
        rows.put(b'{"a":1}', 1)
    assert held(rows) == (b"", 0, 0, 0)
    rows.limit = 1
    rows.put(b'{"a":1}', 1)
    assert len(rows) == 1


@pytest.mark.parametrize("wrong", ["x", None, "5", 2**64])
def test_a_time_that_is_no_number_is_refused_and_nothing_kept(wrong):
    rows = native.Rows(message_line, 10, lambda: None)
    with pytest.raises((TypeError, OverflowError)):
        rows.put(b'{"a":1}', wrong)
    assert held(rows) == (b"", 0, 0, 0)
