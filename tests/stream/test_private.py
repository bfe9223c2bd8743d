"""Private streams and their secrets: the real `Stream`, in memory and virtual time."""

from __future__ import annotations

import asyncio

import pytest

from tests.lab import CREDENTIALS, START_MS, Lab, in_lab, take
from upbit_stream import (
    AuthenticationError,
    Credentials,
    MyAsset,
    MyOrder,
    Stream,
    StreamClosed,
    Subscription,
    Trade,
)
from upbit_stream.simulator.exchange import Exchange
from upbit_stream.testing.memory import MemoryExchange
from upbit_stream.testing.virtual_time import run_virtual


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
