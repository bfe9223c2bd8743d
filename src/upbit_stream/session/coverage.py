"""Which sessions cover which type and code, and the holes between them.

A key (type and code) is covered by a session from the moment the exchange has registered it until the session was
last heard of. With several connections a hole is only where none of them covers the key; one that is found to have
been dead for a while may reveal a hole that is over already.

Owns that book-keeping, for one endpoint. Pure: sessions are any objects, times are arguments, in ns of one clock.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

Key: TypeAlias = tuple[str, str]  # type, code; "" for types without one
Alive: TypeAlias = int | Callable[[Key], int]  # when a session was last heard of, or was of a key

_PAST_KEPT = 16  # ended coverages of a key: more connections than that are not lost while one is thought alive


@dataclass(frozen=True, slots=True)
class Hole:
    """Nothing covered ``key`` until ``to_ns``. ``from_ns`` is the last message before, ``begin_ns`` the end of the
    cover, or 0.
    """

    key: Key
    from_ns: int
    to_ns: int
    reason: str
    begin_ns: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class First:
    """The first sign of ``key`` since it was asked for. ``begins``: it was never heard of before, and was asked for
    first at ``asked_ns``. ``hole`` is what ends with it, or None.
    """

    key: Key
    begins: bool
    hole: Hole | None
    asked_ns: int = field(default=0, compare=False)


@dataclass(slots=True)
class _Cover:
    asked_ns: int
    live: dict[object, int] = field(default_factory=dict)  # session: since when
    past: list[tuple[int, int]] = field(default_factory=list)  # from, until
    open_since: int | None = None
    uncovered_at: int = 0
    reason: str = ""


@dataclass(slots=True)
class _Round:
    """A set that a session has asked for; ``awaited`` are the keys that have not spoken since."""

    keys: frozenset[Key]
    awaited: set[Key]
    asked_at: int
    is_first: bool  # on a new connection: whatever comes proves that the key is registered
    registered_at: int | None = None


class Coverage:
    """``last_ns(key)`` tells when the last message of a key was received, or None.

    The calls of one session: `asking`, then `heard` for each key and `registered`, in any order; again for each change
    of the set; `ended`.
    """

    def __init__(self, last_ns: Callable[[Key], int | None]) -> None:
        self._last_ns = last_ns
        self._covers: dict[Key, _Cover] = {}
        self._resumed: dict[Key, tuple[int, str]] = {}
        self._begun: set[Key] = set()
        self._asked_ns: dict[Key, int] = {}  # last, by whichever session
        self._sessions: dict[object, set[Key]] = {}
        self._rounds: dict[object, _Round] = {}

    def resume(self, key: Key, from_ns: int, reason: str) -> None:
        """Before the key is subscribed: an earlier run received it until ``from_ns``."""
        self._resumed[key] = (from_ns, reason)

    def asking(
        self, session: object, keys: Collection[Key], now_ns: int, reason: str, alive: Alive | None = None
    ) -> list[Hole]:
        """The set of a session is replaced: what it covered, until ``alive`` or now, it covers no more. Returns holes
        that are over already.
        """
        had = self._sessions.pop(session, set())
        self._sessions[session] = set()
        is_first = session not in self._rounds
        self._asked_ns.update(dict.fromkeys(keys, now_ns))
        holes = self._uncover_all(session, had, now_ns if alive is None else alive, reason)
        self._rounds[session] = _Round(frozenset(keys), set(keys), now_ns, is_first)
        return holes

    def awaits(self, session: object) -> bool:
        """Whether messages of this session are to be told to `heard`."""
        current = self._rounds.get(session)
        return current is not None and bool(current.awaited)

    def covered(self) -> list[Key]:
        """What a session covers now, whichever."""
        return sorted(key for key, cover in self._covers.items() if cover.live)

    def known(self) -> list[Key]:
        """What is subscribed, whether or not it is covered now."""
        return sorted(self._covers)

    def keys_of(self, session: object) -> list[Key]:
        """What one session covers now."""
        return sorted(self._sessions.get(session, ()))

    def heard(self, session: object, key: Key, now_ns: int, *, is_snapshot: bool) -> First | None:
        """A message came. None where it is not the first of its key since that was asked for.

        Where the set of a living connection was replaced, messages of the old set may still be on their way: only a
        snapshot tells that the new one is registered.
        """
        current = self._rounds.get(session)
        if current is None or key not in current.awaited:
            return None
        if not (current.is_first or is_snapshot or current.registered_at is not None):
            return None
        current.awaited.discard(key)
        return self._first(session, key, now_ns)

    def registered(self, session: object, now_ns: int) -> list[First]:
        """The exchange confirmed the set. What nobody wants any more is forgotten; returns what ends with that."""
        current = self._rounds[session]
        current.registered_at = now_ns
        for key in current.awaited:
            if not self._is_open(key):
                self._cover(session, key, now_ns)
        ends = []
        # Another connection may have been asked since for what this one does not know yet.
        for key, cover in list(self._covers.items()):
            if key not in current.keys and self._asked_ns.get(key, 0) < current.asked_at and not cover.live:
                del self._covers[key]
                self._asked_ns.pop(key, None)
                if cover.open_since is not None and cover.uncovered_at < current.asked_at:
                    to_ns = max(cover.open_since, current.asked_at)
                    hole = Hole(key, cover.open_since, to_ns, cover.reason, cover.uncovered_at)
                    ends.append(First(key, key not in self._begun, hole, cover.asked_ns))
                self._begun.discard(key)
        return ends

    def unheard(self, session: object, keys: Iterable[Key]) -> list[First]:
        """These keys are waited for no longer: they are covered since they were registered."""
        current = self._rounds.get(session)
        if current is None or current.registered_at is None:
            return []
        found = []
        for key in sorted(current.awaited.intersection(keys)):
            current.awaited.discard(key)
            found.append(self._first(session, key, current.registered_at))
        return found

    def ended(self, session: object, alive: Alive, reason: str) -> list[Hole]:
        """A session is over; ``alive`` is when it was last heard of. Returns holes that are over already."""
        self._rounds.pop(session, None)
        return self._uncover_all(session, self._sessions.pop(session, set()), alive, reason)

    def _uncover_all(self, session: object, keys: Collection[Key], alive: Alive, reason: str) -> list[Hole]:
        return [
            hole
            for key in sorted(keys)
            for hole in self._uncover(session, key, alive if isinstance(alive, int) else alive(key), reason)
        ]

    def _first(self, session: object, key: Key, since_ns: int) -> First:
        is_resumed = key in self._resumed
        hole = self._cover(session, key, since_ns)
        begins = not is_resumed and key not in self._begun
        self._begun.add(key)
        return First(key, begins, hole, self._covers[key].asked_ns)

    def _is_open(self, key: Key) -> bool:
        """Whether a hole waits to be ended by data."""
        if key in self._resumed:
            return True
        cover = self._covers.get(key)
        return cover is not None and cover.open_since is not None

    def _cover(self, session: object, key: Key, since_ns: int) -> Hole | None:
        cover = self._covers.get(key)
        if cover is None:
            cover = self._covers[key] = _Cover(self._rounds[session].asked_at)
        if key in self._resumed:
            cover.open_since, cover.reason = self._resumed.pop(key)
            cover.uncovered_at = 0
        cover.live.setdefault(session, since_ns)
        self._sessions[session].add(key)
        begin_ns, cover.open_since = cover.open_since, None
        if begin_ns is None:
            return None
        return Hole(key, begin_ns, max(begin_ns, since_ns), cover.reason, cover.uncovered_at)

    def _uncover(self, session: object, key: Key, until_ns: int, reason: str) -> list[Hole]:
        cover = self._covers[key]
        since_ns = cover.live.pop(session)
        until_ns = max(since_ns, until_ns)
        cover.past = [*cover.past[1 - _PAST_KEPT :], (since_ns, until_ns)]
        begin_ns = _first_uncovered(cover, until_ns)
        if begin_ns is None:
            return []
        last_ns = self._last_ns(key)
        from_ns = min(begin_ns, since_ns if last_ns is None else last_ns)
        if cover.live:
            return [Hole(key, from_ns, min(cover.live.values()), reason, begin_ns)]
        cover.open_since, cover.uncovered_at, cover.reason = from_ns, begin_ns, reason
        return []


def _first_uncovered(cover: _Cover, at_ns: int) -> int | None:
    """The first moment from ``at_ns`` on that nothing covers, or None where a living session covers it."""
    while not any(since <= at_ns for since in cover.live.values()):
        later = [until for since, until in cover.past if since <= at_ns < until]
        if not later:
            return at_ns
        at_ns = max(later)
    return None
