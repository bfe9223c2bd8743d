"""Who takes the messages of a schedule, and writes down what came in which order."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from upbit_stream import Stream, Trade
from upbit_stream.model.events import Event
from upbit_stream.model.raw import RawMessage

SHORT = {
    "trade_price": "tp",
    "trade_volume": "tv",
    "ask_bid": "ab",
    "trade_timestamp": "ttms",
    "sequential_id": "sid",
    "stream_type": "st",
    "prev_closing_price": "pcp",
    "trade_date": "td",
    "trade_time": "ttm",
}
SLOW_BUFFER = 20
SLOW_LAG_MS = 60_000  # the slow one rests only while it is no further behind


@dataclass(frozen=True)
class Seen:
    """A trade as somebody got it."""

    trade_id: int
    code: str
    values: tuple[Any, ...]  # price, volume, side, previous close, date, time
    at_ms: int
    stream_type: str
    received_ns: int


class Witness:
    """``log`` holds events and trades in the order of their delivery."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.log: list[Any] = []

    @property
    def trades(self) -> list[Seen]:
        return [item for item in self.log if isinstance(item, Seen)]

    def handle(self, message: Any) -> None:
        """An event or a message, typed."""
        if isinstance(message, Event):
            self.log.append(message)
        elif isinstance(message, Trade):
            self.log.append(of_message(message))

    def tap(self, raw: RawMessage) -> None:
        """A message as it came."""
        if raw.type == "trade" and (seen := of_raw(raw)) is not None:
            self.log.append(seen)


def of_message(trade: Trade) -> Seen:
    return Seen(
        trade.sequential_id,
        trade.code,
        (
            trade.trade_price,
            trade.trade_volume,
            trade.ask_bid,
            trade.prev_closing_price,
            trade.trade_date,
            trade.trade_time,
        ),
        trade.trade_timestamp,
        trade.stream_type,
        trade.received_at_ns,
    )


def of_raw(raw: RawMessage) -> Seen | None:
    """None for garbage that calls itself a trade."""
    told = json.loads(raw.payload, parse_float=Decimal)
    value = {name: told.get(name, told.get(short)) for name, short in SHORT.items()}
    if None in value.values():
        return None
    names = ("trade_price", "trade_volume", "ask_bid", "prev_closing_price", "trade_date", "trade_time")
    return Seen(
        value["sequential_id"],
        raw.code,
        tuple(value[name] for name in names),
        value["trade_timestamp"],
        value["stream_type"],
        raw.received_at_ns,
    )


def attend(stream: Stream, names: tuple[str, ...], now_ms: Callable[[], int], chance: random.Random) -> list[Witness]:
    """Have these witnesses take the messages. ``now_ms`` is the exchange's time."""
    witnesses = []
    for name in names:
        witness = Witness(name)
        witnesses.append(witness)
        if name == "slow":
            consumer = stream.messages("trade", buffer=SLOW_BUFFER, events=True)
            witness.task = asyncio.create_task(_read(consumer, witness, now_ms, chance))  # type: ignore[attr-defined]
            continue
        stream.on("event", witness.handle)
        if name == "tap":
            stream.tap(witness.tap)
        else:
            stream.on("trade", witness.handle)
    return witnesses


async def _read(consumer: Any, witness: Witness, now_ms: Callable[[], int], chance: random.Random) -> None:
    async for item in consumer:
        witness.handle(item)
        if isinstance(item, Trade) and item.trade_timestamp > now_ms() - SLOW_LAG_MS and chance.random() < 0.1:
            await asyncio.sleep(chance.choice((0.1, 1.0, 4.0)))
