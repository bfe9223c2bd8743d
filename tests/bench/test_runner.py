"""The rounds: their order, and what becomes of stacks that fail."""

import pytest
from bench.processes import Failed
from bench.runner import run_rounds, turned

READING = {"cpu_s": 1.0, "messages": 1}


def recording(names: str, fails: dict[str, int] | None = None) -> tuple[list[str], dict]:
    """Fake stacks, and the order in which they ran; each fails the given number of times first."""
    ran: list[str] = []
    left = dict(fails or {})

    def run(name: str) -> dict:
        ran.append(name)
        if left.get(name):
            left[name] -= 1
            raise Failed(f"{name} is out of order")
        return {**READING, "at": len(ran)}

    return ran, {name: lambda name=name: run(name) for name in names}


def test_rounds_are_interleaved_and_their_order_turns():
    ran, runs = recording("abc")
    run_rounds(runs, 2)
    assert ran == [*"abc", *"bca", *"cab"]


def test_the_first_round_is_dropped():
    _, runs = recording("ab")
    series = run_rounds(runs, 2)
    assert [reading["at"] for reading in series["a"].rounds] == [4, 5]


def test_a_failure_is_told_and_the_others_go_on():
    _, runs = recording("ab", {"a": 1})
    said: list[str] = []
    series = run_rounds(runs, 2, tell=said.append)
    assert series["a"].failures == ["a is out of order"]
    assert [reading is not None for reading in series["a"].rounds] == [True, True]
    assert len(series["b"].rounds) == 2
    assert "round 0 of 2, a: failed: a is out of order" in said


def test_who_fails_twice_is_tried_no_more_and_still_has_a_place_in_each_round():
    ran, runs = recording("ab", {"a": 99})
    series = run_rounds(runs, 5)
    assert ran.count("a") == 2
    assert series["a"].rounds == [None] * 5
    assert ran.count("b") == 6


def test_a_mistake_of_ours_is_not_taken_for_a_failing_stack():
    def broken() -> dict:
        raise KeyError("cpu_s")

    with pytest.raises(KeyError):
        run_rounds({"a": broken}, 1)


def test_turning_nothing_is_nothing():
    assert turned([], 3) == []
