"""An upgrade request and what refuses it: values between the exchange and whoever drives it.

Owns the shape of HTTP refusals. Must not know why one is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .plain import encode


@dataclass(frozen=True, slots=True)
class Upgrade:
    """A request to open a WebSocket. Header names are lower-case; ``source`` is the client's address."""

    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    source: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP answer in place of a WebSocket."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def refusal(status: int, name: str | int, message: str, **headers: str) -> Refusal:
    """A refusal whose body is the exchange's REST error, ``{"error": {"name", "message"}}``."""
    body = encode({"error": {"name": name, "message": message}})
    extra = {name.replace("_", "-"): value for name, value in headers.items()}
    return Refusal(status, {"Content-Type": "application/json; charset=utf-8", **extra}, body)


def not_found(path: str) -> Refusal:
    """No such page."""
    return refusal(404, "not_found", f"There is no {path} here.")


def blocked(left_ms: int) -> Refusal:
    """418: how long the block still lasts, in the message and as ``Retry-After`` in seconds, rounded up."""
    seconds = -(-left_ms // 1_000)
    message = f"Too many requests. Blocked for {seconds} seconds."
    return refusal(418, "too_many_requests", message, Retry_After=str(seconds))
