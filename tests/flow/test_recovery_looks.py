import asyncio

import pytest
from tests.flow.gaps import START_NS, at, in_time, time_ns
from tests.flow.recovering import BTC, ETH, Bench, gap

from upbit_stream.errors import RequestFailed

# what the ledger forgets


def test_what_was_received_around_a_gap_is_needed_until_it_is_filled():
    async def body():
        bench = Bench()
        bench.rest.latency_s = 1
        assert not bench.recovery.needs(at(0), at(10_000))
        bench.recovery.recover(gap(1, from_s=1_000, to_s=2_000))
        bench.recovery.recover(gap(2, from_s=9_000, to_s=9_001))
        around = [(0, 849), (0, 850), (1_400, 1_500), (2_150, 2_200), (2_151, 2_200), (8_800, 8_900)]
        assert [bench.recovery.needs(at(begin), at(end)) for begin, end in around] == [
            False, True, True, True, False, True
        ]  # fmt: skip
        await bench.recovery.settled()
        assert not any(bench.recovery.needs(at(begin), at(end)) for begin, end in around)

    in_time(body)


def test_a_job_knows_what_was_received_beside_the_ledger_and_what_it_joins():
    async def body():
        bench = Bench()
        bench.recovery.recover(gap(1), known=[3, 4], joins=9)
        await bench.recovery.settled()
        [job] = bench.done
        assert (job.known, job.joins) == ({3, 4}, 9)

    in_time(body)


# the account


@pytest.mark.parametrize("kind", ["myOrder", "myAsset"])
def test_what_an_account_holds_at_first_is_asked_for_and_is_no_gap(kind):
    async def body():
        bench = Bench()

        async def fill(job):
            bench.done.append(job)

        bench.recovery.fill = fill
        bench.recovery.began((kind, ""), at(0))
        bench.recovery.began(BTC, at(0))
        await bench.recovery.settled()
        assert [(job.kind, job.is_baseline) for job in bench.done] == [(kind, True)]
        assert bench.outlet.out == []
        assert bench.recovery.began_ns((kind, "")) == at(0)
        assert bench.recovery.began_ns(ETH) is None

    in_time(body)


def test_a_baseline_is_skipped_where_a_gap_waits_already():
    """What changed in the gap would be taken for known."""

    async def body():
        bench = Bench()
        bench.recovery.began(("myOrder", ""), at(0))
        bench.recovery.recover(gap(1, ("myOrder", "")))
        await bench.recovery.settled()
        assert [job.is_baseline for job in bench.done] == [False]

    in_time(body)


def test_a_job_knows_whether_others_wait():
    async def body():
        bench = Bench()
        bench.rest.latency_s = 1
        bench.recovery.recover(gap(1))
        [job] = bench.recovery.pending
        assert bench.recovery.is_only(job)
        bench.recovery.recover(gap(2))
        assert not bench.recovery.is_only(job)
        await bench.recovery.settled()

    in_time(body)


# clocks


def test_a_moment_of_ours_is_told_by_the_exchanges_clock():
    async def body():
        bench = Bench()
        bench.rest.offset_ms = -7_200_000
        assert bench.recovery.exchange_ms(START_NS) == START_NS // 1_000_000 - 7_200_000
        assert bench.recovery.now_ms == START_NS // 1_000_000 - 7_200_000
        assert bench.recovery.now_ns == START_NS
        await bench.recovery.until(at(-5))
        assert bench.recovery.now_ns == START_NS
        await bench.recovery.until(at(5))
        assert at(5) <= bench.recovery.now_ns <= at(5.01)

    in_time(body)


# audits


def test_each_market_is_looked_at_in_turn_up_to_a_moment_ago():
    async def body():
        bench = Bench(audit_s=60, covered=[BTC, ETH, ("ticker", "SGD-BTC"), ("candle.1m", "SGD-BTC")])
        looks = []

        async def fill(job):
            looks.append((job.key, job.from_ns, job.to_ns, time_ns()))

        bench.recovery.fill = fill
        for key in (BTC, ETH, ("candle.1m", "SGD-BTC")):
            bench.recovery.began(key, START_NS)
        await asyncio.sleep(121)
        assert [(key, round((now - START_NS) / 1e9)) for key, _, _, now in looks] == [
            (("candle.1m", "SGD-BTC"), 20),
            (BTC, 40),
            (ETH, 60),
            (("candle.1m", "SGD-BTC"), 80),
            (BTC, 100),
            (ETH, 120),
        ]
        of_btc = [(from_ns, to_ns) for key, from_ns, to_ns, _ in looks if key == BTC]
        assert of_btc == [(at(0), at(25)), (at(25), at(85))]
        assert bench.outlet.out == []
        await bench.recovery.close()

    in_time(body)


def test_an_audit_looks_only_where_all_that_was_received_is_still_known():
    async def body():
        bench = Bench(audit_s=1_000, covered=[BTC])
        looks = []

        async def fill(job):
            looks.append((job.from_ns, job.to_ns))

        bench.recovery.fill = fill
        bench.recovery.began(BTC, START_NS)
        bench.known_since_ns = at(600)
        await asyncio.sleep(1_001)
        assert looks == [(at(750), at(985))]
        await bench.recovery.close()

    in_time(body)


def test_what_was_not_covered_by_a_look_is_looked_at_again():
    """A look that was refused leaves what it was to look at to the next."""

    async def body():
        bench = Bench(audit_s=30, covered=[BTC])
        looks = []

        async def fill(job):
            looks.append((job.from_ns, job.to_ns))
            if len(looks) == 1:
                raise RequestFailed("no", is_final=True)

        bench.recovery.fill = fill
        bench.recovery.began(BTC, START_NS)
        await asyncio.sleep(61)
        assert looks == [(at(0), at(15)), (at(0), at(45))]
        await bench.recovery.close()

    in_time(body)


def test_while_a_gap_of_a_market_is_recovered_it_is_not_audited():
    async def body():
        bench = Bench(audit_s=10, covered=[BTC])
        bench.rest.latency_s = 100
        bench.recovery.began(BTC, START_NS)
        bench.recovery.recover(gap(1))
        await asyncio.sleep(95)
        assert len(bench.rest.asked_at) == 1
        assert [job.number for job in bench.recovery._queues[BTC]] == [1]
        await bench.recovery.close()

    in_time(body)


def test_without_audits_nobody_looks():
    async def body():
        bench = Bench(covered=[BTC])
        bench.recovery.began(BTC, START_NS)
        await asyncio.sleep(10_000)
        assert bench.rest.asked_at == []

    in_time(body)


def test_a_gap_that_was_filled_leaves_what_was_before_it_to_the_next_look():
    async def body():
        bench = Bench(audit_s=100, covered=[BTC])
        looks = []

        async def fill(job):
            looks.append((job.from_ns, job.to_ns))

        bench.recovery.fill = fill
        bench.recovery.began(BTC, START_NS)
        bench.recovery.recover(gap(1, from_s=50, to_s=60))
        await asyncio.sleep(101)
        assert looks == [(at(50), at(60)), (at(0), at(85))]
        await bench.recovery.close()

    in_time(body)
