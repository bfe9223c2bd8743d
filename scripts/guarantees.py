"""Print the numbers behind README's table of guarantees, from the code that keeps them."""

from __future__ import annotations

from upbit_stream.flow.filling import OVERLAP_MS
from upbit_stream.flow.ordering import HELD_S, HELD_TRADES
from upbit_stream.net.options import SessionOptions
from upbit_stream.session.candle_backfill import SECONDS_KEPT_MS
from upbit_stream.session.lane import MOST_LANES
from upbit_stream.session.ledger import GENERATION_NS
from upbit_stream.session.trade_backfill import DAYS_BACK

_DAY_MS = 86_400_000


def numbers() -> dict[str, str]:
    """What is guaranteed, and the number."""
    options = SessionOptions()
    return {
        "trades are recovered from": f"today and {DAYS_BACK} UTC days",
        "candle.1s is recovered from": f"{SECONDS_KEPT_MS // _DAY_MS} days",
        "looked at before a gap, as ids decide": f"{OVERLAP_MS // 1000} s",
        "a repeated trade is known for at least": f"{GENERATION_NS // 1_000_000_000} s",
        "ordered=True keeps trades back for at most": f"{HELD_S:.0f} s or {HELD_TRADES:,} trades of a market",
        "connections side by side": f"1 to {MOST_LANES}",
        "a half-open connection is found within": f"{options.ping_interval_s + options.pong_timeout_s:.0f} s",
    }


if __name__ == "__main__":
    for what, number in numbers().items():
        print(f"{what:<45} {number}")
