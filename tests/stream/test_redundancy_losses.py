"""Losing, replacing and ending one of several connections: the real `Stream`, in memory and virtual time."""

from __future__ import annotations

import asyncio
import itertools
import re
from typing import Any

import msgspec
import pytest

from tests.lab import CREDENTIALS, START_MS, Lab, in_lab
from tests.stream.side_by_side import both_up, registered
from tests.stream.test_under_faults import DURATION_MS, SETTLED_MS, oversteps, survivable
from upbit_stream import RetriesExhausted, StreamClosed, UsageError
from upbit_stream.simulator.faults import random_schedule
from upbit_stream.simulator.upgrade import Upgrade
from upbit_stream.stream import Stream
from upbit_stream.testing.memory import BASE_URL, MemoryConnection

# apart in time


@pytest.mark.parametrize("count", [2, 3])
def test_they_are_opened_apart(count: int) -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        await both_up(lab, count)
        opened = [event.at_ns / 1e9 for event in lab.of("connected")]
        assert [later - earlier for earlier, later in itertools.pairwise(opened)] == pytest.approx([5.0] * (count - 1))

    in_lab(body, connections=count)


def test_the_second_is_opened_at_once_when_the_first_is_lost() -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        lab.world.connections[0].reset()
        await lab.until(lambda: lab.world.connections, within_s=0.2)
        assert lab.of("connected")[-1].connection == 2
        assert lab.stream.connections() == {"public": "open"}

    in_lab(body, connections=2, reconnect_delay_s=(30, 30))


def test_they_ping_apart() -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        await both_up(lab, 3)
        pinged: list[float] = []
        for connection in lab.world.connections:
            connection.ping = lambda: pinged.append(asyncio.get_running_loop().time())  # type: ignore[method-assign]
        connection.reset()  # what follows has another begin than the others, and still its own phase
        await both_up(lab, 3)
        connection = lab.world.connections[-1]
        connection.ping = lambda: pinged.append(asyncio.get_running_loop().time())  # type: ignore[method-assign]
        await asyncio.sleep(29.5)
        assert len(pinged) == 3
        assert [later - earlier for earlier, later in itertools.pairwise(pinged)] == pytest.approx([10.0, 10.0])

    in_lab(body, connections=3, pong_timeout_s=60)


# losing and replacing


@pytest.mark.parametrize("victim", [0, 1])
def test_one_that_is_killed_every_2_s_leaves_one_open_at_every_moment(victim: int) -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        await both_up(lab)
        killed = lab.exchange.stats.connections_accepted
        connection = lab.world.connections[victim]
        until = asyncio.get_running_loop().time() + 60
        others: set[MemoryConnection] = set()
        while asyncio.get_running_loop().time() < until:
            connection.reset()
            for _ in range(40):
                await asyncio.sleep(0.05)
                assert any(registered(each) == {"trade:SGD-BTC"} for each in lab.world.connections)
                assert lab.stream.connections() == {"public": "open"}
            others |= set(lab.world.connections)
            connection = lab.world.connections[-1]
        assert lab.exchange.stats.connections_accepted - killed >= 29, "it was not back at once"
        assert all(event.retry_in_s <= 1.0 for event in lab.of("disconnected"))
        assert len({event.connection for event in lab.of("disconnected")}) == 1
        assert lab.exchange.stats.connects_over_budget == lab.exchange.stats.messages_over_budget == 0

    in_lab(body, connections=2)


def test_an_exchange_that_accepts_and_drops_is_not_hammered_by_several() -> None:
    async def body(lab: Lab) -> None:
        waiting = asyncio.create_task(lab.stream.subscribe("trade", ["SGD-BTC"]))

        def drop(_: object) -> None:
            asyncio.get_running_loop().call_soon(lambda: [each.reset() for each in tuple(lab.world.connections)])

        lab.stream.on("connected", drop)
        await asyncio.sleep(600)
        waiting.cancel()
        for number in (1, 2):
            delays = [event.retry_in_s for event in lab.of("disconnected") if event.connection == number]
            assert all(15.0 <= delay <= 30.0 for delay in delays[6:])
        assert lab.exchange.stats.connections_accepted < 100

    in_lab(body, connections=2)


def test_one_that_never_confirms_anything_backs_off_however_long_it_lasts() -> None:
    async def body(lab: Lab) -> None:
        waiting = asyncio.create_task(lab.stream.subscribe("trade", ["SGD-BTC"]))

        def stall(_: object) -> None:
            connection = lab.world.connections[-1]
            connection.freeze()
            asyncio.get_running_loop().call_later(2.0, connection.reset)

        lab.stream.on("connected", stall)
        await asyncio.sleep(600)
        waiting.cancel()
        assert lab.of("resubscribed") == []
        delays = [event.retry_in_s for event in lab.of("disconnected") if event.connection == 1]
        assert all(15.0 <= delay <= 30.0 for delay in delays[6:])

    in_lab(body, connections=2, exchange={"trade_rate": 0.0})


def test_three_that_are_lost_together_keep_the_budgets() -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        await both_up(lab, 3)
        for _ in range(20):
            for connection in tuple(lab.world.connections):
                connection.reset()
            lab.stream.reconnect()
            await asyncio.sleep(0.3)
        await both_up(lab, 3)
        assert lab.exchange.stats.connects_over_budget == 0
        assert lab.exchange.stats.messages_over_budget == 0

    in_lab(body, connections=3)


def test_reconnecting_by_hand_replaces_one_after_the_other() -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        await both_up(lab, 3)
        before = set(lab.world.connections)
        lab.stream.reconnect()
        open_: list[int] = []
        for _ in range(300):
            await asyncio.sleep(0.005)
            open_.append(sum(registered(each) == {"trade:SGD-BTC"} for each in lab.world.connections))
        assert min(open_) == 2
        assert open_[-1] == 3
        assert not before & set(lab.world.connections)
        assert [event.connection for event in lab.of("disconnected")] == [1, 2, 3]

    in_lab(body, connections=3)


def test_one_that_was_lost_meanwhile_is_not_replaced_once_more() -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        await both_up(lab)
        lab.world.reachable = False
        lab.stream.reconnect()
        await lab.until(lambda: lab.of("disconnected") and lab.of("disconnected")[-1].retry_in_s > 4)
        lab.world.reachable = True
        lab.world.connections[0].reset()  # the second: it is back long before the first
        await both_up(lab)
        await asyncio.sleep(60)
        assert sorted(event.connection for event in lab.of("disconnected") if event.session) == [1, 2]

    in_lab(body, connections=2)


def test_reconnecting_by_hand_tries_those_that_are_down_at_once() -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        await both_up(lab)
        lab.world.reachable = False
        lab.world.connections[1].reset()
        await asyncio.sleep(120)
        lab.world.reachable = True
        lab.stream.reconnect()
        await lab.until(lambda: len(lab.world.connections) == 2, within_s=2.0)

    in_lab(body, connections=2)


def test_a_replacement_that_does_not_come_holds_up_the_next_for_30_s_only() -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        await both_up(lab)
        second = lab.world.connections[1]
        lab.world.reachable = False
        lab.stream.reconnect()
        await asyncio.sleep(29)
        assert lab.world.connections == [second]
        await asyncio.sleep(2)
        assert lab.world.connections == []

    in_lab(body, connections=2)


def test_reading_pauses_on_all_of_them_and_on_those_to_come() -> None:
    async def body(lab: Lab) -> None:
        subscribing = asyncio.create_task(lab.stream.subscribe("trade", ["SGD-BTC"]))
        await asyncio.sleep(6)  # the snapshot fills the buffer, before the second is opened
        assert [connection._reading for connection in lab.world.connections] == [False, False]
        stopped: list[bool] = []
        async with asyncio.timeout(60):
            async for _ in lab.stream:
                stopped += [not connection._reading for connection in lab.world.connections]
                if len(stopped) > 20:
                    break
        assert not all(stopped)
        await subscribing
        await both_up(lab)

    in_lab(body, connections=2, buffer=1)


def test_silence_does_not_replace_all_of_them_at_the_same_moment() -> None:
    async def body(lab: Lab) -> None:
        raw: list[bytes] = []
        lab.stream.tap(lambda message: raw.append(message.payload))
        await lab.stream.subscribe("ticker", ["SGD-BTC"])
        await both_up(lab, 3)
        ticker = {**msgspec.json.decode(raw[0]), "stream_type": "REALTIME"}
        for _ in range(20):  # what all of them receive, so that all count the silence from the same moment
            await asyncio.sleep(1)
            lab.exchange.publish(ticker)
        left: list[bool] = []
        lab.stream.on("disconnected", lambda _: left.append(any(map(registered, lab.world.connections))))
        await asyncio.sleep(3600)
        assert all(left)
        assert {event.connection for event in lab.of("disconnected")} == {1, 2, 3}

    in_lab(body, connections=3, exchange={"trade_rate": 0.0})


# the end


def test_one_that_gives_up_does_not_end_the_stream_but_the_last_does(caplog: pytest.LogCaptureFixture) -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        await both_up(lab)
        lab.world.reachable = False
        one, other = lab.world.connections
        one.reset()
        await asyncio.sleep(300)
        assert lab.stream.connections() == {"public": "open"}
        assert [record.levelname for record in caplog.records if "gave up" in record.getMessage()] == ["ERROR"]
        await lab.stream.subscribe("ticker", ["SGD-BTC"])  # by the one that is left
        other.reset()
        with pytest.raises(RetriesExhausted):
            await lab.stream.join()

    in_lab(body, connections=2, max_retries=3)


def test_closing_ends_every_wait_and_every_connection() -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        await both_up(lab)
        for connection in lab.world.connections:
            connection.pause_reading()
        changing = asyncio.create_task(lab.stream.subscribe("ticker", ["SGD-BTC"]))
        lab.stream.reconnect()
        await asyncio.sleep(0)
        await lab.stream.close()
        with pytest.raises(StreamClosed):
            await changing
        assert lab.world.connections == []
        assert lab.stream.connections() == {"public": "closed"}

    in_lab(body, connections=2)


def test_private_streams_stay_on_one_connection() -> None:
    async def body(lab: Lab) -> None:
        paths: list[str] = []
        connect = lab.exchange.connect

        def noting(upgrade: Upgrade, now_ms: int) -> Any:
            paths.append(upgrade.path)
            return connect(upgrade, now_ms)

        lab.exchange.connect = noting  # type: ignore[method-assign]
        await lab.stream.subscribe("myOrder")
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        await asyncio.sleep(60)
        assert sorted(paths) == ["/websocket/v1"] * 3 + ["/websocket/v1/private"]
        assert {(event.endpoint, event.connection) for event in lab.of("connected")} == {
            ("private", 1),
            *(("public", number) for number in (1, 2, 3)),
        }
        assert lab.stream.connections() == {"private": "open", "public": "open"}

    in_lab(body, connections=3, credentials=CREDENTIALS)


@pytest.mark.parametrize("count", [0, 4, -1])
def test_more_than_three_or_none_is_refused(count: int) -> None:
    with pytest.raises(UsageError, match="connections"):
        Stream(base_url=BASE_URL, connections=count)


# everything at once


@pytest.mark.parametrize("seed", range(6))
def test_several_outlive_schedules_of_faults(seed: int) -> None:
    count = 2 + seed % 2
    schedule = survivable(random_schedule(2000 + seed, START_MS + 5_000, SETTLED_MS, kinds=("trade", "ticker")))

    async def body(lab: Lab) -> None:
        for fault in schedule:
            lab.exchange.inject(fault)
        changes = [asyncio.create_task(lab.stream.subscribe("trade", ["SGD-BTC"]))]
        for number in range(60):  # the wanted set changes all the time while things go wrong
            await asyncio.sleep(SETTLED_MS / 1000 / 60)
            if number % 3 == 2:
                changes.append(asyncio.create_task(lab.stream.unsubscribe("ticker", [f"SGD-C{number - 1}"])))
            else:
                changes.append(asyncio.create_task(lab.stream.subscribe("ticker", [f"SGD-C{number}"])))
        await asyncio.sleep((DURATION_MS - SETTLED_MS) / 1000)
        for task in changes:
            assert task.done(), "a change still waits"
            task.result()
        assert len(lab.world.connections) == count
        for connection in lab.world.connections:
            assert {frozenset(re.split("[:,]", each)) for each in registered(connection)} == {
                frozenset({"trade", "SGD-BTC"}),
                frozenset({"ticker", *(f"SGD-C{number}" for number in range(60) if number % 3 == 0)}),
            }
        assert lab.stream.connections() == {"public": "open"}
        oversteps(lab)
        for number in range(1, count + 1):
            told(lab, number)

    in_lab(body, seed=seed, connections=count, exchange={"trade_rate": 1.0})


def told(lab: Lab, connection: int) -> None:
    """On each connection the end of a session is told before the next begins."""
    open_session = 0
    for event in lab.events:
        if getattr(event, "connection", 0) != connection:
            continue
        if event.type == "connected":
            assert open_session == 0
            open_session = event.session
        elif event.type == "resubscribed":
            assert event.session == open_session
        elif event.session:
            assert event.session == open_session
            open_session = 0
