"""Whether counts have grown: see `bench.guard.judging`."""

import pytest
from bench.guard.judging import judge
from bench.guard.report import ACCEPT, report
from hypothesis import given, settings
from hypothesis import strategies as st

ALONE, PATH, OTHER = "alone", "path", "other"
REFERENCES = {ALONE: ALONE, PATH: ALONE, OTHER: ALONE}
STORED = {ALONE: 1_000.0, PATH: 2_000.0, OTHER: 3_000.0}
steady = settings(deadline=None, derandomize=True)
counts = st.floats(min_value=1.0, max_value=1e6)


def verdicts(counted, stored=STORED, different=()):
    judgement = judge(stored, counted, REFERENCES, different)
    return {finding.path: finding.verdict for finding in judgement.findings}


@pytest.mark.parametrize(
    ("times", "verdict", "failed"),
    [
        (1.0, "as stored", False),
        (1.049, "as stored", False),
        (1.051, "more", True),
        (0.951, "as stored", False),
        (0.949, "less", False),
        (3.0, "more", True),
    ],
)
def test_a_path_may_cost_five_percent_more_or_less(times, verdict, failed):
    judgement = judge(STORED, {**STORED, PATH: 2_000.0 * times}, REFERENCES)
    assert {had.path: had.verdict for had in judgement.findings} == {
        ALONE: "as stored",
        PATH: verdict,
        OTHER: "as stored",
    }
    assert judgement.failed is failed
    assert judgement.by_ratio == ""


@steady
@given(scale=st.floats(min_value=0.01, max_value=100.0))
def test_elsewhere_a_path_may_cost_as_many_times_its_reference_as_it_did(scale):
    counted = {path: count * scale for path, count in STORED.items()}
    assert verdicts(counted, different=["python: 3.12 here, 3.11 stored"]) == {
        ALONE: "compared with",
        PATH: "as stored",
        OTHER: "as stored",
    }


@steady
@given(scale=st.floats(min_value=0.01, max_value=100.0), times=st.floats(min_value=1.06, max_value=10.0))
def test_elsewhere_a_path_that_costs_more_times_its_reference_fails(scale, times):
    counted = {ALONE: 1_000.0 * scale, PATH: 2_000.0 * scale * times, OTHER: 3_000.0 * scale}
    assert verdicts(counted, different=["python"])[PATH] == "more"
    assert verdicts(counted, different=["python"])[OTHER] == "as stored"


def test_a_reference_that_moved_makes_counts_incomparable():
    counted = {path: count * 1.2 for path, count in STORED.items()}
    judgement = judge(STORED, counted, REFERENCES)
    assert not judgement.failed
    assert judgement.by_ratio == "alone: 1,200 here, 1,000 stored"


def test_a_path_that_grew_is_not_excused_by_a_reference_that_moved():
    assert verdicts({ALONE: 1_200.0, PATH: 2_000.0 * 1.2 * 1.06, OTHER: 3_600.0})[PATH] == "more"


@pytest.mark.parametrize(
    ("stored", "counted", "path", "verdict"),
    [
        ({ALONE: 1.0}, {ALONE: 1.0, PATH: 1.0}, PATH, "not stored"),
        ({ALONE: 1.0, PATH: 1.0}, {ALONE: 1.0}, PATH, "not counted"),
        ({PATH: 1.0}, {ALONE: 1.0, PATH: 1.0}, PATH, "not stored"),
        ({}, {ALONE: 1.0}, ALONE, "not stored"),
    ],
)
def test_what_is_counted_and_what_is_stored_have_to_be_the_same_paths(stored, counted, path, verdict):
    judgement = judge(stored, counted, REFERENCES)
    assert {had.path: had.verdict for had in judgement.findings}[path] == verdict
    assert judgement.failed


@steady
@given(stored=st.fixed_dictionaries(dict.fromkeys(STORED, counts)), grown=st.floats(min_value=0.01, max_value=100.0))
def test_the_change_says_how_much_more_was_counted(stored, grown):
    judgement = judge(stored, {**stored, PATH: stored[PATH] * grown}, REFERENCES)
    changes = {had.path: had.change for had in judgement.findings}
    assert changes[PATH] == pytest.approx(grown - 1)
    assert judgement.failed is (grown > 1.05)


def test_the_report_names_the_path_that_grew_by_how_much_and_what_to_do():
    text = "\n".join(report(judge(STORED, {**STORED, PATH: 2_200.0}, REFERENCES), "C"))
    assert "FAILED: path takes 10.0% more instructions than are stored; 5% are allowed" in text
    assert "FAILED: other" not in text
    assert f"accept it: {ACCEPT}" in text


def test_the_report_asks_to_store_a_gain():
    lines = report(judge(STORED, {**STORED, PATH: 1_800.0}, REFERENCES), "C")
    assert lines[-1] == f"Fewer than stored (path). So that it stays so, store the gain: {ACCEPT}"


def test_the_report_says_why_ratios_are_compared():
    text = "\n".join(report(judge(STORED, STORED, REFERENCES, ["libc: 2.40 here, 2.36 stored"]), "C"))
    assert "msgspec alone" in text
    assert "libc: 2.40 here, 2.36 stored" in text
    assert "msgspec alone" not in "\n".join(report(judge(STORED, STORED, REFERENCES), "C"))


def test_the_report_tells_of_paths_that_are_not_stored():
    assert ACCEPT in report(judge({}, STORED, REFERENCES), "Python")[-1]
