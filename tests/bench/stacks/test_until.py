"""Several things at once."""

import asyncio

import pytest
from bench.stacks.until import until


def test_what_goes_on_beside_ends_when_all_is_finished():
    ended = []

    async def work(name):
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(name)

    async def finish(finished):
        finished.set()
        await asyncio.Event().wait()

    async def run():
        finished = asyncio.Event()
        await until(finished, work("a"), work("b"), finish(finished))

    asyncio.run(run())
    assert sorted(ended) == ["a", "b"]


def test_what_one_of_them_raises_ends_all_as_it_is():
    async def fail():
        raise LookupError("it broke")

    async def work():
        await asyncio.Event().wait()

    async def run():
        await until(asyncio.Event(), work(), fail())

    with pytest.raises(LookupError, match="it broke"):
        asyncio.run(run())


def test_a_work_that_ends_by_itself_is_no_end():
    async def brief():
        pass

    async def finish(finished):
        await asyncio.sleep(0)
        finished.set()

    async def run():
        finished = asyncio.Event()
        await until(finished, brief(), finish(finished))
        return finished.is_set()

    assert asyncio.run(run())
