"""Where an earlier run left off: what a stream needs to know to fill in what came since.

Owns these values. Knows nothing of the files that they are read from. All times are ns since the epoch, by our own
clock.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from upbit_stream.model.messages import MyAsset, MyOrder


class Unfilled(Struct, frozen=True, kw_only=True):
    """A gap that the earlier run noticed and did not fill. ``trades`` are the ids received around it."""

    from_ns: int
    to_ns: int
    reason: str
    key: str = ""  # what the earlier run called it
    trades: frozenset[int] = frozenset()


class Mark(Struct, frozen=True, kw_only=True):
    """The end of what was received of one type and code.

    ``trades`` maps the ``sequential_id`` of the newest trades to when they were received; ``candles`` the
    ``candle_date_time_utc`` of the newest candles to their last ``timestamp`` and ``candle_acc_trade_volume``.
    ``first_trade`` is the ``sequential_id`` and the ``trade_timestamp`` (ms) of the trade with which it all began:
    nobody wants what was traded before it. ``messages`` are what was told last of an account: each order as far as it
    got, the oldest first, or one `MyAsset` with every balance.
    """

    type: str
    code: str
    received_at_ns: int  # of the newest message that came live
    trades: Mapping[int, int] = {}
    first_trade: tuple[int, int] | None = None
    candles: Mapping[str, tuple[int, float]] = {}
    messages: tuple[MyOrder | MyAsset, ...] = ()
    unfilled: tuple[Unfilled, ...] = ()
