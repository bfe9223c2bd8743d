"""Which of several connections one is, where a subscription is kept on more than one at the same time.

Owns how they are kept apart in time, so that what befalls one does not befall another at the same moment. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MOST_LANES = 3
APART_S = 5.0  # between the first attempts of two neighbours
_MORE_PATIENCE = 0.1  # of each with silence than the one before


@dataclass(frozen=True, slots=True)
class Lane:
    """Number ``number`` (from 1) of ``of`` connections.

    >>> Lane(2, 3).start_delay_s, Lane(2, 3).named("public"), Lane().named("public")
    (5.0, 'public 2/3', 'public')
    """

    number: int = 1
    of: int = 1

    @property
    def has_others(self) -> bool:
        """Whether there is more than one."""
        return self.of > 1

    @property
    def start_delay_s(self) -> float:
        """Seconds by which this one is opened later than the first."""
        return (self.number - 1) * APART_S

    def named(self, endpoint: str) -> str:
        """What the log calls it."""
        return f"{endpoint} {self.number}/{self.of}" if self.has_others else endpoint

    def silence_limits_s(self, limits_s: Mapping[str, float]) -> dict[str, float]:
        """The limits of silence, longer on each: all see the same silence and must not be replaced together."""
        return {kind: limit_s * (1 + _MORE_PATIENCE * (self.number - 1)) for kind, limit_s in limits_s.items()}

    def first_ping_s(self, interval_s: float, now: float) -> float:
        """Seconds from ``now`` to the first ping of a new session, at most the interval.

        Several connections ping at equal distances, whenever their sessions began: each keeps to its own phase of the
        interval. ``now`` is in seconds of a monotonic clock that they share.
        """
        if not self.has_others:
            return interval_s
        phase_s = interval_s * (self.number - 1) / self.of
        return (phase_s - now) % interval_s or interval_s
