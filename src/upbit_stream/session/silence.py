"""Noticing a subscription that went silent while the connection lives.

Owns the limits and the escalation: first ask again on the same connection, then take a new one, each time with
twice the patience, until data flows again. Pings and pongs do not matter here. Counts and time are arguments.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from upbit_stream.model.subscription import Subscription

Remedy: TypeAlias = Literal["resubscribe", "reconnect"]

# Seconds without a message of a type, over all its codes, that are no normal state. A book or ticker of any live market
# moves within minutes; trades and candles of a small region may well pause. The private types and the announcements
# are silent unless something happens, so they are not watched.
SILENCE_LIMITS_S: Mapping[str, float] = {"ticker": 120.0, "orderbook": 60.0, "trade": 600.0, "candle": 600.0}
LONGEST_S = 3600.0
ALTHOUGH_ALIVE = "for too long although the connection lives"
_SNAPSHOTS_WITHIN_S = 10.0  # of the confirmation: what comes later is real data, however little


@dataclass(slots=True)
class _Watch:
    count: int
    since: float
    limit_s: float
    allowance: int  # messages that a resubscription brings by itself: a snapshot per code
    subscribed_at: float
    remedies: int = 0


def family(kind: str) -> str:
    """What a type is counted under: every unit of candles is ``candle``."""
    return kind.partition(".")[0]


class SilenceWatch:
    """Compares the counts of received messages from one `check` to the next."""

    def __init__(self, limits_s: Mapping[str, float] = SILENCE_LIMITS_S) -> None:
        self._limits_s = limits_s
        self._watches: dict[str, _Watch] = {}

    def connected(self) -> None:
        """A new session, whose counts begin anew. The patience that a silent type has earned stays."""
        for watch in self._watches.values():
            watch.since = float("nan")  # told by `subscribed`

    def subscribed(self, subscriptions: Iterable[Subscription], counts: Mapping[str, int], now: float) -> None:
        """The set of a session was confirmed: its types are watched from now on, and only they.

        A type that was watched before is not forgiven its silence because something else was subscribed.
        """
        snapshots: dict[str, int] = {}
        live: dict[str, None] = {}
        for subscription in subscriptions:
            kind = family(subscription.type)
            if not subscription.is_only_realtime:
                snapshots[kind] = snapshots.get(kind, 0) + len(subscription.codes)
            if kind in self._limits_s and not subscription.is_only_snapshot:
                live[kind] = None
        before = self._watches
        self._watches = {}
        for kind in live:
            watch = before.get(kind) or _Watch(0, now, self._limits_s[kind], 0, now)
            watch.since = now if math.isnan(watch.since) else watch.since
            watch.count, watch.allowance, watch.subscribed_at = counts.get(kind, 0), snapshots.get(kind, 0), now
            self._watches[kind] = watch

    def check(self, counts: Mapping[str, int], now: float) -> tuple[str, Remedy] | None:
        """The first type found silent, and what to do about it."""
        for kind, watch in self._watches.items():
            came = counts.get(kind, 0) - watch.count
            if came > watch.allowance:
                self._watches[kind] = _Watch(counts.get(kind, 0), now, self._limits_s[kind], 0, now)
            elif now - watch.since >= watch.limit_s:
                watch.remedies += 1
                watch.since = now
                watch.limit_s = min(LONGEST_S, watch.limit_s * 2)
                return kind, "resubscribe" if watch.remedies % 2 else "reconnect"
            elif now - watch.subscribed_at >= _SNAPSHOTS_WITHIN_S:
                watch.count, watch.allowance = counts.get(kind, 0), 0
        return None
