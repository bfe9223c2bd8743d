"""The whole of it with made-up runs; and a tiny one of real processes for each kind of run."""

import pytest
from bench.machine import machine
from bench.pairs import run
from bench.processes import Cores, Failed

from bench import scale, scale_cases, scale_table

UNPINNED = Cores(None, None)


def made_up(case):
    """Every message takes 2 µs; memory stays at 50 MB."""
    if case.name == "ours_iterator_100":
        raise Failed("it broke")
    every = case.does.get("sample_every")
    return {
        "cpu_s": case.messages * 2e-6,
        "messages": case.messages,
        "counts": {"copies": 1, "dropped": 2},
        "samples": [(count, 50_000_000) for count in range(every, case.messages, every)] if every else [],
        "confirmed_s": 0.1,
        "complete_s": 0.2,
        "held_bytes": 3_000_000,
        "codes_seen": case.messages,
    }


@pytest.fixture(scope="module")
def result():
    found = scale.measured(rounds=2, messages=5_000, memory_messages=6_000_000, run_case=made_up, tell=lambda _: None)
    return {**found, "machine": machine(), "remark": "one core", "quick": False}


def test_every_kind_of_run_is_there_and_judged(result):
    assert set(result["connections"]) == {"connections_1", "connections_2", "connections_4"}
    assert set(result["slow"]) == {"slow_0", "slow_10_drop_oldest", "slow_10_latest"}
    assert set(result["subscribing"]) == {"codes_1", "codes_100", "codes_1000"}
    assert result["memory"]["mb_per_million"] == pytest.approx(0)
    assert [one["met"] for one in result["goals"]] == [True, True, True]


def test_what_failed_is_told_and_the_rest_is_there(result):
    assert set(result["markets"]["ours_iterator"]) == {"1", "10", "500"}
    assert set(result["failures"]) == {"ours_iterator_100"}


def test_the_table_has_every_kind_of_run(result):
    text = scale_table.render(result)
    for title in ("upbit-stream, handler", "two streams of two", "10 slow consumers (latest)", "codes: 1,000"):
        assert title in text
    assert "2.00 (2.00–2.00)" in text
    assert "Memory over 6,000,000 messages: 50 MB at the end" in text
    assert "ours_iterator_100: failed: it broke" in text
    assert "one core" in text
    assert "A quick run" not in text


def test_a_round_that_failed_is_left_out():
    asked = []

    def run_case(case):
        asked.append(case.name)
        if case.name == "connections_2" and asked.count(case.name) == 2:
            raise Failed("it broke once")
        return made_up(case)

    found = scale.measured(rounds=2, messages=1_000, memory_messages=1_000, run_case=run_case, tell=lambda _: None)
    assert found["connections"]["connections_2"]["copies"] == [1]
    assert found["connections"]["connections_1"]["copies"] == [1, 1]
    assert found["failures"] == {"ours_iterator_100": ["it broke"] * 2, "connections_2": ["it broke once"]}


def test_memory_that_cannot_be_measured_is_told():
    def run_case(case):
        if case.name == "memory":
            raise Failed("not done after 9 s")
        return made_up(case)

    found = scale.measured(rounds=1, messages=1_000, memory_messages=1_000, run_case=run_case, tell=lambda _: None)
    assert found["memory"] is None
    assert found["failures"]["memory"] == ["not done after 9 s"]
    assert found["goals"][-1]["met"] is None


def test_several_connections_over_loopback():
    [_, _, case] = scale_cases.connection_cases(1)
    found = run(case.pair(), UNPINNED)
    assert found["messages"] == case.messages
    assert 0 < found["counts"]["copies"] <= 2 * case.messages
    assert found["counts"]["trade"] == 2 * (800 + 5)


def test_a_fast_consumer_beside_slow_ones_over_loopback():
    case = scale_cases.slow_cases(3)[1]
    found = run(case.pair(), UNPINNED)
    assert found["messages"] == case.messages
    assert found["counts"]["dropped"] > 10_000


def test_many_codes_over_loopback():
    found = run(scale_cases.subscribe_cases()[1].pair(), UNPINNED)
    assert found["codes_seen"] == 100
    assert 0 < found["confirmed_s"] <= found["complete_s"]
    assert found["held_bytes"] > 0


def test_memory_is_sampled_over_loopback():
    found = run(scale_cases.memory_case(4, 4).pair(), UNPINNED)
    assert [messages for messages, _ in found["samples"]] == [1000, 2000, 3000, 4000]
    assert all(held > 10**6 for _, held in found["samples"])
