"""Backfills against the stand-in exchange's REST: what they hand out is what its tape and candles hold."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from upbit_stream.session.candle_backfill import CandleBackfill
from upbit_stream.session.trade_backfill import TradeBackfill
from upbit_stream.simulator import Exchange, RestRequest

DAY_MS, HOUR_MS = 86_400_000, 3_600_000
MIDNIGHT_MS = 1_790_000_000_000 // DAY_MS * DAY_MS
CODE = "SGD-BTC"


@dataclass(frozen=True, slots=True)
class Row:
    timestamp: int
    sequential_id: int


@dataclass(frozen=True, slots=True)
class Candle:
    start_ms: int
    volume: float


def ask(exchange: Exchange, path: str, at_ms: int, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    given = {name: value for name, value in parameters.items() if value}
    answer = exchange.rest(RestRequest("GET", path, urlencode({"market": CODE, **given})), at_ms)
    assert answer is not None
    assert answer.status == 200, answer
    told: list[dict[str, Any]] = json.loads(answer.body)
    return told


def fill_trades(exchange: Exchange, from_ms: int, to_ms: int, now_ms: int, trip_ms: int = 40) -> list[int]:
    backfill: TradeBackfill[Row] = TradeBackfill(from_ms, to_ms, now_ms=now_ms)
    found: list[int] = []
    while (request := backfill.next_request(now_ms // 1_000 * 1_000)) is not None:
        now_ms += trip_ms
        told = ask(
            exchange,
            "/v1/trades/ticks",
            now_ms,
            {"count": request.count, "days_ago": request.days_ago, "to": request.to, "cursor": request.cursor},
        )
        rows = [Row(row["timestamp"], row["sequential_id"]) for row in told]
        now_ms += trip_ms
        found += [row.sequential_id for row in backfill.take(request, rows, now_ms // 1_000 * 1_000)]
    assert backfill.lost_before_ms is None
    return found


def tape(exchange: Exchange, from_ms: int, to_ms: int) -> list[int]:
    return [t.sequential_id for t in exchange.tape if t.code == CODE and from_ms <= t.trade_timestamp <= to_ms]


def exchange_at(now_ms: int, history_ms: int, rate: float) -> Exchange:
    return Exchange(
        codes=[CODE, "SGD-ETH"],
        start_ms=now_ms,
        trade_rate=20,
        private_rate=0,
        history_ms=history_ms,
        history_rate=rate,
        limits_enforced=False,
    )


@pytest.mark.parametrize(
    ("now_ms", "back_ms", "rate"),
    [
        (MIDNIGHT_MS + DAY_MS // 2, 7 * DAY_MS, 0.05),  # days, some of more than a page
        (MIDNIGHT_MS + 40_000, 2 * HOUR_MS, 4.0),  # across a midnight
        (MIDNIGHT_MS - 400, HOUR_MS, 3.0),  # a midnight comes meanwhile
        (MIDNIGHT_MS - 30_000, 9_000, 300.0),  # many a second
        (MIDNIGHT_MS + DAY_MS // 2, 1_500_000, 30.0),  # more than is held at a time
    ],
)
def test_trades(now_ms: int, back_ms: int, rate: float) -> None:
    exchange = exchange_at(now_ms, back_ms + HOUR_MS // 60, rate)
    from_ms, to_ms = now_ms - back_ms, now_ms - 500
    wanted = tape(exchange, from_ms, to_ms)
    assert len(wanted) > 700
    assert fill_trades(exchange, from_ms, to_ms, now_ms) == wanted
    assert exchange.tape[-1].trade_timestamp > now_ms, "the market trades on meanwhile"


def test_a_gap_that_begins_and_ends_between_trades_of_one_ms() -> None:
    now_ms = MIDNIGHT_MS + HOUR_MS
    exchange = exchange_at(now_ms, 600_000, 5.0)
    shared = [
        t.trade_timestamp
        for t, after in zip(exchange.tape, exchange.tape[1:], strict=False)
        if t.trade_timestamp == after.trade_timestamp and t.code == after.code == CODE
    ]
    from_ms, to_ms = shared[10], shared[-10]
    assert fill_trades(exchange, from_ms, to_ms, now_ms) == tape(exchange, from_ms, to_ms)


@pytest.mark.parametrize(
    ("unit", "path", "back_ms", "rate"),
    [
        ("1s", "/v1/candles/seconds", 2 * HOUR_MS, 1.0),
        ("1s", "/v1/candles/seconds", 3 * DAY_MS, 0.01),
        ("1m", "/v1/candles/minutes/1", 3 * DAY_MS, 0.02),
        ("240m", "/v1/candles/minutes/240", 40 * DAY_MS, 0.0005),
    ],
)
def test_candles(unit: str, path: str, back_ms: int, rate: float) -> None:
    now_ms = MIDNIGHT_MS + DAY_MS // 2
    exchange = exchange_at(now_ms, back_ms + DAY_MS, rate)
    from_ms = now_ms - back_ms
    kept = exchange.markets[CODE].candles
    wanted = [candle.start_ms for candle in kept.page(unit, 10**6)[::-1]]
    length_ms = {"1s": 1_000, "1m": 60_000, "240m": 4 * HOUR_MS}[unit]
    wanted = [start_ms for start_ms in wanted if from_ms // length_ms * length_ms <= start_ms <= now_ms]
    backfill: CandleBackfill[Candle] = CandleBackfill(unit, from_ms, now_ms, now_ms=now_ms)
    found: list[int] = []
    calls = 0
    while (request := backfill.next_request(now_ms)) is not None:
        calls += 1
        to = datetime.fromtimestamp(request.to_ms / 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        rows = candles(ask(exchange, path, now_ms, {"count": request.count, "to": to}))
        found += [candle.start_ms for candle in backfill.take(request, rows, now_ms)]
    assert found == wanted
    assert len(found) > 200
    assert calls <= len(found) // 200 + 2


def candles(told: Iterable[dict[str, Any]]) -> list[Candle]:
    return [
        Candle(
            int(datetime.fromisoformat(row["candle_date_time_utc"] + "Z").timestamp()) * 1_000,
            row["candle_acc_trade_volume"],
        )
        for row in told
    ]
