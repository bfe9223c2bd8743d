"""Runs of a recorder that die at any moment, one after the other: in the end each trade is there, and there once."""

import json
import random
from contextlib import suppress

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.record.trades import NOW, S, gap, recovered, trade

from upbit_stream.record import Recorder, read_gaps
from upbit_stream.record.gaps import GAPS

TRADES = "SGD-BTC_trade.jsonl"
OVERLAP_NS = 5 * S


class Died(Exception):
    """The process was killed."""


class World:
    """Time, and the trades that really happened: id and time."""

    def __init__(self, chance):
        self.chance = chance
        self.now_ns = NOW
        self.tape = []

    def goes_on(self, seconds):
        """Let time pass; return the trades that it brought."""
        first = len(self.tape)
        for _ in range(seconds):
            self.now_ns += S
            if self.chance.random() < 0.5:
                self.tape.append((len(self.tape) + 1, self.now_ns - self.chance.randrange(S)))
        return self.tape[first:]


class Run:
    """What a stream does, as far as a recorder sees it; it may die before every step."""

    def __init__(self, directory, world, *, dies):
        self.world = world
        self.dies = dies
        self.recorder = Recorder(directory, flush_bytes=world.chance.choice([1, 300, 100_000]))
        self.known = set()
        self.gaps = []
        self.handlers = {}
        self.recorder.attach(self)

    # what a recorder wires

    def resume(self, marks):
        for mark in marks:
            self.known |= set(mark.trades)
            self.gaps.append((mark.received_at_ns, self.world.now_ns))
            for unfilled in mark.unfilled:
                self.known |= unfilled.trades
                self.gaps.append((unfilled.from_ns, unfilled.to_ns))

    def tap(self, tap, sink=None):
        self.write = tap

    def on(self, name, handler):
        self.handlers[name] = handler

    # its life

    def goes_on(self):
        self.world.chance.shuffle(self.gaps)
        events = [gap(number, from_ns=begin, to_ns=end) for number, (begin, end) in enumerate(self.gaps, 1)]
        for event in events:
            self.step(self.handlers["gap"], event)
        self.live(1)
        for event in events:
            self.fill(event)
        self.live(self.world.chance.randrange(400))
        if self.world.chance.random() < 0.5:  # a connection is lost
            lost_ns = self.world.now_ns
            self.world.goes_on(self.world.chance.randrange(1, 400))
            event = gap(len(events) + 1, from_ns=lost_ns, to_ns=self.world.now_ns)
            self.step(self.handlers["gap"], event)
            self.live(2)
            self.fill(event)

    def live(self, seconds):
        for _ in range(seconds):
            for id_, at_ns in self.world.goes_on(1):
                self.known.add(id_)
                self.step(self.write, trade(id_, self.world.now_ns, traded_ns=at_ns))
            if self.world.chance.random() < 0.3:
                self.step(self.recorder.flush)

    def fill(self, event):
        count = 0
        for id_, at_ns in self.world.tape:
            if event.from_ns - OVERLAP_NS <= at_ns <= event.to_ns and id_ not in self.known:
                self.known.add(id_)
                count += 1
                self.step(self.write, trade(id_, self.world.now_ns, traded_ns=at_ns, stream_type="RECOVERED"))
        event = recovered(event.number, count=count, from_ns=event.from_ns, to_ns=event.to_ns)
        self.step(self.handlers["recovered"], event)

    def step(self, action, *arguments):
        if self.dies and self.world.chance.random() < 0.01:
            self.die()
            raise Died
        action(*arguments)

    def die(self):
        """What a killed process leaves: what it had written, and perhaps a part of one write more."""
        self.recorder._pool.close()
        self.recorder._lock.release()
        for name in (TRADES, GAPS):
            path = self.recorder.directory / name
            if path.exists() and self.world.chance.random() < 0.5:
                with path.open("ab") as file:
                    file.write(b'{"type":"trade","code":"SG'[: self.world.chance.randrange(30)])


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32))
def test_whenever_runs_die_each_trade_is_recorded_once(tmp_path_factory, seed):
    world = World(random.Random(seed))
    directory = tmp_path_factory.mktemp("data")
    for _ in range(7):
        run = Run(directory, world, dies=True)
        with suppress(Died):
            run.goes_on()
            run.recorder.close()
        world.goes_on(world.chance.randrange(600))
    last = Run(directory, world, dies=False)
    last.goes_on()
    last.recorder.close()

    recorded = [json.loads(line)["sequential_id"] for line in (directory / TRADES).read_bytes().splitlines()]
    assert sorted(recorded) == list(range(min(recorded), len(world.tape) + 1))
    assert [row for row in read_gaps(directory) if row.state == "open"] == []
