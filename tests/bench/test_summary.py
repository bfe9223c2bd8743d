"""From readings to figures, goals and text: what is told is what was measured, failures among it."""

import pytest
from bench.goals import GOALS, Goal, ratios
from bench.loads import LOADS
from bench.machine import described
from bench.plan import BASE, STACKS
from bench.report import report, table
from bench.runner import Series
from bench.summary import costs, goals, of_stack

MACHINE = {"cpu": "A CPU", "cores": 2, "system": "Linux 6", "python": "CPython 3.11", "virtualised": True}


def reading(cpu_us: float, messages: int = 1_000) -> dict:
    return {
        "stack": "",
        "messages": messages,
        "cpu_s": cpu_us * messages / 1e6,
        "wall_s": messages / 1e6,
        "peak_rss_bytes": 30_000_000,
        "versions": {"msgspec": "0.22.0"},
    }


def series(**rounds: list) -> dict[str, Series]:
    return {
        name: Series(name, [None if cost is None else reading(cost) for cost in costs], ["gone"] * costs.count(None))
        for name, costs in rounds.items()
    }


MEASURED = series(picows_msgspec=[1.0, 2.0, 4.0], ours_handler=[1.5, 2.0, 5.0], sample=[None, 20.0, 20.0])


def result(measured: dict[str, Series], load: str = "A") -> dict:
    rounds = costs(measured)
    stacks = {name: of_stack(one, rounds, "SIMPLE") for name, one in measured.items()}
    return {
        "machine": MACHINE,
        "remark": "",
        "rounds": 3,
        "quick": False,
        "loads": {load: {"title": LOADS[load].title, "mean_bytes": 443.0, "stacks": stacks}},
        "goals": goals({load: rounds}, [load]),
    }


def test_a_ratio_is_of_the_same_round_and_its_median_is_told():
    told = of_stack(MEASURED["ours_handler"], costs(MEASURED), "SIMPLE")
    assert told["ratio"] == {"median": 1.25, "min": 1.0, "max": 1.5}
    assert told["cpu_us"] == pytest.approx({"median": 2.0, "min": 1.5, "max": 5.0})
    assert told["per_s"]["median"] == pytest.approx(1e6)
    assert told["peak_rss_mb"]["max"] == 30.0


def test_rounds_that_failed_are_in_no_ratio():
    assert ratios({"a": [3.0, None, 8.0], "b": [None, 2.0, 4.0]}, "a", "b") == [2.0]
    told = of_stack(MEASURED["sample"], costs(MEASURED), "SIMPLE")
    assert told["ratio"] == pytest.approx({"median": 7.5, "min": 5.0, "max": 10.0})
    assert told["failures"] == ["gone"]


def test_who_never_came_through_has_failures_and_no_figures():
    told = of_stack(Series("sample", [None, None], ["gone", "gone"]), {}, "SIMPLE")
    assert "cpu_us" not in told
    assert told["failures"] == ["gone", "gone"]


def test_every_round_is_kept_as_it_was_read():
    assert of_stack(MEASURED["sample"], {}, "SIMPLE")["rounds"] == [None, reading(20.0), reading(20.0)]


@pytest.mark.parametrize(("most", "met"), [(1.25, True), (1.24, False)])
def test_a_goal_of_at_most_is_met_by_the_median(most, met):
    judged = Goal("A", "ours_handler", BASE, most=most).judged(costs(MEASURED))
    assert judged["value"] == pytest.approx(1.25)
    assert judged["met"] is met


@pytest.mark.parametrize(("least", "met"), [(7.0, True), (7.1, False)])
def test_a_goal_of_at_least_is_how_much_less(least, met):
    judged = Goal("A", "ours_handler", "sample", least=least).judged(costs(MEASURED))
    assert judged["value"] == pytest.approx(7.0)  # of 20/2 and 20/5, each in its round
    assert judged["met"] is met


def test_a_goal_that_was_not_measured_is_neither_met_nor_missed():
    judged = Goal("A", "ours_iterator", BASE, most=1.5).judged(costs(MEASURED))
    assert (judged["value"], judged["met"]) == (None, None)


def test_every_goal_is_about_stacks_and_loads_that_there_are():
    for goal in GOALS:
        assert goal.load in STACKS[goal.stack].formats
        assert goal.load in STACKS[goal.against].formats
        assert (goal.most is None) != (goal.least is None)


def test_only_the_goals_of_the_loads_that_ran_are_told():
    assert {one["load"] for one in goals({}, ["B"])} == {"B"}
    assert len(goals({}, LOADS)) == len(GOALS)


def test_the_report_says_ratios_goals_and_failures():
    text = report(result(MEASURED))
    lines = text.splitlines()
    assert lines[0].startswith("A CPU, 2 cores (virtual), Linux 6, CPython 3.11; median of 3 rounds")
    assert "| upbit-stream, handler                           |  1.25 (1.00–1.50) |" in lines
    [goal] = [line for line in lines if "≤ 1.25 ×" in line]
    assert goal.endswith("|  1.25 |          yes |")
    [missed] = [line for line in lines if "≥ 8.5 ×" in line]
    assert missed.endswith("|  7.00 |           NO |")
    assert "* the exchange's sample (websocket-client + json), load A: failed: gone" in lines


def test_the_report_names_the_versions_and_a_quick_run():
    assert "* Versions: msgspec 0.22.0." in report(result(MEASURED))
    assert "mean little" not in report(result(MEASURED))
    assert "mean little" in report({**result(MEASURED), "quick": True})


def test_a_stack_that_failed_is_in_both_tables():
    text = report(result({**MEASURED, **series(upbit_sdk=[None, None, None])}))
    rows = [line for line in text.splitlines() if line.startswith("| upbit-sdk stream ")]
    assert [row.split("|")[2].strip() for row in rows] == ["failed", "failed"]


def test_a_stack_without_that_load_has_a_dash():
    both = result(MEASURED)
    both["loads"]["B"] = {"title": "", "mean_bytes": 1.0, "stacks": {}}
    assert "|  1.25 (1.00–1.50) | – |" in report(both)


def test_a_table_stands_in_columns():
    assert table(["a", "bb"], [["one", "1"], ["x", "100"]]).splitlines() == [
        "| a   |  bb |",
        "|:----|----:|",
        "| one |   1 |",
        "| x   | 100 |",
    ]


@pytest.mark.parametrize(
    ("guest", "said"),
    [(True, "(virtual)"), (False, "(not virtual)"), ("QEMU", "(virtual: QEMU)"), (None, "A CPU, 2 cores, Linux 6")],
)
def test_the_machine_is_told_in_one_line(guest, said):
    assert said in described({**MACHINE, "virtualised": guest})
