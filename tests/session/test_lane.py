import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upbit_stream.session.lane import APART_S, MOST_LANES, Lane


def test_a_single_connection_is_as_if_there_were_no_lanes():
    assert (Lane().start_delay_s, Lane().named("info"), Lane().has_others) == (0, "info", False)
    assert Lane().first_ping_s(30.0, 1234.5) == 30.0


def test_they_are_opened_one_after_the_other_and_the_first_at_once():
    assert [Lane(number, MOST_LANES).start_delay_s for number in (1, 2, 3)] == [0, APART_S, 2 * APART_S]


def test_each_is_more_patient_with_silence_than_the_one_before():
    limits = {"ticker": 120.0, "trade": 600.0}
    assert Lane().silence_limits_s(limits) == Lane(1, 3).silence_limits_s(limits) == limits
    assert Lane(2, 3).silence_limits_s(limits) == pytest.approx({"ticker": 132.0, "trade": 660.0})
    assert Lane(3, 3).silence_limits_s(limits) == pytest.approx({"ticker": 144.0, "trade": 720.0})


def test_the_log_tells_them_apart():
    assert [Lane(number, 2).named("public") for number in (1, 2)] == ["public 1/2", "public 2/2"]


moments = st.floats(0, 1e6)
intervals = st.floats(0.1, 119)


@pytest.mark.parametrize("of", range(2, MOST_LANES + 1))
@given(interval_s=intervals, begun=st.lists(moments, min_size=MOST_LANES, max_size=MOST_LANES))
def test_they_ping_at_equal_distances_whenever_their_sessions_began(of, interval_s, begun):
    lanes = [Lane(number, of) for number in range(1, of + 1)]
    first = [now + lane.first_ping_s(interval_s, now) for lane, now in zip(lanes, begun, strict=False)]
    for (number, one), (other_number, other) in itertools.combinations(enumerate(first), 2):
        off = (other - one - interval_s * (other_number - number) / of) % interval_s
        assert min(off, interval_s - off) < 1e-6


@given(interval_s=intervals, now=moments, number=st.integers(1, MOST_LANES))
def test_no_first_ping_comes_later_than_the_interval(interval_s, now, number):
    assert 0 < Lane(number, MOST_LANES).first_ping_s(interval_s, now) <= interval_s
