"""The owner of one endpoint's successive sessions.

Keeps a connection while something is subscribed, and makes the next one when it is lost: within the budget, after
the backoff, not before a pause that the exchange told, and never again after it refused the credentials.

Owns reconnecting. Knows nothing of the data.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
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
from upbit_stream.net.places import MemoryStore
from upbit_stream.net.session import Session, Sink
from upbit_stream.session.backoff import Backoff
from upbit_stream.session.desired import Change, Desired
from upbit_stream.session.refusal import Refusals
from upbit_stream.session.silence import SilenceWatch

log = logging.getLogger(__name__)

State: TypeAlias = Literal["idle", "connecting", "open", "waiting", "closed"]


class Supervisor:
    """Runs the sessions of one endpoint.

    ``headers`` makes the headers of one attempt, a fresh token among them.
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
        connection: int = 1,
    ) -> None:
        self.endpoint = endpoint
        self.connection = connection
        self.desired = Desired()
        self.state: State = "idle"
        self.sessions = 0
        self._url = url
        self._connector = connector
        self._connect_budget = connect_budget
        self._headers = headers
        self._sink = sink
        self._options = options
        self._clock = clock
        self._chance = chance
        first_s, cap_s = options.reconnect_delay_s
        self._backoff = Backoff(chance.random, first_s=first_s, cap_s=cap_s, stable_s=options.stable_after_s)
        self._refusals = Refusals()
        self._silence = SilenceWatch(options.silence_limits_s)
        self._wanted = asyncio.Event()
        self._hurry = asyncio.Event()
        self._session: Session | None = None
        self._reading_paused = False

    # what the stream asks for

    async def change(self, change: Change, outcome: asyncio.Future[None]) -> None:
        """Queue a change and wait until the exchange has it, or has refused it.

        Cancelling withdraws a change that was not sent yet.
        """
        self.desired.want(change)
        self._wanted.set()
        if self._session is not None:
            self._session.wake()
        try:
            await outcome
        finally:
            self.desired.withdraw(change)

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

    # the life of the endpoint

    async def run(self) -> None:
        """Keep the endpoint connected while something is wanted on it. Ends only with an error or by cancelling.

        Raises `AuthenticationError`, `RetriesExhausted` or `BudgetUnavailable`.
        """
        try:
            while True:
                await self._until_wanted()
                await self._once()
        finally:
            self.state = "closed"

    async def _until_wanted(self) -> None:
        while self.desired.is_idle:
            self.state = "idle"
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
            if isinstance(failure, BudgetUnavailable) and sessions == 0:
                raise  # it never worked: the user has to mend it
            await self._after(failure, 0, 0.0)

    async def _connect_and_run(self) -> None:
        self.state = "connecting"
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
            connection=self.connection,
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
        self.state = "open"
        log.info("%s: connected, session %d", self.endpoint, session.number)
        self._sink.emit(
            Connected(
                at_ns=self._clock.time_ns(),
                endpoint=self.endpoint,
                session=session.number,
                connection=self.connection,
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
        if pause_s:
            await self._pause_all(pause_s)
        delay_s = self._delay_s(failure, pause_s)
        log.log(
            logging.INFO if self._is_asked_for(failure) else logging.WARNING,
            "%s: %s; %s",
            self.endpoint,
            failure,
            "no connection is needed" if delay_s is None else f"next attempt in {delay_s:.1f} s",
        )
        self._sink.emit(
            Disconnected(
                at_ns=self._clock.time_ns(),
                endpoint=self.endpoint,
                session=session,
                connection=self.connection,
                reason=str(failure),
                retry_in_s=delay_s,
            )
        )
        if delay_s:
            self.state = "waiting"
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
            log.warning("%s: other processes could not be told to pause for %.1f s: %s", self.endpoint, pause_s, error)

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
