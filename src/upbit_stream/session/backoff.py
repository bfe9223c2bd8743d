"""How long to wait before the next attempt.

Owns the schedule. Knows nothing of why an attempt failed, and does not wait itself.
"""

from __future__ import annotations

from random import Random

from upbit_stream.errors import UsageError


class Backoff:
    """Exponential delays with jitter, from ``first_s`` to ``cap_s`` seconds.

    Every delay is drawn from the upper half of its step, also at the cap: clients that lost the exchange
    together do not come back together. The steps start anew only after a session that lasted ``stable_s``, so
    an exchange that accepts and drops is not hammered.

    >>> 0.5 <= Backoff(Random(1), first_s=0.5, cap_s=30, stable_s=60).next_delay_s() <= 1
    True
    """

    def __init__(self, random: Random, *, first_s: float, cap_s: float, stable_s: float) -> None:
        check_delays(first_s, cap_s)
        self._random = random
        self._first_s = first_s
        self._cap_s = cap_s
        self._stable_s = stable_s
        self.failures = 0

    def next_delay_s(self) -> float:
        """Count one more failure and draw the delay before the next attempt, in seconds."""
        # Past the 64th doubling every cap is reached; the bound keeps the power from overflowing after years.
        ceiling = min(self._cap_s, self._first_s * 2.0 ** min(self.failures + 1, 64))
        self.failures += 1
        return self._random.uniform(max(self._first_s, ceiling / 2), ceiling)

    def session_lasted(self, seconds: float) -> None:
        """Start the steps anew if the session that just ended was a stable one."""
        if seconds >= self._stable_s:
            self.failures = 0


def check_delays(first_s: float, cap_s: float) -> None:
    """Raises `UsageError` for delays that are none."""
    if not 0 < first_s <= cap_s:
        raise UsageError(f"reconnect_delay_s: the delays must be positive and rising, not {first_s!r} to {cap_s!r} s")
