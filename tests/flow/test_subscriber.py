import asyncio
from collections import deque
from contextlib import nullcontext

import pytest
from tests.flow.consumers import POLICIES, Holds, event, message, numbers, subscriber

from upbit_stream.errors import UsageError
from upbit_stream.model.events import Dropped
from upbit_stream.model.messages import Unknown
from upbit_stream.testing.virtual_time import run_virtual


async def all_of(consumer, found):
    async for item in consumer:
        found.append(item)  # what came before an error counts


async def drained(consumer):
    """All that is there, without waiting for more."""
    found = []
    async for item in consumer:
        found.append(item)
        if not len(consumer) and not consumer._untold:
            break
    return found


def taken(consumer, close=True):
    """All until the end."""

    async def main():
        if close:
            consumer.close()
        return [item async for item in consumer]

    return run_virtual(main())


# wait


def test_waiting_asks_to_hold_at_the_limit_and_to_go_on_when_all_is_taken():
    async def main():
        holds = Holds()
        consumer = subscriber(limit=3, hold=holds)
        consumer.put(message(1))
        consumer.put(message(2))
        assert holds == []
        consumer.put(message(3))
        assert holds == [True]
        for number in (4, 5):  # what was on its way already
            consumer.put(message(number))
        assert holds == [True]
        found = []
        async for item in consumer:
            found.append(item)
            assert holds == [True]
            if len(found) == 5:
                break
        assert numbers(found) == [1, 2, 3, 4, 5]
        taking = asyncio.create_task(anext(aiter(consumer)))
        await asyncio.sleep(0)
        assert holds == [True, False]
        consumer.put(message(6))
        assert (await taking).received_at_ns == 6
        for number in range(7, 10):
            consumer.put(message(number))
        assert holds == [True, False, True]

    run_virtual(main())


def test_a_burst_over_the_limit_is_held_also_where_the_consumer_waits():
    """It is awake, but runs only after the burst: without a bound on it, the burst has none."""

    async def main():
        holds = Holds()
        consumer = subscriber(limit=3, hold=holds)
        taking = asyncio.create_task(drained(consumer))
        await asyncio.sleep(0)
        for number in range(10):
            consumer.put(message(number))
        assert holds == [True]
        assert numbers(await taking) == list(range(10))

    run_virtual(main())


def test_events_alone_fill_the_buffer_of_one_that_waits():
    """Or garbage, which comes as events, would pile up without an end."""
    holds = Holds()
    consumer = subscriber(limit=3, events=True, hold=holds)
    for number in range(3):
        consumer.put_event(event(number))
    assert holds == [True]
    consumer.discard()
    assert holds == [True, False]


# drop_oldest


def test_the_oldest_are_dropped_and_counted():
    consumer = subscriber("drop_oldest", limit=3)
    for number in range(10):
        consumer.put(message(number))
    assert consumer.dropped == 7
    assert len(consumer) == 3
    assert numbers(taken(consumer)) == [7, 8, 9]


def test_what_was_dropped_is_told_in_its_place():
    consumer = subscriber("drop_oldest", limit=3, events=True)
    for number in range(5):
        consumer.put(message(number))
    assert numbers(taken(consumer)) == [Dropped(at_ns=77, consumer="the consumer", count=2, total=2), 2, 3, 4]


def test_drops_while_the_consumer_is_at_it_are_told_before_what_follows():
    async def main():
        consumer = subscriber("drop_oldest", limit=2, events=True)
        found = []
        for number in range(2):
            consumer.put(message(number))
        async for item in consumer:
            found.append(item)
            if len(found) == 1:
                for number in range(2, 5):
                    consumer.put(message(number))
                consumer.close()
        return numbers(found)

    dropped = Dropped(at_ns=77, consumer="the consumer", count=2, total=2)
    assert run_virtual(main()) == [0, dropped, 3, 4]


def test_events_are_never_dropped_and_take_no_room():
    consumer = subscriber("drop_oldest", limit=2, events=True)
    for number in range(5):
        consumer.put_event(event(number))
    for number in range(4):
        consumer.put(message(number))
        consumer.put_event(event(10 + number))
    dropped = Dropped(at_ns=77, consumer="the consumer", count=2, total=2)
    events = [event(number) for number in (0, 1, 2, 3, 4, 10, 11)]
    assert numbers(taken(consumer)) == [dropped, *events, 2, event(12), 3, event(13)]


# latest


def test_the_newest_of_each_type_and_code_is_kept():
    consumer = subscriber("latest", limit=1)
    for number, (kind, code) in enumerate([("trade", "A"), ("trade", "B"), ("ticker", "A"), ("trade", "A")]):
        consumer.put(message(number, code, kind))
    assert consumer.dropped == 1
    assert numbers(taken(consumer)) == [3, 1, 2]  # what is replaced keeps its turn


def test_what_was_superseded_is_told_before_what_superseded_it():
    consumer = subscriber("latest", events=True)
    for number in range(3):
        consumer.put(message(number))
    assert numbers(taken(consumer)) == [Dropped(at_ns=77, consumer="the consumer", count=2, total=2), 2]


def test_what_is_superseded_while_the_consumer_is_at_it_is_told_in_its_place():
    async def main():
        consumer = subscriber("latest", events=True)
        consumer.put(message(0, "A"))
        consumer.put(message(1, "B"))
        found = []
        async for item in consumer:
            found.append(item)
            if len(found) == 1:
                consumer.put(message(2, "B"))
                consumer.close()
        return numbers(found)

    assert run_virtual(main()) == [0, Dropped(at_ns=77, consumer="the consumer", count=1, total=1), 2]


def test_an_event_parts_what_came_before_it_from_what_came_after():
    consumer = subscriber("latest", events=True)
    consumer.put(message(1))
    consumer.put_event(event())
    consumer.put(message(2))
    assert consumer.dropped == 0
    assert numbers(taken(consumer)) == [1, event(), 2]


# events, and the end


@pytest.mark.parametrize("policy", POLICIES)
def test_events_come_in_order_with_the_data_where_asked_for(policy):
    for wanted in (False, True):
        consumer = subscriber(policy, limit=100, events=wanted)
        expected = []
        for number in range(10):
            consumer.put(message(number, str(number)))
            expected.append(number)
            if number % 3 == 0:
                consumer.put_event(event(number))
                expected += [event(number)] * wanted
        assert numbers(taken(consumer)) == expected


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("error", [None, ValueError("the end")])
def test_the_end_comes_after_what_is_buffered(policy, error):
    async def main():
        consumer = subscriber(policy)
        consumer.put(message(1, "A"))
        consumer.put(message(2, "B"))
        consumer.close(error)
        for expected in ([1, 2], []):  # whoever iterates once more is told once more
            found = []
            with nullcontext() if error is None else pytest.raises(ValueError, match="the end"):
                await all_of(consumer, found)
            assert numbers(found) == expected
        assert consumer.told == (error is not None)

    run_virtual(main())


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("how", ["close", "discard"])
def test_the_end_wakes_who_waits(policy, how):
    async def main():
        consumer = subscriber(policy)
        taking = asyncio.create_task(drained(consumer))
        await asyncio.sleep(0)
        getattr(consumer, how)()
        return await taking

    assert run_virtual(main()) == []


def test_discarding_lets_go_and_forgets():
    holds = Holds()
    consumer = subscriber(limit=1, hold=holds)
    consumer.put(message(1))
    consumer.discard()
    assert holds == [True, False]
    assert len(consumer) == 0


# tasks


def test_two_tasks_on_one_consumer_are_a_mistake_of_the_second():
    async def main():
        consumer = subscriber()
        first = asyncio.create_task(anext(aiter(consumer)))
        await asyncio.sleep(0)
        with pytest.raises(UsageError, match="two tasks iterate over one consumer"):
            await anext(aiter(consumer))
        consumer.put(message(1))
        assert (await first).received_at_ns == 1

    run_virtual(main())


@pytest.mark.parametrize("policy", POLICIES)
def test_after_a_break_iterating_goes_on_where_it_stopped(policy):
    async def main():
        consumer = subscriber(policy, limit=100)
        for number in range(10):
            consumer.put(message(number, str(number)))
        consumer.close()
        found = []
        while len(found) < 10:
            async for item in consumer:
                found.append(item)
                if len(found) % 3 == 0:
                    break
        return numbers(found)

    assert run_virtual(main()) == list(range(10))


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("woken", [False, True])
def test_cancelling_the_task_loses_nothing(policy, woken):
    async def main():
        consumer = subscriber(policy)
        taking = asyncio.create_task(drained(consumer))
        await asyncio.sleep(0)
        if woken:
            consumer.put(message(1, "A"))
        taking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await taking
        if not woken:
            consumer.put(message(1, "A"))
        consumer.put(message(2, "B"))
        consumer.close()
        return numbers([item async for item in consumer])

    assert run_virtual(main()) == [1, 2]


# arguments


def test_a_policy_has_a_name_and_a_buffer_room():
    with pytest.raises(UsageError, match="policy 'newest' is not one of wait, drop_oldest, latest"):
        subscriber("newest")
    with pytest.raises(UsageError, match="at least 1"):
        subscriber(limit=0)


def test_events_keep_their_place_among_the_messages():
    """For one that waits nothing is missing, so the order is known whole."""
    order = deque("mmemeemmmem")
    consumer = subscriber(limit=2, events=True)
    expected = []
    for number, kind in enumerate(order):
        if kind == "m":
            consumer.put(message(number))
            expected.append(number)
        else:
            consumer.put_event(event(number))
            expected.append(event(number))
    assert numbers(taken(consumer)) == expected


def test_what_was_dropped_of_each_type_and_code_is_a_gap():
    consumer = subscriber("drop_oldest", limit=2, events=True)
    for number, code in enumerate(("A-B", "A-B", "C-D", "A-B", "C-D", "C-D"), 1):
        consumer.put(message(number, code))
    dropped, *gaps = taken(consumer)[:3]
    assert (dropped.type, dropped.count) == ("dropped", 4)
    assert [(gap.number, gap.message_type, gap.code, gap.from_ns, gap.to_ns) for gap in gaps] == [
        (1, "trade", "A-B", 1, 4),
        (2, "trade", "C-D", 3, 3),
    ]
    assert all(gap.lost and gap.reason for gap in gaps)
    assert len(consumer) == 0
    for number in range(3):
        consumer.put(message(number))
    assert [gap.number for gap in taken(consumer) if gap.type == "gap"] == [3]


def test_a_consumer_without_events_is_told_of_no_gap():
    consumer = subscriber("drop_oldest", limit=1)
    for number in range(3):
        consumer.put(message(number))
    assert numbers(taken(consumer)) == [2]
    consumer = subscriber("latest", events=True)
    for number in range(3):
        consumer.put(message(number))
    assert [item.type for item in taken(consumer)] == ["dropped", "trade"]


@pytest.mark.parametrize("policy", ["drop_oldest", "latest"])
def test_a_consumer_that_is_slow_with_every_item_still_gets_messages_and_its_buffer_stays_bounded(policy):
    async def main():
        consumer = subscriber(policy, limit=4, events=True)
        got, number = [], 0
        for _ in range(300):
            for _ in range(9):
                number += 1
                consumer.put(message(number))
            got.append(await anext(consumer))
            assert len(consumer) <= 4 + 2
        messages = [item.received_at_ns for item in got if isinstance(item, Unknown)]
        assert len(messages) >= 90
        assert messages == sorted(messages)
        return consumer, len(messages)

    consumer, taken = asyncio.run(main())
    assert consumer.dropped + taken + len(consumer) >= 300 * 9
