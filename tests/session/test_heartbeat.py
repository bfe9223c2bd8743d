import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upbit_stream.errors import UsageError
from upbit_stream.session.heartbeat import EXCHANGE_IDLE_LIMIT_S, Heartbeat, check_heartbeat

INTERVAL_S, TIMEOUT_S = 30.0, 10.0


class Link:
    """A connection in simulated time: it answers each ping after a while, until it goes half-open."""

    def __init__(self, pong_delays_s, *, lost_at=math.inf, interval_s=INTERVAL_S, timeout_s=TIMEOUT_S):
        self.now = 0.0
        self.beat = Heartbeat(interval_s=interval_s, timeout_s=timeout_s, now=0.0)
        self.pings: list[float] = []
        self.dead_at: float | None = None
        self._delays_s = pong_delays_s
        self._lost_at = lost_at
        self._coming: list[float] = []

    def until(self, end):
        """Live on to a moment, doing what is due when `next_at` says so, as the session does."""
        while self.dead_at is None:
            pong_at = min((at for at in self._coming if at < self._lost_at), default=math.inf)
            at = min(pong_at, max(self.now, self.beat.next_at))
            if at > end:
                break
            self.now = at
            if at == pong_at:
                self._coming.remove(at)
                self.beat.pong(at)
            else:
                self._act()
        self.now = max(self.now, end)

    def _act(self):
        match self.beat.due(self.now):
            case "dead":
                self.dead_at = self.now
            case "ping":
                self.pings.append(self.now)
                self._coming.append(self.now + self._delays_s[len(self.pings) % len(self._delays_s)])
            case None:
                raise AssertionError(f"woken at {self.now} for nothing; next at {self.beat.next_at}")

    def gaps(self):
        times = [0.0, *self.pings, self.dead_at or self.now]
        return [later - earlier for earlier, later in itertools.pairwise(times)]


in_time = st.lists(st.floats(0, TIMEOUT_S - 0.001), min_size=1, max_size=20)
# moments at which reading pauses and goes on, in turn
pauses = st.lists(st.floats(0.001, 200), max_size=12)


@given(in_time, st.floats(0, 1_000))
def test_a_half_open_connection_is_found_within_an_interval_and_a_timeout(delays_s, lost_at):
    link = Link(delays_s, lost_at=lost_at)
    link.until(lost_at + INTERVAL_S + TIMEOUT_S)
    assert link.dead_at is not None
    assert lost_at <= link.dead_at <= lost_at + INTERVAL_S + TIMEOUT_S


@given(in_time)
def test_pongs_in_time_keep_a_connection_for_ever(delays_s):
    link = Link(delays_s)
    link.until(3_600)
    assert link.dead_at is None
    assert len(link.pings) == 3_600 / INTERVAL_S


@given(
    st.floats(5, EXCHANGE_IDLE_LIMIT_S - 1e-6),  # the sums of the link's times are rounded
    st.floats(0.1, 1_000),
    st.lists(st.floats(0, 300), min_size=1, max_size=10),
    pauses,
)
def test_there_is_never_a_silence_as_long_as_the_exchanges_limit(interval_s, timeout_s, delays_s, lengths_s):
    link = Link(delays_s, interval_s=interval_s, timeout_s=timeout_s)
    for number, length_s in enumerate(lengths_s):
        if number % 2:
            link.beat.resume(link.now)
        else:
            link.beat.suspend()
        link.until(link.now + length_s)
    assert max(link.gaps()) < EXCHANGE_IDLE_LIMIT_S


@given(st.lists(st.one_of(st.just(math.inf), st.floats(0, 50)), min_size=1, max_size=10), st.floats(0, 100))
def test_a_suspended_connection_is_never_dead_but_goes_on_pinging(delays_s, since):
    link = Link(delays_s)
    link.until(since)
    if link.dead_at is not None:
        return
    before = len(link.pings)
    link.beat.suspend()
    link.until(since + 1_000)
    assert link.dead_at is None
    assert len(link.pings) - before >= 1_000 // INTERVAL_S


@given(in_time, pauses, st.floats(0, 100))
def test_a_connection_lost_while_suspended_is_found_after_resuming(delays_s, lengths_s, held_s):
    link = Link(delays_s, lost_at=20.0)
    link.beat.suspend()
    link.until(20.0 + held_s)
    for number, length_s in enumerate(lengths_s):
        if number % 2:
            link.beat.suspend()
        else:
            link.beat.resume(link.now)
        link.until(link.now + length_s)
    if link.dead_at is not None:
        return
    link.beat.resume(link.now)
    resumed_at = link.now
    link.until(resumed_at + INTERVAL_S + TIMEOUT_S)
    assert link.dead_at is not None


def test_a_pong_that_is_due_at_resuming_has_the_whole_timeout_from_there():
    link = Link([math.inf])
    link.until(35)  # pinged at 30
    link.beat.suspend()
    link.until(100)
    link.beat.resume(100)
    link.until(109.9)
    assert link.dead_at is None
    link.until(110)
    assert link.dead_at == 110


def test_a_pong_after_the_timeout_is_too_late():
    link = Link([10.5])
    link.until(200)
    assert link.dead_at == 40


def test_a_late_pong_that_comes_before_anybody_looked_still_counts():
    beat = Heartbeat(interval_s=30, timeout_s=10, now=0)
    assert beat.due(30) == "ping"
    beat.pong(50)
    assert beat.due(50) is None
    assert beat.round_trip_s == 20


def test_an_older_ping_without_a_pong_is_not_forgotten_for_a_younger_one():
    beat = Heartbeat(interval_s=10, timeout_s=25, now=0)
    assert [beat.due(at) for at in (10, 20, 30)] == ["ping"] * 3
    assert beat.next_at == 35
    assert beat.due(35) == "dead"


def test_a_pong_that_nobody_asked_for_does_no_harm():
    beat = Heartbeat(interval_s=30, timeout_s=10, now=0)
    beat.pong(5)
    assert beat.round_trip_s is None
    assert (beat.due(29.9), beat.due(30)) == (None, "ping")


def test_a_clock_that_jumped_brings_one_ping_and_no_storm():
    beat = Heartbeat(interval_s=30, timeout_s=10, now=0)
    assert beat.due(500) == "ping"
    assert beat.next_at == 510
    beat.pong(501)
    assert beat.next_at == 530


def test_the_round_trip_is_told():
    beat = Heartbeat(interval_s=30, timeout_s=10, now=0)
    beat.due(30)
    beat.pong(30.25)
    assert beat.round_trip_s == 0.25


def test_the_round_trip_is_not_taken_from_the_moment_of_resuming():
    beat = Heartbeat(interval_s=30, timeout_s=10, now=0)
    beat.due(30)
    beat.suspend()
    beat.resume(80)
    beat.pong(80.001)
    assert beat.round_trip_s is None


@pytest.mark.parametrize(
    ("interval_s", "timeout_s"),
    [(0, 10), (-1, 10), (30, 0), (30, -1), (120, 10), (math.inf, 10), (math.nan, 10), (30, math.nan)],
)
def test_times_that_cannot_work_are_refused(interval_s, timeout_s):
    with pytest.raises(UsageError):
        check_heartbeat(interval_s, timeout_s)
    with pytest.raises(UsageError):
        Heartbeat(interval_s=interval_s, timeout_s=timeout_s, now=0)


@pytest.mark.parametrize(("interval_s", "timeout_s"), [(30, 10), (119.9, 300), (0.01, 0.01)])
def test_times_that_can_work_are_taken(interval_s, timeout_s):
    check_heartbeat(interval_s, timeout_s)


def test_the_first_ping_can_come_earlier_and_the_others_keep_to_the_interval():
    beat = Heartbeat(interval_s=30, timeout_s=10, now=100.0, first_s=15)
    assert (beat.due(114.9), beat.due(115.0)) == (None, "ping")
    beat.pong(115.1)
    assert (beat.due(144.9), beat.due(145.0)) == (None, "ping")
