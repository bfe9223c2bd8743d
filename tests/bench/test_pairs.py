"""What the two processes of a run are told, and that a sender is waited for."""

import contextlib
import dataclasses
import json
from typing import Any

import pytest
from bench.measure import Task
from bench.processes import Cores, Failed

from bench import pairs

TASK = pairs.FullTask(
    url="ws://127.0.0.1:1/websocket/v1",
    load="A",
    format="SIMPLE",
    messages=5,
    more={"consumer": "handler", "slow": None},
)


def test_a_full_task_tells_the_usual_and_more():
    told = json.loads(TASK.to_json())
    assert told.pop("consumer") == "handler"
    assert told.pop("slow") is None
    assert told == json.loads(Task(TASK.url, "A", "SIMPLE", 5).to_json())


def test_it_stays_full_with_another_directory():
    changed = dataclasses.replace(TASK, directory="/somewhere")
    told = json.loads(changed.to_json())
    assert (told["directory"], told["consumer"]) == ("/somewhere", "handler")
    assert Task.from_arguments([changed.to_json()]).directory == "/somewhere"


@pytest.fixture
def started(monkeypatch):
    """What would have been started."""
    calls: dict[str, tuple[Any, ...]] = {}

    @contextlib.contextmanager
    def blaster(told, core, program):
        calls["sender"] = (told, core, program)
        yield 4711

    def run_stack(program, task, core, **options):
        calls["stack"] = (program, task, core, options)
        return {"messages": task.messages}

    monkeypatch.setattr(pairs, "blaster", blaster)
    monkeypatch.setattr(pairs, "run_stack", run_stack)
    return calls


def pair(**options):
    return pairs.Pair("fan", "scale_ours", "A", "SIMPLE", ("KRW-BTC",), ("trade",), 5, **options)


def test_both_get_the_load_and_each_its_own_and_its_core(started):
    found = pairs.run(pair(sends={"connections": 2}, does={"slow": 10}, settings={"A": "1"}, limit_s=7), Cores(0, 1))
    assert found == {"messages": 5}
    told, core, sender = started["sender"]
    assert (sender, core) == ("bench.fan", 0)
    assert told == {"load": "A", "format": "SIMPLE", "messages": 5, "codes": ["KRW-BTC"], "connections": 2}
    stack, task, at, options = started["stack"]
    assert (stack, at) == ("scale_ours", 1)
    assert task.url == "ws://127.0.0.1:4711/websocket/v1"
    assert (task.codes, task.types, task.more) == (["KRW-BTC"], ["trade"], {"slow": 10})
    assert options == {"python": None, "settings": {"A": "1"}, "limit_s": 7}


def test_what_the_sender_leaves_is_waited_for(started, tmp_path, monkeypatch):
    left = tmp_path / "sent"
    monkeypatch.setattr("bench.pairs.time.sleep", lambda _: left.touch())
    assert pairs.run(pair(awaited=left), Cores(None, None)) == {"messages": 5}
    assert left.exists()


def test_a_sender_that_leaves_nothing_has_failed(started, tmp_path, monkeypatch):
    now = iter(range(0, 1000, 3))
    monkeypatch.setattr("bench.pairs.time.sleep", lambda _: None)
    monkeypatch.setattr("bench.pairs.time.monotonic", lambda: next(now))
    with pytest.raises(Failed, match="did not leave sent within 10 s"):
        pairs.run(pair(awaited=tmp_path / "sent"), Cores(None, None))
