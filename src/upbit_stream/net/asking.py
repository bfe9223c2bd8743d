"""One REST request after another, within the exchange's budgets and on its terms.

The exchange's own package makes the requests; `upbit_stream.net.sdk` is the one module that knows it, and is imported
with the first request.

Owns the budgets of REST, the exchange's clock as its answers tell it, and what follows from a refusal. Knows nothing of
what the answers hold, and does not try again.
"""

from __future__ import annotations

import asyncio
import importlib
import ssl
import sys
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from upbit_stream.errors import BudgetUnavailable, ConnectionFailed, RequestFailed
from upbit_stream.model.credentials import Credentials
from upbit_stream.model.regions import Address
from upbit_stream.net.answers import Answer, ExchangeClock, Pass, exhausted, failed, refused_for_s
from upbit_stream.net.budget import EXCHANGE, QUOTATION, Budget, Rate, Store
from upbit_stream.net.environment import Environment
from upbit_stream.session.refusal import Refusals
from upbit_stream.wire.token import authorization

if TYPE_CHECKING:
    from upbit_stream.net.sdk import SdkClient

Group: TypeAlias = Literal["trade", "candle", "account"]

_SDK = "upbit_stream.net.sdk"
_SECOND_S = 1.0


@dataclass(slots=True)
class _Line:
    """One budget, and when the newest of what we sent on it ourselves went out: as many as it allows at once."""

    store: Store
    budget: Budget
    rate: Rate
    sent_s: deque[float]

    def is_full_of_ours(self, sent_s: float) -> bool:
        """Whether we alone sent as much as the budget allows, around a request that went out at ``sent_s``. That
        nothing is left of the exchange's second then says nothing of others.
        """
        return len(self.sent_s) == self.rate.places and self.sent_s[0] >= sent_s - self.rate.window_ms / 1_000


class Asking:
    """Asks through one client, which is made with the first request. Make it inside of an event loop."""

    def __init__(
        self,
        address: Address,
        credentials: Credentials | None,
        *,
        environment: Environment,
        proxy: str | None,
        ssl_context: ssl.SSLContext | None,
        family: int,
        timeout_s: float,
    ) -> None:
        self.clock = ExchangeClock(environment.clock.time_ns)
        self._address = address
        self._credentials = credentials
        self._environment = environment
        self._proxy = proxy
        self._ssl_context = ssl_context
        self._family = family
        self._timeout_s = timeout_s
        self._lines: dict[Group, _Line] = {}
        self._refusals = Refusals()
        self._client: SdkClient | None = None
        self._opening = asyncio.Lock()
        self._closed = False

    async def ask(
        self, group: Group, what: str, send: Callable[[SdkClient, Pass], Awaitable[Answer]]
    ) -> tuple[Answer, int]:
        """An answer that is no refusal, and the exchange's time when it gave it, in ms.

        Waits for a place in the budget first. ``what`` says in errors what was asked. Raises `RequestFailed`.
        """
        if group == "account" and self._credentials is None:
            raise RequestFailed(f"REST {what}: needs credentials, and none were given", is_final=True)
        client = await self._opened(what)
        try:
            answer, at_ms = await self._answer(group, client, send)
        except TimeoutError as error:
            raise RequestFailed(f"REST {what}: no answer within {self._timeout_s:g} s") from error
        except (ConnectionFailed, BudgetUnavailable) as error:
            raise RequestFailed(f"REST {what}: {error}") from error
        if answer.status >= 300:
            raise failed(what, answer)
        self._refusals.connected()
        return answer, at_ms

    async def close(self) -> None:
        """Close every connection; calls after this fail."""
        self._closed = True
        async with self._opening:
            client, self._client = self._client, None
            if client is not None:
                await client.close()
        for line in self._lines.values():
            line.store.close()

    async def _answer(
        self, group: Group, client: SdkClient, send: Callable[[SdkClient, Pass], Awaitable[Answer]]
    ) -> tuple[Answer, int]:
        line = self._line(group)
        way = self._pass(group, line.budget)
        await way.admission.enter()
        sent_ns, sent_s = self._environment.clock.time_ns(), self._environment.clock.monotonic()
        line.sent_s.append(sent_s)
        async with asyncio.timeout(self._timeout_s):
            answer = await send(client, way)
        at_ms = self.clock.answered(answer.headers.get("date", ""), sent_ns)
        await self._slow_down(line, answer, sent_s)
        return answer, at_ms

    async def _slow_down(self, line: _Line, answer: Answer, sent_s: float) -> None:
        """Do as the answer says before anything else is asked."""
        wait_s = refused_for_s(self._refusals, answer)
        if answer.status == 418:
            for each in self._lines.values():  # who is blocked is the address or the account, not one group
                await each.budget.pause(wait_s)
        elif wait_s:
            await line.budget.pause(wait_s)
        elif exhausted(answer) and not line.is_full_of_ours(sent_s):
            await line.budget.pause(_SECOND_S)  # other programs share the address

    def _line(self, group: Group) -> _Line:
        """Public requests are counted by group and source address, private ones by account."""
        if group not in self._lines:
            rates = EXCHANGE if group == "account" else QUOTATION
            whose = self._credentials.access_key if group == "account" and self._credentials else group
            store = self._environment.store(rates, f"rest {self._address.site} {whose}")
            budget = Budget(store, self._environment.clock.monotonic)
            self._lines[group] = _Line(store, budget, rates[0], deque(maxlen=rates[0].places))
        return self._lines[group]

    def _pass(self, group: Group, budget: Budget) -> Pass:
        credentials = self._credentials
        if group != "account" or credentials is None:
            return Pass(budget.admission())
        unique = self._environment.chance.unique
        return Pass(budget.admission(), lambda query: authorization(credentials, unique(), query))

    # The client

    async def _opened(self, what: str) -> SdkClient:
        async with self._opening:
            if self._closed:
                raise RequestFailed(f"REST {what}: the stream is closed", is_final=True)
            if self._client is None:
                self._client = await self._open(what)
            return self._client

    async def _open(self, what: str) -> SdkClient:
        make_transport = self._environment.rest_transport
        try:
            # A laboratory's time stands still for an import, and no thread takes part in it.
            client = _import() if make_transport or _is_imported() else await _in_thread(_import)
        except ImportError as error:
            raise RequestFailed(
                f"REST {what}: {error}. Gaps are filled through the packages upbit-sdk and httpx[socks]: install them",
                is_final=True,
            ) from error
        try:
            return client(
                self._address.rest,
                transport=None if make_transport is None else make_transport(),
                proxy=self._proxy,
                ssl_context=self._ssl_context,
                family=self._family,
                timeout_s=self._timeout_s,
            )
        except ConnectionFailed as error:
            raise RequestFailed(f"REST {what}: {error}", is_final=True) from error


def _import() -> type[SdkClient]:
    client: type[SdkClient] = importlib.import_module(_SDK).SdkClient
    return client


def _is_imported() -> bool:
    """Wholly: while another thread is at it, the module is there already and its last name is not."""
    return hasattr(sys.modules.get(_SDK), "READY")


async def _in_thread(call: Callable[[], type[SdkClient]]) -> type[SdkClient]:
    return await asyncio.get_running_loop().run_in_executor(None, call)
