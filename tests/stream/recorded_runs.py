"""Runs of a recorder on a stream, one after the other in one directory, and what their files hold in the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from tests.lab import CREDENTIALS, KEYS, START_MS
from tests.stream import oracle
from tests.stream.oracle import Window
from upbit_stream import Stream, Subscription
from upbit_stream.model.marks import Mark
from upbit_stream.record import Recorder, read_gaps, read_recording
from upbit_stream.simulator.exchange import Exchange
from upbit_stream.testing.memory import BASE_URL, MemoryExchange

EVERYTHING = ("trade:SGD-BTC,SGD-ETH", "myOrder", "myAsset")


class Mortal:
    """A stream as a recorder sees it, until the process is killed: nothing is written from then on."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.is_alive = True

    def resume(self, marks: Iterable[Mark]) -> None:
        self._stream.resume(marks)

    def tap(self, tap: Callable[[Any], None], sink: Any = None) -> None:
        self._stream.tap(self._while_alive(tap), lambda first: self._while_alive(sink(first)))

    def on(self, name: str, handler: Callable[[Any], None]) -> None:
        self._stream.on(name, self._while_alive(handler))

    def _while_alive(self, call: Callable[..., None]) -> Callable[..., None]:
        def call_while_alive(*arguments: Any) -> None:
            if self.is_alive:
                call(*arguments)

        return call_while_alive


class Runs:
    """An exchange in memory, and the directory that every run records it to."""

    def __init__(self, directory: Path, *, seed: int = 0, start_ms: int = START_MS, **exchange: Any) -> None:
        self.directory = directory
        arguments: dict[str, Any] = {"trade_rate": 2.0, "private_rate": 0.0, **exchange}
        self.exchange = Exchange(start_ms=start_ms, seed=seed, keys=KEYS, **arguments)
        self.world = MemoryExchange(self.exchange, seed=seed)
        self.window = Window(asked_ms=start_ms)
        self.ended_ms = 0

    @asynccontextmanager
    async def run(self, *texts: str, killed: bool = True, **options: Any) -> AsyncIterator[Stream]:
        """Record, as the command line does. A run that is killed leaves its files as they are at that moment."""
        recorder = Recorder(self.directory)
        stream = Stream(base_url=BASE_URL, environment=self.world.environment(), credentials=CREDENTIALS, **options)
        async with stream:
            mortal = Mortal(stream)
            recorder.attach(mortal)
            await stream.subscribe_all([Subscription.parse(text) for text in texts or EVERYTHING])
            self.window.confirmed_ms = self.window.confirmed_ms or self.world.now_ms()
            flushing = asyncio.create_task(self._flush(recorder))
            yield stream
            if not killed:
                await asyncio.sleep(20)  # to the last look after a gap
                await stream.settled()
                self.ended_ms = self.world.now_ms()
                await asyncio.sleep(0.1)  # what was sent by then arrives
            flushing.cancel()
            with suppress(asyncio.CancelledError):
                await flushing
            if killed:
                mortal.is_alive = False
                recorder._pool.close()
                recorder._lock.release()
        if not killed:
            recorder.close()

    async def _flush(self, recorder: Recorder) -> None:
        while True:
            await asyncio.sleep(1)
            recorder.flush()

    # the account, which acts when it is told to

    def place(self, code: str = "SGD-BTC", volume: str = "1") -> str:
        return self.exchange.place_order("access-1", code, "BID", "100", volume, now_ms=self.world.now_ms())

    def fill(self, uuid: str, volume: str) -> None:
        self.exchange.fill_order("access-1", uuid, volume, now_ms=self.world.now_ms())

    def cancel(self, uuid: str) -> None:
        self.exchange.cancel_order("access-1", uuid, now_ms=self.world.now_ms())

    # what was recorded

    def recorded(self, kind: str) -> list[Any]:
        """The messages of a type as they stand in its files."""
        return [message for path in sorted(self.directory.glob(f"*{kind}.jsonl")) for message in read_recording(path)]

    def told_of(self, uuid: str) -> list[tuple[str, str, str]]:
        """What was told of an order: its state, how much of it is executed, and whether that was recovered."""
        return [
            (order.state, f"{order.executed_volume.normalize():f}", order.stream_type)
            for order in self.recorded("myOrder")
            if order.uuid == uuid
        ]

    def problems(self) -> list[str]:
        """What is wrong with the files. To be asked after the last run, at whose end nothing was on its way."""
        [account] = self.exchange.accounts.values()
        found = [problem for code in self.exchange.codes for problem in self._trades(code)]
        found += oracle.orders(self.recorded("myOrder"), account, self.window)
        found += oracle.balances(self.recorded("myAsset"), account, self.window)
        return found + [f"open: {gap}" for gap in read_gaps(self.directory) if gap.state != "recovered"]

    def _trades(self, code: str) -> list[str]:
        """From the first row on every trade of the tape is there once, and none of before."""
        ids = [trade.sequential_id for trade in self.recorded("trade") if trade.code == code]
        tape = [trade for trade in self.exchange.tape if trade.code == code]
        since = tape[[trade.sequential_id for trade in tape].index(ids[0]) :]
        wanted = [trade.sequential_id for trade in since if trade.trade_timestamp <= self.ended_ms]
        missing = set(wanted) - set(ids)
        more = set(ids) - {trade.sequential_id for trade in since}
        return [
            *([f"{code}: missing {sorted(missing)}"] if missing else []),
            *([f"{code}: of before the beginning {sorted(more)}"] if more else []),
            *([f"{code}: recorded twice"] if len(ids) != len(set(ids)) else []),
        ]
