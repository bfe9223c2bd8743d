"""`Stream` and the stand-in exchange, joined by real sockets on this machine.

Waits are for messages and events, bounded by a time-out that only a fault reaches.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.conftest import CAPTURE
from upbit_stream import (
    AuthenticationError,
    ConnectionFailed,
    Credentials,
    Decoder,
    MyAsset,
    MyOrder,
    OrderBook,
    Stream,
    Subscription,
    Trade,
    run,
)
from upbit_stream.record import Recorder
from upbit_stream.simulator.exchange import Exchange
from upbit_stream.simulator.replay import Replay
from upbit_stream.simulator.server import Server

KEYS = {"access-1": "secret-1-of-the-account"}
BOUND_S = 30


def exchange(**more: Any) -> Exchange:
    return Exchange(start_ms=time.time_ns() // 1_000_000, keys=KEYS, **{"trade_rate": 50.0, **more})


def bounded(body: Any) -> None:
    async def main() -> None:
        async with asyncio.timeout(BOUND_S):
            await body()

    run(main())


@pytest.mark.parametrize("compression", [False, True])
@pytest.mark.parametrize("wire_format", ["DEFAULT", "SIMPLE", "JSON_LIST", "SIMPLE_LIST"])
def test_public_and_private_messages_arrive(wire_format: Any, compression: bool) -> None:
    async def body() -> None:
        async with (
            Server(exchange(private_rate=20.0)) as server,
            Stream(
                base_url=server.base_url,
                format=wire_format,
                compression=compression,
                credentials=Credentials("access-1", KEYS["access-1"]),
            ) as stream,
        ):
            await stream.subscribe_all(
                [Subscription.parse(text) for text in ("trade:SGD-BTC", "orderbook:SGD-BTC.15", "myOrder", "myAsset")]
            )
            missing = {Trade, OrderBook, MyOrder, MyAsset}
            async for message in stream:
                missing.discard(type(message))
                if not missing:
                    break
            assert stream.connections() == {"public": "open", "private": "open"}
            assert stream.counts()["malformed"] == 0

    bounded(body)


def test_the_stream_survives_the_exchange_going_away() -> None:
    async def body() -> None:
        world = exchange()
        server = Server(world)
        await server.start()
        events: list[str] = []
        async with Stream(base_url=server.base_url, reconnect_delay_s=(0.05, 0.2)) as stream:
            stream.on("event", lambda event: events.append(event.type))
            await stream.subscribe("trade", ["SGD-BTC"])
            port = server.port
            await server.close()
            again = Server(exchange(seed=1), port=port)
            await again.start()
            async for _ in stream:
                if events.count("resubscribed") == 2:
                    break
            await again.close()
        assert events.index("disconnected") > events.index("resubscribed")

    bounded(body)


def test_over_tls(certificate: tuple[Path, Path]) -> None:
    async def body() -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        trusting = ssl.create_default_context(cafile=str(certificate[0]))
        async with Server(exchange(), host="localhost", ssl_context=context) as server:
            base_url = f"https://localhost:{server.port}"
            async with Stream(base_url=base_url, ssl_context=trusting) as stream:
                await stream.subscribe("trade", ["SGD-BTC"])
                assert type(await anext(aiter(stream))) is Trade
            with pytest.raises(ConnectionFailed, match="(?i)certificate.verify.failed"):
                async with Stream(base_url=base_url, max_retries=0) as stream:
                    await stream.subscribe("trade", ["SGD-BTC"])

    bounded(body)


def test_wrong_keys_are_refused_with_the_reason() -> None:
    async def body() -> None:
        async with (
            Server(exchange()) as server,
            Stream(base_url=server.base_url, credentials=Credentials("access-1", "wrong")) as stream,
        ):
            with pytest.raises(AuthenticationError, match="jwt_verification"):
                await stream.subscribe("myOrder")
            assert server.exchange.stats.refused_401 == 1

    bounded(body)


@pytest.mark.parametrize("wire_format", ["SIMPLE", "SIMPLE_LIST"])
def test_recording_a_replay_gives_back_every_payload_byte_for_byte(
    tmp_path: Path, capture: list[bytes], wire_format: Any
) -> None:
    async def body() -> None:
        replay = Replay.from_file(CAPTURE, speed=1000.0)
        heads = [msgspec.json.decode(payload) for payload in capture]
        wanted: dict[str, set[str]] = {}
        for head in heads:
            wanted.setdefault(head["ty"], set()).add(head["cd"])
        order: list[bytes] = []
        with Recorder(tmp_path / "data") as recorder:
            async with (
                Server(exchange(replay=replay)) as server,
                Stream(base_url=server.base_url, format=wire_format) as stream,
            ):
                done = asyncio.Event()

                def tap(raw: Any) -> None:
                    recorder.write(raw)
                    order.append(raw.payload)
                    if len(order) == len(capture):
                        done.set()

                stream.tap(tap)
                await stream.subscribe_all(
                    [Subscription(type=kind, codes=sorted(codes)) for kind, codes in wanted.items()]
                )
                await done.wait()
        assert order == capture
        for kind, codes in wanted.items():
            for code in codes:
                rows = (tmp_path / "data" / f"{code}_{kind}.jsonl").read_bytes().splitlines()
                sent = [
                    payload
                    for payload, head in zip(capture, heads, strict=True)
                    if (head["ty"], head["cd"]) == (kind, code)
                ]
                assert [row.rpartition(b',"received_at_ns":')[0] + b"}" for row in rows] == sent
                decoder = Decoder("SIMPLE")
                assert all(decoder.decode(row, 0)[0].type == kind for row in rows)

    bounded(body)
