"""The chart: what stands in it, and that the files are made where matplotlib is."""

import pytest
from bench.chart import colour, draw, measured

MACHINE = {"cpu": "A CPU", "cores": 2, "system": "Linux 6", "python": "CPython 3.11", "virtualised": True}


def stack(title: str, cost: float) -> dict:
    return {"title": title, "cpu_us": {"median": cost, "min": cost * 0.9, "max": cost * 1.1}}


LOADS = {
    "A": {"title": "trades", "stacks": {"sample": stack("slow", 30.0), "ours_handler": stack("ours", 1.0)}},
    "B": {"title": "books", "stacks": {"ours_handler": stack("ours", 4.0), "upbit_sdk": {"title": "gone"}}},
}


def test_the_cheapest_comes_first_and_who_failed_is_not_drawn():
    assert list(measured(LOADS["A"])) == ["ours_handler", "sample"]
    assert list(measured(LOADS["B"])) == ["ours_handler"]


def test_ours_the_yardstick_and_the_peers_differ_in_colour():
    assert len({colour("ours_handler"), colour("picows_msgspec"), colour("sample")}) == 3
    assert colour("floor") == colour("picows_msgspec")


def test_where_nothing_was_measured_nothing_is_drawn(tmp_path):
    assert draw({"machine": MACHINE, "loads": {}}, tmp_path / "chart") == []


@pytest.mark.parametrize("loads", [LOADS, {"B": LOADS["B"]}], ids=["all", "one"])
def test_both_files_are_made(tmp_path, loads):
    pytest.importorskip("matplotlib", reason="only the environment of the benchmark has it; make bench draws too")
    made = draw({"machine": MACHINE, "loads": loads}, tmp_path / "chart")
    assert [path.name for path in made] == ["chart.png", "chart.svg"]
    assert made[0].read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in made[1].read_bytes()
