"""What is made of known readings."""

import pytest
from bench.runner import Series
from bench.scale_cases import MARKET_STACKS, MARKETS, connection_cases, slow_cases, subscribe_cases

from bench import scale_figures


def reading(cpu_s, messages=1000, **more):
    return {"cpu_s": cpu_s, "messages": messages, **more}


def series(costs):
    """Readings by stack and number of markets; what is not given costs 1 µs."""
    made = {}
    for stack in MARKET_STACKS:
        for count in MARKETS:
            rounds = costs.get((stack, count), [0.001, 0.001])
            made[f"{stack}_{count}"] = Series(stack, [None if cpu is None else reading(cpu) for cpu in rounds])
    return made


def test_costs_are_for_a_message_and_beside_one_market_in_the_same_round():
    found = scale_figures.markets(
        series({("ours_handler", 1): [0.001, 0.002], ("ours_handler", 500): [0.0011, 0.0018]})
    )
    assert found["ours_handler"]["1"]["us"] == {"median": 1.5, "min": 1.0, "max": 2.0}
    assert found["ours_handler"]["500"]["ratio"] == pytest.approx({"median": 1.0, "min": 0.9, "max": 1.1})


def test_a_round_that_failed_is_left_out_of_both():
    found = scale_figures.markets(series({("ours_handler", 1): [None, 0.002], ("ours_handler", 500): [0.0011, 0.0022]}))
    assert found["ours_handler"]["500"]["us"]["median"] == pytest.approx(2.2)
    assert found["ours_handler"]["500"]["ratio"]["median"] == pytest.approx(1.1)


@pytest.mark.parametrize(("cpu_s", "met"), [(0.00109, True), (0.00111, False)])
def test_flat_is_within_ten_per_cent(cpu_s, met):
    found = scale_figures.markets(series({("ours_handler", 500): [cpu_s, cpu_s]}))
    handler, iterator = scale_figures.market_goals(found)
    assert (handler["met"], iterator["met"]) == (met, True)


def test_what_was_not_measured_is_not_flat():
    found = scale_figures.markets(series({("ours_iterator", 500): [None, None]}))
    assert scale_figures.market_goals(found)[1]["met"] is None


def test_a_message_of_several_connections_is_received_by_each_and_delivered_once_by_each_stream():
    [one, two, four] = connection_cases(1)
    taken = [{"cpu_s": 0.004, "messages": 0, "counts": {"copies": 5}}]
    costs = [
        (found["us_per_received"]["median"] * case.messages, found["us_per_delivered"]["median"] * case.messages)
        for case in (one, two, four)
        for found in [scale_figures.connections(case, taken)]
    ]
    assert costs == [pytest.approx(pair) for pair in [(4000, 4000), (2000, 4000), (1000, 2000)]]


def test_what_the_fast_one_lost_is_told():
    case = slow_cases(1)[1]
    taken = [
        reading(0.001, case.messages, counts={"dropped": 7}),
        reading(0.002, case.messages - 3, counts={"dropped": 9}),
    ]
    found = scale_figures.slow(case, taken)
    assert found["lost_by_the_fast_one"] == [0, 3]
    assert found["dropped_by_the_slow"] == [7, 9]


def test_subscribing_is_told_in_ms_and_mb():
    taken = [{"confirmed_s": 0.02, "complete_s": 0.03, "held_bytes": 5_000_000, "codes_seen": 1000}]
    found = scale_figures.subscribing(subscribe_cases()[-1], taken)
    assert found["confirmed_ms"]["median"] == pytest.approx(20)
    assert found["complete_ms"]["median"] == pytest.approx(30)
    assert found["held_mb"]["median"] == pytest.approx(5)


def samples(until, held):
    return [(messages, held(messages)) for messages in range(100, until + 1, 100)]


def test_what_grows_during_the_warm_up_only_is_flat():
    found = scale_figures.memory(samples(2000, lambda messages: min(messages, 800) * 10**6), warm_up=1000)
    assert found["mb_per_million"] == pytest.approx(0)
    assert (found["most_mb"], found["last_mb"]) == (800, 800)
    assert scale_figures.memory_goals(found)[0]["met"] is True


@pytest.mark.parametrize(("bytes_a_message", "met"), [(7, True), (9, False), (100, False)])
def test_a_leak_of_more_than_eight_bytes_a_message_is_found(bytes_a_message, met):
    found = scale_figures.memory(samples(2000, lambda messages: 10**8 + bytes_a_message * messages), warm_up=1000)
    assert found["mb_per_million"] == pytest.approx(bytes_a_message)
    assert scale_figures.memory_goals(found)[0]["met"] is met


def test_a_run_that_ended_within_the_warm_up_says_nothing():
    found = scale_figures.memory(samples(1000, lambda messages: messages), warm_up=4000)
    assert found["mb_per_million"] is None
    assert scale_figures.memory_goals(found)[0]["met"] is None
    assert scale_figures.memory_goals(None)[0]["met"] is None
