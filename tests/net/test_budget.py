import asyncio
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upbit_stream.net.budget import CONNECTIONS, MESSAGES, Budget
from upbit_stream.net.places import MemoryStore
from upbit_stream.testing.virtual_time import run_virtual

steady = settings(deadline=None, derandomize=True)
# when each task asks for a place, after the one before it
gaps_s = st.lists(st.sampled_from([0.0, 0.0, 0.0, 0.001, 0.0499, 0.2, 1.0, 1.1, 1.101, 7.3]), min_size=1, max_size=60)


class Crowd:
    """Tasks that share one budget, and the moments at which each had its place."""

    def __init__(self, rates=MESSAGES):
        self.time = asyncio.get_running_loop().time
        self.budget = Budget(MemoryStore(rates), self.time)
        self.served: list[tuple[float, int]] = []
        self.tasks: list[asyncio.Task[None]] = []

    def ask(self):
        self.tasks.append(asyncio.create_task(self._acquire(len(self.tasks))))

    async def _acquire(self, number):
        place = await self.budget.acquire()
        assert abs(self.time() - place) < 1e-5
        self.served.append((self.time(), number))

    async def gone(self):
        await asyncio.gather(*self.tasks, return_exceptions=True)

    @property
    def times(self):
        return [at for at, _ in self.served]

    def assert_first_come_first_served(self):
        """Those of one moment in any order."""
        by_number = [at for at, _ in sorted(self.served, key=lambda each: each[1])]
        assert all(later - earlier > -1e-5 for earlier, later in itertools.pairwise(by_number))


def assert_kept(times, *limits):
    """In no window of so many seconds more than so many; the margin for the way to the exchange is kept as well."""
    for most, window_s in limits:
        for first, one_more in zip(times, times[most:], strict=False):
            assert one_more - first >= window_s + 0.0999


@steady
@given(gaps_s)
def test_no_window_holds_more_than_the_limits(gaps):
    async def main():
        crowd = Crowd()
        for gap in gaps:
            await asyncio.sleep(gap)
            crowd.ask()
        await crowd.gone()
        return crowd

    crowd = run_virtual(main())
    assert len(crowd.served) == len(gaps)
    assert_kept(crowd.times, (5, 1.0), (100, 60.0))
    crowd.assert_first_come_first_served()


def test_a_hundred_a_minute_is_kept_too():
    async def main():
        crowd = Crowd()
        for _ in range(230):
            crowd.ask()
        await crowd.gone()
        return crowd.times

    times = run_virtual(main())
    assert_kept(times, (5, 1.0), (100, 60.0))
    assert times[-1] - times[0] < 2 * 60.2 + 6 * 1.2  # and no longer than it takes


def test_no_place_is_lost_to_caution():
    async def main():
        crowd = Crowd(CONNECTIONS)
        for _ in range(50):
            crowd.ask()
        await crowd.gone()
        return crowd.times

    times = run_virtual(main())
    assert times[-1] - times[0] < 9 * 1.11


@pytest.mark.parametrize("idle_s", [0, 2, 3_600, 10**7])
def test_after_idling_a_burst_of_exactly_five_is_immediate(idle_s):
    async def main():
        crowd = Crowd()
        crowd.ask()
        await asyncio.sleep(1.2 + idle_s)
        crowd.served.clear()
        asked_at = crowd.time()
        for _ in range(7):
            crowd.ask()
        await crowd.gone()
        return [at - asked_at for at in crowd.times]

    waits = run_virtual(main())
    assert waits[:5] == pytest.approx([0] * 5, abs=0.0011)
    assert waits[5:] == pytest.approx([1.1] * 2, abs=0.003)


@steady
@given(gaps_s, st.lists(st.tuples(st.integers(0, 59), st.floats(0, 15)), max_size=30))
def test_cancelling_breaks_no_limit_and_blocks_nobody(gaps, cancels):
    async def main():
        crowd = Crowd()
        for number, after_s in cancels:
            asyncio.get_running_loop().call_later(after_s, cancel, crowd, number)
        for gap in gaps:
            await asyncio.sleep(gap)
            crowd.ask()
        asked_at = crowd.time()
        await crowd.gone()
        return crowd, crowd.time() - asked_at

    def cancel(crowd, number):
        if number < len(crowd.tasks):
            crowd.tasks[number].cancel()

    crowd, took_s = run_virtual(main())
    assert_kept(crowd.times, (5, 1.0), (100, 60.0))
    crowd.assert_first_come_first_served()
    assert len(crowd.served) == sum(not task.cancelled() for task in crowd.tasks)
    assert took_s <= len(gaps) / 5 * 1.11  # giving up costs the place, no more


@steady
@given(gaps_s, st.lists(st.tuples(st.floats(0, 20), st.floats(0, 10)), min_size=1, max_size=5))
def test_a_pause_holds_everybody_also_who_waits_already(gaps, pauses):
    async def main():
        crowd = Crowd()
        held = []

        async def pause(at_s, length_s):
            await asyncio.sleep(at_s)
            await crowd.budget.pause(length_s)
            held.append((crowd.time(), crowd.time() + length_s))

        pausing = [asyncio.create_task(pause(*each)) for each in pauses]
        for gap in gaps:
            await asyncio.sleep(gap)
            crowd.ask()
        await crowd.gone()
        for task in pausing:
            task.cancel()
        return crowd, held

    crowd, held = run_virtual(main())
    assert len(crowd.served) == len(gaps)
    assert_kept(crowd.times, (5, 1.0), (100, 60.0))
    for at, (since, until) in itertools.product(crowd.times, held):
        assert not since + 1e-6 < at < until - 1e-6


def test_a_shorter_pause_does_not_end_a_longer_one():
    async def main():
        crowd = Crowd()
        await crowd.budget.pause(60)
        await crowd.budget.pause(1.1)
        begun = crowd.time()
        crowd.ask()
        await crowd.gone()
        return crowd.times[0] - begun

    assert run_virtual(main()) == pytest.approx(60, abs=0.01)


def test_a_timer_that_fires_early_gives_no_place_early():
    now = [1_000.0]

    async def main():
        budget = Budget(MemoryStore(CONNECTIONS), lambda: now[0])
        for _ in range(5):
            await budget.acquire()
        sleeping = asyncio.create_task(budget.acquire())
        await asyncio.sleep(5)  # the loop's timer has fired by now, but the budget's clock stands
        assert not sleeping.done()
        now[0] += 1.2
        return await sleeping

    assert run_virtual(main()) == pytest.approx(1_001.101, abs=0.002)


# the admission of a connection


def admitted(connecting_s, before=0):
    """The moments of entering and of the upgrade request, where connecting takes so long."""

    async def main():
        crowd = Crowd(CONNECTIONS)
        for _ in range(before):
            crowd.ask()
        admission = crowd.budget.admission()
        start = crowd.time()
        await crowd.gone()
        await admission.enter()
        entered = crowd.time() - start
        await asyncio.sleep(connecting_s)
        await admission.confirm()
        crowd.ask()
        await crowd.gone()
        return entered, crowd.time() - start, crowd.times

    return run_virtual(main())


def test_a_fresh_place_is_confirmed_as_it_is():
    entered, confirmed, _ = admitted(0.049)
    assert (entered, confirmed) == (0, pytest.approx(0.049, abs=0.002))


def test_an_old_place_is_asked_for_again():
    """Four others and this one are in the window; when connecting took a while, a second place has to wait."""
    entered, confirmed, _ = admitted(0.3, before=4)
    assert entered == pytest.approx(0, abs=0.002)
    assert confirmed == pytest.approx(1.101, abs=0.005)


def test_connecting_longer_than_the_window_costs_no_further_wait():
    entered, confirmed, _ = admitted(5, before=4)
    assert (entered, confirmed) == (pytest.approx(0, abs=0.002), pytest.approx(5, abs=0.002))


@steady
@given(st.lists(st.tuples(st.floats(0, 3), st.floats(0, 3)), min_size=1, max_size=15))
def test_upgrade_requests_keep_the_limit_however_long_connecting_takes(attempts):
    async def main():
        time = asyncio.get_running_loop().time
        budget = Budget(MemoryStore(CONNECTIONS), time)
        sent = []

        async def connect(after_s, connecting_s):
            await asyncio.sleep(after_s)
            admission = budget.admission()
            await admission.enter()
            await asyncio.sleep(connecting_s)
            await admission.confirm()
            sent.append(time())

        await asyncio.gather(*(connect(*attempt) for attempt in attempts))
        return sorted(sent)

    sent = run_virtual(main())
    for first, one_more in zip(sent, sent[5:], strict=False):
        assert one_more - first > 1.0  # a fresh place may be 50 ms old, the margin is 100
