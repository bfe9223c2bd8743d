"""Any stack, measured for latency: its user notes when a trade came, then counts it as ever.

One more key in the argument: ``stack``, the module here that is run. Every stack gives its messages to what
`Meter.counter` makes; that is replaced, so the stacks know nothing of it. Standard library only, as the environments of
the peers have nothing else.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import operator
import sys
from collections.abc import Awaitable, Callable
from time import monotonic_ns
from typing import Any

from bench import measure
from bench.latency_log import LatencyLog

_SETTLED_S = 0.5

Count = Callable[[object], None]


def id_getter(message: object) -> Callable[[Any], int | None]:
    """What finds the id of a trade in messages of this one's class. None is found in other messages."""
    if isinstance(message, dict):
        return lambda one: one.get("sid") or one.get("sequential_id")
    for name in ("sequential_id", "sid"):
        if hasattr(message, name):
            return operator.attrgetter(name)
    if hasattr(message, "id"):
        return lambda one: int(one.id)
    return lambda _: None


def noting(log: LatencyLog, count: Count) -> Count:
    """Note the trades, then count. What it does for every message is in every figure, so it is little."""
    getters: dict[type, Callable[[Any], int | None]] = {}
    put = log.put

    def take(message: object) -> None:
        now = monotonic_ns()
        getter = getters.get(type(message))
        if getter is None:
            getter = getters[type(message)] = id_getter(message)
        if sequential_id := getter(message):
            put(sequential_id)
            put(now)
        count(message)

    return take


class StampingMeter(measure.Meter):
    """A meter whose counter notes trades first."""

    log: LatencyLog

    def counter(self, finished: Callable[[], object]) -> Count:
        """See `Meter.counter`."""
        return noting(self.log, super().counter(finished))


class LateMeter(measure.Meter):
    """For ccxt, whose messages are counted before its user has them: nothing is noted here, and the end waits."""

    def counter(self, finished: Callable[[], object]) -> Count:
        """See `Meter.counter`."""
        return super().counter(lambda: asyncio.get_running_loop().call_later(_SETTLED_S, finished))


def _watching(log: LatencyLog) -> Callable[[Callable[[str], Awaitable[Any]], str], Awaitable[None]]:
    """What takes the place of the loop of ccxt's user: notes the trades that each `watch_trades` returns."""

    async def watch(method: Callable[[str], Awaitable[Any]], symbol: str) -> None:
        while True:
            found = await method(symbol)
            if isinstance(found, list):  # of trades; a book is a dict
                for trade in found:
                    log.note(int(trade["id"]))

    return watch


def main() -> None:
    """Run the stack, and save what was noted."""
    name = json.loads(sys.argv[1])["stack"]
    log = LatencyLog.from_arguments()
    if log is None:
        raise SystemExit("this measures latency: it wants the key latency")
    late = name == "ccxt_pro"
    StampingMeter.log = log
    # Before the stack is imported: it takes the class by its name.
    measure.Meter = LateMeter if late else StampingMeter  # type: ignore[misc]
    stack = importlib.import_module(f"bench.stacks.{name}")
    if late:
        stack._watch = _watching(log)  # type: ignore[attr-defined]  # noqa: SLF001
    stack.main()
    log.save()


if __name__ == "__main__":
    main()
