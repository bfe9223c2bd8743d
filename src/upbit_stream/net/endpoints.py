"""The endpoints of one stream: public, private, info, each with a supervisor that is started when it is first needed.

Owns which endpoints are in use, whose budget each is counted on, and the headers of each attempt.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping

from upbit_stream._version import __version__
from upbit_stream.errors import UpbitStreamError
from upbit_stream.model.credentials import Credentials
from upbit_stream.model.regions import Address
from upbit_stream.model.subscription import Endpoint, Subscription
from upbit_stream.net.budget import CONNECTIONS, Budget
from upbit_stream.net.connection import Connector
from upbit_stream.net.environment import Environment
from upbit_stream.net.options import SessionOptions
from upbit_stream.net.places import Store
from upbit_stream.net.session import Sink
from upbit_stream.net.supervisor import Supervisor
from upbit_stream.session.desired import Change, SubscriptionSet
from upbit_stream.wire.token import authorization

Apply = Callable[[SubscriptionSet], SubscriptionSet]


class Endpoints:
    """Supervisors by endpoint. ``failed`` is called once for each that ends with an error."""

    def __init__(
        self,
        address: Address,
        credentials: Credentials | None,
        *,
        connector: Connector,
        sink: Sink,
        options: SessionOptions,
        environment: Environment,
        failed: Callable[[Exception], None],
    ) -> None:
        self._address = address
        self._credentials = credentials
        self._connector = connector
        self._sink = sink
        self._options = options
        self._environment = environment
        self._failed = failed
        self._supervisors: dict[Endpoint, Supervisor] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._stores: list[Store] = []
        self._reading_paused = False

    def __iter__(self) -> Iterator[Supervisor]:
        return iter(tuple(self._supervisors.values()))

    @property
    def confirmed(self) -> tuple[Subscription, ...]:
        """What the exchange has, over all endpoints."""
        return tuple(had for supervisor in self for had in supervisor.desired.confirmed.subscriptions)

    def eventual(self, endpoint: Endpoint) -> SubscriptionSet:
        """What will be subscribed on an endpoint when all changes are through."""
        supervisor = self._supervisors.get(endpoint)
        return SubscriptionSet() if supervisor is None else supervisor.desired.eventual

    async def change(self, applies: Mapping[Endpoint, Apply]) -> None:
        """Make one change on each of these endpoints, all at once; raises the first error when all are settled."""
        changes = [self._change(self._supervisor(endpoint), apply) for endpoint, apply in applies.items()]
        for outcome in await asyncio.gather(*changes, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def _change(self, supervisor: Supervisor, apply: Apply) -> None:
        outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def settle(error: Exception | None) -> None:
            if outcome.done():
                return  # the caller was cancelled
            if error is None:
                outcome.set_result(None)
            else:
                outcome.set_exception(error)

        await supervisor.change(Change(apply, settle), outcome)

    def hold(self, full: bool) -> None:
        """Stop reading on every endpoint, or go on."""
        self._reading_paused = full
        for supervisor in self:
            if full:
                supervisor.pause_reading()
            else:
                supervisor.resume_reading()

    def end(self, error: Exception) -> None:
        """Cancel every wait; every change that is not settled gets ``error``."""
        for task in self._tasks:
            task.cancel()
        for supervisor in self:
            supervisor.desired.fail(error)

    async def settle(self) -> None:
        """Wait until every connection is closed."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for store in self._stores:
            store.close()

    def _supervisor(self, endpoint: Endpoint) -> Supervisor:
        if endpoint not in self._supervisors:
            self._supervisors[endpoint] = self._start(endpoint)
        return self._supervisors[endpoint]

    def _start(self, endpoint: Endpoint) -> Supervisor:
        store = self._environment.store(CONNECTIONS, self._budget_name(endpoint))
        self._stores.append(store)
        supervisor = Supervisor(
            endpoint,
            self._address.stream(endpoint),
            connector=self._connector,
            connect_budget=Budget(store, self._environment.clock.monotonic),
            headers=lambda: self._headers(endpoint),
            sink=self._sink,
            options=self._options,
            clock=self._environment.clock,
            chance=self._environment.chance,
        )
        if self._reading_paused:
            supervisor.pause_reading()
        task = asyncio.create_task(supervisor.run(), name=f"upbit-stream {endpoint}")
        task.add_done_callback(self._done)
        self._tasks.append(task)
        return supervisor

    def _done(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed(error if isinstance(error, Exception) else UpbitStreamError(repr(error)))

    def _budget_name(self, endpoint: Endpoint) -> str:
        """Connections are counted per source address without a token, per account with one."""
        account = self._credentials.access_key if endpoint == "private" and self._credentials else "address"
        return f"connect {self._address.site} {account}"

    def _headers(self, endpoint: Endpoint) -> Mapping[str, str]:
        headers = {"User-Agent": f"upbit-stream/{__version__}"}
        if endpoint == "private" and self._credentials is not None:
            headers["Authorization"] = authorization(self._credentials, self._environment.chance.unique())
        return headers
