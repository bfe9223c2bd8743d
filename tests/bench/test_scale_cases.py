"""Which runs there are, and that what is sent is what is waited for."""

from bench.fan import prepared
from bench.loads import LOADS

from bench import scale_cases
from upbit_stream import Subscription


def test_codes_are_different_allowed_and_of_one_length():
    codes = scale_cases.market_codes(1000)
    assert len(set(codes)) == 1000
    assert len({len(code) for code in codes}) == 1
    assert len(Subscription(type="trade", codes=codes).codes) == 1000
    assert scale_cases.market_codes(10) == codes[:10]


def test_every_number_of_markets_is_measured_with_every_stack():
    cases = scale_cases.market_cases(3)
    assert [(len(case.codes), case.stack) for case in cases] == [
        (count, stack) for count in (1, 10, 100, 500) for stack in ("picows_msgspec", "ours_handler", "ours_iterator")
    ]


def test_the_sender_sends_as_many_messages_as_the_stack_waits_for():
    for case in (scale_cases.market_cases(2)[3], scale_cases.connection_cases(1)[0], scale_cases.memory_case(3, 10)):
        pieces = prepared(LOADS["A"], case.codes, case.messages)()
        assert sum(piece.count(b'"st":') for piece in pieces) == case.messages


def test_four_connections_are_two_streams_of_two():
    found = [(case.does["streams"], case.does["connections"], case.sends) for case in scale_cases.connection_cases(1)]
    assert found == [(1, 1, {"connections": 1}), (1, 2, {"connections": 2}), (2, 2, {"connections": 4})]
    assert "two streams of two" in scale_cases.connection_cases(1)[2].title


def test_ten_slow_consumers_beside_a_fast_one_and_none_to_compare():
    found = [(case.does["slow"], case.does["policy"]) for case in scale_cases.slow_cases(1)]
    assert found == [(0, "drop_oldest"), (10, "drop_oldest"), (10, "latest")]


def test_a_thousand_codes_are_subscribed_and_a_message_of_each_awaited():
    [*_, most] = scale_cases.subscribe_cases()
    assert (most.messages, len(most.codes), most.load, most.sender) == (1000, 1000, "C", "blaster")


def test_memory_is_looked_at_as_often_as_asked():
    case = scale_cases.memory_case(10_000, 100)
    assert case.does["sample_every"] == 100_000
    assert case.title == "10,000,000 messages"


def test_a_long_run_gets_the_time_that_it_takes():
    assert scale_cases.memory_case(10_000, 100).pair().limit_s >= 1000
    assert scale_cases.connection_cases(20)[0].pair().limit_s <= 120
