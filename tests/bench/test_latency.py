"""What is made of the runs; and one run of real processes."""

import pytest
from bench.latency_cases import BURSTS, STEADY, Case, cases_of
from bench.machine import machine
from bench.processes import Cores, Failed
from bench.runner import Series

from bench import latency, latency_table


def us(p50, p99):
    told = {"p50": p50, "p99": p99, "p99.9": 9.0, "max": 10.0}
    return {"us": told, "late_us": {name: 2 * value for name, value in told.items()}, "cpu_s": 1.0, "messages": 1}


CASES = [Case("picows_msgspec", "picows"), Case("ours_iterator", "ours"), Case("sample", "the sample")]
SERIES = {
    "picows_msgspec": Series("picows_msgspec", [us(100, 400), None, us(200, 400)]),
    "ours_iterator": Series("ours_iterator", [us(110, 500), us(1, 1), us(210, 480)], ["it was slow"]),
    "sample": Series("sample", [None, None, None], ["it broke", "it broke"]),
}
FOUND = latency.pattern_of(BURSTS, 1000, CASES, SERIES)


def test_figures_are_the_median_with_the_ends_over_the_rounds():
    assert FOUND["stacks"]["ours_iterator"]["us"]["p50"] == {"median": 110, "min": 1, "max": 210}


def test_ratios_are_of_rounds_in_which_both_came_through():
    ratio = FOUND["stacks"]["ours_iterator"]["ratio"]
    assert ratio["p50"] == pytest.approx({"median": 1.075, "min": 1.05, "max": 1.1})
    assert ratio["p99"] == pytest.approx({"median": 1.225, "min": 1.2, "max": 1.25})


def test_who_never_came_through_has_no_figures_and_a_reason():
    assert "sample" not in FOUND["stacks"]
    assert FOUND["failures"]["sample"] == ["it broke", "it broke"]


def test_the_goals_are_judged_by_the_median_of_the_ratios():
    p50, p99 = latency.goals(FOUND["stacks"])
    assert (p50["met"], p99["met"]) == (True, False)
    assert p50["value"] == pytest.approx(1.075)
    assert "p50" in p50["goal"]
    assert "p99" in p99["goal"]


def test_how_late_the_sender_was_is_told_over_all_runs():
    assert FOUND["late_us"]["p50"] == {"median": 220, "min": 2, "max": 420}


def test_goals_that_were_not_measured_are_not_met():
    assert [(one["value"], one["met"]) for one in latency.goals({})] == [(None, None)] * 2


def test_the_table_has_the_figures_the_goals_and_what_failed():
    result = {
        "machine": machine(),
        "remark": "",
        "rounds": 3,
        "quick": True,
        "load": "A",
        "absent": {"pyupbit": "no network"},
        "patterns": {"bursts": FOUND},
        "goals": latency.goals(FOUND["stacks"]),
    }
    text = latency_table.render(result)
    [row] = [line for line in text.splitlines() if line.startswith("| ours ")]
    assert "110 (1–210)" in row
    assert row.rstrip(" |").endswith("1.23") or row.rstrip(" |").endswith("1.22")
    assert "the sample, 100 messages one right after the other, every 50 ms: failed: it broke" in text
    assert "pyupbit: its environment could not be made: no network" in text
    assert "NO" in text
    assert "A quick run" in text
    assert "The sender left 220.0 (2.0–420.0) after" in text


@pytest.mark.parametrize(("pattern", "messages"), [(STEADY, 100), (BURSTS, 200)])
def test_a_run_over_loopback(pattern, messages):
    [case], _ = cases_of(("picows_msgspec",), {})
    found = latency.measure(case, pattern, messages, Cores(None, None))
    assert found["messages"] == messages
    assert 0 < found["us"]["p50"] <= found["us"]["p99"] <= found["us"]["max"] < 60e6
    assert 0 <= found["late_us"]["p50"] <= found["late_us"]["max"] < 60e6


@pytest.mark.parametrize("does", [{"consumer": "handler"}, {"consumer": "iterator", "record": True, "slow": "wait"}])
def test_a_run_of_ours_over_loopback(does):
    found = latency.measure(Case("ours", "ours", "latency_ours", does), STEADY, 100, Cores(None, None))
    assert 0 < found["us"]["p50"] <= found["us"]["max"] < 60e6


def test_a_stack_that_notes_nothing_has_failed(monkeypatch):
    monkeypatch.setattr(latency, "run_pair", lambda pair, cores: {"cpu_s": 1.0, "messages": 100})
    with pytest.raises(Failed, match="picows_msgspec"):
        latency.measure(Case("picows_msgspec", "picows"), STEADY, 100, Cores(None, None))
