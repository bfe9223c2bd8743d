"""`Stream` on the stand-in exchange in memory, in virtual time: everything but the socket is real."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from tests.lab import CREDENTIALS, START_MS, Lab, in_lab
from upbit_stream import (
    AuthenticationError,
    Candle,
    Connected,
    Credentials,
    Disconnected,
    InvalidSubscription,
    MyAsset,
    MyOrder,
    OrderBook,
    RetriesExhausted,
    Stream,
    StreamClosed,
    Subscription,
    SubscriptionRejected,
    Ticker,
    Trade,
    UpbitStreamError,
    UsageError,
)
from upbit_stream.simulator.exchange import Exchange
from upbit_stream.testing.memory import MemoryExchange
from upbit_stream.testing.virtual_time import run_virtual

FORMATS = ["DEFAULT", "SIMPLE", "JSON_LIST", "SIMPLE_LIST"]


async def take(stream: Any, count: int) -> list[Any]:
    taken = []
    async for message in stream:
        taken.append(message)
        if len(taken) == count:
            break
    return taken


@pytest.mark.parametrize("wire_format", FORMATS)
def test_the_readme_example_works_in_every_format(wire_format: str) -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC", "SGD-ETH"])
        await lab.stream.subscribe("orderbook", ["SGD-BTC.15"])
        await lab.stream.subscribe("ticker", ["SGD-BTC"])
        await lab.stream.subscribe("candle.1s", ["SGD-BTC"])
        seen = {type(message) for message in await take(lab.stream, 300)}
        assert seen == {Trade, OrderBook, Ticker, Candle}

    in_lab(body, format=wire_format)


def test_messages_carry_the_clock_of_their_arrival() -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        for message in await take(lab.stream, 5):
            assert START_MS * 1_000_000 <= message.received_at_ns <= lab.world.time_ns()

    in_lab(body)


def test_depth_is_what_was_asked_for() -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("orderbook", ["SGD-BTC.5"])
        assert {len(book.orderbook_units) for book in await take(lab.stream, 10)} == {5}

    in_lab(body)


# subscriptions as desired state


def test_subscribing_adds_to_what_is_subscribed() -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        await lab.stream.subscribe("trade", ["SGD-ETH"])
        await lab.stream.subscribe("ticker", ["SGD-BTC"])
        assert lab.stream.subscriptions == (
            Subscription(type="trade", codes=("SGD-BTC", "SGD-ETH")),
            Subscription(type="ticker", codes=("SGD-BTC",)),
        )
        await lab.stream.unsubscribe("trade", ["SGD-BTC"])
        assert [str(had) for had in lab.stream.subscriptions] == ["trade:SGD-ETH", "ticker:SGD-BTC"]

    in_lab(body)


def test_changes_made_together_go_as_one_request() -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        before = lab.exchange.stats.requests_received
        await asyncio.gather(*(lab.stream.subscribe("ticker", [f"SGD-X{n}"]) for n in range(40)))
        assert lab.exchange.stats.requests_received - before == 2  # the whole set, and LIST_SUBSCRIPTIONS

    in_lab(body)


def test_after_a_reconnect_one_request_restores_everything() -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        await lab.stream.subscribe("orderbook", ["SGD-BTC.15"])
        wanted = lab.stream.subscriptions
        before = lab.exchange.stats.requests_received
        lab.world.connections[0].reset()
        await lab.until(lambda: lab.kinds().count("resubscribed") == 3)
        assert lab.exchange.stats.requests_received - before == 2
        assert lab.of("resubscribed")[-1].subscriptions == wanted == lab.stream.subscriptions
        assert lab.of("resubscribed")[-1].cause == "connected"

    in_lab(body)


def test_the_last_unsubscription_closes_the_connection_and_the_next_subscription_opens_one() -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        await lab.stream.unsubscribe("trade")
        await lab.until(lambda: not lab.world.connections)
        assert lab.stream.connections() == {"public": "idle"}
        assert lab.of("disconnected")[-1].retry_in_s is None
        await lab.stream.subscribe("trade", ["SGD-ETH"])
        assert len(lab.world.connections) == 1

    in_lab(body)


def test_bad_input_is_refused_before_anything_is_sent() -> None:
    async def body(lab: Lab) -> None:
        bad: list[tuple[str, list[str], dict[str, Any]]] = [
            ("trade", ["sgd-btc"], {}),
            ("trade", [], {}),
            ("candle.2m", ["SGD-BTC"], {}),
            ("trades", ["SGD-BTC"], {}),
            ("myAsset", ["SGD-BTC"], {}),
            ("trade", ["SGD-BTC"], {"is_only_snapshot": True, "is_only_realtime": True}),
            ("trade", ["SGD-BTC"], {"depth": 5}),
        ]
        for kind, codes, options in bad:
            with pytest.raises(InvalidSubscription, match=kind):
                await lab.stream.subscribe(kind, codes, **options)
        with pytest.raises(InvalidSubscription, match="not subscribed"):
            await lab.stream.unsubscribe("trade")
        with pytest.raises(UsageError, match="credentials"):
            await lab.stream.subscribe("myOrder")
        assert lab.exchange.stats.connections_accepted == 0

    in_lab(body)


def test_what_the_exchange_refuses_is_raised_and_the_set_that_worked_is_restored(monkeypatch: Any) -> None:
    """The stand-in is made to refuse one code, as an exchange may for reasons of its own."""
    from upbit_stream.simulator import requests
    from upbit_stream.simulator.type_objects import RequestError

    parse = requests.parse_request

    def picky(text: str, *rest: Any, **more: Any) -> Any:
        if "SGD-BAD" in text:
            raise RequestError("INVALID_PARAM", "a code that is not liked")
        return parse(text, *rest, **more)

    monkeypatch.setattr("upbit_stream.simulator.session.parse_request", picky)

    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        good = lab.stream.subscribe("ticker", ["SGD-BTC"])
        bad = lab.stream.subscribe("ticker", ["SGD-BAD"])
        outcomes = await asyncio.gather(good, bad, return_exceptions=True)
        assert outcomes[0] is None
        assert isinstance(outcomes[1], SubscriptionRejected)
        assert outcomes[1].name == "INVALID_PARAM"
        await lab.until(lambda: lab.world.connections)
        await lab.until(lambda: lab.of("resubscribed")[-1].session == lab.of("connected")[-1].session)
        assert [str(had) for had in lab.stream.subscriptions] == ["trade:SGD-BTC", "ticker:SGD-BTC"]
        assert lab.of("resubscribed")[-1].subscriptions == lab.stream.subscriptions

    in_lab(body)


def test_a_subscription_waits_for_the_connection_and_can_be_given_up() -> None:
    async def body(lab: Lab) -> None:
        lab.world.reachable = False
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await lab.stream.subscribe("trade", ["SGD-BTC"])
        lab.world.reachable = True
        await lab.stream.subscribe("ticker", ["SGD-BTC"])
        assert [str(had) for had in lab.stream.subscriptions] == ["ticker:SGD-BTC"]

    in_lab(body)


# the format trap


@pytest.mark.parametrize("wire_format", FORMATS)
def test_confirming_does_not_change_the_format(wire_format: str) -> None:
    async def body(lab: Lab) -> None:
        raw: list[bytes] = []
        lab.stream.tap(lambda message: raw.append(message.payload))
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        await lab.until(lambda: len(raw) > 5)
        key = b'"ty":' if wire_format.startswith("SIMPLE") else b'"type":'
        assert all(key in payload for payload in raw)

    in_lab(body, format=wire_format)


# private


def test_private_and_public_types_on_one_stream() -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe_all([Subscription.parse("myOrder"), Subscription.parse("myAsset")])
        assert lab.stream.connections() == {"private": "open"}
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        seen = {type(message) for message in await take(lab.stream, 60)}
        assert {Trade, MyOrder, MyAsset} <= seen
        assert len(lab.world.connections) == 2

    in_lab(body, credentials=CREDENTIALS)


def test_every_attempt_has_a_fresh_token() -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("myOrder")
        for n in range(2, 12):
            lab.world.connections[0].reset()
            await lab.until(lambda n=n: lab.kinds().count("resubscribed") == n)  # type: ignore[misc]  # bound now
        assert lab.exchange.stats.nonces_reused == 0
        assert lab.exchange.stats.connections_accepted == 11

    in_lab(body, credentials=CREDENTIALS)


def test_refused_credentials_end_the_stream_and_are_not_tried_again() -> None:
    async def main() -> None:
        world = MemoryExchange(Exchange(start_ms=START_MS, keys={"other": "x" * 40}))
        stream = Stream(base_url="http://127.0.0.1:1", credentials=CREDENTIALS, environment=world.environment())
        await stream.open()
        with pytest.raises(AuthenticationError) as caught:
            await stream.subscribe("myOrder")
        assert caught.value.status == 401
        with pytest.raises(AuthenticationError):
            await stream.join()
        with pytest.raises(AuthenticationError):
            await take(stream, 1)
        with pytest.raises(StreamClosed, match="refused the credentials"):
            await stream.subscribe("trade", ["SGD-BTC"])
        await asyncio.sleep(3600)
        assert world.exchange.stats.refused_401 == 1
        await stream.close()

    run_virtual(main())


def test_a_stream_that_failed_unnoticed_raises_at_its_end() -> None:
    async def main() -> None:
        world = MemoryExchange(Exchange(start_ms=START_MS, keys={"other": "x" * 40}))
        stream = Stream(base_url="http://127.0.0.1:1", credentials=CREDENTIALS, environment=world.environment())
        await stream.__aenter__()
        waiting = asyncio.create_task(stream.subscribe("myOrder"))
        await asyncio.wait([waiting])
        assert isinstance(waiting.exception(), AuthenticationError)
        stream._told = False  # as if nobody had looked
        with pytest.raises(AuthenticationError):
            await stream.__aexit__(None, None, None)

    run_virtual(main())


def test_secrets_are_shown_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    credentials = Credentials("ACCESS-SHOWN", "SECRET-SHOWN")

    async def main() -> None:
        world = MemoryExchange(Exchange(start_ms=START_MS, keys={"ACCESS-SHOWN": "SECRET-SHOWN"}))
        async with Stream(
            base_url="http://127.0.0.1:1", credentials=credentials, environment=world.environment()
        ) as stream:
            await stream.subscribe("myOrder")
            world.connections[0].reset()
            await asyncio.sleep(10)
            assert "SHOWN" not in repr(stream) + repr(vars(stream)) + repr(credentials) + str(credentials)

    run_virtual(main())
    assert "SHOWN" not in caplog.text


# reconnecting


def test_a_half_open_connection_is_found_within_40_s() -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        loop = asyncio.get_running_loop()
        await asyncio.sleep(31)
        frozen_at = loop.time()
        lab.world.connections[0].freeze()
        await lab.until(lambda: "disconnected" in lab.kinds())
        assert loop.time() - frozen_at <= 40.1
        assert "no pong" in lab.of("disconnected")[0].reason

    in_lab(body)


@pytest.mark.parametrize("heartbeat", ["frame", "text"])
def test_an_idle_connection_is_kept_for_hours(heartbeat: str) -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-NOTHING"])
        await asyncio.sleep(6 * 3600)
        assert lab.exchange.stats.idle_closes == 0
        assert lab.exchange.stats.messages_over_budget == 0
        assert lab.kinds().count("disconnected") == 0

    in_lab(body, exchange={"trade_rate": 0.0}, silence_limits_s={}, heartbeat=heartbeat)


def test_a_silent_type_is_subscribed_again_and_then_reconnected() -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("ticker", ["SGD-BTC"])
        await lab.until(lambda: [event.cause for event in lab.of("resubscribed")][-1] == "silent", within_s=200)
        await lab.until(lambda: "disconnected" in lab.kinds(), within_s=400)
        assert "no ticker" in lab.of("disconnected")[0].reason

    in_lab(body, exchange={"trade_rate": 0.0})


def test_an_exchange_that_accepts_and_drops_is_not_hammered() -> None:
    async def body(lab: Lab) -> None:
        waiting = asyncio.create_task(lab.stream.subscribe("trade", ["SGD-BTC"]))

        def drop(_: object) -> None:
            asyncio.get_running_loop().call_soon(lambda: lab.world.connections and lab.world.connections[0].reset())

        lab.stream.on("connected", drop)
        await asyncio.sleep(600)
        waiting.cancel()
        delays = [event.retry_in_s for event in lab.of("disconnected")]
        assert delays[0] <= 1.0
        assert all(15.0 <= delay <= 30.0 for delay in delays[6:])
        assert len(set(delays[6:])) > 5
        assert lab.exchange.stats.connections_accepted < 50

    in_lab(body)


def test_a_stable_session_resets_the_backoff() -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        for _ in range(8):
            await lab.until(lambda: lab.world.connections)
            lab.world.connections[0].reset()
            await asyncio.sleep(0.05)
        assert lab.of("disconnected")[-1].retry_in_s > 5
        await lab.until(lambda: lab.world.connections)
        await asyncio.sleep(61)
        lab.world.connections[0].reset()
        await lab.until(lambda: len(lab.of("disconnected")) == 9)
        assert lab.of("disconnected")[-1].retry_in_s <= 1.0

    in_lab(body)


@pytest.mark.parametrize("code", [1000, 1001, 1006, 1011, 1013])
def test_every_close_of_the_exchange_is_a_reason_to_reconnect(code: int) -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        lab.world.connections[0].session._close(code, "bye")
        await lab.until(lambda: lab.kinds().count("resubscribed") == 2)
        assert str(code) in lab.of("disconnected")[0].reason

    in_lab(body)


def test_max_retries_bounds_the_attempts() -> None:
    async def body(lab: Lab) -> None:
        lab.world.reachable = False
        with pytest.raises(RetriesExhausted, match="3 retries") as caught:
            await lab.stream.subscribe("trade", ["SGD-BTC"])
        assert isinstance(caught.value, UpbitStreamError)
        assert len(lab.of("disconnected")) == 3  # the fourth failure is the end

    in_lab(body, max_retries=3)


def test_closing_cancels_any_wait_at_once() -> None:
    async def body(lab: Lab) -> None:
        lab.world.reachable = False
        waiting = asyncio.create_task(lab.stream.subscribe("trade", ["SGD-BTC"]))
        await asyncio.sleep(300)
        loop = asyncio.get_running_loop()
        before = loop.time()
        await lab.stream.close()
        assert loop.time() == before
        with pytest.raises(StreamClosed):
            await waiting

    in_lab(body)


def test_reconnect_by_hand_does_not_wait_for_the_backoff() -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        loop = asyncio.get_running_loop()
        before = loop.time()
        lab.stream.reconnect()
        await lab.until(lambda: lab.kinds().count("resubscribed") == 2)
        assert loop.time() - before < 0.2

    in_lab(body)


# budgets


def test_300_changes_and_30_reconnects_in_a_minute_meet_no_limit() -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        loop = asyncio.get_running_loop()
        began = loop.time()

        async def reconnects() -> None:
            for _ in range(30):
                await asyncio.sleep(1.8)
                await lab.until(lambda: lab.stream.connections() == {"public": "open"})
                lab.stream.reconnect()

        async def changes() -> None:
            pending = []
            for n in range(150):
                await asyncio.sleep(0.3)
                pending.append(asyncio.create_task(lab.stream.subscribe("ticker", [f"SGD-C{n}"])))
                if n % 2:
                    pending.append(asyncio.create_task(lab.stream.subscribe("orderbook", [f"SGD-C{n}"])))
            await asyncio.gather(*pending)
            await asyncio.gather(*(lab.stream.unsubscribe("ticker", [f"SGD-C{n}"]) for n in range(75)))

        await asyncio.gather(reconnects(), changes())
        await lab.until(lambda: lab.kinds().count("connected") == 31)
        assert loop.time() - began <= 60
        assert lab.stream.subscriptions[0] == Subscription(type="trade", codes=("SGD-BTC",))
        assert [len(tuple(had.codes)) for had in lab.stream.subscriptions] == [1, 75, 75]
        stats = lab.exchange.stats
        assert stats.connects_over_budget == stats.messages_over_budget == stats.error_frames == 0
        assert stats.refused_429 == stats.refused_418 == 0

    in_lab(body)


def test_sequential_changes_wait_for_the_budget_of_messages() -> None:
    async def body(lab: Lab) -> None:
        for n in range(60):
            await lab.stream.subscribe("ticker", [f"SGD-C{n}"])
        assert lab.exchange.stats.messages_over_budget == 0
        assert lab.exchange.stats.requests_received == 120
        assert lab.world.now_ms() - START_MS > 60_000  # 120 messages take more than a minute

    in_lab(body)


def test_a_429_waits_for_the_next_second_and_a_418_for_its_time() -> None:
    async def body(lab: Lab) -> None:
        from upbit_stream.errors import HandshakeRefused

        answers = iter([HandshakeRefused(429), HandshakeRefused(418, retry_after_s=90.0)])
        connect = lab.world.connect

        async def refusing(*args: Any, **more: Any) -> Any:
            for answer in answers:
                raise answer
            return await connect(*args, **more)

        lab.world.connect = refusing  # type: ignore[method-assign]
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        times = [event.at_ns / 1e9 for event in lab.events if isinstance(event, Disconnected | Connected)]
        first, second = (later - earlier for earlier, later in itertools.pairwise(times))
        assert first >= 1.0
        assert second >= 90.0

    in_lab(body)


def test_a_pause_outlives_a_disconnect_and_holds_for_every_stream() -> None:
    """A 418 told to one stream keeps the others of the same address from connecting, too."""

    async def main() -> None:
        from upbit_stream.errors import HandshakeRefused

        world = MemoryExchange(Exchange(start_ms=START_MS))
        environment = world.environment()
        connect = world.connect
        blocked = True

        async def refusing(*args: Any, **more: Any) -> Any:
            nonlocal blocked
            if blocked:
                blocked = False
                raise HandshakeRefused(418, retry_after_s=50.0)
            return await connect(*args, **more)

        world.connect = refusing  # type: ignore[method-assign]
        async with (
            Stream(base_url="http://127.0.0.1:1", environment=environment) as first,
            Stream(base_url="http://127.0.0.1:1", environment=environment) as second,
        ):
            one = asyncio.create_task(first.subscribe("trade", ["SGD-BTC"]))
            await asyncio.sleep(0.1)
            await second.subscribe("trade", ["SGD-BTC"])
            await one
            assert world.now_ms() - START_MS >= 50_000

    run_virtual(main())


# delivery


def test_handlers_and_iterator_see_the_same_messages_in_order() -> None:
    async def body(lab: Lab) -> None:
        handled: list[Any] = []
        lab.stream.on("trade", handled.append)
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        taken = await take(lab.stream, 20)
        assert handled[:20] == taken

    in_lab(body)


def test_a_slow_consumer_that_waits_loses_nothing_and_holds_the_exchange_back() -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"], is_only_realtime=True)
        await asyncio.sleep(200)  # far more than the buffer holds
        assert not lab.world.connections[0]._reading
        await asyncio.sleep(200)  # and no pong is seen meanwhile
        wanted = [trade.sequential_id for trade in lab.exchange.tape if trade.code == "SGD-BTC"]
        taken = [message.sequential_id for message in await take(lab.stream, 700)]
        assert lab.kinds().count("disconnected") == 0
        start = wanted.index(taken[0])
        assert taken == wanted[start : start + 700]

    in_lab(body, buffer=50, exchange={"trade_rate": 10.0})


def test_handlers_alone_never_hold_the_exchange_back() -> None:
    async def body(lab: Lab) -> None:
        handled: list[Any] = []
        lab.stream.on("trade", handled.append)
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        await asyncio.sleep(100)
        assert lab.world.connections[0]._reading
        assert len(handled) > 300

    in_lab(body, buffer=50, exchange={"trade_rate": 10.0})


def test_keeping_the_latest_gives_each_market_once() -> None:
    async def body(lab: Lab) -> None:
        books = lab.stream.messages("orderbook", policy="latest", events=True)
        await lab.stream.subscribe("orderbook", ["SGD-BTC", "SGD-ETH"])
        await asyncio.sleep(100)
        newest = []
        async for item in books:
            newest.append(item)
            if len([book for book in newest if isinstance(book, OrderBook)]) == 2:
                break
        assert {book.code for book in newest if isinstance(book, OrderBook)} == {"SGD-BTC", "SGD-ETH"}
        assert books.dropped > 50
        assert [item.count for item in newest if item.type == "dropped"]

    in_lab(body)


def test_events_stand_in_order_with_the_data() -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        await asyncio.sleep(5)
        lab.world.connections[0].reset()
        await asyncio.sleep(5)
        items = await take(lab.stream, 12)
        kinds = [item.type for item in items]
        assert kinds[0] == "connected"
        lost = kinds.index("disconnected")
        assert kinds[lost + 1] == "connected"
        assert "trade" in kinds[:lost]
        before = max(item.received_at_ns for item in items[:lost] if isinstance(item, Trade))
        assert before <= items[lost].at_ns

    in_lab(body, events=True)


def test_a_tap_that_fails_ends_the_stream() -> None:
    def tap(_: object) -> None:
        raise OSError("the disk is full")

    async def body(lab: Lab) -> None:
        lab.stream.tap(tap)
        await asyncio.wait([asyncio.create_task(lab.stream.subscribe("trade", ["SGD-BTC"]))])
        with pytest.raises(OSError, match="disk"):
            await lab.stream.join()

    in_lab(body)


def test_a_region_without_the_type_refuses_it() -> None:
    async def main() -> None:
        async with Stream("sg", credentials=CREDENTIALS) as stream:
            with pytest.raises(InvalidSubscription, match="Korea"):
                await stream.subscribe("announcement")

    run_virtual(main())


def test_a_stream_needs_to_be_open() -> None:
    async def main() -> None:
        stream = Stream("sg")
        with pytest.raises(StreamClosed, match="async with"):
            await stream.subscribe("trade", ["SGD-BTC"])
        await stream.open()
        with pytest.raises(StreamClosed, match="once"):
            await stream.open()
        await stream.close()
        await stream.close()
        assert await take(stream, 1) == []

    run_virtual(main())


def test_where_the_exchange_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UPBIT_BASE_URL", raising=False)
    with pytest.raises(UsageError, match="region"):
        Stream()
    monkeypatch.setenv("UPBIT_BASE_URL", "http://127.0.0.1:8765")
    assert Stream()._address.stream("private") == "ws://127.0.0.1:8765/websocket/v1/private"
    assert Stream("sg")._address.stream("public") == "wss://sg-api.upbit.com/websocket/v1"


def test_an_answer_is_not_missed_while_nothing_is_read() -> None:
    """A consumer that holds the exchange back also holds back the answers: that is no fault of the connection."""

    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        await asyncio.sleep(100)
        waiting = asyncio.create_task(lab.stream.subscribe("ticker", ["SGD-BTC"]))
        await asyncio.sleep(300)
        assert not waiting.done()
        consuming = asyncio.create_task(take(lab.stream, 2000))
        await waiting
        consuming.cancel()
        assert lab.kinds().count("disconnected") == 0

    in_lab(body, buffer=50, exchange={"trade_rate": 10.0})
