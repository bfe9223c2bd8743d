"""A client of the stand-in exchange's core in injected time, for the tests of this room."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import jwt
import pytest

from upbit_stream.simulator import (
    DEFAULT_ACCESS_KEY,
    DEFAULT_SECRET_KEY,
    Close,
    Exchange,
    Frame,
    Refusal,
    Reset,
    Session,
    Upgrade,
)

START_MS = 1_790_000_000_000
PATHS = {
    "public": "/websocket/v1",
    "private": "/websocket/v1/private",
    "info": "/websocket/v1/info",
}
_nonces = iter(range(10**9))


def token(access: str = DEFAULT_ACCESS_KEY, secret: str = DEFAULT_SECRET_KEY, **payload: Any) -> str:
    claims = {"access_key": access, "nonce": f"nonce-{next(_nonces)}", **payload}
    return "Bearer " + jwt.encode(claims, secret, algorithm="HS512")


class Client:
    """One session of an exchange, and what it said, decoded."""

    def __init__(self, exchange: Exchange, session: Session) -> None:
        self.exchange = exchange
        self.session = session
        self.closed_with: Close | Reset | None = None

    @property
    def now_ms(self) -> int:
        return self.exchange.agenda.now_ms

    def text(self, text: str, at_ms: int | None = None) -> "Client":
        self.session.receive_text(text, self.now_ms if at_ms is None else at_ms)
        return self

    def ask(self, *objects: dict[str, Any], style: str | None = None, at_ms: int | None = None) -> "Client":
        request = [{"ticket": "t"}, *objects, *([{"format": style}] if style else [])]
        return self.text(json.dumps(request), at_ms)

    def after(self, ms: int) -> "Client":
        self.exchange.advance(self.now_ms + ms)
        return self

    def payloads(self) -> list[bytes]:
        payloads = []
        for item in self.session.take_output():
            assert self.closed_with is None, "something was said after the close"
            if isinstance(item, Frame):
                payloads.append(item.payload)
            else:
                self.closed_with = item
        return payloads

    def said(self) -> list[Any]:
        return [json.loads(payload, parse_float=Decimal) for payload in self.payloads()]

    def error(self) -> str:
        (said,) = self.said()
        assert list(said) == ["error"]
        assert list(said["error"]) == ["name", "message"]
        return said["error"]["name"]


@pytest.fixture
def connect() -> Callable[..., Client]:
    """Connects to an exchange (a new one if none is given); fails if refused."""

    def connected(
        exchange: Exchange | None = None, endpoint: str = "public", source: str = "192.0.2.1", **options: Any
    ) -> Client:
        if exchange is None:
            exchange = Exchange(**{"start_ms": START_MS, **options})
        headers = {"authorization": token()} if endpoint == "private" else {}
        outcome = exchange.connect(Upgrade(PATHS[endpoint], headers, source), exchange.agenda.now_ms)
        assert not isinstance(outcome, Refusal), outcome
        return Client(exchange, outcome)

    return connected


@pytest.fixture
def bearer() -> Callable[..., str]:
    """Makes the Authorization header's value, with a fresh nonce unless one is given."""
    return token


@pytest.fixture
def start_ms() -> int:
    return START_MS


@pytest.fixture
def capture() -> Path:
    """Traffic that the exchange really sent (see the notice beside it)."""
    return Path(__file__).parent.parent / "captures" / "upbit-kr-2021-04-17.tsv"
