"""Brings faults about, each when its time has come.

Owns which faults are in force, and the chance in them: each fault draws from its own, so that what one does
does not depend on the others. Must not know sockets, nor how messages are made.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

from .agenda import Agenda
from .door import too_many
from .faults import (
    CloseConnections,
    ConnectionFault,
    CutMessages,
    CutRest,
    DelayMessages,
    DropConnections,
    FailConnections,
    Fault,
    FreezeConnections,
    GarbleMessages,
    IgnoreRest,
    LoseMessages,
    MessageFault,
    Period,
    RefuseConnections,
    RefuseRest,
    RepeatMessages,
    ResetConnections,
    RestFault,
)
from .rest import RestAnswer, RestRequest, answer_of
from .seeds import seeded
from .session import Session
from .stats import Stats
from .upgrade import Refusal, blocked, refusal

_FIRST = -2
"""A fault comes before anything else of the same millisecond."""
_GARBAGE = (b"", b"null", b"[]", b"{}", b'"text"', b"no json", b'{"type":"trade"}', b"[[]]", b"\xff\xfe", b"\x00")
_REFUSED = {
    401: ("invalid_access_key", "The access key is not known."),
    500: ("internal_server_error", "Something went wrong."),
    503: ("service_unavailable", "The service is not available."),
}
_P = TypeVar("_P", bound=Period)


class _InForce(NamedTuple):
    fault: Period
    chance: random.Random
    session: Session | None
    """The only one that is concerned; None: all."""


class Troubles:
    """The faults of one exchange. ``sessions`` are those that are open, oldest first."""

    def __init__(self, seed: int, agenda: Agenda, stats: Stats, sessions: Callable[[], Sequence[Session]]) -> None:
        self._seed = seed
        self._agenda = agenda
        self._stats = stats
        self._sessions = sessions
        self._in_force: list[_InForce] = []

    def inject(self, fault: Fault) -> None:
        """Have a fault happen when its time has come."""
        self._agenda.add(fault.at_ms, partial(self._begin, fault), _FIRST)

    def _begin(self, fault: Fault, at_ms: int) -> None:
        if isinstance(fault, ConnectionFault):
            for session in self._picked(fault.pick):
                self._stats.faults[type(fault).__name__] += 1
                _befall(session, fault)
        elif isinstance(fault, Period):
            self._begin_period(fault, at_ms)

    def _begin_period(self, fault: Period, at_ms: int) -> None:
        end_ms = fault.at_ms + fault.duration_ms
        session = None
        if isinstance(fault, MessageFault) and fault.pick is not None:
            session = next(iter(self._picked(fault.pick)), None)
        nobody = session is None and isinstance(fault, MessageFault) and fault.pick is not None
        if end_ms <= at_ms or nobody:
            return
        self._stats.faults[type(fault).__name__] += 1
        # What a fault is, it is by its fields: so a schedule can be thinned out and the rest stays the same.
        in_force = _InForce(fault, seeded(self._seed, f"fault {fault}"), session)
        self._in_force.append(in_force)
        self._agenda.add(end_ms, lambda _: self._in_force.remove(in_force), _FIRST)

    def _picked(self, pick: int | None) -> Sequence[Session]:
        sessions = self._sessions()
        return sessions if pick is None or not sessions else [sessions[pick % len(sessions)]]

    def _now(self, kind: type[_P]) -> list[_P]:
        return [each.fault for each in self._in_force if isinstance(each.fault, kind)]

    # Connections

    def refuse(self, now_ms: int) -> Refusal | None:
        """What answers an upgrade request now in place of the exchange."""
        for fault in self._now(RefuseConnections):
            return _refusal(fault.status, fault, now_ms)
        return None

    def accepted(self, session: Session, now_ms: int) -> None:
        """A connection was made."""
        for fault in self._now(DropConnections):
            self._agenda.add(now_ms + fault.after_ms, lambda _: session.reset())

    # Messages

    def disturbed(self, session: Session, kind: str, payload: bytes) -> list[tuple[int, bytes]] | None:
        """What is sent in place of a message, each with how many ms later; None: just the message, now."""
        if not self._in_force:
            return None
        sent = [(0, payload)]
        for fault, chance, concerned in self._in_force:
            if not isinstance(fault, MessageFault) or fault.kind not in (None, kind):
                continue
            if concerned in (None, session) and chance.random() < fault.odds:
                sent = [part for delay_ms, one in sent for part in _disturb(fault, chance, delay_ms, one)]
        return sent

    # REST

    def rest(
        self, request: RestRequest, now_ms: int, answer: Callable[[RestRequest, int], RestAnswer]
    ) -> RestAnswer | None:
        """What arrives of the answer to a request, which ``answer`` gives if it is reached; None: nothing does."""
        reached = [
            each
            for each in self._in_force
            if isinstance(each.fault, RestFault) and request.path.startswith(each.fault.path)
        ]
        for fault, _, _ in reached:
            if isinstance(fault, IgnoreRest):
                return None
            if isinstance(fault, RefuseRest):
                return answer_of(_refusal(fault.status, fault, now_ms))
        told = answer(request, now_ms)
        for fault, chance, _ in reached:
            if isinstance(fault, CutRest):
                told = RestAnswer(told.status, told.headers, told.body[: chance.randrange(len(told.body))])
                break
        return told


def _befall(session: Session, fault: ConnectionFault) -> None:
    match fault:
        case ResetConnections():
            session.reset()
        case CloseConnections():
            session.shut(fault.code, fault.reason)
        case FreezeConnections():
            session.freeze()
        case FailConnections():
            session.fail(fault.name, fault.message)


def _refusal(status: int, fault: Period, now_ms: int) -> Refusal:
    if status == 418:
        return blocked(fault.at_ms + fault.duration_ms - now_ms)
    if status == 429:
        return too_many()
    return refusal(status, *_REFUSED.get(status, ("fault", "A fault of the stand-in exchange.")))


def _disturb(fault: MessageFault, chance: random.Random, delay_ms: int, payload: bytes) -> list[tuple[int, bytes]]:
    match fault:
        case LoseMessages():
            return []
        case GarbleMessages():
            return [(delay_ms, chance.choice(_GARBAGE)), (delay_ms, payload)]
        case CutMessages():
            return [(delay_ms, payload[: chance.randrange(len(payload))] if payload else payload)]
        case RepeatMessages():
            return [(delay_ms, payload), (delay_ms, payload)]
        case DelayMessages():
            return [(delay_ms + chance.randint(1, fault.most_ms), payload)]
    return [(delay_ms, payload)]
