"""What was received and what was not: the memory of a stream over all of its sessions.

Trades that come twice, older words on a candle and copies from a second connection are kept from the consumers here;
an interruption of a type and code becomes a `Gap`, told before the first message after it, and is handed on to be
recovered.

Owns that memory. Knows nothing of how anything is recovered, nor of sockets.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from upbit_stream.model.events import Event, Gap
from upbit_stream.model.marks import Mark, Unfilled
from upbit_stream.model.messages import AnyMessage
from upbit_stream.model.raw import RawMessage
from upbit_stream.model.subscription import TYPES, Endpoint, Subscription
from upbit_stream.session.candle_states import CandleStates
from upbit_stream.session.copies import Copies
from upbit_stream.session.coverage import Coverage, First, Hole, Key
from upbit_stream.session.floors import Floors
from upbit_stream.session.ledger import Ledger
from upbit_stream.session.silence import ALTHOUGH_ALIVE
from upbit_stream.wire.decoder import Head

CHANGED = "the set of subscriptions was replaced"
SILENT = "no messages came for too long; it was subscribed again"
NOT_RUNNING = "the process was not running"
UNREADABLE = "a message could not be read"
_CAUSES = {"changed": CHANGED, "silent": SILENT}
_ON_A_LIVING_CONNECTION = frozenset({CHANGED, SILENT})

# What can't be fetched again, and why.
LOST: Mapping[str, str] = {
    "ticker": "the exchange keeps no history of tickers; the next message tells the present state",
    "orderbook": "the exchange keeps no history of order books; the next message is the whole book",
    "announcement": "the exchange serves no announcements over REST",
    "indicator": "the exchange serves no indicators over REST",
    "indicator_signal": "the exchange serves no indicators over REST",
}
SWITCHED_OFF = "recovery is switched off (recover=False)"

FIRST_MESSAGE_WITHIN_S = 10.0  # of the confirmation: a type with snapshots that is silent for so long has none
TICK_S = 1.0
# Of a quiet market the last message may be days old, though it was covered all the time since.
LATE_AT_MOST_NS = 3_600 * 1_000_000_000
BEHIND_AT_MOST_NS = 120 * 1_000_000_000  # well within the time that ids of trades are known for
UNREADABLE_TOGETHER_S = 10.0  # garbage seldom comes alone; what it may have been is looked for once


class Source(Protocol):
    """Where the messages of one session come from."""

    alive_ns: int  # when the exchange was last heard of there
    behind_ms: int  # where what is read is old: from when, by the exchange's clock; 0: it is not
    behind_since_ns: int  # and since when, by our own
    heard_ns: dict[str, int]  # when each type was heard of last there; kept where there are several connections

    @property
    def endpoint(self) -> Endpoint:
        """Which of the exchange's endpoints."""

    def attend(self) -> None:
        """Find out whether each message has to be looked at."""


class Recoverer(Protocol):
    """Fetches what is missing."""

    def recover(self, gap: Gap, *, begin_ns: int, known: Iterable[int] = (), joins: int = 0, since_ms: int = 0) -> None:
        """Fill a gap that was told, from ``begin_ns`` on; ``known`` are ids of trades received around it, beside the
        ledger's. ``joins`` is the first trade after it, ``since_ms`` the exchange's time when it began, or 0.
        """

    def needs(self, from_ns: int, to_ns: int) -> bool:
        """Whether something is still to be recovered for which must be known what was received between the two."""

    def check(self, key: Key, from_ns: int, to_ns: int, reason: str) -> None:
        """Look whether anything is missing; it becomes a gap only then."""

    def expect(self) -> None:
        """Something will have to be looked at, soon."""

    def expected(self) -> None:
        """That was all of it."""

    def began(self, key: Key, at_ns: int) -> None:
        """A key is subscribed for the first time."""


class Continuity:
    """``emit`` delivers an event in order with the data. Without a ``recoverer`` nothing is recovered.

    ``tells_apart``: a trade is delivered once, whatever is repeated; its id is known for ``kept_s`` at least.
    ``is_redundant``: several connections carry the same. ``holds`` takes the messages that are kept back while
    ``holding``.
    """

    def __init__(
        self,
        *,
        time_ns: Callable[[], int],
        emit: Callable[[Event], None] = lambda _: None,
        tells_apart: bool = False,
        kept_s: float = 300.0,
        is_redundant: bool = False,
        holds: Callable[[AnyMessage], bool] | None = None,
        each_second: Callable[[], None] = lambda: None,
    ) -> None:
        self.ledger = Ledger(time_ns(), kept_ns=int(kept_s * 1e9))
        self.candles = CandleStates()
        self.floors = Floors()
        #: When each type and code was received last; trades are in the ledger. The receiving path writes here.
        self.last: defaultdict[str, dict[str, int]] = defaultdict(dict)
        #: The trades that were received, or None where they are not told apart.
        self.seen = self.ledger if tells_apart or is_redundant else None
        self._newest_ns: dict[str, int] = {}
        self.gaps = 0
        self.holding = False
        self.recoverer: Recoverer | None = None
        self._time_ns = time_ns
        self._emit = emit
        self.is_redundant = is_redundant
        self._holds = holds
        self._each_second = each_second
        self._copies = Copies() if is_redundant else None
        self._coverages: dict[Endpoint, Coverage] = {}
        self._guards: dict[str, Callable[[Any], bool]] = {}
        if self.seen is not None:
            candles = {kind: self._is_old_word for kind in TYPES if kind.startswith("candle.")}
            self._guards.update(candles)
        self._unreadable: dict[Source, tuple[int, set[Key]]] = {}  # since when, and what it may have been
        self._unfilled: dict[Key, tuple[Unfilled, ...]] = {}
        self._behind: dict[Key, int] = {}
        self._ticking: asyncio.TimerHandle | None = None

    # what the receiving path asks

    def attends(self, source: Source) -> bool:
        """Whether each message of a session has to be looked at."""
        return self.is_redundant or self.holding or self.awaits(source)

    def awaits(self, source: Source) -> bool:
        """Whether the first message of something that a session subscribed is still to come."""
        return self._coverage(source.endpoint).awaits(source)

    def guard(self, kind: str) -> Callable[[Any], bool] | None:
        """What says of a message of this type, before it is delivered, whether it must not be."""
        return self._guards.get(kind)

    def watch(self, kind: str, seen: Callable[[Any], None]) -> None:
        """Tell ``seen`` of every message of a type. Before the first session."""

        def guard(message: Any) -> bool:
            seen(message)
            return False

        self._guards[kind] = guard

    def was_received(self, code: str, trade_id: int, *, ever: bool) -> bool:
        """Whether a trade was received before: lately, or ``ever``. One without an id was not."""
        if not trade_id or self.seen is None:
            return False
        return self.seen.received(code, trade_id) if ever else self.seen.knows(code, trade_id)

    def received(self, raw: RawMessage, trade_id: int) -> None:
        """A message is delivered that was not received before."""
        if raw.type != "trade" or self.seen is None:
            self.last[raw.type][raw.code] = raw.received_at_ns
        elif trade_id:
            self.seen.note(raw.code, trade_id)

    def is_copy(self, head: Head, payload: bytes) -> bool:
        """Whether another connection brought it before. Trades and candles are told apart by other means."""
        if self._copies is None or head.name == "trade" or head.name in self._guards:
            return False
        return self._copies.is_copy(head.name, head.market, head.grouping, head.sent_ms, payload)

    def holds(self, message: AnyMessage) -> bool:
        """Whether a message is kept back until what was before it is recovered."""
        return self.holding and self._holds is not None and self._holds(message)

    def heard(self, source: Source, head: Head, now_ns: int, *, known: bool) -> bool:
        """A message came on a session that is awaited: the gap that ends with it is told. True: its key's first."""
        coverage = self._coverage(source.endpoint)
        key = _key(head.name, head.market)
        first = coverage.heard(source, key, now_ns, is_snapshot=head.is_snapshot)
        if first is None:
            return False
        if first.begins:
            self._begin(key, first.asked_ns, head if head.is_snapshot and not first.hole else None)
        # The snapshot of a trade is the last one that was executed: if this connection brought it, nothing is missing.
        # That of a candle is the newest: if it is the newest that is known, there was none between.
        newest = known or (head.begins != "" and head.begins == self.candles.newest(*key))
        proves = newest and head.is_snapshot and not self.is_redundant
        if first.hole and not (proves and first.hole.reason in _ON_A_LIVING_CONNECTION):
            self._tell(first.hole, joins=head.trade_id)
        return True

    def unreadable(self, source: Source, key: Key | None = None) -> None:
        """Something came that cannot be read: a message of ``key``, or anything that is subscribed."""
        if self.recoverer is None or (key is not None and key[0] in LOST):
            return
        unread = self._unreadable.get(source)
        if unread is None:
            unread = self._unreadable[source] = (self._time_ns(), set())
            self.recoverer.expect()
            asyncio.get_running_loop().call_later(UNREADABLE_TOGETHER_S, self._look_for_unreadable, source)
        # Those of the endpoint, also where the session is over by then or its set is being replaced.
        keys = self._coverage(source.endpoint).known() if key is None or key[0] not in TYPES else [key]
        unread[1].update(keys)

    def _look_for_unreadable(self, source: Source) -> None:
        since_ns, keys = self._unreadable.pop(source)
        if self.recoverer is None:
            return
        for key in sorted(keys):
            if not LOST.get(key[0]):
                self.recoverer.check(key, since_ns, self._time_ns(), UNREADABLE)
        self.recoverer.expected()

    # what sessions tell

    def asking(self, source: Source, subscriptions: Iterable[Subscription], cause: str) -> None:
        """A session is about to ask for a set."""
        if self._ticking is None:
            self._tick()
        self._newest_ns = self.ledger.newest_ns()
        coverage = self._coverage(source.endpoint)
        reason = _CAUSES.get(cause, cause)
        alive = self._alive(source, is_silent=cause == "silent")
        self._note_behind(source)
        for hole in coverage.asking(source, _keys(subscriptions), self._time_ns(), reason, alive):
            self._tell(hole)

    def registered(self, source: Source, subscriptions: tuple[Subscription, ...]) -> None:
        """The exchange has confirmed the set of a session."""
        coverage = self._coverage(source.endpoint)
        self._without_message(coverage.registered(source, self._time_ns()))
        speaking = _keys(
            had for had in subscriptions if TYPES[had.type].endpoint == "public" and not had.is_only_realtime
        )
        self._wait_no_longer(source, _keys(subscriptions) - speaking)
        if speaking:
            asyncio.get_running_loop().call_later(FIRST_MESSAGE_WITHIN_S, self._wait_no_longer, source, speaking)

    def _wait_no_longer(self, source: Source, keys: Iterable[Key]) -> None:
        self._without_message(self._coverage(source.endpoint).unheard(source, keys))
        source.attend()

    def _without_message(self, firsts: Iterable[First]) -> None:
        for first in firsts:
            if first.begins:
                self._begin(first.key, first.asked_ns, None)
            if first.hole:
                self._tell(first.hole)

    def ended(self, source: Source, reason: str) -> None:
        """A session is over."""
        self._newest_ns = self.ledger.newest_ns()
        self._note_behind(source)
        alive = self._alive(source, is_silent=reason.endswith(ALTHOUGH_ALIVE))
        for hole in self._coverage(source.endpoint).ended(source, alive, reason):
            self._tell(hole)

    def _alive(self, source: Source, *, is_silent: bool) -> Callable[[Key], int]:
        """Until when a session covered a key. With one connection the last message of each key tells more."""
        now_ns = self._time_ns()
        if not self.is_redundant:
            return lambda _: now_ns
        alive_ns = source.alive_ns
        if source.behind_since_ns:
            alive_ns = min(alive_ns, max(source.behind_since_ns, now_ns - BEHIND_AT_MOST_NS))
        if not is_silent:
            return lambda _: alive_ns
        # It answered pings and sent no data: what came last of a type is the last sign of it.
        return lambda key: min(alive_ns, source.heard_ns.get(key[0], 0))

    def _note_behind(self, source: Source) -> None:
        """A slow consumer held reading back: the last messages were received later than they were sent."""
        if source.behind_ms:
            for key in self._coverage(source.endpoint).keys_of(source):
                self._behind[key] = min(source.behind_ms, self._behind.get(key, source.behind_ms))

    # gaps

    def resume(self, mark: Mark) -> None:
        """An earlier run left off there."""
        key = _key(mark.type, mark.code)
        self.ledger.load(mark.code, mark.trades)
        self.candles.load(mark.type, mark.code, mark.candles)
        if mark.first_trade is not None:
            self.floors.begin(mark.code, mark.received_at_ns, *mark.first_trade)
        if guard := self._guards.get(mark.type):
            for message in mark.messages:
                guard(message)
        self.last[mark.type][mark.code] = mark.received_at_ns
        self._unfilled[key] = mark.unfilled
        coverage = self._coverage(TYPES[mark.type].endpoint)
        coverage.resume(key, mark.received_at_ns, NOT_RUNNING)
        if TYPES[mark.type].codes == "optional":  # all markets together may be subscribed now
            newest_ns = self._last_ns((mark.type, "")) or mark.received_at_ns
            coverage.resume((mark.type, ""), newest_ns, NOT_RUNNING)

    def close(self) -> None:
        """Nothing more will come."""
        if self._ticking is not None:
            self._ticking.cancel()

    def _tick(self) -> None:
        self.ledger.tick(self._time_ns(), self._needs)
        self._each_second()
        self._ticking = asyncio.get_running_loop().call_later(TICK_S, self._tick)

    def _needs(self, from_ns: int, to_ns: int) -> bool:
        return self.recoverer is not None and self.recoverer.needs(from_ns, to_ns)

    def next_number(self) -> int:
        """The number of one more gap."""
        self.gaps += 1
        return self.gaps

    def covered(self) -> list[Key]:
        """What is subscribed and spoken to now, over all endpoints."""
        return [key for coverage in self._coverages.values() for key in coverage.covered()]

    def _tell(self, hole: Hole, *, known: Iterable[int] = (), joins: int = 0) -> None:
        kind, code = hole.key
        for key in self._within(hole.key):
            for left in self._unfilled.pop(key, ()):
                self._tell(Hole(key, left.from_ns, left.to_ns, left.reason), known=left.trades)
        gap = Gap(
            at_ns=self._time_ns(),
            number=self.next_number(),
            message_type=kind,
            code=code,
            from_ns=hole.from_ns,
            to_ns=hole.to_ns,
            reason=hole.reason,
            lost=LOST.get(kind, "" if self.recoverer is not None else SWITCHED_OFF),
        )
        self._emit(gap)
        since_ms = self._behind.pop(hole.key, 0)
        if not gap.lost and self.recoverer is not None:
            begin_ns = max(hole.from_ns, (hole.begin_ns or hole.from_ns) - LATE_AT_MOST_NS)
            self.recoverer.recover(gap, begin_ns=begin_ns, known=known, joins=joins, since_ms=since_ms)

    def _within(self, key: Key) -> list[Key]:
        """The keys that had gaps when an earlier run ended, of those that this one covers: "" covers all markets."""
        return [left for left in self._unfilled if left == key or key == (left[0], "")]

    def _begin(self, key: Key, at_ns: int, snapshot: Head | None) -> None:
        if key[0] == "trade":
            self.floors.begin(
                key[1], at_ns, snapshot.trade_id if snapshot else 0, snapshot.executed_ms if snapshot else 0
            )
        if self.recoverer is not None:
            self.recoverer.began(key, at_ns)

    def _is_old_word(self, candle: Any) -> bool:
        state = (candle.timestamp, float(candle.candle_acc_trade_volume))
        news = self.candles.take(candle.type, candle.code, candle.candle_date_time_utc, state)
        return news < 0 or (news == 0 and self.is_redundant)

    def _last_ns(self, key: Key) -> int | None:
        kind, code = key
        if kind == "trade" and self.seen is not None:
            return self._newest_ns.get(code)
        times = self.last.get(kind, {})
        return times.get(code) if code or kind == "myAsset" else max(times.values(), default=None)

    def _coverage(self, endpoint: Endpoint) -> Coverage:
        if endpoint not in self._coverages:
            self._coverages[endpoint] = Coverage(self._last_ns)
        return self._coverages[endpoint]


def _key(kind: str, code: str) -> Key:
    return kind, code.partition(".")[0]  # an order book's code may ask for a depth, which its messages do not name


def _keys(subscriptions: Iterable[Subscription]) -> set[Key]:
    """What a set of subscriptions covers: a snapshot alone is nothing that could be interrupted."""
    return {_key(had.type, code) for had in subscriptions if not had.is_only_snapshot for code in had.codes or ("",)}
