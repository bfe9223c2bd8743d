"""The processes: what a stack's end means, and that stacks and blaster meet in real ones."""

import json
import sys
from pathlib import Path

import pytest
from bench.loads import CODES, LOADS
from bench.machine import usable_cores
from bench.measure import Task
from bench.processes import Cores, Failed, blaster, judged, run_stack

from bench import processes

READING = {"stack": "a", "messages": 3, "cpu_s": 0.1}


def task(port: int, load: str = "A", messages: int = 2_000) -> Task:
    told = LOADS[load]
    return Task(
        url=f"ws://127.0.0.1:{port}/websocket/v1",
        load=load,
        format=told.format,
        messages=messages,
        codes=list(CODES),
        types=list(told.types),
        deflate=told.deflate,
    )


def test_the_last_line_is_the_reading():
    assert judged(b"hello\n" + json.dumps(READING).encode() + b"\n", 0, "", 3) == READING


@pytest.mark.parametrize(
    ("out", "status", "messages", "reason"),
    [
        (b"", 1, 3, "ended with status 1: OSError: no"),
        (b"", 0, 3, "printed no reading: OSError: no"),
        (b"hello\n", 0, 3, "printed no reading"),
        (b"[1]\n", 0, 3, "printed no reading"),
        (json.dumps(READING).encode(), 0, 4, "received 3 messages of 4"),
    ],
)
def test_anything_else_is_a_failure_with_its_reason(out, status, messages, reason):
    with pytest.raises(Failed, match=reason):
        judged(out, status, "OSError: no", messages)


@pytest.mark.parametrize("stack", ["ours_handler", "ours_iterator", "ours_latest", "ours_recording", "picows_msgspec"])
def test_each_stack_receives_all_that_a_blaster_sends(stack):
    with blaster({"load": "A", "messages": 2_000}, None) as port:
        reading = run_stack(stack, task(port), None)
    assert reading["messages"] == 2_000
    assert 0 < reading["cpu_s"] < 30
    assert "msgspec" in reading["versions"]


@pytest.mark.parametrize(
    ("load", "stack"), [("B", "picows_msgspec"), ("C", "ours_handler"), ("E", "picows_msgspec"), ("E", "ours_handler")]
)
def test_the_other_loads_can_be_received(stack, load):
    with blaster({"load": load, "messages": 1_200}, None) as port:
        assert run_stack(stack, task(port, load, 1_200), None)["messages"] == 1_200


@pytest.mark.parametrize("stack", ["ours_best_prices", "picows_msgspec_best_prices"])
def test_best_prices_are_those_of_books(stack):
    with blaster({"load": "B", "messages": 1_200}, None) as port:
        assert run_stack(stack, task(port, "B", 1_200), None)["messages"] == 1_200


def test_a_stack_may_take_fewer_messages_than_are_sent_and_one_blaster_serves_one_after_the_other():
    with blaster({"load": "A", "messages": 5_000}, None) as port:
        assert [run_stack("floor", task(port, messages=count), None)["messages"] for count in (1_000, 5_000)] == [
            1_000,
            5_000,
        ]


def test_the_same_load_is_sent_under_the_other_names_for_who_knows_only_those():
    with blaster({"load": "A", "messages": 1_000, "format": "DEFAULT"}, None) as port:
        told = Task(**{**task(port).__dict__, "format": "DEFAULT", "messages": 1_000})
        assert run_stack("picows_msgspec", told, None)["messages"] == 1_000


def test_a_stack_that_receives_too_little_ends_as_a_failure():
    with blaster({"load": "A", "messages": 1_000}, None) as port, pytest.raises(Failed, match=r"not done after 1 s"):
        run_stack("floor", task(port, messages=1_001), None, limit_s=1.0)


def test_a_stack_that_is_not_there_is_a_failure():
    with pytest.raises(Failed, match="No module named bench.stacks.none_such"):
        run_stack("none_such", task(1), None)


def test_an_interpreter_that_is_not_there_is_a_failure(tmp_path):
    with pytest.raises(Failed, match="none-such"):
        run_stack("floor", task(1), None, python=tmp_path / "none-such")


def test_a_blaster_that_cannot_begin_says_why():
    with pytest.raises(Failed, match="KeyError: 'Z'"), blaster({"load": "Z", "messages": 1}, None):
        pytest.fail("it began")


def test_processes_get_their_settings_and_nothing_of_the_callers(monkeypatch):
    monkeypatch.setenv("UPBIT_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("PYTHONHASHSEED", "1")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    kept = processes._environment(UPBIT_STREAM_PURE="1")
    assert kept.keys().isdisjoint({"UPBIT_BASE_URL", "PYTHONHASHSEED", "https_proxy"})
    assert kept["UPBIT_STREAM_PURE"] == "1"
    assert Path(kept["PYTHONPATH"], "bench").is_dir()


def test_cores_are_two_where_there_are_two(monkeypatch):
    monkeypatch.setattr(processes, "usable_cores", lambda: [4, 7, 9])
    assert Cores.chosen() == Cores(4, 7)
    assert Cores.chosen().remark == ""


def test_one_core_is_shared_and_that_is_told(monkeypatch):
    monkeypatch.setattr(processes, "usable_cores", lambda: [4])
    assert Cores.chosen() == Cores(4, 4)
    assert "share it" in Cores.chosen().remark


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere processes are not pinned")
def test_a_stack_is_pinned_from_its_beginning(tmp_path):
    core = usable_cores()[-1]
    before = usable_cores()
    program = "import os; print(*os.sched_getaffinity(0))"
    child = processes._start([sys.executable, "-c", program], core, processes._environment(), None)
    out, _ = child.communicate()
    assert out.split() == [str(core).encode()]
    assert usable_cores() == before
