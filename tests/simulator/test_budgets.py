from hypothesis import given
from hypothesis import strategies as st

from upbit_stream.simulator.budgets import (
    CONNECTS_PER_SECOND,
    FIRST_BLOCK_MS,
    LONGEST_BLOCK_MS,
    VIOLATIONS_TO_BLOCK,
    Blocks,
    Gate,
    message_budget,
)

gaps = st.lists(st.sampled_from([0, 1, 50, 199, 200, 201, 333, 999, 1000, 1001, 5000]), max_size=300)


def moments(steps: list[int]) -> list[int]:
    now, found = 1_000_000, []
    for step in steps:
        now += step
        found.append(now)
    return found


def within(passed: list[int], now: int, window: int) -> int:
    return sum(now - window < at <= now for at in passed)


@given(gaps)
def test_messages_are_refused_if_and_only_if_a_window_is_full(steps: list[int]) -> None:
    budget, passed = message_budget(), []
    for now in moments(steps):
        full = within(passed, now, 1_000) == 5 or within(passed, now, 60_000) == 100
        assert budget.spend(now) is not full
        if not full:
            passed.append(now)
    assert all(within(passed, at, 1_000) <= 5 and within(passed, at, 60_000) <= 100 for at in passed)


@given(gaps, st.lists(st.booleans(), min_size=300, max_size=300))
def test_connects_are_refused_if_and_only_if_a_window_is_full(steps: list[int], origins: list[bool]) -> None:
    gate = Gate(CONNECTS_PER_SECOND)
    passed: list[int] = []
    with_origin: list[int] = []
    for now, origin in zip(moments(steps), origins, strict=False):
        full = within(passed, now, 1_000) == 5 or (origin and within(with_origin, now, 10_000) == 1)
        assert gate.spend("someone", now, with_origin=origin) is not full
        if not full:
            passed.append(now)
            if origin:
                with_origin.append(now)


def test_the_hundred_and_first_message_of_a_minute_is_over() -> None:
    budget = message_budget()
    assert all(budget.spend(at) for at in range(0, 100 * 500, 500))
    assert not budget.spend(59_999)
    assert budget.spend(60_000)


def test_budgets_are_kept_apart() -> None:
    gate = Gate(CONNECTS_PER_SECOND)
    assert [gate.spend("one", 0, with_origin=False) for _ in range(6)] == [True] * 5 + [False]
    assert gate.spend("other", 0, with_origin=False)


def test_each_block_is_twice_as_long_up_to_a_day() -> None:
    blocks, now, lengths = Blocks(), 0, []
    while len(lengths) < 16:
        if length := blocks.violate("someone", now):
            lengths.append(length)
            assert blocks.left_ms(now + length - 1, "someone") == 1
            assert blocks.left_ms(now + length, "someone") == 0
            now += length
    assert lengths == [min(FIRST_BLOCK_MS * 2**n, LONGEST_BLOCK_MS) for n in range(16)]


def test_violations_far_apart_bring_no_block() -> None:
    blocks = Blocks()
    assert not any(blocks.violate("someone", at) for at in range(0, 1_000_000, 10_000 // (VIOLATIONS_TO_BLOCK - 1)))


def test_a_block_covers_the_source_too() -> None:
    blocks = Blocks()
    for _ in range(VIOLATIONS_TO_BLOCK):
        blocks.violate("account", 0, "source")
    assert blocks.left_ms(0, "source") == FIRST_BLOCK_MS
    assert blocks.left_ms(0, "somewhere else") == 0
