"""The other client of the ecosystem, websocket-client, is served: plainly, and as the exchange's sample uses it."""

import asyncio
import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from upbit_stream.simulator import Exchange
from upbit_stream.simulator.server import Server

websocket = pytest.importorskip("websocket")

REQUEST = [{"ticket": "t"}, {"type": "trade", "codes": ["SGD-BTC"]}, {"type": "orderbook", "codes": ["SGD-BTC"]}]


def served(client: Callable[[str], None], **options: Any) -> Exchange:
    """Run a blocking client against a server; the exchange it met."""
    exchange = Exchange(**{"start_ms": time.time_ns() // 1_000_000, "trade_rate": 50, "private_rate": 20, **options})

    async def run() -> None:
        async with asyncio.timeout(20), Server(exchange) as server:
            await asyncio.to_thread(client, server.stream_url)

    asyncio.run(run())
    return exchange


def test_plain_use() -> None:
    def client(url: str) -> None:
        ws = websocket.create_connection(url, timeout=10, suppress_origin=True)
        ws.send(json.dumps(REQUEST))
        for _ in range(10):
            opcode, data = ws.recv_data()
            assert opcode == websocket.ABNF.OPCODE_BINARY
            assert json.loads(data)["type"] in {"trade", "orderbook"}
        ws.ping("x")
        ws.close(timeout=5)

    exchange = served(client)
    assert exchange.stats.pings_received == 1
    assert exchange.stats.connections_open == 0


def test_its_origin_header_is_limited_unless_suppressed() -> None:
    def client(url: str) -> None:
        first = websocket.create_connection(url, timeout=10)
        with pytest.raises(websocket.WebSocketBadStatusException) as caught:
            websocket.create_connection(url, timeout=10)
        assert caught.value.status_code == 429
        assert b"too_many_requests" in caught.value.resp_body
        first.close()

    served(client)


def test_the_way_of_the_sample(bearer: Callable[..., str]) -> None:
    """A WebSocketApp in a thread, with an Authorization header and pings at intervals."""
    received: list[tuple[str, Any]] = []
    enough = threading.Event()

    class ThreadedApp(threading.Thread):
        def __init__(self, url: str) -> None:
            super().__init__(daemon=True)
            self.app = websocket.WebSocketApp(
                url + "/private",
                header={"Authorization": bearer()},
                on_open=lambda app: app.send(
                    json.dumps([{"ticket": "t"}, {"type": "myOrder"}, {"type": "myAsset"}, {"format": "SIMPLE"}])
                ),
                on_message=self.on_message,
                on_pong=lambda app, data: self.note("pong", data),
                on_error=lambda app, error: self.note("error", error),
                on_close=lambda app, code, reason: self.note("close", code),
            )

        def note(self, kind: str, value: Any) -> None:
            received.append((kind, value))
            if {kind for kind, _ in received} >= {"myOrder", "myAsset", "pong"}:
                enough.set()

        def on_message(self, app: Any, message: bytes) -> None:
            assert isinstance(message, bytes)
            said = json.loads(message)
            self.note(said["ty"], said)

        def run(self) -> None:
            self.app.run_forever(ping_interval=0.1, ping_timeout=0.05, suppress_origin=True)

    def client(url: str) -> None:
        thread = ThreadedApp(url)
        thread.start()
        assert enough.wait(10), received
        thread.app.close()
        thread.join(10)
        assert not thread.is_alive()

    exchange = served(client)
    assert "error" not in {kind for kind, _ in received}
    assert exchange.stats.pings_received > 0


def test_the_error_and_the_close_reach_its_callbacks() -> None:
    events: list[Any] = []
    sockets: list[Any] = []

    def opened(app: Any) -> None:
        sockets.append(app.sock.sock)
        app.send("[]")

    def client(url: str) -> None:
        app = websocket.WebSocketApp(
            url,
            on_open=opened,
            on_message=lambda app, message: events.append(json.loads(message)["error"]["name"]),
            on_close=lambda app, code, reason: events.append((code, reason)),
        )
        app.run_forever(suppress_origin=True)
        # The package forgets to close its socket when the server closes the connection.
        sockets[0].close()

    served(client)
    assert events == ["NO_TICKET", (1008, "NO_TICKET")]
