"""Who is measured, and what the two processes are told."""

from pathlib import Path

from bench.latency_cases import BURSTS, STEADY, busy_cases, cases_of
from bench.latency_log import SENT
from bench.peers.environments import Environment, Unavailable
from bench.plan import STACKS

MADE = {
    name: Environment(name, Path("/made", name)) for name in {stack.environment for stack in STACKS.values()} - {""}
}


def by_name(names=tuple(STACKS), made=None):
    cases, absent = cases_of(names, MADE if made is None else made)
    return {case.name: case for case in cases}, absent


def test_every_stack_is_measured_that_gives_messages_to_user_code_as_they_come():
    cases, absent = by_name()
    peers = {"sample", "upbit_sdk", "pyupbit", "ccxt_pro", "cryptofeed", "websockets_orjson"}
    assert {"picows_msgspec", "ours_handler", "ours_iterator"} | peers <= set(cases)
    assert not {"floor", "sample_recording", "ours_recording", "ours_latest"} & set(cases)
    assert absent == {}


def test_the_yardstick_is_measured_whatever_is_asked_for():
    cases, _ = by_name(("ours_iterator",))
    assert set(cases) == {"picows_msgspec", "ours_iterator"}


def test_a_peer_that_cannot_be_had_is_told():
    cases, absent = by_name(made={**MADE, "sample": Unavailable("sample", "no network")})
    assert absent == {"sample": "no network"}
    assert "sample" not in cases
    assert "upbit_sdk" in cases


def test_a_peer_runs_in_its_environment_and_its_format():
    cases, _ = by_name()
    pair = cases["pyupbit"].pair(STEADY, 1000, Path("/somewhere"))
    assert pair.python == Path("/made/pyupbit")
    assert pair.format == "DEFAULT"
    assert pair.stack == "stamped"
    assert pair.does["stack"] == "pyupbit"


def test_a_stack_that_is_another_with_settings_is_run_so():
    cases, _ = by_name()
    pair = cases["ours_handler_python"].pair(STEADY, 1000, Path("/somewhere"))
    assert (pair.stack, pair.does["consumer"]) == ("latency_ours", "handler")
    assert pair.settings == STACKS["ours_handler_python"].settings != {}


def test_both_processes_are_told_where_their_stamps_go():
    cases, _ = by_name()
    for case in cases.values():
        pair = case.pair(BURSTS, 2000, Path("/somewhere"))
        assert pair.sends["latency"] == pair.does["latency"] == "/somewhere"
        assert pair.awaited == Path("/somewhere", SENT)
        assert (pair.sends["group"], pair.sends["interval_ns"]) == (100, 50_000_000)


def test_ours_is_measured_while_it_records_and_beside_a_slow_consumer_of_each_policy():
    does = [case.does for case in busy_cases(tuple(STACKS))]
    assert all(one["record"] for one in does)
    assert [(one["consumer"], one["slow"]) for one in does] == [
        (consumer, slow) for consumer in ("handler", "iterator") for slow in (None, "drop_oldest", "latest", "wait")
    ]
    assert len({case.name for case in busy_cases(tuple(STACKS))}) == 8


def test_a_run_sends_for_as_long_as_asked_and_may_take_longer():
    assert STEADY.messages(5) == 5000
    assert BURSTS.messages(5) == 10_000
    assert BURSTS.messages(0.001) == 100
    assert BURSTS.lasts_s(10_000) == STEADY.lasts_s(5000) == 5
    cases, _ = by_name()
    assert cases["sample"].pair(STEADY, 5000, Path("/somewhere")).limit_s >= 10
