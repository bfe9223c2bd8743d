"""Changes of a subscription that several connections keep: the real `Stream`, in memory and virtual time."""

from __future__ import annotations

import asyncio
import itertools
import logging
from typing import Any

import pytest

from tests.lab import Lab, in_lab
from tests.stream.side_by_side import both_up, registered
from upbit_stream import SubscriptionRejected


def picky(monkeypatch: pytest.MonkeyPatch, refuses: Any = lambda: True) -> None:
    """The stand-in refuses one code, as an exchange may for reasons of its own."""
    from upbit_stream.simulator import requests
    from upbit_stream.simulator.type_objects import RequestError

    parse = requests.parse_request

    def parse_picky(text: str, *rest: Any, **more: Any) -> Any:
        if "SGD-BAD" in text and refuses():
            raise RequestError("INVALID_PARAM", "a code that is not liked")
        return parse(text, *rest, **more)

    monkeypatch.setattr("upbit_stream.simulator.session.parse_request", parse_picky)


# changes


@pytest.mark.parametrize("count", [2, 3])
def test_changes_reach_every_connection(count: int) -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        await both_up(lab, count)
        await lab.stream.subscribe("ticker", ["SGD-ETH"])
        await lab.stream.subscribe("trade", ["SGD-ETH"])
        await lab.stream.unsubscribe("trade", ["SGD-BTC"])
        await asyncio.sleep(2)
        assert [registered(each) for each in lab.world.connections] == [{"trade:SGD-ETH", "ticker:SGD-ETH"}] * count
        assert [str(had) for had in lab.stream.subscriptions] == ["trade:SGD-ETH", "ticker:SGD-ETH"]
        await lab.stream.unsubscribe("trade")
        await lab.stream.unsubscribe("ticker")
        await lab.until(lambda: not lab.world.connections)
        await asyncio.sleep(1)
        assert lab.stream.connections() == {"public": "idle"}
        assert lab.kinds().count("disconnected") == count

    in_lab(body, connections=count)


def test_the_events_say_which_connection() -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        await both_up(lab)
        lab.world.connections[1].reset()
        await lab.until(lambda: lab.kinds().count("resubscribed") == 3)
        told = [(event.type, event.connection, event.session) for event in lab.events]
        assert told == [
            ("connected", 1, 1),
            ("resubscribed", 1, 1),
            ("connected", 2, 1),
            ("resubscribed", 2, 1),
            ("disconnected", 2, 1),
            ("connected", 2, 2),
            ("resubscribed", 2, 2),
        ]

    in_lab(body, connections=2)


def test_a_subscription_does_not_wait_for_the_connection_that_is_down() -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        await both_up(lab)
        lab.world.reachable = False
        lab.world.connections[0].reset()
        await asyncio.sleep(0)
        before = asyncio.get_running_loop().time()
        await lab.stream.subscribe("ticker", ["SGD-ETH"])
        assert asyncio.get_running_loop().time() - before < 1
        assert lab.stream.connections() == {"public": "open"}
        await asyncio.sleep(5)
        lab.world.reachable = True
        await both_up(lab)
        assert registered(lab.world.connections[1]) == {"trade:SGD-BTC", "ticker:SGD-ETH"}

    in_lab(body, connections=2)


def test_a_connection_that_does_not_answer_keeps_nobody_waiting() -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        await both_up(lab)
        lab.world.connections[0].freeze()
        before = asyncio.get_running_loop().time()
        await lab.stream.subscribe("ticker", ["SGD-ETH"])
        assert asyncio.get_running_loop().time() - before < 3
        await both_up(lab)

    in_lab(body, connections=2)


def test_a_change_whose_connection_is_lost_meanwhile_goes_to_another() -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        await both_up(lab)
        one, other = lab.world.connections
        one.freeze()
        changing = asyncio.create_task(lab.stream.subscribe("ticker", ["SGD-ETH"]))
        await asyncio.sleep(0.5)
        assert registered(other) == {"trade:SGD-BTC"}
        lab.world.reachable = False
        one.reset()
        async with asyncio.timeout(0.5):
            await changing
        assert registered(other) == {"trade:SGD-BTC", "ticker:SGD-ETH"}

    in_lab(body, connections=2)


def test_a_refused_change_leaves_both_at_the_old_set_and_one_open(monkeypatch: pytest.MonkeyPatch) -> None:
    picky(monkeypatch)

    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        await both_up(lab)
        with pytest.raises(SubscriptionRejected, match="INVALID_PARAM"):
            await lab.stream.subscribe("ticker", ["SGD-BAD"])
        assert len(lab.world.connections) == 1, "a refusal closes a connection: it must not reach the other"
        await both_up(lab)
        await asyncio.sleep(60)
        assert [registered(each) for each in lab.world.connections] == [{"trade:SGD-BTC"}] * 2
        assert [str(had) for had in lab.stream.subscriptions] == ["trade:SGD-BTC"]
        assert len(lab.of("disconnected")) == 1
        await lab.stream.subscribe("ticker", ["SGD-BTC"])
        await asyncio.sleep(2)
        assert [registered(each) for each in lab.world.connections] == [{"trade:SGD-BTC", "ticker:SGD-BTC"}] * 2

    in_lab(body, connections=2)


def test_a_first_change_that_is_refused_opens_no_second_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    picky(monkeypatch)

    async def body(lab: Lab) -> None:
        with pytest.raises(SubscriptionRejected):
            await lab.stream.subscribe("ticker", ["SGD-BAD"])
        await asyncio.sleep(60)
        assert lab.exchange.stats.connections_accepted == 1
        assert lab.stream.connections() == {"public": "idle"}

    in_lab(body, connections=2)


def test_a_later_refusal_is_told_and_the_caller_is_not_bothered(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked = itertools.count(1)
    picky(monkeypatch, lambda: next(asked) > 1)

    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        await both_up(lab)
        with caplog.at_level(logging.WARNING, "upbit_stream.net.group"):
            await lab.stream.subscribe("ticker", ["SGD-BAD"])
            await asyncio.sleep(10)
        assert [str(had) for had in lab.stream.subscriptions] == ["trade:SGD-BTC", "ticker:SGD-BAD"]
        (record,) = [record for record in caplog.records if record.name == "upbit_stream.net.group"]
        assert "public 2/2" in record.getMessage()
        assert "INVALID_PARAM" in record.getMessage()

    in_lab(body, connections=2)


def test_giving_up_withdraws_everywhere() -> None:
    async def body(lab: Lab) -> None:
        lab.world.reachable = False
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await lab.stream.subscribe("trade", ["SGD-BTC"])
        lab.world.reachable = True
        await lab.stream.subscribe("ticker", ["SGD-BTC"])
        await both_up(lab)
        await asyncio.sleep(10)
        assert [registered(each) for each in lab.world.connections] == [{"ticker:SGD-BTC"}] * 2

    in_lab(body, connections=2)


def test_what_was_given_up_after_it_was_sent_can_be_unsubscribed() -> None:
    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        await both_up(lab)
        for connection in lab.world.connections:
            connection.pause_reading()
        changing = asyncio.create_task(lab.stream.subscribe("ticker", ["SGD-BTC"]))
        await lab.until(lambda: any("ticker:SGD-BTC" in registered(each) for each in lab.world.connections))
        changing.cancel()
        await asyncio.wait([changing])
        undoing = asyncio.create_task(lab.stream.unsubscribe("ticker"))
        await asyncio.sleep(0)
        for connection in lab.world.connections:
            connection.resume_reading()
        await undoing
        await asyncio.sleep(5)
        assert [registered(each) for each in lab.world.connections] == [{"trade:SGD-BTC"}] * 2

    in_lab(body, connections=2)


def test_what_is_refused_here_and_taken_there_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both had it when one refused: its caller was told so, and no connection may differ from that."""
    asked = itertools.count(1)
    picky(monkeypatch, lambda: next(asked) == 1)

    async def body(lab: Lab) -> None:
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        await both_up(lab)
        one, other = lab.world.connections
        one.pause_reading()
        other.pause_reading()
        changing = asyncio.create_task(lab.stream.subscribe("ticker", ["SGD-BAD"]))
        await asyncio.sleep(3)  # after the caller's patience both are asked
        assert "ticker:SGD-BAD" in registered(other)
        one.resume_reading()
        with pytest.raises(SubscriptionRejected):
            await changing
        other.resume_reading()
        await both_up(lab)
        await asyncio.sleep(5)
        assert [registered(each) for each in lab.world.connections] == [{"trade:SGD-BTC"}] * 2
        assert [str(had) for had in lab.stream.subscriptions] == ["trade:SGD-BTC"]

    in_lab(body, connections=2)
