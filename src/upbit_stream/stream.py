"""`Stream`: what a user holds. The one place that wires the parts.

Owns the life of a stream: its endpoints, its consumers, its end. The decisions are made in the rooms below.
"""

from __future__ import annotations

import asyncio
import functools
import os
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Literal, Self

from upbit_stream.errors import InvalidSubscription, StreamClosed, UpbitStreamError, UsageError
from upbit_stream.flow.filling import Filling
from upbit_stream.flow.hub import Hub
from upbit_stream.flow.lane import Sink, Tap
from upbit_stream.flow.recovery import Recovery
from upbit_stream.flow.subscriber import Policy, Subscriber, check_buffer
from upbit_stream.model.credentials import Credentials
from upbit_stream.model.events import Gap
from upbit_stream.model.marks import Mark
from upbit_stream.model.messages import AnyMessage
from upbit_stream.model.regions import resolve
from upbit_stream.model.subscription import TYPES, Endpoint, Subscription
from upbit_stream.net.endpoints import Endpoints
from upbit_stream.net.environment import Environment
from upbit_stream.net.options import HeartbeatKind, SessionOptions
from upbit_stream.net.reach import Reach
from upbit_stream.session.desired import SubscriptionSet
from upbit_stream.session.silence import SILENCE_LIMITS_S
from upbit_stream.wire.requests import Format, check_format

BASE_URL_VARIABLE = "UPBIT_BASE_URL"
IDS_KEPT_S = 300.0  # of trades, at least, for what is recovered; on the receiving path a minute


class Stream:
    """The streams of one region of the exchange, kept alive.

    >>> async with Stream("sg") as stream:  # doctest: +SKIP
    ...     await stream.subscribe("trade", ["SGD-BTC"])
    ...     async for message in stream: ...

    ``region`` is ``sg``, ``id``, ``th`` or ``kr``; ``base_url`` an address such as ``http://127.0.0.1:8765``, which
    wins (without either, the environment's ``UPBIT_BASE_URL``). ``format`` is the wire format; the messages are the
    same in all four. ``credentials`` are needed for private types only. ``exact`` gives market data as Decimal.

    Connection: ``compression`` asks for permessage-deflate, ``proxy`` is an ``http://``, ``https://``, ``socks4://``
    or ``socks5://`` address, ``family`` ``"ipv4"`` or ``"ipv6"`` to use only one, ``ssl_context`` replaces
    the verifying default, ``insecure`` allows plain ``ws://`` beyond this machine, ``max_message_bytes`` bounds one
    message.

    Life: ``ping_interval_s`` and ``pong_timeout_s``, ``heartbeat`` (``"frame"``, or ``"text"`` for the exchange's
    ``PING``), ``silence_limits_s`` (seconds by ``ticker trade orderbook candle``; {} turns the watch off),
    ``max_retries`` in a row (None: for ever), ``reconnect_delay_s`` (first, cap), ``stable_after_s``. ``connections``
    (1 to 3) keep each public subscription side by side, so that the loss of one loses nothing. The private and the
    info endpoint stay at one: the exchange may refuse many simultaneous private connections.

    What was missed: ``recover`` fetches it over REST (trades, candles, orders, balances) and tells each trade once;
    ``ordered`` keeps a market's live trades back meanwhile, for 30 s at most; every ``audit_s`` seconds each market
    is compared with what the exchange has (None: only after interruptions).

    The stream's own iterator: ``policy`` (``"wait"``, ``"drop_oldest"``, ``"latest"``) at ``buffer`` messages, and
    whether lifecycle ``events`` come with the messages. See `messages` for further consumers.

    Raises `UsageError` for arguments that make no sense.
    """

    def __init__(
        self,
        region: str | None = None,
        *,
        base_url: str | None = None,
        format: Format = "DEFAULT",  # noqa: A002  # the exchange's word
        credentials: Credentials | None = None,
        exact: bool = False,
        compression: bool = False,
        proxy: str | None = None,
        family: Literal["ipv4", "ipv6"] | None = None,
        ssl_context: ssl.SSLContext | None = None,
        insecure: bool = False,
        max_message_bytes: int = 4 * 1024 * 1024,
        heartbeat: HeartbeatKind = "frame",
        ping_interval_s: float = 30.0,
        pong_timeout_s: float = 10.0,
        silence_limits_s: Mapping[str, float] = SILENCE_LIMITS_S,
        max_retries: int | None = None,
        reconnect_delay_s: tuple[float, float] = (0.5, 30.0),
        stable_after_s: float = 60.0,
        connections: int = 1,
        recover: bool = True,
        ordered: bool = False,
        audit_s: float | None = None,
        policy: Policy = "wait",
        buffer: int = 4096,
        events: bool = False,
        environment: Environment | None = None,
    ) -> None:
        if base_url is None and region is None:
            base_url = os.environ.get(BASE_URL_VARIABLE)
        check_buffer(policy, buffer)
        if credentials is not None and not isinstance(credentials, Credentials):
            raise UsageError("credentials must be a Credentials: Credentials.from_env() or Credentials(access, secret)")
        self._address = resolve(region, base_url, insecure=insecure)
        self._credentials = credentials
        options = SessionOptions(
            wire_format=check_format(format),
            heartbeat=heartbeat,
            ping_interval_s=ping_interval_s,
            pong_timeout_s=pong_timeout_s,
            silence_limits_s=silence_limits_s,
            reconnect_delay_s=reconnect_delay_s,
            stable_after_s=stable_after_s,
            max_retries=max_retries,
            connections=connections,
        )
        if audit_s is not None and not audit_s > 0:
            raise UsageError(f"audit_s {audit_s!r}: seconds, or None for no audits")
        reach = Reach(compression, proxy, family, ssl_context, max_message_bytes)
        environment = environment or Environment()
        self._hub = Hub(
            wire_format=format,
            exact=exact,
            time_ns=environment.clock.time_ns,
            hold=self._hold,
            fail=self._fail,
            tells_apart=recover,
            kept_s=IDS_KEPT_S + (audit_s or 0.0),
            is_redundant=connections > 1,
            ordered=ordered,
        )
        self._recovery: Recovery | None = None
        if recover:
            rest = reach.rest(self._address, credentials, environment)
            simple = format.startswith("SIMPLE")
            self._recovery = Filling.begin(self._hub, rest, environment, simple=simple, audit_s=audit_s)
        self._endpoints = Endpoints(
            self._address,
            credentials,
            connector=reach.connector(environment),
            sink=self._hub,
            options=options,
            environment=environment,
            failed=self._fail,
        )
        self._own = functools.partial(
            self._hub.subscriber, "the stream's iterator", (), policy=policy, limit=buffer, events=events
        )
        self._iterator: Subscriber[AnyMessage] | None = None
        self._iterated = False
        self._state: Literal["new", "open", "closed"] = "new"
        self._error: Exception | None = None
        self._told = False
        self._over: asyncio.Future[None] | None = None

    # life

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()
        told = self._told or (self._iterator is not None and self._iterator.told)
        if error is None and self._error is not None and not told:
            raise self._error

    async def open(self) -> None:
        """Begin. No connection is made before something is subscribed. ``async with`` does this."""
        if self._state != "new":
            raise StreamClosed("a stream is opened once; make a new one")
        self._state = "open"
        self._over = asyncio.get_running_loop().create_future()

    async def close(self) -> None:
        """End: every wait is cancelled, the connections are closed, consumers end after what they hold."""
        if self._state == "open":
            self._end(None)
        await self._settle()

    async def join(self) -> None:
        """Wait until the stream is closed. Raises the error that ended it, if one did."""
        await asyncio.shield(self._begun())
        await self._settle()
        if self._error is not None:
            self._told = True
            raise self._error

    # what was missed

    def resume(self, marks: Iterable[Mark]) -> None:
        """Go on where an earlier run left off: what came since is recovered when it is subscribed. Before that.

        `Recorder.attach` does this with what its files end with.
        """
        if list(self._endpoints):
            raise UsageError("resume() comes before the first subscription: what was missed since would not be noticed")
        for mark in marks:
            self._hub.continuity.resume(mark)

    def gaps(self) -> list[Gap]:
        """The gaps that are being recovered at the moment."""
        return [] if self._recovery is None else self._recovery.gaps()

    async def settled(self) -> None:
        """Wait until no gap is left to be recovered. May be cancelled, and last for as long as REST does not answer.

        >>> async with asyncio.timeout(60): await stream.settled()  # doctest: +SKIP
        """
        if self._recovery is not None:
            await self._recovery.settled()

    # subscriptions

    @property
    def subscriptions(self) -> tuple[Subscription, ...]:
        """What the exchange has confirmed, over all endpoints. After a disconnect it is restored."""
        return self._endpoints.confirmed

    async def subscribe(self, type: str, codes: Iterable[str] = (), **options: Any) -> None:  # noqa: A002  # the wire's word
        """Subscribe to a type, beside what is subscribed already; returns when the exchange has it.

        Options are the exchange's: ``is_only_snapshot``, ``is_only_realtime``, ``level`` (order books),
        ``categories`` and ``include_body`` (announcements), ``timeframe``, ``indicators``, ``trigger`` and
        ``event_params`` (indicators). While the connection is down this waits for the next.

        Raises `InvalidSubscription` before anything is sent, `SubscriptionRejected` where the exchange refused,
        and what ends the stream.

        >>> await stream.subscribe("orderbook", ["KRW-BTC.15"], level=10000)  # doctest: +SKIP
        """
        await self.subscribe_all([Subscription.with_options(type, codes, options)])

    async def subscribe_all(self, subscriptions: Iterable[Subscription]) -> None:
        """Subscribe to several at once, in one request for each endpoint. See `subscribe`."""
        by_endpoint: dict[Endpoint, list[Subscription]] = {}
        for subscription in subscriptions:
            self._check(subscription)
            by_endpoint.setdefault(subscription.endpoint, []).append(subscription)
        self._begin_iterator()
        plus = functools.partial(functools.partial, SubscriptionSet.plus_all)
        await self._change({endpoint: plus(subscriptions=added) for endpoint, added in by_endpoint.items()})

    async def unsubscribe(self, type: str, codes: Iterable[str] = ()) -> None:  # noqa: A002  # the wire's word
        """End the subscription of these codes of a type, or of the whole type; returns when the exchange has it.

        Raises `InvalidSubscription` for what is not subscribed.
        """
        gone = (codes,) if isinstance(codes, str) else tuple(codes)
        rules = TYPES.get(type)
        wanted = SubscriptionSet() if rules is None else self._endpoints.eventual(rules.endpoint)
        for code in gone or (None,):
            if not wanted.has(type, code):
                named = type if code is None else f"{type}:{code}"
                raise InvalidSubscription(f"{named} is not subscribed; see Stream.subscriptions")
        if rules is not None:
            await self._change({rules.endpoint: lambda wanted: wanted.minus(type, gone)})

    # consumers

    def __aiter__(self) -> AsyncIterator[AnyMessage]:
        if self._state == "new":
            self._begun()  # says what to do
        self._iterated = True
        if self._iterator is None:
            self._iterator = self._own()
            if self._state == "closed":
                self._iterator.close(self._error)
        return aiter(self._iterator)

    def messages(
        self, *types: str, policy: Policy = "wait", buffer: int = 4096, events: bool = False, name: str = ""
    ) -> Subscriber[Any]:
        """One more consumer, with a buffer of its own: iterate over it with ``async for``.

        ``types`` limits it (``"trade"``, ``"candle"``, ``"candle.1m"``). ``policy`` says what happens when ``buffer``
        messages wait: ``"wait"`` stops reading from the exchange until this consumer has caught up (what was read by
        then still comes: the bound is soft by one read), ``"drop_oldest"`` drops, ``"latest"`` keeps the newest of
        each type and code. What was dropped is counted in ``counts()["dropped"]``. ``events`` adds the lifecycle
        events, in order with the data.

        >>> async for book in stream.messages("orderbook", policy="latest"): ...  # doctest: +SKIP
        """
        consumer = self._hub.subscriber(
            name or f"messages({', '.join(types)})", types, policy=policy, limit=buffer, events=events
        )
        if self._state == "closed":
            consumer.close(self._error)
        return consumer

    def remove(self, consumer: Subscriber[Any]) -> None:
        """Take away a consumer that `messages` made, so that it holds nobody back."""
        self._hub.remove(consumer)

    def on(self, name: str, handler: Callable[[Any], None]) -> None:
        """Call ``handler`` with every message of a type, or every event of a kind.

        ``name`` is ``"trade"``, ``"candle"``, ``"candle.1m"``, …, ``"message"`` for all messages, or ``"connected"``,
        ``"disconnected"``, ``"resubscribed"``, ``"dropped"``, ``"malformed"``, ``"event"`` for all events.

        Called on the receiving path, with no queue between: it must be quick. What it raises is logged and counted.
        """
        self._hub.on(name, handler)

    def off(self, name: str, handler: Callable[[Any], None]) -> None:
        """Call ``handler`` no more."""
        self._hub.off(name, handler)

    def tap(self, tap: Tap, sink: Sink | None = None) -> None:
        """Call ``tap`` with every `RawMessage`; an error in it ends the stream, as data may be lost. ``sink(first)``
        may name what is called with payload and ``received_at_ns`` instead, for most messages of a type and code.
        """
        self._hub.tap(tap, sink)

    # state

    def counts(self) -> dict[str, int]:
        """Messages so far by type, with ``unknown``, ``malformed``, ``handler_errors`` and ``dropped``."""
        return self._hub.counts()

    def connections(self) -> dict[Endpoint, str]:
        """The state of each endpoint in use: ``idle``, ``connecting``, ``open``, ``waiting`` or ``closed``.

        Of several connections it is that of the best: ``open`` where one is open.
        """
        return {group.endpoint: group.state for group in self._endpoints}

    def reconnect(self, reason: str = "asked for by the program") -> None:
        """Replace the connections, for instance after the network changed, without waiting for the backoff.

        Several connections of an endpoint are replaced one after the other, each when the one before is there again.
        """
        for group in self._endpoints:
            group.reconnect(reason)

    # within

    def _check(self, subscription: Subscription) -> None:
        region = self._address.region
        if TYPES[subscription.type].korea_only and region not in (None, "kr"):
            raise InvalidSubscription(f"{subscription.type}: only Korea has it, not region {region!r}")
        if subscription.endpoint == "private" and self._credentials is None:
            raise UsageError(
                f"{subscription.type} is private: pass credentials=Credentials.from_env() (or with your keys) to Stream"
            )

    async def _change(self, applies: Mapping[Endpoint, Callable[[SubscriptionSet], SubscriptionSet]]) -> None:
        self._require_open()
        try:
            await self._endpoints.change(applies)
        except UpbitStreamError as error:
            self._told = self._told or error is self._error
            raise

    def _begin_iterator(self) -> None:
        """What comes between the first subscription and the ``async for`` must not be missed."""
        if self._iterator is None and not self._iterated and not self._hub.taps:
            self._iterator = self._own()

    def _hold(self, full: bool) -> None:
        """A consumer is full, or none is any more."""
        if full and not self._iterated and self._iterator is not None and self._hub.has_other_consumers:
            # Nobody ever iterated and others do take the messages: this buffer is nobody's.
            unused, self._iterator = self._iterator, None
            self._hub.remove(unused)
        self._endpoints.hold(self._hub.is_held)

    def _fail(self, error: Exception) -> None:
        if self._state == "open":
            self._end(error)

    def _end(self, error: Exception | None) -> None:
        self._state = "closed"
        self._error = error
        self._endpoints.end(error or StreamClosed("the stream was closed"))
        if self._recovery is not None:
            self._recovery.give_up()
        self._hub.close(error)
        if self._over is not None and not self._over.done():
            self._over.set_result(None)

    async def _settle(self) -> None:
        await self._endpoints.settle()
        if self._recovery is not None:
            await self._recovery.close()

    def _begun(self) -> asyncio.Future[None]:
        if self._over is None:
            raise StreamClosed("the stream is not open: use `async with Stream(…) as stream`")
        return self._over

    def _require_open(self) -> None:
        self._begun()
        if self._state == "closed":
            raise StreamClosed(f"the stream is closed{f': {self._error}' if self._error else ''}") from self._error
