"""Frames and REST answers spoilt at random: a stream goes on, holds no more memory, and is right afterwards."""

import asyncio
import gc
import json
import os
import random
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from tests.extent import extent
from tests.lab import CREDENTIALS, KEYS, START_MS, Lab
from tests.net.mutations import mutated
from tests.wire import documented as doc

from upbit_stream import MalformedMessage, OrderBook, Stream
from upbit_stream.record import Recorder
from upbit_stream.simulator.exchange import Exchange
from upbit_stream.testing.memory import BASE_URL, MemoryExchange
from upbit_stream.testing.virtual_time import run_virtual

FRAMES = extent(25_000, 5_000)  # in each format: 100,000
ANSWERS = 600
CODES = ("SGD-BTC", "KRW-BTC")
SLOW_S = 5.0  # for one frame: ten thousand times what it takes, on a machine that is busy
GROWTH_BYTES = 96 * 2**20  # spoilt names, ids and moments must not pile up
CAPTURE = Path(__file__).parent.parent / "captures" / "upbit-kr-2021-04-17.tsv"
STATUS = [b'{"status":"UP"}', b'[{"status":"UP"}]']
ERRORS = [
    b'{"error":{"name":"WRONG_FORMAT","message":"text"}}',
    b'[{"error":{"name":"TOO_MANY_REQUEST","message":"text"}}]',
    b'{"method":"LIST_SUBSCRIPTIONS","result":[{"type":"trade","codes":["A-B"]}],"ticket":"t"}',
    b'{"mthd":"LIST_SUBSCRIPTIONS","rslt":[{"ty":"trade","cds":["A-B"]}],"tckt":"t"}',
]


def memory_bytes():
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Spoiler:
    """Connections that bring, after each real frame, spoilt ones; and a transport that spoils REST answers."""

    def __init__(self, world, wire_format, seed):
        self.frames = 0
        self.answers = 0
        self.each_frame = 0
        self.answer_odds = 0.0
        self.slowest_s = 0.0
        self.chance = random.Random(seed)
        self.environment = replace(world.environment(), connector=self, rest_transport=self._transport)
        self._world = world
        captured = [line.split(b"\t", 1)[1] for line in CAPTURE.read_bytes().splitlines()]
        self._others = [*captured, *(doc.payload(doc.example(kind), wire_format) for kind in doc.KINDS), *STATUS]

    async def connect(self, url, *, headers, listener, admission):
        wrapped = _Listener(self, listener)
        return await self._world.connect(url, headers=headers, listener=wrapped, admission=admission)

    def spoil(self, payload, receive):
        for _ in range(self.each_frame):
            roll = self.chance.random()
            if roll < 0.0005:
                payload = self.chance.choice(ERRORS)
            elif roll < 0.4:
                payload = self.chance.choice(self._others)
            spoilt = mutated(payload, self.chance)
            self.frames += 1
            began = time.perf_counter()
            receive(spoilt)
            self.slowest_s = max(self.slowest_s, time.perf_counter() - began)

    def _transport(self):
        return _Transport(self, self._world.environment().rest_transport())


class _Listener:
    def __init__(self, spoiler, listener):
        self._spoiler = spoiler
        self._listener = listener
        self._receive = listener.receive
        self._open = True
        self.pong = listener.pong

    def receive(self, payload):
        self._receive(payload)
        self._spoiler.spoil(payload, self._further)

    def _further(self, payload):
        if self._open:
            self._receive(payload)

    def closed(self, reason):
        self._open = False
        self._listener.closed(reason)


class _Transport(httpx.AsyncBaseTransport):
    def __init__(self, spoiler, inner):
        self._spoiler = spoiler
        self._inner = inner

    async def handle_async_request(self, request):
        response = await self._inner.handle_async_request(request)
        chance = self._spoiler.chance
        if chance.random() >= self._spoiler.answer_odds:
            return response
        self._spoiler.answers += 1
        status, headers, body = response.status_code, list(response.headers.raw), await response.aread()
        roll = chance.random()
        if roll < 0.8:
            body = mutated(body, chance)
        elif roll < 0.9:
            status = chance.choice([100, 204, 206, 301, 304, 400, 404, 500, 502, 599])
        else:
            place = chance.randrange(len(headers))
            name, value = headers[place]
            headers[place] = (name, chance.choice([b"", b"\xff", b"9" * 5000, value[::-1]]))
        headers = [pair for pair in headers if pair[0].lower() != b"content-length"]
        return httpx.Response(status, headers=headers, content=body, request=request)


class Laboratory(Lab):
    """A stream on a spoilt exchange, and what it delivered."""

    def __init__(self, world, stream, spoiler):
        super().__init__(world, stream)
        self.spoiler = spoiler
        self.trades = []
        self.delivered = 0
        self.problems = []

    def take(self, message):
        self.delivered += 1
        if type(message) is OrderBook:
            try:
                len(message.orderbook_units)
            except MalformedMessage:
                return
        repr(message)
        if message.type == "trade":
            self.trades.append((message.code, message.sequential_id, message.trade_timestamp))


@asynccontextmanager
async def spoilt(seed, *, wire_format="DEFAULT", trade_rate=20.0, **options):
    exchange = Exchange(
        start_ms=START_MS, seed=seed, keys=KEYS, codes=CODES, trade_rate=trade_rate, tape_limit=5_000, private_rate=2.0
    )
    world = MemoryExchange(exchange, seed=seed)
    spoiler = Spoiler(world, wire_format, seed)
    stream = Stream(
        base_url=BASE_URL,
        environment=spoiler.environment,
        credentials=CREDENTIALS,
        format=wire_format,
        reconnect_delay_s=(0.1, 0.5),
        **options,
    )
    async with stream:
        lab = Laboratory(world, stream, spoiler)
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: lab.problems.append(context))
        stream.on("event", lambda event: lab.events.append(event.type))
        stream.on("message", lab.take)
        yield lab
        assert lab.problems == []
        assert stream.counts()["handler_errors"] == 0


async def subscribe(lab):
    for type_ in ("ticker", "trade", "orderbook", "candle.1s", "candle.1m"):
        await lab.stream.subscribe(type_, CODES)
    await lab.stream.subscribe("myOrder")
    await lab.stream.subscribe("myAsset")


async def assert_right_again(lab):
    """From now on everything is as it should be: each trade comes once, also those of a lost connection."""
    lab.spoiler.each_frame, lab.spoiler.answer_odds = 0, 0.0
    await asyncio.sleep(120)  # a session that was begun is over its troubles, budgets are free
    async with asyncio.timeout(1_200):
        await lab.stream.settled()
    before = memory_bytes()
    from_ms = lab.world.now_ms()
    lab.trades.clear()
    await asyncio.sleep(20)
    for connection in list(lab.world.connections):
        connection.reset()
    await asyncio.sleep(20)
    async with asyncio.timeout(600):
        await lab.stream.settled()
    to_ms = lab.world.now_ms() - 1_000
    span = [trade for trade in lab.exchange.tape if from_ms <= trade.trade_timestamp < to_ms]
    delivered = [trade for trade in lab.trades if from_ms <= trade[2] < to_ms]
    assert len(span) > 400
    assert sorted(delivered) == sorted((trade.code, trade.sequential_id, trade.trade_timestamp) for trade in span)
    assert set(lab.stream.connections().values()) == {"open"}
    return before


def told(seed, **facts):
    print(f"seed {seed}: {json.dumps(facts)}")  # noqa: T201  # shown where the test fails


@pytest.mark.parametrize("wire_format", doc.FORMATS)
def test_spoilt_frames_do_no_harm(wire_format, tmp_path):
    """With a recorder as a tap in two of the formats."""
    seed = 20261122 + doc.FORMATS.index(wire_format)
    began = time.monotonic()
    is_recorded = wire_format in ("SIMPLE", "JSON_LIST")
    recorder = Recorder(tmp_path) if is_recorded else None

    async def scenario():
        async with spoilt(seed, wire_format=wire_format) as lab:
            if recorder is not None:
                recorder.attach(lab.stream)
            await subscribe(lab)
            consumer = lab.stream.messages(policy="drop_oldest", buffer=100, events=True)
            sizes = []
            lab.spoiler.each_frame = 40
            while lab.spoiler.frames < FRAMES:
                await asyncio.sleep(0.5)
                lab.events.clear()
                lab.trades.clear()
                if recorder is not None:
                    recorder.flush()
                if lab.spoiler.frames > FRAMES * len(sizes) / 10:
                    sizes.append(memory_bytes())
            assert lab.stream.counts()["malformed"] > FRAMES / 10
            await assert_right_again(lab)
            lab.stream.remove(consumer)
            return lab, sizes

    lab, sizes = run_virtual(scenario())
    if recorder is not None:
        recorder.close()
    facts = {"frames": lab.spoiler.frames, "slowest_s": lab.spoiler.slowest_s, "delivered": lab.delivered}
    told(seed, **facts, grown=sizes[-1] - sizes[1], took_s=time.monotonic() - began)
    assert sizes[-1] - sizes[1] < GROWTH_BYTES
    assert lab.spoiler.slowest_s < SLOW_S


def test_spoilt_answers_do_no_harm():
    seed = 20261130
    began = time.monotonic()

    async def scenario():
        async with spoilt(seed, trade_rate=20.0) as lab:
            await subscribe(lab)
            lab.spoiler.answer_odds = 0.7
            sizes = []
            while lab.spoiler.answers < ANSWERS:
                await asyncio.sleep(lab.spoiler.chance.uniform(1, 20))
                lab.trades.clear()
                for connection in list(lab.world.connections):
                    connection.reset()
                sizes.append(memory_bytes())
            await assert_right_again(lab)
            return lab, sizes

    lab, sizes = run_virtual(scenario())
    grown = sizes[-1] - sizes[len(sizes) // 10]
    told(seed, answers=lab.spoiler.answers, grown=grown, took_s=time.monotonic() - began)
    assert "recovered" in lab.events
    assert grown < GROWTH_BYTES
