"""Which trades were received, so that none is delivered twice and a backfill knows what is missing.

Owns the ids of the newest trades of each code. ``sequential_id`` is unique within a market and tells nothing else:
neither order nor whether one is missing. Pure: times are arguments, in ns of one clock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

KEPT_NS = 300 * 1_000_000_000  # of ids before the newest one of a code
KEPT_AT_LEAST = 64  # of a quiet market: its snapshot trade may be days old
KEPT_AT_MOST = 200_000  # of a code; a bound for floods, far above what a market trades in five minutes

Spare = Callable[[str, Mapping[int, int]], None]


class Ledger:
    """``codes`` maps each code to its ids, each with the time it was received, oldest first.

    >>> ledger = Ledger()
    >>> ledger.add("SGD-BTC", 17, 1), ledger.add("SGD-BTC", 17, 2)
    (True, False)
    """

    def __init__(self) -> None:
        #: The receiving path writes into it by itself.
        self.codes: defaultdict[str, dict[int, int]] = defaultdict(dict)

    def add(self, code: str, sequential_id: int, received_ns: int) -> bool:
        """Note a trade. False: it was received before."""
        ids = self.codes[code]
        if sequential_id in ids:
            return False
        ids[sequential_id] = received_ns
        return True

    def received_ns(self, code: str, sequential_id: int) -> int | None:
        """When a trade was received, or None."""
        ids = self.codes.get(code)
        return None if ids is None else ids.get(sequential_id)

    def newest_ns(self, code: str) -> int | None:
        """When the newest trade of a code was received, or None."""
        ids = self.codes.get(code)
        return next(reversed(ids.values())) if ids else None

    def load(self, code: str, ids: Mapping[int, int]) -> None:
        """Trades that an earlier run received, before anything of this one."""
        known = self.codes[code]
        ordered = sorted({**ids, **known}.items(), key=lambda item: item[1])
        self.codes[code] = dict(ordered)

    def prune(self, spare: Spare) -> None:
        """Forget what is old. ``spare(code, ids)`` is told what goes: a backfill that is still to come may need it."""
        for code, ids in self.codes.items():
            gone = _old(ids)
            if gone:
                spare(code, {sequential_id: ids[sequential_id] for sequential_id in gone})
                self.codes[code] = _without(ids, len(gone))


def _old(ids: Mapping[int, int]) -> list[int]:
    """The ids to forget: none until half of what is held by time is old, so that the cost is shared out."""
    if len(ids) <= KEPT_AT_LEAST:
        return []
    newest = next(reversed(ids.values()))  # type: ignore[call-overload]  # a dict's view, which can be reversed
    oldest = next(iter(ids.values()))
    if newest - oldest < 2 * KEPT_NS and len(ids) <= KEPT_AT_MOST:
        return []
    items = list(ids.items())
    surplus = len(items) - KEPT_AT_MOST // 2 if len(items) > KEPT_AT_MOST else 0
    old = [
        sequential_id
        for place, (sequential_id, received) in enumerate(items)
        if place < surplus or received < newest - KEPT_NS
    ]
    return old[: max(0, len(items) - KEPT_AT_LEAST)]


def _without(ids: Mapping[int, int], first: int) -> dict[int, int]:
    """A new dict: one whose first entries are deleted is slow to iterate."""
    return dict(_rest(ids.items(), first))


def _rest(items: Iterable[tuple[int, int]], first: int) -> Iterable[tuple[int, int]]:
    return list(items)[first:]
