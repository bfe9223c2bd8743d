from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upbit_stream.record.verify_ids import HOUR_MS, TradeIds, content_of

ID = st.integers(1, (1 << 63) - 1)
trades = st.lists(st.tuples(st.one_of(st.integers(1, 5), ID), st.integers(0, 3 * HOUR_MS)))


@given(trades, st.integers(1, 10))
def test_memory_or_disk_makes_no_difference(added, held):
    with TradeIds(held=held) as ids:
        for id_, at_ms in added:
            ids.add(id_, at_ms, content_of(at_ms, 1.0, 2.0, "BID"))
        assert len(ids) == len(added)
        assert ids.hours() == sorted({at_ms // HOUR_MS for _, at_ms in added})
        for hour in ids.hours():
            inside = [(id_, at_ms) for id_, at_ms in added if at_ms // HOUR_MS == hour]
            assert ids.of_hour(hour) == {id_: content_of(at_ms, 1.0, 2.0, "BID") for id_, at_ms in inside}
            assert ids.count_of_hour(hour) == len(inside)
        counted = Counter((id_, at_ms // HOUR_MS) for id_, at_ms in added)
        assert sorted(ids.repeated()) == sorted((id_, times) for (id_, _), times in counted.items() if times > 1)
        if added:
            times = [at_ms for _, at_ms in added]
            assert (ids.first_ms, ids.last_ms) == (min(times), max(times))


def test_what_is_held_is_bounded():
    with TradeIds(held=100) as ids:
        for n in range(1000):
            ids.add(n, n * HOUR_MS // 10, 0)
            assert sum(len(hour) for hour in ids._hours.values()) < 200
        assert ids.of_hour(99) == dict.fromkeys(range(990, 1000), 0)


def test_no_temporary_file_outlives_it():
    with TradeIds(held=1) as ids:
        ids.add(1, 1, 1)
        spilled = ids._spilled
    assert spilled.closed


@pytest.mark.parametrize(
    "other", [(2, 1.0, 2.0, "BID"), (1, 1.5, 2.0, "BID"), (1, 1.0, 2.5, "BID"), (1, 1.0, 2.0, "ASK")]
)
def test_every_part_of_the_content_counts(other):
    assert content_of(1, 1.0, 2.0, "BID") != content_of(*other)
    assert -(1 << 63) <= content_of(*other) < 1 << 63
