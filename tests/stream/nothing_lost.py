"""One seeded schedule of faults in virtual time, on a real stream: what of it is wrong at the end.

Run one: ``.venv/bin/python -m tests.stream.nothing_lost 17``, which also tells what was drawn.
"""

from __future__ import annotations

import asyncio
import logging
import random
import signal
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from tests.lab import CREDENTIALS, KEYS
from tests.stream import oracle
from tests.stream.oracle import Window
from tests.stream.schedules import AUDIT_S, OTHER, PRIVATE, Change, Schedule, draw
from tests.stream.witness import Witness, attend
from upbit_stream import Stream
from upbit_stream.net.clock import Clock
from upbit_stream.net.environment import Environment
from upbit_stream.simulator import floor
from upbit_stream.simulator.exchange import Exchange
from upbit_stream.simulator.market import Trade
from upbit_stream.simulator.tape import Tape
from upbit_stream.testing.memory import BASE_URL, MemoryExchange
from upbit_stream.testing.virtual_time import run_virtual

AGAIN = ".venv/bin/python -m tests.stream.nothing_lost"
# After the last fault: a half-open connection is found, replaced and its gap filled; then every market is audited.
SETTLING_S = (90.0, AUDIT_S + 10.0)
SETTLED_WITHIN_S = 1_200.0
OPEN_WITHIN_S = 60.0
# Order books need not be alive here, and their stirring would cost half of the time.
STIR_MS = (1_500, 3_000)
HANGS_AFTER_S = 60  # of the real time


def problems(seed: int) -> list[str]:
    """What is wrong at the end of the schedule with this seed; [] where nothing is."""
    schedule = draw(seed)
    found: list[str] = []

    def hangs(*_: object) -> None:
        raise TimeoutError(f"the schedule takes more than {HANGS_AFTER_S} s")

    before = signal.signal(signal.SIGALRM, hangs)
    signal.alarm(HANGS_AFTER_S)
    try:
        run_virtual(_live(schedule, found))
    except Exception as error:  # noqa: BLE001  # whatever goes wrong is a finding, and other schedules follow
        found.append(f"raised {type(error).__name__}: {error}")
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    return found


def failures(seeds: Iterable[int]) -> dict[int, str]:
    """The seeds whose schedules go wrong, each with what is wrong and how to run it again. For a process of its own."""
    logging.disable()  # what is logged under faults is no finding, and costs a third of the time
    found = {seed: problems(seed) for seed in seeds}
    return {
        seed: "\n".join([f"seed {seed}, again: {AGAIN} {seed}", *(f"  {problem}" for problem in told)])
        for seed, told in found.items()
        if told
    }


async def _live(schedule: Schedule, found: list[str]) -> None:
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: found.append(f"{context['message']}: {context.get('exception')!r}")
    )
    with patch.object(floor, "_STIR_MS", STIR_MS):
        await _live_with_calm_books(schedule, found)


async def _live_with_calm_books(schedule: Schedule, found: list[str]) -> None:
    exchange = Exchange(
        codes=(*schedule.codes, *((OTHER,) if any(change.code == OTHER for change in schedule.changes) else ())),
        start_ms=schedule.start_ms,
        seed=schedule.seed,
        trade_rate=schedule.trade_rate,
        keys=KEYS,
        private_rate=0.3 if schedule.is_private else 0.0,
        faults=schedule.faults,
    )
    world = MemoryExchange(exchange, seed=schedule.seed)
    quotation = exchange._rest._quotation
    quotation._tape = _Behind(quotation._tape, lambda: world.now_ms() - schedule.rest_lag_ms)
    environment = _environment(world, schedule)
    stream = Stream(
        base_url=BASE_URL,
        environment=environment,
        credentials=CREDENTIALS if schedule.is_private else None,
        **schedule.options,
    )
    async with stream:
        await _Run(schedule, world, stream, found).all()


def _environment(world: MemoryExchange, schedule: Schedule) -> Environment:
    """The world's, with a clock that is wrong."""
    environment = world.environment()
    skew_ns = schedule.skew_ms * 1_000_000
    clock = Clock(time_ns=lambda: world.time_ns() + skew_ns, monotonic=environment.clock.monotonic)
    return replace(environment, clock=clock)


class _Behind(Tape):
    """The tape as REST tells it: without the newest trades."""

    def __init__(self, real: Tape, until_ms: Callable[[], int]) -> None:
        self._real = real
        self._until_ms = until_ms

    def find(self, sequential_id: int) -> Trade | None:
        return self._real.find(sequential_id)

    def page(
        self, code: str, day: int, count: int, *, before: Trade | None = None, to_ms: int | None = None
    ) -> list[Trade]:
        until_ms = self._until_ms() if to_ms is None else min(to_ms, self._until_ms())
        return self._real.page(code, day, count, before=before, to_ms=until_ms)


class _Run:
    """The life of one stream: what is subscribed, what befalls it, and the verdict."""

    def __init__(self, schedule: Schedule, world: MemoryExchange, stream: Stream, found: list[str]) -> None:
        self._schedule = schedule
        self._world = world
        self._stream = stream
        self._found = found
        self._chance = random.Random(f"{schedule.seed}/witnesses")
        self._windows: dict[tuple[str, str], Window] = {}
        self._account: list[Any] = []
        self._candles: list[Any] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._is_over = False

    async def all(self) -> None:
        """Live through it, and judge."""
        schedule, stream = self._schedule, self._stream
        witnesses = attend(stream, schedule.witnesses, self._hurry_ms, self._chance)
        if any(kind.startswith("candle") for kind in schedule.kinds):
            stream.on("candle", self._candles.append)
        if schedule.is_private:
            stream.on("myOrder", self._account.append)
            stream.on("myAsset", self._account.append)
        self._begin(self._befall())
        self._begin(self._change_now_and_then())
        for seconds, count in schedule.bursts:
            self._world.exchange.agenda.add(schedule.start_ms + int(seconds * 1_000), self._burst(count))
        for kind in ("trade", *schedule.kinds):
            await self._subscribe(kind, () if kind in PRIVATE else schedule.codes)
        await asyncio.sleep((schedule.start_ms + schedule.seconds * 1_000 - self._world.now_ms()) / 1_000)
        await self._settle()
        await self._judge(witnesses)

    async def _settle(self) -> None:
        self._is_over = True
        for pause_s in SETTLING_S:
            await asyncio.sleep(pause_s)
            async with asyncio.timeout(SETTLED_WITHIN_S):
                await self._stream.settled()
        await self._open()
        for _ in range(20):  # what was sent in this moment arrives in it
            await asyncio.sleep(0)
        for task in self._tasks:
            if not task.done():
                self._found.append(f"still waits: {task.get_coro()!r}")
            elif task.exception() is not None:
                self._found.append(f"a call failed: {task.exception()!r}")

    async def _open(self) -> None:
        """Until it is connected with nothing left to recover: a silent market may have its connection replaced."""
        try:
            async with asyncio.timeout(OPEN_WITHIN_S):
                while set(self._stream.connections().values()) != {"open"} or self._stream.gaps():  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
        except TimeoutError:
            self._found.append(f"not open at the end: {self._stream.connections()}, {self._stream.gaps()}")

    def _hurry_ms(self) -> int:
        """The time by which the slow witness sees that it is late: at the end it always is."""
        return self._world.now_ms() + (3_600_000 if self._is_over else 0)

    def _begin(self, coroutine: Any) -> None:
        self._tasks.append(asyncio.create_task(coroutine))

    # what is wanted

    async def _subscribe(self, kind: str, codes: tuple[str, ...]) -> None:
        window = Window(asked_ms=self._world.now_ms())
        for code in codes or ("",):
            self._windows[kind, code] = window
        await self._stream.subscribe(kind, codes)
        window.confirmed_ms = self._world.now_ms()

    async def _change_now_and_then(self) -> None:
        subscribing: dict[tuple[str, str], asyncio.Task[None]] = {}
        for change in self._schedule.changes:
            await self._until(change.at_s)
            if change.ends:
                self._begin(self._end(change, subscribing[change.kind, change.code]))
            else:
                self._begin(self._subscribe(change.kind, (change.code,)))
                subscribing[change.kind, change.code] = self._tasks[-1]

    async def _end(self, change: Change, subscribing: asyncio.Task[None]) -> None:
        await asyncio.wait([subscribing])
        self._windows[change.kind, change.code].ended_ms = self._world.now_ms()
        await self._stream.unsubscribe(change.kind, [change.code])

    # what befalls it

    async def _befall(self) -> None:
        moments: list[tuple[float, Callable[[], None]]] = []
        for from_s, for_s in self._schedule.unreachable:
            moments += [(from_s, self._lose_the_net), (from_s + for_s, self._find_the_net)]
        moments += [(at_s, self._stream.reconnect) for at_s in self._schedule.reconnects]
        for at_s, act in sorted(moments, key=lambda moment: moment[0]):
            await self._until(at_s)
            act()

    def _lose_the_net(self) -> None:
        self._world.reachable = False
        for connection in tuple(self._world.connections):
            connection.freeze()

    def _find_the_net(self) -> None:
        self._world.reachable = True

    def _burst(self, count: int) -> Callable[[int], None]:
        def trade(at_ms: int) -> None:
            for _ in range(count):
                self._world.exchange._floor._execute(at_ms)

        return trade

    async def _until(self, at_s: float) -> None:
        await asyncio.sleep(max(0.0, at_s - (self._world.now_ms() - self._schedule.start_ms) / 1_000))

    # what came of it

    async def _judge(self, witnesses: list[Witness]) -> None:
        end_ms = self._world.now_ms()
        exchange = self._world.exchange
        trades = {code: window for (kind, code), window in self._windows.items() if kind == "trade"}
        for witness in witnesses:
            told = [
                *oracle.trades(witness, exchange.tape, trades, end_ms),
                *oracle.gaps(
                    witness,
                    is_redundant=self._schedule.options["connections"] > 1,
                    is_ordered=self._schedule.options["ordered"],
                ),
            ]
            if self._schedule.options["ordered"] and witness.name != "tap":
                told += oracle.order(witness)
            self._found += [f"{witness.name}: {problem}" for problem in told]
        if self._candles:
            self._found += oracle.candles(self._candles, exchange, self._windows, end_ms)
        if self._schedule.is_private:
            [account] = exchange.accounts.values()
            self._found += oracle.orders(self._account, account, self._windows.get(("myOrder", "")))
            self._found += oracle.balances(self._account, account, self._windows.get(("myAsset", "")))
        self._found += oracle.limits(exchange.stats)
        if failed := self._stream.counts()["handler_errors"]:
            self._found.append(f"{failed} handlers failed")


if __name__ == "__main__":
    for text in sys.argv[1:]:
        print(draw(int(text)))  # noqa: T201  # for whoever looks for the reason
        print(*(problems(int(text)) or ["nothing is wrong"]), sep="\n")  # noqa: T201  # likewise
