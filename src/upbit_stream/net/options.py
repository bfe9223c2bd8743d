"""What a user may set of connections and sessions, with the defaults and their reasons.

Owns the numbers and their checks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

from upbit_stream.errors import UsageError
from upbit_stream.session.backoff import check_delays
from upbit_stream.session.heartbeat import check_heartbeat
from upbit_stream.session.lane import MOST_LANES
from upbit_stream.session.silence import SILENCE_LIMITS_S
from upbit_stream.wire.requests import Format

# After a text PING the exchange says UP every 10 s, not at once: the answer may be that late without any fault.
STATUS_PERIOD_S = 10.0

HeartbeatKind: TypeAlias = Literal["frame", "text"]


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """Raises `UsageError` for values that cannot work."""

    wire_format: Format = "DEFAULT"
    heartbeat: HeartbeatKind = "frame"
    ping_interval_s: float = 30.0
    pong_timeout_s: float = 10.0
    silence_limits_s: Mapping[str, float] = field(default_factory=lambda: SILENCE_LIMITS_S)
    answer_timeout_s: float = 10.0  # for LIST_SUBSCRIPTIONS
    reconnect_delay_s: tuple[float, float] = (0.5, 30.0)
    stable_after_s: float = 60.0
    connect_timeout_s: float = 20.0
    max_retries: int | None = None
    connections: int = 1  # of the public endpoint, side by side

    @property
    def beat_s(self) -> tuple[float, float]:
        """The interval of pings and the time-out of their answers. With the text ``PING`` the answer takes up to
        10 s longer, so the interval is shorter by as much: a dead connection is found as soon.
        """
        if self.heartbeat == "frame":
            return self.ping_interval_s, self.pong_timeout_s
        interval_s = max(self.ping_interval_s - STATUS_PERIOD_S, self.ping_interval_s / 2)
        return interval_s, self.pong_timeout_s + STATUS_PERIOD_S

    def __post_init__(self) -> None:
        check_heartbeat(self.ping_interval_s, self.pong_timeout_s)
        try:
            first_s, cap_s = self.reconnect_delay_s
        except TypeError:
            raise UsageError(
                f"reconnect_delay_s {self.reconnect_delay_s!r}: a pair, the first and the longest"
            ) from None
        check_delays(first_s, cap_s)
        # Asked this way round, NaN is refused too.
        if not self.stable_after_s >= 0:
            raise UsageError(f"stable_after_s {self.stable_after_s!r}: 0 or more")
        if not (self.connect_timeout_s > 0 and self.answer_timeout_s > 0):
            raise UsageError("connect_timeout_s and answer_timeout_s must be more than 0")
        if self.heartbeat not in get_args(HeartbeatKind):
            raise UsageError(f"heartbeat {self.heartbeat!r} is not one of {', '.join(get_args(HeartbeatKind))}")
        if self.max_retries is not None and self.max_retries < 0:
            raise UsageError(f"max_retries {self.max_retries!r}: 0 or more, or None for no bound")
        if type(self.connections) is not int or not 1 <= self.connections <= MOST_LANES:
            raise UsageError(f"connections {self.connections!r}: 1 to {MOST_LANES}")
        if not isinstance(self.silence_limits_s, Mapping):
            raise UsageError(
                f"silence_limits_s {self.silence_limits_s!r}: a mapping of types to seconds; {{}} for none"
            )
        unknown = set(self.silence_limits_s) - set(SILENCE_LIMITS_S)
        if unknown or not all(limit > 0 for limit in self.silence_limits_s.values()):
            raise UsageError(
                f"silence_limits_s {dict(self.silence_limits_s)!r}: seconds for some of {', '.join(SILENCE_LIMITS_S)}"
            )
