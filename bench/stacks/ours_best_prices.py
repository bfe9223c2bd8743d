"""Ours, through a handler that reads the best ask and bid of each order book, and no other unit."""

from __future__ import annotations

import asyncio

import upbit_stream
from bench.measure import Meter, Task
from bench.stacks.ours import stream_of, subscriptions_of, versions
from upbit_stream import OrderBook


async def receive(task: Task, meter: Meter) -> None:
    """Receive until the handler has had all."""
    finished = asyncio.Event()
    count = meter.counter(finished.set)

    def handler(book: OrderBook) -> None:
        best = book.best
        count(None if best is None else (best.ask_price, best.bid_price))

    async with stream_of(task) as stream:
        stream.on("orderbook", handler)
        await stream.subscribe_all(subscriptions_of(task))
        await finished.wait()


def main() -> None:
    """Run the stack."""
    task = Task.from_arguments()
    meter = Meter("ours_best_prices", task.messages)
    upbit_stream.run(receive(task, meter))
    meter.report(**versions())


if __name__ == "__main__":
    main()
