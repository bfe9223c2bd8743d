"""Chunks in which time passes."""

import json
import re

import pytest
from bench.loads import LOADS, payloads, plain_frame
from bench.moving import Moving

PAYLOADS = list(payloads(LOADS["A"], 50))


def messages(chunk):
    """The messages in a chunk, by the lengths in the frames' heads."""
    found = []
    while chunk:
        head, size, begin = chunk[0], chunk[1], 2
        if size == 126:
            size, begin = int.from_bytes(chunk[2:4], "big"), 4
        assert head == 0x82
        found.append(json.loads(chunk[begin : begin + size]))
        chunk = chunk[begin + size :]
    return found


def test_the_first_chunk_is_the_messages_themselves():
    first = next(Moving(PAYLOADS).chunks(50))
    assert first == b"".join(map(plain_frame, PAYLOADS))


def test_ids_never_repeat_and_times_rise_by_a_millisecond_a_message():
    found = [one for chunk in Moving(PAYLOADS).chunks(150) for one in messages(chunk)]
    ids = [one["sid"] for one in found if "sid" in one]
    times = [one["tms"] for one in found]
    assert len(found) == 150
    assert len(set(ids)) == len(ids) > 100
    assert times == list(range(times[0], times[0] + 150))


def test_nothing_else_changes():
    first, second = Moving(PAYLOADS).chunks(100)
    numbers = re.compile(rb'"(tms|ttms|sid)":\d+')
    assert first != second
    assert numbers.sub(b"", first) == numbers.sub(b"", second)


def test_a_per_cent_sign_in_a_message_stays_one():
    payload = b'{"ty":"trade","note":"5%d %s","tms":1700000000000}'
    assert messages(Moving([payload]).at(7)) == [{"ty": "trade", "note": "5%d %s", "tms": 1700000000007}]


def test_the_long_names_move_too():
    payload = (
        b'{"type":"trade","timestamp":1700000000000,"trade_timestamp":1700000000001,"sequential_id":1700000000000001}'
    )
    [moved] = messages(Moving([payload]).at(-10))
    assert moved == {
        "type": "trade",
        "timestamp": 1699999999990,
        "trade_timestamp": 1699999999991,
        "sequential_id": 1699999999999991,
    }


def test_messages_that_do_not_fill_chunks_are_refused():
    with pytest.raises(ValueError, match="51 messages do not fill chunks of 50"):
        Moving(PAYLOADS).chunks(51)
