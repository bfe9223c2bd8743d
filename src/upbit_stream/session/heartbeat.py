"""When to ping, and when a connection is dead.

Owns the two deadlines: the next ping, and the pong that is due. Data that arrives resets neither: a peer that still
sends but does not read is as good as gone. Time is an argument, in seconds of any monotonic clock.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from upbit_stream.errors import UsageError

Beat: TypeAlias = Literal["ping", "dead"]

EXCHANGE_IDLE_LIMIT_S = 120.0  # the exchange closes a connection over which nothing passed for so long


class Heartbeat:
    """Ping every ``interval_s``, first after ``first_s`` (None: the interval); dead when no pong came ``timeout_s``
    after one.

    >>> beat = Heartbeat(interval_s=30, timeout_s=10, now=0.0)
    >>> beat.due(29.9), beat.due(30.0)
    (None, 'ping')
    """

    def __init__(self, *, interval_s: float, timeout_s: float, now: float, first_s: float | None = None) -> None:
        check_heartbeat(interval_s, timeout_s)
        self._interval_s = interval_s
        self._timeout_s = timeout_s
        self._ping_at = now + (interval_s if first_s is None else first_s)
        self._pinged_at: float | None = None
        self._suspended = False
        self._measures = False  # whether the time to the pong would be the round trip
        self.round_trip_s: float | None = None

    @property
    def next_at(self) -> float:
        """When to call `due` again."""
        if self._pinged_at is None or self._suspended:
            return self._ping_at
        return min(self._ping_at, self._pinged_at + self._timeout_s)

    def due(self, now: float) -> Beat | None:
        """What has to be done now. A ``ping`` that is returned counts as sent."""
        if self._pinged_at is not None and not self._suspended and now >= self._pinged_at + self._timeout_s:
            return "dead"
        if now >= self._ping_at:
            self._ping_at = now + self._interval_s
            if self._pinged_at is None:
                self._pinged_at = now
                self._measures = not self._suspended
            return "ping"
        return None

    def pong(self, now: float) -> None:
        """A pong arrived."""
        if self._pinged_at is not None and self._measures:
            self.round_trip_s = now - self._pinged_at
        self._pinged_at = None

    def suspend(self) -> None:
        """Nothing is read from the socket from now on, so a missing pong says nothing. Pings go on."""
        self._suspended = True
        self._measures = False

    def resume(self, now: float) -> None:
        """Reading goes on; a pong that is due has the whole time-out from now."""
        self._suspended = False
        if self._pinged_at is not None:
            self._pinged_at = now


def check_heartbeat(interval_s: float, timeout_s: float) -> None:
    """Raises `UsageError` for times with which the exchange would close the connection, or nothing would work."""
    if not (interval_s > 0 and timeout_s > 0):  # so that NaN, which compares with nothing, is refused too
        raise UsageError("ping_interval_s and pong_timeout_s must be more than 0")
    if interval_s >= EXCHANGE_IDLE_LIMIT_S:
        raise UsageError(
            f"ping_interval_s {interval_s!r}: the exchange closes a connection after "
            f"{EXCHANGE_IDLE_LIMIT_S:.0f} s of silence"
        )
