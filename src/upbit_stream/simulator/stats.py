"""What the stand-in exchange has counted, for tests and for people who wonder.

Owns counters and nothing else.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Stats:
    """Counts since the exchange was made. Live: read a field when you need it."""

    connections_accepted: int = 0
    connections_open: int = 0
    connections_refused: int = 0
    """Every refused upgrade, whatever the reason; the next five are its parts."""
    refused_404: int = 0
    refused_401: int = 0
    refused_429: int = 0
    refused_418: int = 0
    nonces_reused: int = 0
    """The part of ``refused_401`` that came with a used nonce."""
    connects_over_budget: int = 0
    """Connection attempts over the connect budget, counted also when limits are not enforced."""
    messages_received: int = 0
    """Text and binary messages, ``PING`` and refused ones included; no ping frames."""
    messages_over_budget: int = 0
    """Messages over a connection's budget, counted also when limits are not enforced."""
    requests_received: int = 0
    """Subscription requests and ``LIST_SUBSCRIPTIONS`` that were accepted."""
    pings_received: int = 0
    """Ping and pong frames."""
    status_requests: int = 0
    """``PING`` texts."""
    error_frames: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    """Error frames by name."""
    idle_closes: int = 0
    slow_closes: int = 0
    """Connections closed because their reader left more unread than the outbox holds."""
    frames_sent: int = 0
    """Messages put into outboxes."""
    trades: int = 0
    """Trades executed."""
    rest_requests: int = 0
    rest_answers: Counter[int] = field(default_factory=Counter)
    """REST answers by status."""
    rest_over_budget: int = 0
    """REST requests over a budget, counted also when limits are not enforced."""
    faults: Counter[str] = field(default_factory=Counter)
    """Faults that happened, by class: a period once, any other once for each connection it befell."""
