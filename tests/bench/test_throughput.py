"""The course of the throughput: what stacks and blasters are told, and a whole small run."""

import json
from pathlib import Path

import pytest
from bench.__main__ import main
from bench.certificate import Certificate
from bench.loads import CODES, LOADS
from bench.machine import machine
from bench.options import Options
from bench.peers.environments import Environment, Unavailable
from bench.plan import FEWEST, STACKS, Stack
from bench.throughput import interpreters, measured, run, sent, task_of
from click.testing import CliRunner

from bench import throughput

FILES = Certificate("authority.pem", "chain.pem", "key.pem")


def test_slow_stacks_take_a_part_and_the_fastest_all():
    assert STACKS["ours_handler"].messages("A", 400_000) == 400_000
    assert STACKS["upbit_sdk"].messages("A", 400_000) == 16_000
    assert STACKS["upbit_sdk"].messages("A", 10_000) == FEWEST
    assert STACKS["upbit_sdk"].messages("A", 1_000) == 1_000


def test_a_stack_is_told_its_load():
    task = task_of(LOADS["A"], STACKS["ours_handler"], 4_000, 10_000, FILES)
    assert (task.url, task.format, task.messages) == ("ws://127.0.0.1:4000/websocket/v1", "SIMPLE", 10_000)
    assert (task.codes, task.types, task.certificate, task.deflate) == (
        list(CODES),
        ["trade", "orderbook"],
        None,
        False,
    )


def test_only_over_tls_are_there_certificates():
    task = task_of(LOADS["D"], STACKS["ours_handler"], 4_000, 10_000, FILES)
    assert (task.url, task.certificate) == ("wss://127.0.0.1:4000/websocket/v1", "authority.pem")
    assert sent(LOADS["D"], "SIMPLE", 10, FILES) == {
        "load": "D",
        "format": "SIMPLE",
        "messages": 10,
        "certificate": "chain.pem",
        "key": "key.pem",
    }
    assert "key" not in sent(LOADS["A"], "SIMPLE", 10, FILES)


def test_an_environment_that_cannot_be_made_is_told_and_the_others_are_used():
    peers = [Stack("a", "a", {}, environment="one"), Stack("b", "b", {}, environment="two"), Stack("c", "c", {})]
    made = {"one": Environment("one", Path("/one/python")), "two": Unavailable("two", "no network")}
    found, absent = interpreters(peers, lambda _: None, made.__getitem__)
    assert found == {"": None, "one": Path("/one/python")}
    assert absent == {"two": "its environment could not be made: no network"}


def test_a_small_run_measures_ratios_and_tells_who_could_not_come(monkeypatch, tmp_path):
    monkeypatch.setattr(throughput, "interpreters", lambda *_: ({"": None}, {"sample": "no network"}))
    options = Options(
        out=tmp_path, rounds=1, messages=1_000, loads=("A",), stacks=("picows_msgspec", "ours_handler", "sample")
    )
    said: list[str] = []
    result = measured(options, tell=said.append)
    stacks = result["loads"]["A"]["stacks"]
    assert stacks["picows_msgspec"]["ratio"]["median"] == 1.0
    assert stacks["ours_handler"]["ratio"]["median"] > 0
    assert stacks["sample"]["failures"] == ["no network"]
    assert any(line.startswith("round 1 of 1, ours_handler: ") for line in said)
    assert json.loads(json.dumps(result)) == result


def test_results_are_written_where_they_are_wanted(monkeypatch, tmp_path, capsys):
    empty = {
        "machine": machine(),
        "remark": "There is one core.",
        "rounds": 1,
        "quick": True,
        "loads": {},
        "goals": [],
    }
    monkeypatch.setattr(throughput, "measured", lambda *_, **__: empty)
    run(Options(out=tmp_path))
    assert json.loads((tmp_path / "throughput.json").read_text()) == empty
    assert "* There is one core." in (tmp_path / "throughput.md").read_text()
    assert "* There is one core." in capsys.readouterr().out


@pytest.mark.parametrize(("option", "value"), [("--loads", "A,Q"), ("--stacks", "floor,none_such"), ("--rounds", "0")])
def test_what_there_is_not_is_refused(option, value, tmp_path):
    ran = CliRunner().invoke(main, ["throughput", option, value, "--out", str(tmp_path / "out")])
    assert ran.exit_code == 2
    assert not (tmp_path / "out").exists()


def test_the_command_runs_the_part_with_its_options(monkeypatch, tmp_path):
    seen = []
    monkeypatch.setattr(throughput, "run", seen.append)
    out = tmp_path / "out"
    ran = CliRunner().invoke(main, ["throughput", "--quick", "--loads", "B", "--out", str(out)])
    assert ran.exit_code == 0
    assert out.is_dir()
    assert seen == [Options(out=out, loads=("B",), stacks=tuple(STACKS), quick=True)]
    assert seen[0].rounds_or_default == 2
