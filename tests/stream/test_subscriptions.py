"""Subscriptions as desired state: the real `Stream`, in memory and virtual time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.lab import Lab, in_lab
from upbit_stream import (
    InvalidSubscription,
    Subscription,
    SubscriptionRejected,
    UsageError,
)
from upbit_stream.wire import requests


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


@pytest.mark.parametrize("wire_format", requests.FORMATS)
def test_confirming_does_not_change_the_format(wire_format: str) -> None:
    async def body(lab: Lab) -> None:
        raw: list[bytes] = []
        lab.stream.tap(lambda message: raw.append(message.payload))
        await lab.stream.subscribe("trade", ["SGD-BTC"])
        await lab.until(lambda: len(raw) > 5)
        key = b'"ty":' if wire_format.startswith("SIMPLE") else b'"type":'
        assert all(key in payload for payload in raw)

    in_lab(body, format=wire_format)
