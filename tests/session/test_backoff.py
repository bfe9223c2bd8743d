from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upbit_stream.errors import UsageError
from upbit_stream.session.backoff import Backoff

seeds = st.integers(0, 2**32)
# A cap at least two thirds above the first delay leaves the jitter its 40 %; below that the user asked for steadiness.
spans = st.tuples(st.floats(0.001, 100), st.floats(1.7, 1e6)).map(lambda pair: (pair[0], pair[0] * pair[1]))


def backoff(seed=1, first_s=0.5, cap_s=30.0, stable_s=60.0):
    return Backoff(Random(seed), first_s=first_s, cap_s=cap_s, stable_s=stable_s)


@given(seeds, spans, st.lists(st.floats(0, 200), max_size=60))
def test_every_delay_lies_between_the_first_and_the_cap(seed, span, sessions):
    first_s, cap_s = span
    steps = backoff(seed, first_s, cap_s)
    for lasted_s in sessions:
        assert first_s <= steps.next_delay_s() <= cap_s
        steps.session_lasted(lasted_s)


@given(seeds)
def test_each_delay_comes_from_the_upper_half_of_a_step_twice_the_one_before(seed):
    steps = backoff(seed, first_s=0.5, cap_s=30)
    for ceiling in (1, 2, 4, 8, 16, 30, 30, 30):
        assert max(0.5, ceiling / 2) <= steps.next_delay_s() <= ceiling


@settings(max_examples=20)
@given(spans)
def test_the_jitter_survives_the_cap(span):
    first_s, cap_s = span
    delays = []
    for seed in range(100):
        steps = backoff(seed, first_s, cap_s)
        steps.failures = 1_000
        delays.append(steps.next_delay_s())
    assert max(delays) - min(delays) >= 0.38 * cap_s  # of the 41 % and more that a span here leaves
    assert len(set(delays)) == 100


def test_clients_that_lost_the_exchange_together_do_not_come_back_together():
    delays = sorted(backoff(seed).next_delay_s() for seed in range(100))
    assert len(set(delays)) == 100
    assert delays[-1] - delays[0] > 0.4


@given(seeds, st.floats(0, 59.99))
def test_only_a_stable_session_starts_the_steps_anew(seed, lasted_s):
    steps = backoff(seed)
    for _ in range(10):
        steps.next_delay_s()
        steps.session_lasted(lasted_s)
    assert steps.next_delay_s() >= 15
    steps.session_lasted(60.0)
    assert steps.failures == 0
    assert steps.next_delay_s() <= 1


@pytest.mark.parametrize("failures", [63, 64, 1_023, 1_024, 10**6, 10**400])
def test_years_of_failures_do_not_overflow(failures):
    steps = backoff()
    steps.failures = failures
    assert 15 <= steps.next_delay_s() <= 30
    assert steps.failures == failures + 1


@pytest.mark.parametrize(("first_s", "cap_s"), [(0, 1), (-1, 1), (2, 1), (0, 0), (float("nan"), 1), (1, float("nan"))])
def test_delays_that_make_no_sense_are_refused(first_s, cap_s):
    with pytest.raises(UsageError, match="reconnect_delay_s"):
        backoff(first_s=first_s, cap_s=cap_s)


def test_a_first_delay_that_is_the_cap_is_taken_as_it_is():
    assert backoff(first_s=5, cap_s=5).next_delay_s() == 5
