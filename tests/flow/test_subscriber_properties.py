import asyncio
import functools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.flow.consumers import POLICIES, Holds, event, message, numbers, subscriber

from upbit_stream.model.events import Connected, Dropped
from upbit_stream.model.messages import Unknown
from upbit_stream.testing.virtual_time import run_virtual

steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from("ABC")),
        st.tuples(st.just("event"), st.just("")),
        st.tuples(st.just("take"), st.integers(1, 6)),
        st.tuples(st.just("cancel"), st.just("")),
    ),
    max_size=80,
)


def messages_in(consumer):
    return consumer.waiting - consumer.extra


async def interleaved(policy, limit, wants_events, moves):
    """The moves, one after the other, with at most one task that takes; what was put, and what came out."""
    holds = Holds()
    consumer = subscriber(policy, limit, wants_events, holds)
    put, events, found = [], [], []
    task = None

    async def take(count):
        async for item in consumer:
            found.append(item)
            count -= 1
            if count == 0:
                return

    for move, value in moves:
        if move == "put":
            put.append(message(len(put), value))
            consumer.put(put[-1])
            assert policy != "drop_oldest" or messages_in(consumer) <= limit
        elif move == "event":
            events.append(event(len(events)))
            consumer.put_event(events[-1])
        elif move == "take" and (task is None or task.done()):
            task = asyncio.create_task(take(value))
        elif move == "cancel" and task is not None:
            task.cancel()
        await asyncio.sleep(0)
    if task is not None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    consumer.close()
    found += [item async for item in consumer]
    return consumer, holds, put, events, found


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("wants_events", [False, True])
@given(limit=st.integers(1, 5), moves=steps)
def test_what_was_put_was_taken_or_dropped(policy, wants_events, limit, moves):
    run = functools.partial(interleaved, policy, limit, wants_events, moves)
    consumer, holds, put, events, found = run_virtual(run())
    messages = [item for item in found if isinstance(item, Unknown)]
    drops = [item for item in found if isinstance(item, Dropped)]
    assert len(messages) + consumer.dropped == len(put)
    # in order, per code at least, and nothing twice
    for code in "ABC":
        numbered = [item.received_at_ns for item in messages if item.code == code]
        assert numbered == sorted(set(numbered))
    if policy != "latest":
        assert numbers(messages) == sorted(numbers(messages))
    # events: all, once, in order; drops told as they add up
    assert [item for item in found if isinstance(item, Connected)] == (events if wants_events else [])
    assert sum(item.count for item in drops) == (consumer.dropped if wants_events else 0)
    totals = [item.total for item in drops]
    assert totals == sorted(totals)
    # holds come in turns, by one that waits only, and none is left at the end
    assert holds == [number % 2 == 0 for number in range(len(holds))]
    assert len(holds) % 2 == 0
    if policy == "wait":
        assert consumer.dropped == 0
    else:
        assert not holds
    if policy == "latest":
        newest = {item.code: item.received_at_ns for item in put}
        assert all(number in numbers(messages) for number in newest.values())
