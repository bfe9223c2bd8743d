"""The owner of the successive sessions of one connection of an endpoint.

Keeps a connection while something is subscribed, and makes the next one when it is lost: within the budget, after
the backoff, not before a pause that the exchange told, and never again after it refused the credentials.

Owns reconnecting. Knows nothing of the data, nor of the connections beside this one: `net/group.py` does.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal, TypeAlias

from upbit_stream.errors import (
    BudgetUnavailable,
    ConnectionFailed,
    HandshakeRefused,
    RetriesExhausted,
    UpbitStreamError,
)
from upbit_stream.model.events import Connected, Disconnected
from upbit_stream.model.subscription import Endpoint
from upbit_stream.net.budget import MESSAGES, Budget
from upbit_stream.net.clock import Chance, Clock
from upbit_stream.net.connection import Admission, Connection, Connector
from upbit_stream.net.conversation import SessionLost
from upbit_stream.net.options import SessionOptions
from upbit_stream.net.session import Session, Sink
from upbit_stream.session.backoff import Backoff
from upbit_stream.session.desired import Change, Desired
from upbit_stream.session.lane import Lane
from upbit_stream.session.refusal import Refusals
from upbit_stream.session.silence import SilenceWatch

log = logging.getLogger(__name__)

# Beside other connections one that is killed every two seconds has to be back at once each time, for another may be
# next. Of the two the wait takes up to one, so a session may be shorter than that.
_STABLE_BESIDE_OTHERS_S = 0.5

State: TypeAlias = Literal["idle", "connecting", "open", "waiting", "closed"]


class Supervisor:
    """Runs the sessions of one connection.

    ``headers`` makes the headers of one attempt, a fresh token among them. ``lane`` says which of the endpoint's
    connections it is; ``turn`` waits until it may be opened, ``told`` is called when its state has changed.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        url: str,
        *,
        connector: Connector,
        connect_budget: Budget,
        headers: Callable[[], Mapping[str, str]],
        sink: Sink,
        options: SessionOptions,
        clock: Clock,
        chance: Chance,
        lane: Lane,
        turn: Callable[[], Awaitable[None]],
        told: Callable[[], None],
    ) -> None:
        self.endpoint = endpoint
        self.lane = lane
        self.desired = Desired()
        self.state: State = "idle"
        self.sessions = 0
        self.is_lost = False  # a session was lost or an attempt failed, and no other has followed yet
        self._name = lane.named(endpoint)
        self._turn = turn
        self._told = told
        self._url = url
        self._connector = connector
        self._connect_budget = connect_budget
        self._headers = headers
        self._sink = sink
        self._options = options
        self._clock = clock
        self._chance = chance
        first_s, cap_s = options.reconnect_delay_s
        stable_s = min(options.stable_after_s, _STABLE_BESIDE_OTHERS_S) if lane.has_others else options.stable_after_s
        self._backoff = Backoff(chance.random, first_s=first_s, cap_s=cap_s, stable_s=stable_s)
        self._refusals = Refusals()
        self._silence = SilenceWatch(lane.silence_limits_s(options.silence_limits_s))
        self._wanted = asyncio.Event()
        self._hurry = asyncio.Event()
        self._session: Session | None = None
        self._reading_paused = False

    @property
    def is_registered(self) -> bool:
        """Whether a session is open on which the exchange has confirmed the set."""
        return self._session is not None and self._session.is_registered

    # what the stream asks for

    def want(self, change: Change) -> None:
        """Queue a change; it is settled when the exchange has it, or has refused it."""
        self.desired.want(change)
        self._wanted.set()
        if self._session is not None:
            self._session.wake()

    def reconnect(self, reason: str) -> None:
        """End the current session, and any backoff: the next attempt is made as soon as the budget allows."""
        self._hurry.set()
        if self._session is not None:
            self._session.end(reason)

    def pause_reading(self) -> None:
        """Read nothing until `resume_reading`, on this and later sessions."""
        self._reading_paused = True
        if self._session is not None:
            self._session.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        self._reading_paused = False
        if self._session is not None:
            self._session.resume_reading()

    # the life of the connection

    async def run(self) -> None:
        """Keep the connection while something is wanted on it. Ends only with an error or by cancelling.

        Raises `AuthenticationError`, `RetriesExhausted` or `BudgetUnavailable`.
        """
        try:
            while True:
                if self.desired.is_idle:
                    await self._until_wanted()
                    self._enter("waiting")
                    await self._turn()
                else:
                    await self._once()
        finally:
            self._enter("closed")

    def _enter(self, state: State) -> None:
        self.state = state
        self._told()

    async def _until_wanted(self) -> None:
        self.is_lost = False
        self._enter("idle")
        while self.desired.is_idle:
            self._wanted.clear()
            await self._wanted.wait()

    async def _once(self) -> None:
        """One attempt, the session that follows, and the wait after it."""
        self._hurry.clear()
        sessions = self.sessions
        try:
            await self._connect_and_run()
        except SessionLost as lost:
            await self._after(lost, self.sessions, lost.pause_s)
        except HandshakeRefused as refusal:
            await self._after(refusal, 0, self._refusals.pause_s(refusal))
        except (ConnectionFailed, BudgetUnavailable) as failure:
            if isinstance(failure, BudgetUnavailable) and sessions == 0 and self.lane.number == 1:
                raise  # it never worked: the user has to mend it
            await self._after(failure, 0, 0.0)

    async def _connect_and_run(self) -> None:
        from upbit_stream.net.places import MemoryStore  # noqa: PLC0415  # the environment has it loaded by now

        self._enter("connecting")
        admission = self._connect_budget.admission()
        await admission.enter()
        session = Session(
            self.endpoint,
            self.sessions + 1,
            self.desired,
            budget=Budget(MemoryStore(MESSAGES), self._clock.monotonic),
            sink=self._sink,
            options=self._options,
            clock=self._clock,
            chance=self._chance,
            silence=self._silence,
            lane=self.lane,
            registered=self._told,
        )
        reason = "the stream is closing"
        try:
            await self._run_session(session, admission)
        except UpbitStreamError as error:
            reason = str(error)
            raise
        finally:
            self._sink.release(session.receiver, reason)

    async def _run_session(self, session: Session, admission: Admission) -> None:
        connection = await self._connect(session, admission)
        self._refusals.connected()
        self.sessions += 1
        self.is_lost = False
        self._enter("open")
        log.info("%s: connected, session %d", self._name, session.number)
        self._sink.emit(
            Connected(
                at_ns=self._clock.time_ns(),
                endpoint=self.endpoint,
                session=session.number,
                connection=self.lane.number,
            )
        )
        opened_at = self._clock.monotonic()
        self._session = session
        if self._reading_paused:
            session.pause_reading()
        try:
            await session.run(connection)
        finally:
            self._session = None
            # An exchange that accepts and drops, without having confirmed anything, is not to be hammered.
            if session.is_registered or not self.lane.has_others:
                self._backoff.session_lasted(self._clock.monotonic() - opened_at)

    async def _connect(self, session: Session, admission: Admission) -> Connection:
        timeout_s = self._options.connect_timeout_s
        try:
            async with asyncio.timeout(timeout_s):
                return await self._connector.connect(
                    self._url, headers=self._headers(), listener=session, admission=admission
                )
        except TimeoutError:
            raise ConnectionFailed(f"cannot connect to {self._url}: no answer within {timeout_s:g} s") from None

    async def _after(self, failure: UpbitStreamError, session: int, pause_s: float) -> None:
        """Tell, then wait: the backoff, or longer where the exchange told so."""
        self.is_lost = True
        self._enter("waiting")
        if pause_s:
            await self._pause_all(pause_s)
        delay_s = self._delay_s(failure, pause_s)
        log.log(
            logging.INFO if self._is_asked_for(failure) else logging.WARNING,
            "%s: %s; %s",
            self._name,
            failure,
            "no connection is needed" if delay_s is None else f"next attempt in {delay_s:.1f} s",
        )
        self._sink.emit(
            Disconnected(
                at_ns=self._clock.time_ns(),
                endpoint=self.endpoint,
                session=session,
                connection=self.lane.number,
                reason=str(failure),
                retry_in_s=delay_s,
            )
        )
        if delay_s:
            try:
                async with asyncio.timeout(delay_s):
                    await self._hurry.wait()
            except TimeoutError:
                pass

    async def _pause_all(self, pause_s: float) -> None:
        """Hold back everybody who shares the budget. Where that fails this one waits all the same."""
        try:
            await self._connect_budget.pause(pause_s)
        except BudgetUnavailable as error:
            log.warning("%s: other processes could not be told to pause for %.1f s: %s", self._name, pause_s, error)

    def _is_asked_for(self, failure: UpbitStreamError) -> bool:
        return self._hurry.is_set() or (isinstance(failure, SessionLost) and not failure.is_fault)

    def _delay_s(self, failure: UpbitStreamError, pause_s: float) -> float | None:
        """Seconds to wait, or None where nothing is wanted. Raises `RetriesExhausted`."""
        if self.desired.is_idle:
            return None
        if self._is_asked_for(failure):
            return pause_s
        delay_s = self._backoff.next_delay_s()
        most = self._options.max_retries
        if most is not None and self._backoff.failures > most:
            raise RetriesExhausted(f"gave up after {most} retries in a row; the last failure: {failure}") from failure
        return max(delay_s, pause_s)
