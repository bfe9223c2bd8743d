"""The conversation of a session: ask for the whole set, learn whether the exchange has it, whenever it changes.

Owns the requests, their answers, and what follows from an error. Knows nothing of pings and silence.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from upbit_stream.errors import SubscriptionRejected, UpbitStreamError
from upbit_stream.model.subscription import Subscription
from upbit_stream.net.budget import Budget
from upbit_stream.net.clock import Chance, Clock
from upbit_stream.net.connection import Connection
from upbit_stream.net.options import SessionOptions
from upbit_stream.session.confirmation import missing
from upbit_stream.session.desired import Desired, SubscriptionSet
from upbit_stream.session.refusal import NEXT_SECOND_S, REFUSALS, fatal
from upbit_stream.wire import requests
from upbit_stream.wire.decoder import ErrorReply, SubscriptionsReply

log = logging.getLogger(__name__)


class SessionLost(UpbitStreamError):
    """The session is over and another may follow. ``pause_s``: not before so many seconds, for nobody. ``is_fault``
    is False for an end that was asked for.
    """

    def __init__(self, reason: str, *, pause_s: float = 0.0, is_fault: bool = True) -> None:
        super().__init__(reason)
        self.pause_s = pause_s
        self.is_fault = is_fault


class Conversation:
    """Keeps what the exchange has registered on one connection equal to what is wanted."""

    def __init__(
        self,
        desired: Desired,
        budget: Budget,
        options: SessionOptions,
        clock: Clock,
        chance: Chance,
        asking: Callable[[tuple[Subscription, ...], str], None],
    ) -> None:
        self._desired = desired
        self._budget = budget
        self._options = options
        self._clock = clock
        self._chance = chance
        self._asking = asking
        self._answer: asyncio.Future[ErrorReply | SubscriptionsReply] | None = None
        self._ticket = ""
        self._error: ErrorReply | None = None
        self._work = asyncio.Event()
        self._cause = "connected"
        self._paused = False
        self._patience_from = 0.0

    # what the session tells

    def wake(self, cause: str = "") -> None:
        """There are changes to the wanted set; or with a ``cause``, the same set has to be asked for again."""
        self._cause = self._cause or cause
        self._work.set()

    def reading(self, goes_on: bool) -> None:
        """Whether anything is read: no answer can be expected while nothing is."""
        self._paused = not goes_on
        self._patience_from = self._clock.monotonic()

    def replied(self, reply: ErrorReply | SubscriptionsReply) -> bool:
        """Take a reply. False for an error that answers no request: the session is over."""
        if isinstance(reply, ErrorReply):
            self._error = reply
            return self._answered(reply)
        if reply.ticket != self._ticket or not self._answered(reply):
            log.debug("an answer to LIST_SUBSCRIPTIONS that nobody waits for")
        return True

    def _answered(self, reply: ErrorReply | SubscriptionsReply) -> bool:
        if self._answer is None or self._answer.done():
            return False
        self._answer.set_result(reply)
        return True

    def judge_error(self) -> None:
        """Raise for an error that came, where the connection went before it could be looked at."""
        if self._error is None:
            return
        if self._answer is not None:
            self._refused(self._error)
        self._raise_for(self._error)

    # the rounds

    async def next_round(self, connection: Connection) -> tuple[str, SubscriptionSet]:
        """Wait until there is something to ask, ask it, and return the cause and the set that is now registered.

        Raises `SessionLost`, or an error that ends the stream.
        """
        while True:
            self._work.clear()
            if not (self._desired.has_changes or self._cause):
                await self._work.wait()
                continue
            cause, self._cause = self._cause or "changed", ""
            target = self._desired.begin()
            if not target:
                self._desired.accepted()
                raise SessionLost("nothing is subscribed any more", is_fault=False)
            if await self._round(connection, target, cause):
                return cause, target

    async def _round(self, connection: Connection, target: SubscriptionSet, cause: str) -> bool:
        reply = await self._ask(connection, target, cause)
        if isinstance(reply, ErrorReply):
            self._refused(reply)
        lacking = missing(target.subscriptions, reply.result) if isinstance(reply, SubscriptionsReply) else []
        if lacking:
            self._not_registered(lacking)
            return False
        self._desired.accepted()
        return True

    async def _ask(
        self, connection: Connection, target: SubscriptionSet, cause: str
    ) -> ErrorReply | SubscriptionsReply:
        wire_format = self._options.wire_format
        self._answer = asyncio.get_running_loop().create_future()
        request = requests.subscribe(target.subscriptions, ticket=self._chance.unique(), wire_format=wire_format)
        try:
            await self._budget.acquire()
            self._asking(target.subscriptions, cause)
            connection.send_text(request)
            self._ticket = self._chance.unique()
            await self.send(connection, requests.list_subscriptions(ticket=self._ticket, wire_format=wire_format))
            await self._wait_for(self._answer)
            return self._answer.result()
        finally:
            self._answer = None

    async def send(self, connection: Connection, payload: bytes) -> None:
        """Send one message, within the budget."""
        await self._budget.acquire()
        connection.send_text(payload)

    async def _wait_for(self, answer: asyncio.Future[ErrorReply | SubscriptionsReply]) -> None:
        timeout_s = self._options.answer_timeout_s
        self._patience_from = self._clock.monotonic()
        while not answer.done():
            left_s = timeout_s if self._paused else self._patience_from + timeout_s - self._clock.monotonic()
            if left_s <= 0:
                raise SessionLost(f"the exchange did not answer LIST_SUBSCRIPTIONS within {timeout_s:g} s")
            await asyncio.wait([answer], timeout=left_s)

    # what follows from an error

    def _refused(self, reply: ErrorReply) -> None:
        """The exchange closes the connection after an error, so this always ends the session."""
        if reply.name == "TOO_MANY_REQUEST" or fatal(reply.name, reply.message) is not None:
            self._raise_for(reply)
        error = SubscriptionRejected(reply.name, reply.message)
        if not (self._desired.refused(error) if reply.name in REFUSALS else self._desired.doubted(error)):
            log.error("the exchange refused a set that it had taken before: %s: %s", reply.name, reply.message)
        raise SessionLost(f"the exchange refused the request: {reply.name}: {reply.message}")

    def _raise_for(self, reply: ErrorReply) -> None:
        error = fatal(reply.name, reply.message)
        if error is not None:
            raise error
        pause_s = NEXT_SECOND_S if reply.name == "TOO_MANY_REQUEST" else 0.0
        raise SessionLost(f"the exchange sent an error: {reply.name}: {reply.message}", pause_s=pause_s)

    def _not_registered(self, lacking: list[str]) -> None:
        """The exchange took the request and lists less: blame the changes, then ask for the set that worked."""
        error = SubscriptionRejected("NOT_REGISTERED", f"the exchange does not list {' '.join(lacking)}")
        if not self._desired.refused(error):
            raise SessionLost(str(error))
        self._cause = "changed"
