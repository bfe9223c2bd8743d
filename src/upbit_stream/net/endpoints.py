"""The endpoints of one stream: public, private, info, each with its connections, started when it is first needed.

Owns which endpoints are in use, how many connections each has, whose budget each is counted on, and the headers of
each attempt.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Iterator, Mapping

from upbit_stream._version import __version__
from upbit_stream.model.credentials import Credentials
from upbit_stream.model.regions import Address
from upbit_stream.model.subscription import Endpoint, Subscription
from upbit_stream.net.budget import CONNECTIONS, Budget, Store
from upbit_stream.net.connection import Connector
from upbit_stream.net.environment import Environment
from upbit_stream.net.group import Group
from upbit_stream.net.options import SessionOptions
from upbit_stream.net.session import Sink
from upbit_stream.net.supervisor import Supervisor
from upbit_stream.session.desired import Apply, SubscriptionSet
from upbit_stream.session.lane import Lane
from upbit_stream.wire.token import authorization


class Endpoints:
    """Groups of connections by endpoint. ``failed`` is called once for each that ends with an error."""

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
        self._groups: dict[Endpoint, Group] = {}
        self._stores: list[Store] = []
        self._reading_paused = False

    def __iter__(self) -> Iterator[Group]:
        return iter(tuple(self._groups.values()))

    @property
    def confirmed(self) -> tuple[Subscription, ...]:
        """What the exchange has, over all endpoints."""
        return tuple(had for group in self for had in group.confirmed.subscriptions)

    def eventual(self, endpoint: Endpoint) -> SubscriptionSet:
        """What will be subscribed on an endpoint when all changes are through."""
        group = self._groups.get(endpoint)
        return SubscriptionSet() if group is None else group.eventual

    async def change(self, applies: Mapping[Endpoint, Apply]) -> None:
        """Make one change on each of these endpoints, all at once; raises the first error when all are settled."""
        changes = [self._group(endpoint).change(apply) for endpoint, apply in applies.items()]
        for outcome in await asyncio.gather(*changes, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    def hold(self, full: bool) -> None:
        """Stop reading on every endpoint, or go on."""
        self._reading_paused = full
        for group in self:
            if full:
                group.pause_reading()
            else:
                group.resume_reading()

    def end(self, error: Exception) -> None:
        """Cancel every wait; every change that is not settled gets ``error``."""
        for group in self:
            group.end(error)

    async def settle(self) -> None:
        """Wait until every connection is closed."""
        await asyncio.gather(*(group.settle() for group in self))
        for store in self._stores:
            store.close()

    def _group(self, endpoint: Endpoint) -> Group:
        if endpoint not in self._groups:
            self._groups[endpoint] = self._start(endpoint)
        return self._groups[endpoint]

    def _start(self, endpoint: Endpoint) -> Group:
        store = self._environment.store(CONNECTIONS, self._budget_name(endpoint))
        self._stores.append(store)
        make = functools.partial(self._supervisor, endpoint, Budget(store, self._environment.clock.monotonic))
        # Many private connections at a time may be refused, and the info endpoint tells what came late just as well.
        connections = self._options.connections if endpoint == "public" else 1
        group = Group(endpoint, connections, make, failed=self._failed)
        if self._reading_paused:
            group.pause_reading()
        return group

    def _supervisor(
        self,
        endpoint: Endpoint,
        connect_budget: Budget,
        lane: Lane,
        turn: Callable[[], Awaitable[None]],
        told: Callable[[], None],
    ) -> Supervisor:
        return Supervisor(
            endpoint,
            self._address.stream(endpoint),
            connector=self._connector,
            connect_budget=connect_budget,
            headers=lambda: self._headers(endpoint),
            sink=self._sink,
            options=self._options,
            clock=self._environment.clock,
            chance=self._environment.chance,
            lane=lane,
            turn=turn,
            told=told,
        )

    def _budget_name(self, endpoint: Endpoint) -> str:
        """Connections are counted per source address without a token, per account with one."""
        account = self._credentials.access_key if endpoint == "private" and self._credentials else "address"
        return f"connect {self._address.site} {account}"

    def _headers(self, endpoint: Endpoint) -> Mapping[str, str]:
        headers = {"User-Agent": f"upbit-stream/{__version__}"}
        if endpoint == "private" and self._credentials is not None:
            headers["Authorization"] = authorization(self._credentials, self._environment.chance.unique())
        return headers
