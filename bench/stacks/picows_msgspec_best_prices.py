"""picows and msgspec alone, with a handler that reads the best ask and bid of each order book."""

from __future__ import annotations

import uvloop

from bench.measure import Meter, Task
from bench.stacks import by_picows, typed


def listener(task: Task, meter: Meter) -> by_picows.Messages:
    """A listener with that handler."""
    made = by_picows.Messages(task, meter)
    count = made.count

    def handler(book: typed.OrderBook) -> None:
        best = book.orderbook_units[0]
        count((best.ask_price, best.bid_price))

    made.handler = handler
    return made


def main() -> None:
    """Run the stack."""
    task = Task.from_arguments()
    meter = Meter("picows_msgspec_best_prices", task.messages)
    uvloop.run(by_picows.receive(task, lambda: listener(task, meter)))
    meter.report(**by_picows.versions())


if __name__ == "__main__":
    main()
