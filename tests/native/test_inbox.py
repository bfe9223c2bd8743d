import asyncio
import gc
import types
import weakref
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.flow.consumers import event, message, subscriber

from upbit_stream.flow.inbox import PythonInbox
from upbit_stream.native import native


@types.coroutine
def pause(value=None):
    return (yield value)


def made(base, limit, drops, log):  # noqa: C901  # many small answers
    """An inbox that writes down what it is asked, and answers as a subscriber would."""

    class Watched(base):  # type: ignore[valid-type,misc]  # one of two
        async def _next(self):
            log.append("next")
            while not self.waiting:
                if len(log) > 400:
                    raise StopAsyncIteration
                log.append(await pause("asleep"))
            self.is_plain = True
            return self.popleft()

        def _wake(self):
            log.append("wake")

        def _hold_back(self):
            self.is_holding = True
            log.append(("hold", self.waiting))

        def _count_drop(self):
            self.dropped += 1
            log.append("dropped")
            if self.dropped == 3:
                raise KeyError("three")

        def _drop_oldest(self):
            log.append(("drop", self.waiting))
            if self.waiting:
                self.popleft()
            elif self.limit == 0:
                raise ValueError("nothing to drop")

    watched = Watched(limit, drops)
    watched.is_closed = True  # so that who waits asks `_next`, in both
    return watched


moves = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["put", "append", "appendleft"]), st.integers(0, 9)),
        st.tuples(st.just("put_latest"), st.integers(0, 3)),
        st.tuples(st.sampled_from(["popleft", "empty", "anext"])),
        st.tuples(st.just("flood"), st.integers(0, 5_000)),
        st.tuples(st.sampled_from(["send", "throw", "close"]), st.integers(0, 9)),
        st.tuples(
            st.sampled_from(["is_plain", "is_sleeping", "is_holding", "counts_drops"]),
            st.booleans(),
        ),
        st.tuples(st.sampled_from(["extra", "limit"]), st.integers(0, 4)),
    ),
    max_size=60,
)
THROWN = [
    ValueError(1),
    asyncio.CancelledError(),
    StopIteration(3),
    GeneratorExit(),
    KeyError,
    StopAsyncIteration(),
    RuntimeError("x"),
    KeyError(5),
    ValueError,
    LookupError("y"),
]


def played(base, limit, drops, steps):  # noqa: C901  # one branch for each kind of step
    log: list[Any] = []
    nexts: list[Any] = []
    inbox = made(base, limit, drops, log)
    for name, *given_ in steps:
        try:
            if name == "anext":
                nexts.append(inbox.__anext__())
                result = None
            elif name == "flood":
                for number in range(given_[0]):
                    inbox.append(number)
                result = None
            elif name == "put_latest":
                result = inbox.put_latest(message(given_[0], "AB"[given_[0] % 2]))
            elif name == "send" and nexts:
                result = nexts[given_[0] % len(nexts)].send(None if given_[0] < 8 else given_[0])
            elif name == "throw" and nexts:
                result = nexts[given_[0] % len(nexts)].throw(THROWN[given_[0]])
            elif name == "close" and nexts:
                result = nexts[given_[0] % len(nexts)].close()
            elif name in ("send", "throw", "close"):
                result = None
            elif name in ("put", "append", "appendleft", "popleft", "empty"):
                result = getattr(inbox, name)(*given_)
            else:
                result = setattr(inbox, name, *given_)
        except BaseException as error:  # noqa: BLE001  # all of them are compared
            value = error.value if isinstance(error, StopIteration) else None
            said = "" if isinstance(error, (RuntimeError, IndexError, TypeError)) else str(error)
            result = type(error), value, said
        log.append((name, result))
        flags = (inbox.is_plain, inbox.is_sleeping, inbox.is_holding, inbox.counts_drops, inbox.dropped, inbox.extra)
        log.append((inbox.waiting, *flags, {key: item.received_at_ns for key, item in inbox.latest.items()}))
    for waiting in nexts:
        waiting.close()
    rest = [inbox.popleft() for _ in range(inbox.waiting)]
    return log, rest


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
@given(st.integers(0, 5), st.booleans(), moves)
def test_both_inboxes_do_the_same(limit, drops, steps):
    assert played(native.Inbox, limit, drops, steps) == played(PythonInbox, limit, drops, steps)


@pytest.mark.parametrize("base", [PythonInbox, native and native.Inbox])
def test_a_limit_beyond_all_memory_is_a_limit(base):
    inbox = made(base, 10**30, True, [])
    inbox.put(1)
    assert inbox.waiting == 1
    assert made(base, -5, False, []).put(1) is None


def test_a_limit_that_is_no_number_is_refused():
    for wrong in ("5", None, 1.5):
        with pytest.raises(TypeError):
            native.Inbox(wrong)


def test_the_first_item_may_be_put_before_all():
    inbox = native.Inbox(5)
    inbox.appendleft(1)
    inbox.appendleft(2)
    assert [inbox.popleft(), inbox.popleft()] == [2, 1]
    with pytest.raises(IndexError):
        inbox.popleft()


def test_without_init_it_works_and_asks_what_nobody_answers():
    inbox = native.Inbox.__new__(native.Inbox)
    inbox.put(1)
    assert inbox.popleft() == 1
    inbox.is_closed = True
    with pytest.raises(AttributeError):
        inbox.__anext__().send(None)


def test_what_is_put_while_all_is_forgotten_stays():
    class Last:
        def __del__(self):
            inbox.put("more")
            inbox.append("and more")

    inbox = native.Inbox(1_000)
    for _ in range(100):
        inbox.put(Last())
    inbox.empty()
    assert inbox.waiting == 200


@pytest.mark.parametrize("asked", ["_wake", "_hold_back", "_drop_oldest"])
def test_who_is_asked_may_put_and_take(asked):
    """The buffer grows and empties under the call that asks."""

    class Meddling(native.Inbox):  # type: ignore[misc]  # C has no types
        def _meddle(self):
            self.is_holding = True
            for number in range(5_000):
                self.append(number)
            while self.waiting:
                self.popleft()
            self.empty()

        _wake = _hold_back = _drop_oldest = _meddle

    inbox = Meddling(0, drops=asked == "_drop_oldest")
    inbox.is_sleeping = asked == "_wake"
    inbox.put("x")
    assert inbox.waiting == (1 if asked == "_drop_oldest" else 0)


# what a subscriber's `anext` is good for


def filled(*items, **given_):
    consumer = subscriber(limit=100, **given_)
    for item in items:
        consumer.put(item)
    return consumer


def test_what_is_not_awaited_takes_nothing():
    consumer = filled(1, 2)
    forgotten = anext(consumer)
    del forgotten
    anext(consumer).close()
    assert consumer.waiting == 2


def test_a_time_out_of_nothing_loses_nothing():
    async def main():
        consumer = filled(1, 2)
        for _ in range(10):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(consumer), 0)
        assert [await anext(consumer), await anext(consumer)] == [1, 2]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(consumer), 0)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(consumer), 0.001)
        consumer.put(3)
        assert await asyncio.wait_for(anext(consumer), 5) == 3

    asyncio.run(main())


def test_it_can_be_a_task():
    async def main():
        consumer = filled()
        task = asyncio.create_task(anext(consumer))
        await asyncio.sleep(0)
        assert "pending" in repr(task)
        consumer.put((1, 2))
        assert await task == (1, 2)  # a tuple comes as it is
        consumer.put(StopIteration(5))
        assert isinstance(await anext(consumer), StopIteration)
        for cancelled_after in (0, 1):
            task = asyncio.ensure_future(anext(consumer))
            for _ in range(cancelled_after):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        consumer.put(4)
        first, second = await asyncio.gather(anext(consumer), asyncio.wait_for(_after(consumer, 5), 5))
        assert (first, second) == (4, 5)
        consumer.close()
        with pytest.raises(StopAsyncIteration):
            await anext(consumer)
        assert [item async for item in consumer] == []

    async def _after(consumer, item):
        await asyncio.sleep(0)
        consumer.put(item)
        return await anext(consumer)

    asyncio.run(main())


def test_it_can_be_awaited_once():
    async def main():
        consumer = filled(1, 2)
        waiting = anext(consumer)
        assert await waiting == 1
        with pytest.raises(RuntimeError, match="already awaited"):
            await waiting
        with pytest.raises(RuntimeError, match="already awaited"):
            waiting.throw(ValueError())
        assert await anext(consumer, None) == 2
        consumer.close()
        assert await anext(consumer, "the end") == "the end"

    asyncio.run(main())


def test_events_and_messages_come_as_they_were_put():
    async def main():
        consumer = filled(events=True)
        consumer.put_event(event(1))
        consumer.put(message(2))
        consumer.close(ValueError("the end"))
        got = [await anext(consumer), await anext(consumer)]
        assert got == [event(1), message(2)]
        with pytest.raises(ValueError, match="the end"):
            await anext(consumer)

    asyncio.run(main())


@pytest.mark.parametrize("policy", ["wait", "drop_oldest", "latest"])
def test_what_only_holds_itself_is_let_go(policy):
    consumer = subscriber(policy, 10)
    consumer.itself = anext(consumer)
    consumer.put(message(1))
    item = message(2)
    if policy != "latest":
        consumer.append([consumer])
    consumer.put(item)
    gone = weakref.ref(consumer)
    del consumer
    gc.collect()
    assert gone() is None
