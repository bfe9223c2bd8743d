"""The measuring of a stack: where it begins and ends, and what it prints."""

import json

import pytest
from bench.measure import Meter, Task

from bench import measure


@pytest.fixture
def readings(monkeypatch):
    """Each look at the clocks is one second of CPU and two on the wall after the one before."""
    looks = iter((float(number), 2.0 * number) for number in range(1, 100))
    monkeypatch.setattr(measure, "_reading", lambda: next(looks))


def test_the_counter_begins_with_the_first_message_and_ends_with_the_last(readings):
    ended = []
    meter = Meter("one", 3)
    count = meter.counter(lambda: ended.append("now"))
    for _ in range(2):
        count(object())
        assert ended == []
    count(object())
    assert ended == ["now"]
    count(object())  # what comes after is nobody's
    assert ended == ["now"]
    result = meter.result()
    assert (result["messages"], result["cpu_s"], result["wall_s"]) == (3, 1.0, 2.0)


def test_a_run_of_one_message_ends_too(readings):
    ended = []
    meter = Meter("one", 1)
    meter.counter(lambda: ended.append("now"))(object())
    assert ended == ["now"]
    assert meter.result()["messages"] == 1


def test_a_run_that_did_not_end_is_not_reported(readings):
    meter = Meter("one", 3)
    meter.begin()
    with pytest.raises(RuntimeError, match="has to begin and to end"):
        meter.report()


def test_the_report_is_one_line_of_json(readings, capsys):
    meter = Meter("one", 3)
    meter.begin()
    meter.end(3)
    meter.report(msgspec="0.22.0")
    [line] = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    assert (told["stack"], told["versions"]) == ("one", {"msgspec": "0.22.0"})
    assert told["peak_rss_bytes"] > 1_000_000


def test_a_task_survives_its_way_into_a_process():
    task = Task(url="ws://127.0.0.1:1/", load="A", format="SIMPLE", messages=7, codes=["KRW-BTC"], deflate=True)
    assert Task.from_arguments([task.to_json()]) == task


def test_a_task_leaves_keys_alone_that_it_does_not_know():
    told = {"url": "ws://127.0.0.1:1/", "load": "A", "format": "SIMPLE", "messages": 7, "more": 1}
    assert Task.from_arguments([json.dumps(told)]).messages == 7
