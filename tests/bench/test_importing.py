"""The timing of imports: what comes of it, not how long it takes."""

import pytest

from bench import importing


def test_a_run_tells_times_and_packages_of_every_program():
    result = importing.run(rounds=1)
    assert result["rounds"] == 1
    assert set(importing.PROGRAMS) <= set(result)
    for name in importing.PROGRAMS:
        told = result[name]
        for clock in ("wall_s", "cpu_s"):
            assert 0 < told[clock]["min"] <= told[clock]["median"] <= told[clock]["max"]
    assert {"upbit_stream", "msgspec"} <= set(result["upbit_stream"]["packages"])
    assert {"msgspec", "picows"} <= set(result["floor"]["packages"])


def test_the_middle_of_several_rounds_counts(monkeypatch):
    times = iter([9.0] * len(importing.PROGRAMS) + [t for t in (3.0, 1.0, 7.0) for _ in importing.PROGRAMS])
    monkeypatch.setattr(importing, "_once", lambda program: (next(times), 0.5, []))
    told = importing.run(rounds=3)["floor"]
    assert told == {
        "wall_s": {"median": 3.0, "min": 1.0, "max": 7.0},  # without the first round, that warms up
        "cpu_s": {"median": 0.5, "min": 0.5, "max": 0.5},
        "packages": [],
    }


def test_no_rounds_make_no_sense():
    with pytest.raises(ValueError, match="at least one"):
        importing.run(rounds=0)
