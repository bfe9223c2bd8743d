"""cryptofeed: a `FeedHandler` with this exchange's feed and callbacks for trades and books, on uvloop, its default.

Seams, none of them met for a message: the feed insists on an address that begins with ``wss:``, so the function that
dials is replaced by the same with another address; the markets, which it would ask for by REST, are put where it keeps
them; its log file is off; the event loop, which newer uvloops no longer make by themselves, is made for it.
"""

from __future__ import annotations

import asyncio
import functools
from typing import Any

import cryptofeed.connection
from cryptofeed import FeedHandler
from cryptofeed.defines import L2_BOOK, TRADES
from cryptofeed.exchanges import Upbit
from cryptofeed.symbols import Symbols

from bench.measure import Meter, Task, versions_of
from bench.peers.dialling import markets, trust

_CHANNELS = {"trade": TRADES, "orderbook": L2_BOOK}

_connect = cryptofeed.connection.connect


def _dial(url: str, _constant: str, **options: Any) -> Any:
    return _connect(url, **options)


def _inject_markets(codes: list[str]) -> list[str]:
    """Put the markets where the library looks for them; their names there."""
    normalized, info = Upbit._parse_symbol_data([{"market": code} for code in codes])  # noqa: SLF001  # its own parser
    Symbols.set(Upbit.id, normalized, info)
    return list(normalized)


def receive(task: Task, meter: Meter) -> None:
    """Run the handler until everything was received."""

    def finished() -> None:
        asyncio.get_running_loop().stop()  # the handler's run() ends with its loop

    def failed(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        errors.append(context.get("exception") or RuntimeError(context["message"]))
        loop.stop()

    errors: list[BaseException] = []
    count = meter.counter(finished)

    async def on_update(update: object, _received_at: float) -> None:
        count(update)

    handler = FeedHandler(config={"uvloop": True, "log": {"disabled": True}})
    asyncio.set_event_loop(asyncio.new_event_loop())  # of uvloop: the handler has set its policy
    symbols = _inject_markets(markets(task))
    channels = [_CHANNELS[kind] for kind in task.types]
    callbacks = dict.fromkeys(channels, on_update)
    handler.add_feed(Upbit(symbols=symbols, channels=channels, callbacks=callbacks, exceptions=[Exception]))
    handler.run(exception_handler=failed)
    if errors:
        raise errors[0]


def main() -> None:
    """Receive, and say what it took."""
    task = Task.from_arguments()
    trust(task)
    cryptofeed.connection.connect = functools.partial(_dial, task.url)
    meter = Meter("cryptofeed", task.messages)
    receive(task, meter)
    meter.report(**versions_of("cryptofeed", "websockets", "yapic.json", "uvloop"))


if __name__ == "__main__":
    main()
