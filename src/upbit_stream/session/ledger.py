"""Which trades were received, so that none is delivered twice and a backfill knows what is missing.

``sequential_id`` is unique within a market and tells nothing else: neither order nor whether one is missing. So every
id is kept for a while, in generations: the receiving path looks into the two newest, what is older is only asked for
when something is recovered. Of a market that went quiet the last ids are kept for ever, for its snapshot trade may be
days old.

Owns the ids. Pure: times are arguments, in ns of one clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from upbit_stream.session.seen import Seen

SECOND_NS = 1_000_000_000
GENERATION_NS = 60 * SECOND_NS
GENERATION_IDS = 65_536  # so that the newest ids stay in the processor's cache, also in a flood
KEPT_NS = 300 * SECOND_NS
KEPT_IDS = 2_000_000  # a bound for floods, far above what all markets trade in five minutes
BEFORE_NEWEST_NS = 210 * SECOND_NS  # of a market that went quiet: how far before its last trade ids are kept

# Whether something is still to be recovered between two moments, so that what was received then must be known.
Needed = Callable[[int, int], bool]


@dataclass(slots=True, eq=False)
class _Generation:
    """``ids`` to their codes, in the order received. ``marks``: how many there were at which time."""

    began_ns: int
    ids: dict[int, str] = field(default_factory=dict)
    marks: list[tuple[int, int]] = field(default_factory=list)
    codes: frozenset[str] = frozenset()

    @property
    def ended_ns(self) -> int:
        """When the last of them was received, or a little later."""
        return self.marks[-1][1] if self.marks else self.began_ns


class Ledger(Seen):
    """``new`` and ``old`` are written and read by the receiving path itself: ids to codes.

    ``tick`` is to be called every second or so; the times of what was received are as exact as that.

    >>> ledger = Ledger()
    >>> ledger.add("SGD-BTC", 17), ledger.add("SGD-BTC", 17), ledger.add("SGD-ETH", 17)
    (True, False, True)
    """

    def __init__(self, now_ns: int = 0, *, kept_ns: int = KEPT_NS) -> None:
        super().__init__()
        self._kept_ns = kept_ns
        self._present = _Generation(now_ns)
        self._past: list[_Generation] = []
        self._tails: dict[str, dict[int, int]] = {}  # of codes that went quiet, with the time
        self._clashes: set[tuple[int, str]] = set()  # ids that two codes share, under the second
        self.new = self._present.ids
        #: Everything received since then is known; before it the last trades of markets that are quiet since.
        self.complete_since_ns = 0

    def add(self, code: str, sequential_id: int) -> bool:
        """Note a trade. False: it was received before."""
        if sequential_id in self.new or sequential_id in self.old:
            return self.add_again(code, sequential_id)
        if self._in_past(code, sequential_id):
            return False
        self.new[sequential_id] = code
        return True

    def knows(self, code: str, sequential_id: int) -> bool:
        """Whether a trade was received lately: a minute or two, which is quicker to tell than `received`."""
        known = self.new.get(sequential_id) or self.old.get(sequential_id)
        return known is not None and (known == code or self.received(code, sequential_id))

    def note(self, code: str, sequential_id: int) -> None:
        """Note a trade that is new."""
        if sequential_id in self.new or sequential_id in self.old:
            self._clashes.add((sequential_id, code))
        else:
            self.new[sequential_id] = code

    def add_again(self, code: str, sequential_id: int) -> bool:
        """Note a trade whose id is known, perhaps of another market. False: it was received before."""
        if self.received(code, sequential_id):
            return False
        self._clashes.add((sequential_id, code))
        return True

    def received(self, code: str, sequential_id: int) -> bool:
        """Whether a trade was received."""
        return (
            self.new.get(sequential_id) == code
            or (sequential_id, code) in self._clashes
            or self._in_past(code, sequential_id)
        )

    def _in_past(self, code: str, sequential_id: int) -> bool:
        if sequential_id in self._tails.get(code, ()):
            return True
        return any(generation.ids.get(sequential_id) == code for generation in reversed(self._past))

    def newest_ns(self) -> dict[str, int]:
        """When the last trade of each code was received; a little earlier than true rather than later."""
        newest: dict[str, int] = {}
        for generation in (self._present, *reversed(self._past)):
            marks = list(generation.marks)
            place = len(generation.ids)
            for code in reversed(generation.ids.values()):
                place -= 1
                while marks and marks[-1][0] > place:
                    marks.pop()
                if code not in newest:
                    newest[code] = marks[-1][1] if marks else generation.began_ns
        for code, tail in self._tails.items():
            newest.setdefault(code, max(tail.values()))
        return newest

    def load(self, code: str, ids: Mapping[int, int]) -> None:
        """Trades that an earlier run received, with the times."""
        if ids:
            self._tails.setdefault(code, {}).update(ids)

    def tick(self, now_ns: int, needed: Needed) -> None:
        """Let time pass: begin a new generation where it is time, forget what is old."""
        present = self._present
        present.marks.append((len(present.ids), now_ns))
        if now_ns - present.began_ns >= GENERATION_NS or len(present.ids) >= GENERATION_IDS:
            self._turn(now_ns)
        held = len(self.new) + sum(len(generation.ids) for generation in self._past)
        for generation in self._past[:-1]:  # the newest of them is ``old``
            is_old = generation.ended_ns <= now_ns - self._kept_ns
            if not is_old and held <= KEPT_IDS:
                break
            if held <= KEPT_IDS and needed(generation.began_ns, generation.ended_ns):
                continue
            held -= len(generation.ids)
            self._forget(generation, is_old, needed)

    def _turn(self, now_ns: int) -> None:
        present = self._present
        present.codes = frozenset(present.ids.values())
        self._past.append(present)
        self.old = present.ids
        self._present = _Generation(now_ns)
        self.new = self._present.ids

    def _forget(self, generation: _Generation, is_old: bool, needed: Needed) -> None:
        """Let a generation go, but the last ids of markets that are quiet since."""
        self._past.remove(generation)
        self.complete_since_ns = max(self.complete_since_ns, generation.ended_ns)
        # In a flood only the markets that do not take part in it are kept.
        quiet = generation.codes - self._busy(generation.ended_ns + BEFORE_NEWEST_NS if is_old else 0)
        for sequential_id, code in generation.ids.items() if quiet else ():
            if code in quiet:
                self._tails.setdefault(code, {})[sequential_id] = generation.began_ns
        for code, tail in list(self._tails.items()):
            newest_ns = max(tail.values())
            if code in self._busy(newest_ns + BEFORE_NEWEST_NS) and not needed(min(tail.values()), newest_ns):
                del self._tails[code]
        if self._clashes:
            self._clashes = {clash for clash in self._clashes if clash[0] not in generation.ids}

    def _busy(self, since_ns: int) -> frozenset[str]:
        """The codes that are traded in a generation that began after a moment."""
        codes = [generation.codes for generation in self._past if generation.began_ns > since_ns]
        if self._present.began_ns > since_ns:
            codes.append(frozenset(self._present.ids.values()))
        return frozenset().union(*codes)
