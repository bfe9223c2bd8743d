"""ccxt pro: a task for each market and type that awaits `watch_trades`, `watch_order_book` or `watch_ticker` in a loop,
on uvloop as in the library's examples.

It hands over the trades since the last time, and the newest book or ticker, in batches of what one read brought. What
is counted is each message that the library has handled, since one that was superseded before its task ran is done with.

Seams: the address is replaced in the exchange's description, where users do it too; the markets, which it would ask
for by REST, are put in with its `set_markets`; each book is begun, as by the snapshot that a real stream begins with;
`handle_message` is wrapped in order to count, one call more a message.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import ccxt.pro
import uvloop

from bench.measure import Meter, Task, versions_of
from bench.peers.dialling import markets


def _exchange(task: Task, count: Callable[[object], None]) -> Any:
    exchange = ccxt.pro.upbit({"cafile": task.certificate} if task.certificate else {})
    exchange.urls["api"]["ws"] = task.url
    exchange.set_markets([exchange.parse_market({"market": code}) for code in markets(task)])
    if "orderbook" in task.types:
        for symbol in exchange.symbols:
            exchange.orderbooks[symbol] = exchange.order_book({}, 15)
    handle = exchange.handle_message

    def counting(client: Any, message: Any) -> None:
        handle(client, message)
        count(message)

    exchange.handle_message = counting
    return exchange


async def _watch(watch: Callable[[str], Awaitable[object]], symbol: str) -> None:
    while True:
        await watch(symbol)


async def receive(task: Task, meter: Meter) -> None:
    """Watch all markets until everything was received."""
    finished = asyncio.Event()
    exchange = _exchange(task, meter.counter(finished.set))
    methods = {"trade": exchange.watch_trades, "orderbook": exchange.watch_order_book, "ticker": exchange.watch_ticker}
    tasks = [asyncio.ensure_future(_watch(methods[kind], symbol)) for kind in task.types for symbol in exchange.symbols]
    waiting = asyncio.ensure_future(finished.wait())
    done, _ = await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for one in [waiting, *tasks]:
        one.cancel()
    await exchange.close()
    for one in done:
        one.result()  # a watch ends only by an error


def main() -> None:
    """Receive, and say what it took."""
    task = Task.from_arguments()
    meter = Meter("ccxt_pro", task.messages)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(receive(task, meter))
    meter.report(**versions_of("ccxt", "aiohttp", "orjson", "uvloop"))


if __name__ == "__main__":
    main()
