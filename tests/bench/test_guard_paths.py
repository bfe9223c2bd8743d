"""That each path does what is counted of it: see `bench.guard.paths`."""

import asyncio
import json
import os
import re
from typing import Any

import pytest
from bench.guard import program
from bench.guard.paths import WAYS
from bench.loads import payloads

CLIENTS = [name for name, way in WAYS.items() if way.reference != name]


def run(name, directory, *, warm=300, messages=200, change=lambda made: made):
    made = change(list(payloads(WAYS[name].load, warm + messages)))
    with asyncio.Runner(loop_factory=program.StillLoop) as runner:
        return runner.run(program.run(name, made, warm, directory))


@pytest.mark.parametrize("name", WAYS)
def test_each_message_is_delivered_once(name, tmp_path):
    assert run(name, tmp_path) == {"messages": 200, "delivered": 200}


@pytest.mark.parametrize("name", CLIENTS)
def test_what_is_not_delivered_is_not_counted_as_delivered(name, tmp_path):
    def with_garbage(made):
        return [*made[:-1], b'{"what": "is that"']

    assert run(name, tmp_path, change=with_garbage)["delivered"] == 199


@pytest.mark.parametrize("name", CLIENTS)
def test_every_market_has_spoken_before_anything_is_counted(name, tmp_path):
    way = WAYS[name]

    async def awaited():
        feed: Any = way.open(way.load, tmp_path)
        await feed.feed([])
        before = feed.client.hub.continuity.awaits(feed.client.intake)
        await feed.feed(list(payloads(way.load, 1_000)))
        after = feed.client.hub.continuity.awaits(feed.client.intake)
        feed.close()
        return before, after

    with asyncio.Runner(loop_factory=program.StillLoop) as runner:
        assert runner.run(awaited()) == (True, False)


def test_what_is_recorded_is_what_came(tmp_path):
    run("recording, load A", tmp_path)
    lines = [line for path in tmp_path.glob("KRW-*.jsonl") for line in path.read_bytes().splitlines()]
    assert len(lines) == 500


def test_a_reference_decodes_the_same_load():
    assert {way.load for way in WAYS.values() if WAYS[way.reference].load is not way.load} == set()
    assert all(WAYS[way.reference].reference == way.reference for way in WAYS.values())


def test_the_marks_stand_around_what_is_counted(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(os, program.MARK, lambda: seen.append("mark"))

    class Feed:
        async def feed(self, payloads):
            seen.extend(payloads)

        def delivered(self):
            return len(seen)

        def close(self):
            pass

    way = WAYS["handler, load A"]
    monkeypatch.setitem(WAYS, "a path", type(way)("a path", way.load, lambda *_: Feed(), "a path"))
    asyncio.run(program.run("a path", [b"warm", b"1", b"2"], 1, tmp_path))
    assert seen == [b"warm", "mark", b"1", b"2", "mark"]


def test_the_program_takes_its_payloads_from_a_file(tmp_path, monkeypatch, capsys):
    file = tmp_path / "payloads"
    file.write_bytes(b"\n".join(payloads(WAYS["handler, load B"].load, 12)))
    task = {"path": "handler, load B", "payloads": str(file), "warm": 5, "directory": str(tmp_path)}
    monkeypatch.setattr("sys.argv", ["program", json.dumps(task)])
    program.main()
    assert json.loads(capsys.readouterr().out) == {"messages": 7, "delivered": 7}


def test_the_names_tell_the_load():
    assert [name for name, way in WAYS.items() if not re.search(rf"load {way.load.name}\b", name)] == []
