"""Sending at the moment that is due, not a little later: by looking at the clock all the time.

A timer of the system wakes a process some 50 µs late, as much as is to be measured. So the sender keeps its core busy.
Owns the schedule and the wait. Must not know what is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import monotonic_ns


def paced(groups: int, interval_ns: int, *, clock_ns: Callable[[], int] = monotonic_ns) -> Iterator[tuple[int, int]]:
    """Yield the number of each group and when it is due, then: the first at once, then one every ``interval_ns``.

    Who is late with one (it took long to send) gets the next at its own time, and those that are past at once. So
    the schedule does not give way, and what has to wait for a slow receiver is not left out.
    """
    start_ns = clock_ns()
    for number in range(groups):
        due_ns = start_ns + number * interval_ns
        while clock_ns() < due_ns:
            pass
        yield number, due_ns
