"""How often what happens often is told."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from upbit_stream.flow.throttle import Throttle

SECOND = 1_000_000_000


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 5 * SECOND)), max_size=60))
def test_nothing_is_told_too_often_and_nothing_is_forgotten(steps: list[tuple[str, int]]) -> None:
    throttle = Throttle(interval_s=3)
    now, told, counted, happened = SECOND, {"a": [], "b": []}, {"a": 0, "b": 0}, {"a": 0, "b": 0}
    for key, step in steps:
        now += step
        happened[key] += 1
        if count := throttle.due(key, now):
            told[key].append(now)
            counted[key] += count
            assert counted[key] == happened[key]
    for times in told.values():
        assert all(later - earlier >= 3 * SECOND for earlier, later in itertools.pairwise(times))
    assert all(told[key] for key in "ab" if happened[key])
