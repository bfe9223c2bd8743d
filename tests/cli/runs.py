"""One recording of the real stream on the stand-in exchange in memory."""

import asyncio
import json

from upbit_stream.cli.connections import Connections
from upbit_stream.cli.recording import record_until
from upbit_stream.model.subscription import Subscription
from upbit_stream.record import Recorder
from upbit_stream.simulator import Exchange
from upbit_stream.stream import Stream
from upbit_stream.testing.memory import BASE_URL, MemoryExchange

TRADES = "SGD-BTC_trade.jsonl"


def new_world():
    return MemoryExchange(Exchange(codes=("SGD-BTC",), trade_rate=5.0, start_ms=1_790_000_000_000))


class Run:
    """One recording and what it needs; ``on_tick`` may be set to have something happen in the course of it."""

    def __init__(self, directory, *, world=None, streams=("trade:SGD-BTC",), flush_bytes=64 * 1024, **options):
        self.world = world or new_world()
        self.stream = Stream(base_url=BASE_URL, environment=self.world.environment(), **options)
        self.recorder = Recorder(directory, flush_bytes=flush_bytes)
        self.connections = Connections()
        self.ending = asyncio.Event()
        self.ticks = 0
        self.on_tick = lambda: None
        self._subscriptions = [Subscription.parse(text) for text in streams]

    async def until_the_end(self, duration_s=None):
        try:
            await self.until_the_process_ends(duration_s)
        finally:
            self.recorder.close()

    async def until_the_process_ends(self, duration_s=None):
        def tick():
            self.ticks += 1
            self.on_tick()

        await record_until(
            self.ending,
            self.stream,
            self.recorder,
            self._subscriptions,
            self.connections,
            duration_s=duration_s,
            on_tick=tick,
        )


def rows(path):
    return [json.loads(line) for line in path.read_bytes().splitlines()]
