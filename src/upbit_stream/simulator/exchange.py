"""The stand-in exchange: who may connect, what happens in time, and what can be made to happen.

Owns the wiring of the room's parts. Reads no clock and no socket: time comes with every call, in ms since
the epoch, and chance from a seed. The same seed, start and calls give the same exchange.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from .accounts import Account
from .agenda import Agenda
from .announcements import Announcements, told_announcement
from .audience import Audience
from .auth import DEFAULT_ACCESS_KEY, DEFAULT_SECRET_KEY, AuthRefusedError, Gatekeeper
from .book import Side
from .broadcast import Broadcast, Told
from .budgets import ConnectGate
from .floor import Floor
from .info import Info, told_study
from .market import Market, Trade
from .messages import Message
from .order_flow import OrderFlow
from .plain import plainly, to_units
from .replay import Playback, Replay
from .requests import Endpoint
from .seeds import seeded
from .session import Session
from .stats import Stats
from .upgrade import Refusal, Upgrade, blocked, not_found, refusal
from .wanted import EVERY_CODE, Feed

ENDPOINTS: Mapping[str, Endpoint] = {
    "/websocket/v1": "public",
    "/websocket/v1/private": "private",
    "/websocket/v1/info": "info",
}
DEFAULT_CODES = ("SGD-BTC", "SGD-ETH")


class Exchange:
    """An exchange to try things on.

    ``trade_rate`` is trades a second in total over all generated markets; ``private_rate`` acts (orders
    placed, filled, cancelled) a second for each account; 0 silences either. ``keys`` maps access keys to
    secrets (default: the pair DEFAULT_ACCESS_KEY, DEFAULT_SECRET_KEY). With ``limits_enforced`` false,
    what is over a budget is counted but let through. Markets in ``replay`` are not generated. The
    ``tape`` holds every trade in order of execution, the oldest forgotten beyond ``tape_limit``.
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
        tape_limit: int = 1_000_000,
    ) -> None:
        self.agenda = Agenda(start_ms)
        self.audience = Audience()
        self.stats = Stats()
        self.limits_enforced = limits_enforced
        self.outbox_limit_bytes = outbox_limit_bytes
        self.tape: list[Trade] = []
        self._tape_limit = tape_limit
        known = {DEFAULT_ACCESS_KEY: DEFAULT_SECRET_KEY} if keys is None else keys
        self._gatekeeper = Gatekeeper(known)
        self._gate = ConnectGate()
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
        )
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
        Announcements(seed, self.agenda, self.audience)
        Info(self._floor.markets, seed=seed, agenda=self.agenda, audience=self.audience)

    @property
    def markets(self) -> Mapping[str, Market]:
        """The generated markets by code."""
        return self._floor.markets

    @property
    def codes(self) -> tuple[str, ...]:
        """All markets: the generated ones, then those of the replay."""
        return (*self._floor.markets, *self._replayed)

    @property
    def accounts(self) -> Mapping[str, Account]:
        """The accounts by access key."""
        return self._accounts

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
        outcome = self._admit(upgrade, self.agenda.now_ms)
        stats = self.stats
        if isinstance(outcome, Session):
            stats.connections_accepted += 1
            stats.connections_open += 1
            return outcome
        stats.connections_refused += 1
        stats.refused_404 += outcome.status == 404
        stats.refused_401 += outcome.status == 401
        stats.refused_429 += outcome.status == 429
        stats.refused_418 += outcome.status == 418
        return outcome

    def _admit(self, upgrade: Upgrade, now_ms: int) -> Session | Refusal:
        path = upgrade.path.partition("?")[0]
        endpoint = ENDPOINTS.get(path)
        if endpoint is None:
            return not_found(path)
        source = f"source {upgrade.source}"
        if self.limits_enforced and (left_ms := self._gate.blocked_for_ms(now_ms, source)):
            return blocked(left_ms)
        account, problem = self._account(upgrade, endpoint)
        # The account's budget with a good token, otherwise the source's: also a refused token costs.
        key = source if account is None else f"account {account}"
        if self.limits_enforced and (left_ms := self._gate.blocked_for_ms(now_ms, key)):
            return blocked(left_ms)
        over = self._over_budget(key, source, now_ms, with_origin="origin" in upgrade.headers)
        return over or problem or Session(self, endpoint, account, now_ms)

    def _account(self, upgrade: Upgrade, endpoint: Endpoint) -> tuple[str | None, Refusal | None]:
        try:
            token = upgrade.headers.get("authorization")
            return self._gatekeeper.account(token, required=endpoint == "private"), None
        except AuthRefusedError as error:
            self.stats.nonces_reused += error.name == "nonce_used"
            return None, refusal(401, error.name, error.message)

    def _over_budget(self, key: str, source: str, now_ms: int, *, with_origin: bool) -> Refusal | None:
        if self._gate.spend(key, now_ms, with_origin=with_origin):
            return None
        self.stats.connects_over_budget += 1
        if not self.limits_enforced:
            return None
        block_ms = self._gate.violate(key, now_ms, source)
        return blocked(block_ms) if block_ms else refusal(429, "too_many_requests", "Too many connections.")

    # What sessions need

    def snapshot(self, kind: str, code: str) -> Broadcast | None:
        """The present state of a type for a code; None where there is none to tell."""
        return self._floor.snapshot(kind, code)

    def subscribed(self, feeds: Sequence[Feed], now_ms: int) -> None:
        """Live feeds were registered: a replay may start."""
        if self._playback is not None:
            self._playback.subscribed(feeds, now_ms)

    # What can be made to happen

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

    def _record(self, trade: Trade) -> None:
        self.stats.trades += 1
        self.tape.append(trade)
        if len(self.tape) > self._tape_limit + self._tape_limit // 10:
            del self.tape[: len(self.tape) - self._tape_limit]
