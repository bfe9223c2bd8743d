"""One WebSocket connection as the exchange sees it, from accepted upgrade to close.

Owns what is subscribed on it, its format, its budget, its idle time and its outbox; all that it sends
passes through one place. Must not know sockets or how messages are made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from .agenda import Agenda
from .audience import Audience
from .broadcast import Broadcast, Told, wrapped
from .budgets import message_budget
from .names import LIST_SUBSCRIPTIONS, shorten
from .plain import encode
from .requests import Endpoint, parse_request
from .stats import Stats
from .type_objects import RequestError
from .wanted import FORMATS, Feed, ListRequest, SubscriptionRequest, Wanted

IDLE_MS = 120_000
STATUS_PERIOD_MS = 10_000
CLOSE_IDLE = 1000
CLOSE_REJECTED = 1008
CLOSE_TOO_SLOW = 1013
"""Close codes. The documentation gives none; these are the ones that RFC 6455 describes best."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message to be sent as BINARY."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Close:
    """The connection is to be closed with this code; nothing follows."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Reset:
    """The connection is to be dropped at once without a closing handshake; nothing follows."""


Output = Frame | Close | Reset


class Venue(Protocol):
    """What a session needs of the exchange it belongs to."""

    @property
    def agenda(self) -> Agenda:
        """What is due when."""

    @property
    def audience(self) -> Audience:
        """Who gets what."""

    @property
    def stats(self) -> Stats:
        """What is counted."""

    @property
    def limits_enforced(self) -> bool:
        """Whether budgets are more than counted."""

    @property
    def outbox_limit_bytes(self) -> int:
        """How much may wait to be taken."""

    def advance(self, now_ms: int) -> None:
        """Let happen all that happens up to now."""

    def snapshot(self, kind: str, code: str) -> Broadcast | None:
        """The present state of a type for a code."""

    def subscribed(self, feeds: Sequence[Feed], now_ms: int) -> None:
        """Live feeds were registered."""

    def disturbed(self, session: Session, kind: str, payload: bytes) -> Sequence[tuple[int, bytes]] | None:
        """What faults make of a message: the parts, each with how many ms later; None: it is left alone."""


class Session:
    """A connection. The driver feeds it what the client sends and takes its output.

    While it is ``frozen`` the driver lets nothing through in either direction: it answers no ping and no
    close. Such a session says nothing any more; it ends when the driver calls ``closed``.
    """

    def __init__(self, venue: Venue, endpoint: Endpoint, account: str | None, now_ms: int) -> None:
        self.endpoint = endpoint
        self.account = account
        self.format = FORMATS["DEFAULT"]
        self.is_open = True
        self.frozen = False
        self.on_output: Callable[[], None] | None = None
        self._venue = venue
        self._budget = message_budget()
        self._wanted: tuple[Wanted, ...] = ()
        self._outbox: list[Output] = []
        self._outbox_bytes = 0
        self._active_ms = now_ms
        self._tells_status = False
        venue.agenda.add(now_ms + IDLE_MS, self._check_idle)

    # What the driver brings

    def receive_text(self, text: str, now_ms: int) -> None:
        """A text or binary message from the client."""
        self._venue.advance(now_ms)
        if not self.is_open or self.frozen:
            return
        stats = self._venue.stats
        stats.messages_received += 1
        self._active_ms = self._venue.agenda.now_ms
        if not self._budget.spend(self._active_ms):
            stats.messages_over_budget += 1
            if self._venue.limits_enforced:
                self._reject("TOO_MANY_REQUEST", "Too many messages on this connection.")
                return
        # The text PING counts against the budget like any other message: the documentation excepts nothing.
        if text.strip() == "PING":
            stats.status_requests += 1
            self._start_status()
            return
        try:
            request = parse_request(text, self.endpoint, authenticated=self.account is not None)
        except RequestError as error:
            self._reject(error.name, error.message)
            return
        stats.requests_received += 1
        self.format = request.format
        if isinstance(request, ListRequest):
            self._answer_list(request)
        else:
            self._subscribe(request)

    def receive_ping(self, now_ms: int) -> None:
        """A ping or pong frame from the client: a sign of life."""
        self._venue.advance(now_ms)
        if self.is_open and not self.frozen:
            self._venue.stats.pings_received += 1
            self._active_ms = self._venue.agenda.now_ms

    def closed(self, now_ms: int) -> None:
        """The client went away; what was left to send is forgotten."""
        self._venue.advance(now_ms)
        self._end()
        self._outbox.clear()
        self._outbox_bytes = 0

    def take_output(self) -> list[Output]:
        """All that is to be sent now, in order; it is then the driver's."""
        output, self._outbox, self._outbox_bytes = self._outbox, [], 0
        return output

    # What the exchange brings

    def send(self, payload: bytes, kind: str | None = None) -> None:
        """Put one message into the outbox. What is of a ``kind`` may meet with a fault on the way."""
        parts = None if kind is None or not self.is_open else self._venue.disturbed(self, kind, payload)
        if parts is None:
            self._send(payload)
            return
        for delay_ms, part in parts:
            if delay_ms:
                later = partial(self._send_late, part)
                self._venue.agenda.add(self._venue.agenda.now_ms + delay_ms, later)
            else:
                self._send(part)

    def _send_late(self, payload: bytes, _at_ms: int) -> None:
        self._send(payload)

    def _send(self, payload: bytes) -> None:
        # A reader who leaves too much in the outbox is cut off.
        if not self.is_open or self.frozen:
            return
        if self._outbox_bytes + len(payload) > self._venue.outbox_limit_bytes:
            self._venue.stats.slow_closes += 1
            self._outbox.clear()
            self._outbox_bytes = 0
            self._close(CLOSE_TOO_SLOW, "reading too slowly")
            return
        self._active_ms = self._venue.agenda.now_ms
        self._venue.stats.frames_sent += 1
        self._put(Frame(payload))

    def _put(self, item: Output) -> None:
        # The one place through which all output passes.
        was_empty = not self._outbox
        self._outbox.append(item)
        if isinstance(item, Frame):
            self._outbox_bytes += len(item.payload)
        if self.on_output is not None and (was_empty or not isinstance(item, Frame)):
            self.on_output()

    # What can befall it

    def reset(self) -> None:
        """Lose the connection without a closing handshake; what was put out before is not recalled."""
        if self.is_open:
            self._end()
            self._put(Reset())

    def shut(self, code: int, reason: str) -> None:
        """Close it for a reason of the exchange's own."""
        if self.is_open:
            self._close(code, reason)

    def fail(self, name: str, message: str) -> None:
        """Tell an error, and close."""
        if self.is_open:
            self._reject(name, message)

    def freeze(self) -> None:
        """Be half-open from now on: what is not yet taken is lost, and nothing is said or heard any more."""
        self.frozen = True
        self._outbox.clear()
        self._outbox_bytes = 0
        self._venue.audience.leave(self)

    def _close(self, code: int, reason: str) -> None:
        self._end()
        self._put(Close(code, reason))

    def _end(self) -> None:
        if self.is_open:
            self.is_open = False
            self._venue.stats.connections_open -= 1
            self._venue.audience.leave(self)

    def _reject(self, name: str, message: str) -> None:
        # Never shortened, never in a list; then the connection is closed.
        stats = self._venue.stats
        stats.error_frames += 1
        stats.errors[name] += 1
        self.send(encode({"error": {"name": name, "message": message}}))
        if self.is_open:
            self._close(CLOSE_REJECTED, name)

    # Requests

    def _subscribe(self, request: SubscriptionRequest) -> None:
        self._wanted = request.wanted
        live = [feed for wanted in request.wanted if wanted.realtime for feed in wanted.feeds]
        # Snapshots first: what is live comes after the state it changes.
        for wanted in request.wanted:
            if wanted.snapshot:
                self._send_snapshots(wanted.feeds)
        if self.is_open:
            self._venue.audience.seat(self, live)
            self._venue.subscribed(live, self._venue.agenda.now_ms)

    def _send_snapshots(self, feeds: Sequence[Feed]) -> None:
        payloads = []
        for feed in feeds:
            told = self._venue.snapshot(feed.kind, feed.code)
            if isinstance(told, Told):
                payload = told.bare(feed.variant, simple=self.format.simple)
                if payload is not None:
                    payloads.append(payload)
        if self.format.listed and payloads:
            # One array for each type object.
            payloads = [b"[" + b",".join(payloads) + b"]"]
        for payload in payloads:
            self.send(payload, feeds[0].kind)

    def _answer_list(self, request: ListRequest) -> None:
        answer: dict[str, object] = {
            "method": "LIST_SUBSCRIPTIONS",
            "result": [wanted.listed for wanted in self._wanted],
            "ticket": request.ticket,
        }
        if request.format.simple:
            answer = shorten(answer, LIST_SUBSCRIPTIONS)
        self.send(wrapped(encode(answer), request.format))

    # Time

    def _start_status(self) -> None:
        if not self._tells_status:
            self._tells_status = True
            self._send_status(self._venue.agenda.now_ms)

    def _send_status(self, at_ms: int) -> None:
        if self.is_open and not self.frozen:
            self.send(b'{"status":"UP"}')
            self._venue.agenda.add(at_ms + STATUS_PERIOD_MS, self._send_status)

    def _check_idle(self, at_ms: int) -> None:
        if not self.is_open or self.frozen:
            return
        if at_ms - self._active_ms >= IDLE_MS:
            self._venue.stats.idle_closes += 1
            self._close(CLOSE_IDLE, "idle")
            return
        self._venue.agenda.add(self._active_ms + IDLE_MS, self._check_idle)
