"""The stand-in exchange: who may connect, what happens in time, and what can be made to happen.

Owns the wiring of the room's parts. Reads no clock and no socket: time comes with every call, in ms since
the epoch, and chance from a seed. The same seed, start and calls give the same exchange.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from .accounts import Account
from .agenda import Agenda
from .announcements import Announcements, told_announcement
from .audience import Audience
from .auth import DEFAULT_ACCESS_KEY, DEFAULT_SECRET_KEY, Gatekeeper
from .book import Side
from .broadcast import Broadcast, Told
from .door import Door
from .faults import Fault
from .floor import Floor, History
from .info import Info, told_study
from .market import Market, Trade
from .messages import Message
from .order_flow import OrderFlow
from .plain import plainly, to_units
from .private import Private
from .quotation import Quotation
from .replay import Playback, Replay
from .rest import Rest, RestAnswer, RestRequest
from .seeds import seeded
from .session import Session
from .stats import Stats
from .tape import Tape
from .troubles import Troubles
from .upgrade import Refusal, Upgrade
from .wanted import EVERY_CODE, Feed

DEFAULT_CODES = ("SGD-BTC", "SGD-ETH")


class Exchange:
    """An exchange to try things on.

    ``trade_rate`` is trades a second in total over all generated markets; ``private_rate`` acts (orders
    placed, filled, cancelled) a second for each account; 0 silences either. ``keys`` maps access keys to
    secrets (default: the pair DEFAULT_ACCESS_KEY, DEFAULT_SECRET_KEY). With ``limits_enforced`` false,
    what is over a budget is counted but let through. Markets in ``replay`` are not generated.

    The ``tape`` holds every trade in order of execution, of today and seven days before (UTC); with
    ``tape_limit`` at most about so many trades in all, and candles of each kind and market. It begins at
    ``start_ms``, or ``history_ms`` earlier: the markets have then really been trading for so long,
    ``history_rate`` trades a second (default: ``trade_rate``), before anyone could connect.

    ``faults`` happen when their time comes.

    ``former`` are the trades of an earlier run, oldest first: the exchange goes on after them as if it had stood
    still meanwhile, and tells of them over REST; orders and balances begin anew, and no history is made up.
    ``on_trade`` is called with each further trade, before anyone is told of it. If it raises, nobody is.
    """

    def __init__(
        self,
        *,
        codes: Sequence[str] = DEFAULT_CODES,
        seed: int = 0,
        trade_rate: float = 2.0,
        start_ms: int,
        keys: Mapping[str, str] | None = None,
        limits_enforced: bool = True,
        replay: Replay | None = None,
        private_rate: float = 1.0,
        outbox_limit_bytes: int = 8 * 2**20,
        tape_limit: int | None = None,
        history_ms: int = 0,
        history_rate: float | None = None,
        faults: Iterable[Fault] = (),
        former: Iterable[Trade] = (),
        on_trade: Callable[[Trade], None] = lambda _: None,
    ) -> None:
        self.agenda = Agenda(start_ms)
        self.audience = Audience()
        self.stats = Stats()
        self.limits_enforced = limits_enforced
        self.outbox_limit_bytes = outbox_limit_bytes
        self._tape = Tape(tape_limit)
        self._on_trade = on_trade
        self._connected: list[Session] = []
        self._troubles = Troubles(seed, self.agenda, self.stats, lambda: self.sessions)
        known = {DEFAULT_ACCESS_KEY: DEFAULT_SECRET_KEY} if keys is None else keys
        gatekeeper = Gatekeeper(known)
        self._door = Door(gatekeeper, self.stats, limits_enforced=limits_enforced)
        self._playback = Playback(replay, self.agenda, self.audience) if replay else None
        self._replayed = sorted(replay.codes) if replay else []
        generated = [code for code in dict.fromkeys(codes) if code not in self._replayed]
        self._floor = Floor(
            generated,
            seed=seed,
            trade_rate=trade_rate,
            agenda=self.agenda,
            audience=self.audience,
            on_trade=self._record,
            history=History(history_ms, trade_rate if history_rate is None else history_rate),
            kept=tape_limit,
            former=self._remember(former, generated),
        )
        seed = self._floor.seed
        self._accounts = {
            access: Account(access, seeded(seed, f"account {access}"), self._tell_account) for access in known
        }
        OrderFlow(
            self._accounts,
            generated,
            seed=seed,
            rate=private_rate,
            price_of=lambda code: self._floor.markets[code].daily.last_price,
            agenda=self.agenda,
        )
        self._rest = Rest(
            Quotation(self._tape, self._floor.markets, lambda: self.codes),
            {access: Private(account, lambda: self.codes) for access, account in self._accounts.items()},
            gatekeeper,
            self.stats,
            limits_enforced=limits_enforced,
        )
        Announcements(seed, self.agenda, self.audience)
        Info(self._floor.markets, seed=seed, agenda=self.agenda, audience=self.audience)
        for fault in faults:
            self._troubles.inject(fault)

    @property
    def markets(self) -> Mapping[str, Market]:
        """The generated markets by code."""
        return self._floor.markets

    @property
    def tape(self) -> Sequence[Trade]:
        """Every trade that is kept, in order of execution."""
        return self._tape.trades

    @property
    def codes(self) -> tuple[str, ...]:
        """All markets: the generated ones, then those of the replay."""
        return (*self._floor.markets, *self._replayed)

    @property
    def accounts(self) -> Mapping[str, Account]:
        """The accounts by access key."""
        return self._accounts

    @property
    def sessions(self) -> Sequence[Session]:
        """The open connections that are not frozen, oldest first."""
        return [session for session in self._connected if session.is_open and not session.frozen]

    # Time

    def advance(self, now_ms: int) -> None:
        """Let happen all that happens up to ``now_ms``. Time that runs backwards is ignored."""
        self.agenda.run_until(now_ms)

    def next_event_at_ms(self) -> int | None:
        """When ``advance`` should next be called; earlier calls do no harm."""
        return self.agenda.next_at_ms()

    # Connections

    def connect(self, upgrade: Upgrade, now_ms: int) -> Session | Refusal:
        """Accept or refuse an upgrade request."""
        self.advance(now_ms)
        now_ms = self.agenda.now_ms
        outcome = self._troubles.refuse(now_ms) or self._door.admit(upgrade, now_ms)
        stats = self.stats
        if not isinstance(outcome, Refusal):
            stats.connections_accepted += 1
            stats.connections_open += 1
            session = Session(self, outcome.endpoint, outcome.account, now_ms)
            self._connected = [other for other in self._connected if other.is_open] + [session]
            self._troubles.accepted(session, now_ms)
            return session
        stats.connections_refused += 1
        stats.refused_404 += outcome.status == 404
        stats.refused_401 += outcome.status == 401
        stats.refused_429 += outcome.status == 429
        stats.refused_418 += outcome.status == 418
        return outcome

    def rest(self, request: RestRequest, now_ms: int) -> RestAnswer | None:
        """Answer a REST request; None: it stays without an answer, for as long as the client cares to wait."""
        self.advance(now_ms)
        return self._troubles.rest(request, self.agenda.now_ms, self._rest.answer)

    # What sessions need

    def snapshot(self, kind: str, code: str) -> Broadcast | None:
        """The present state of a type for a code; None where there is none to tell."""
        return self._floor.snapshot(kind, code)

    def subscribed(self, feeds: Sequence[Feed], now_ms: int) -> None:
        """Live feeds were registered: a replay may start."""
        if self._playback is not None:
            self._playback.subscribed(feeds, now_ms)

    def disturbed(self, session: Session, kind: str, payload: bytes) -> Sequence[tuple[int, bytes]] | None:
        """What faults make of a message on its way out."""
        return self._troubles.disturbed(session, kind, payload)

    # What can be made to happen

    def inject(self, fault: Fault) -> None:
        """Have a fault happen when its time has come; at once if it has. ``next_event_at_ms`` may be earlier then."""
        self._troubles.inject(fault)
        self.advance(self.agenda.now_ms)

    def publish(self, message: Mapping[str, object], *, account: str | None = None, now_ms: int | None = None) -> None:
        """Deliver a message under DEFAULT names, now or at ``now_ms``, to all who are subscribed to its type and code.

        Only ``type`` is looked for, ``code`` where the type has one, and what an announcement or indicator
        is chosen by. Order books are delivered as they are, whatever depth was asked for. With ``account``
        only that account's sessions get it. Decimals and floats are written as plain numbers.
        """
        if now_ms is not None:
            self.advance(now_ms)
        plain = {str(key): plainly(value) for key, value in message.items()}
        kind = str(plain["type"])
        if kind == "announcement":
            told = told_announcement(plain)
        elif kind in ("indicator", "indicator_signal"):
            told = told_study(message, plain)
        else:
            told = Told(kind, str(plain.get("code", EVERY_CODE)), lambda _: plain, account)
        self.audience.deliver(told)

    def place_order(
        self,
        access_key: str,
        code: str,
        side: Side,
        price: Decimal | str | int,
        volume: Decimal | str | int,
        *,
        now_ms: int,
        identifier: str | None = None,
    ) -> str:
        """Place a limit order for an account and say its uuid."""
        self.advance(now_ms)
        account = self._accounts[access_key]
        return account.place(code, side, to_units(price), to_units(volume), now_ms, identifier).uuid

    def fill_order(self, access_key: str, uuid: str, volume: Decimal | str | int, *, now_ms: int) -> None:
        """Execute a part of an account's open order, or all of it."""
        self.advance(now_ms)
        self._accounts[access_key].fill(uuid, to_units(volume), now_ms)

    def cancel_order(self, access_key: str, uuid: str, *, now_ms: int) -> None:
        """Cancel an account's open order."""
        self.advance(now_ms)
        self._accounts[access_key].cancel(uuid, now_ms)

    def _tell_account(self, kind: str, code: str, build: Callable[[], Message], access_key: str) -> None:
        if self.audience.wants(kind, code):
            message = build()
            self.audience.deliver(Told(kind, code, lambda _: message, access_key))

    def _remember(self, former: Iterable[Trade], codes: Sequence[str]) -> Iterator[Trade]:
        for trade in former:
            if trade.code in codes:
                self._tape.add(trade)
            yield trade

    def _record(self, trade: Trade) -> None:
        self._on_trade(trade)
        self.stats.trades += 1
        self._tape.add(trade)
