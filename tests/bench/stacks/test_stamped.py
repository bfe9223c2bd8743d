"""Where the id of a trade is found in what each library makes of it, and that noting changes nothing else."""

import asyncio
import json
import sys
import types

import pytest
from bench.latency_log import RECEIVED, LatencyLog, read

from bench import measure
from bench.stacks import stamped


class Book:
    """A message without an id."""


class ShortTrade:
    """What upbit-sdk makes of the SIMPLE format."""

    def __init__(self, sid):
        self.sid = sid


class Trade:
    """What cryptofeed makes: the id is text."""

    def __init__(self, id):  # noqa: A002  # the library's word
        self.id = id


@pytest.fixture
def log(tmp_path):
    return LatencyLog(tmp_path / RECEIVED)


def noted(log):
    log.save()
    return [sequential_id for sequential_id, _ in read(log._path)]


def test_the_id_is_found_whatever_the_message_is_made_of(log):
    counted = []
    take = stamped.noting(log, counted.append)
    messages = [
        {"sid": 1},
        {"sequential_id": 2},
        {"ty": "orderbook"},
        types.SimpleNamespace(sequential_id=3),
        Book(),
        ShortTrade(33),
        Trade("4"),
        Trade("5"),
        {"sid": 6},
    ]
    for message in messages:
        take(message)
    assert noted(log) == [1, 2, 3, 33, 4, 5, 6]
    assert counted == messages


def test_the_moment_is_the_one_before_anything_else_is_done(log, monkeypatch):
    now = iter([5, 6])
    monkeypatch.setattr(stamped, "monotonic_ns", lambda: next(now))
    take = stamped.noting(log, lambda _: None)
    take({"sid": 1})
    take({"sid": 2})
    log.save()
    assert read(log._path) == [(1, 5), (2, 6)]


def test_a_trade_is_noted_before_it_is_counted(log):
    seen = []
    stamped.noting(log, lambda _: seen.append(len(log)))({"sid": 1})
    assert seen == [1]


@pytest.fixture
def stack(tmp_path, monkeypatch):
    """Runs a made-up stack the way a real one is run."""

    def run(name, receive, messages):
        def main():
            receive(measure.Meter(name, messages))

        module = types.ModuleType(f"bench.stacks.{name}")
        setattr(module, "main", main)  # noqa: B010  # a module that is made here has no such attribute for mypy
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setattr(measure, "Meter", measure.Meter)
        argument = json.dumps({"stack": name, "latency": str(tmp_path), "directory": str(tmp_path)})
        monkeypatch.setattr(sys, "argv", ["stamped", argument])
        stamped.main()
        return [sequential_id for sequential_id, _ in read(tmp_path / RECEIVED)]

    return run


def test_a_stack_that_knows_nothing_of_it_is_measured(stack):
    finished = []

    def receive(meter):
        count = meter.counter(lambda: finished.append(True))
        for sequential_id in (7, 8, 9):
            assert not finished
            count({"sid": sequential_id})

    assert stack("made_up", receive, 3) == [7, 8, 9]
    assert finished == [True]


def test_a_stack_is_told_to_be_measured_for_latency(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["stamped", json.dumps({"stack": "sample", "directory": "."})])
    with pytest.raises(SystemExit, match="latency"):
        stamped.main()


def test_what_watch_trades_returns_is_noted_and_books_are_not(log):
    answers = [[{"id": "1"}, {"id": "2"}], {"bids": []}, [{"id": "3"}]]

    async def method(symbol):
        assert symbol == "BTC/KRW"
        if not answers:
            raise asyncio.CancelledError
        return answers.pop(0)

    async def run():
        with pytest.raises(asyncio.CancelledError):
            await stamped._watching(log)(method, "BTC/KRW")

    asyncio.run(run())
    assert noted(log) == [1, 2, 3]
