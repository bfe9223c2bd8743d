import asyncio
import logging

from tests.flow.gaps import START_NS, at, in_time, time_ns
from tests.flow.recovering import BTC, ETH, Bench, gap

from upbit_stream.errors import MalformedMessage, RequestFailed
from upbit_stream.model.events import CLOSED_BEFORE_RECOVERED

# jobs


def test_a_gap_that_is_filled_ends_with_its_count_after_the_last_message():
    async def body():
        bench = Bench()
        bench.recovery.recover(gap(1))
        assert [(left.number, left.from_ns, left.to_ns, left.lost) for left in bench.recovery.gaps()] == [
            (1, at(10), at(20), "")
        ]
        await bench.recovery.settled()
        assert bench.told() == [b"1:17", ("recovered", 1, "recovered")]
        event = bench.outlet.out[-1]
        assert (event.message_type, event.code, event.from_ns, event.to_ns, event.count) == (*BTC, at(10), at(20), 1)
        assert bench.recovery.gaps() == []

    in_time(body)


def test_jobs_of_one_key_are_done_in_their_order_and_others_beside_them():
    async def body():
        bench = Bench()
        bench.rest.latency_s = 1
        for number in (1, 2, 3):
            bench.recovery.recover(gap(number))
        bench.recovery.recover(gap(4, ETH))
        await bench.recovery.settled()
        assert [job.number for job in bench.done if job.key == BTC] == [1, 2, 3]
        assert bench.rest.asked_at == [0, 0, 1, 2]
        numbers = [item.number for item in bench.outlet.out if not isinstance(item, bytes)]
        assert sorted(numbers) == [1, 2, 3, 4]
        assert numbers.index(4) < numbers.index(2)

    in_time(body)


def test_trades_are_kept_back_until_the_last_job_of_their_market():
    async def body():
        bench = Bench()
        for number in (1, 2):
            bench.recovery.recover(gap(number))
        bench.recovery.recover(gap(3, ("candle.1m", "SGD-BTC")))
        await bench.recovery.settled()
        assert bench.outlet.held == ["SGD-BTC", "SGD-BTC", "-SGD-BTC"]

    in_time(body)


def test_what_was_kept_back_is_let_go_before_the_gap_is_said_to_be_filled():
    async def body():
        bench = Bench()
        bench.outlet.let_go = lambda code: bench.outlet.out.append(b"let go")  # type: ignore[method-assign]
        bench.recovery.recover(gap(1))
        await bench.recovery.settled()
        assert bench.told() == [b"1:17", b"let go", ("recovered", 1, "recovered")]

    in_time(body)


def test_a_look_that_finds_nothing_tells_nothing_and_one_that_does_tells_a_gap_first():
    async def body():
        bench = Bench()
        fill, bench.recovery.fill = bench.recovery.fill, lambda job: asyncio.sleep(0)
        bench.recovery.check(BTC, at(1), at(2), "an audit")
        assert bench.recovery.gaps() == []
        await bench.recovery.settled()
        assert bench.outlet.out == []
        bench.recovery.fill = fill
        bench.recovery.check(BTC, at(1), at(2), "an audit")
        await bench.recovery.settled()
        assert bench.told() == [("gap", 101, ""), b"0:17", ("recovered", 101, "recovered")]
        assert bench.outlet.out[0].reason == "an audit"

    in_time(body)


def test_the_next_page_waits_until_there_is_room():
    async def body():
        bench = Bench()
        bench.outlet.may.clear()
        bench.recovery.recover(gap(1))
        await asyncio.sleep(100)
        assert bench.told() == [b"1:17"]
        bench.outlet.may.set()
        await bench.recovery.settled()
        assert bench.told()[-1] == ("recovered", 1, "recovered")

    in_time(body)


def test_a_part_that_cannot_be_had_is_told_and_the_rest_delivered():
    async def body():
        bench = Bench()

        async def fill(job):
            job.lost = "the exchange keeps seven days"
            await Bench.fill(bench, job)

        bench.recovery.fill = fill
        bench.recovery.recover(gap(1))
        await bench.recovery.settled()
        assert bench.told() == [b"1:17", ("gap", 1, "the exchange keeps seven days")]

    in_time(body)


# failures


def test_what_does_not_answer_is_asked_again_with_growing_patience(caplog):
    async def body():
        bench = Bench()
        bench.rest.failures = [RequestFailed("no answer") for _ in range(12)]
        bench.recovery.recover(gap(1))
        with caplog.at_level(logging.WARNING):
            await bench.recovery.settled()
        waits = [later - earlier for earlier, later in zip(bench.rest.asked_at, bench.rest.asked_at[1:], strict=False)]
        assert len(waits) == 12
        assert all(1 <= wait <= 60.01 for wait in waits)
        assert waits[0] < 3
        assert all(wait >= 30 for wait in waits[6:])
        assert bench.told() == [b"1:17", ("recovered", 1, "recovered")]
        assert len(caplog.records) == 12
        assert "no answer; next attempt in" in caplog.text

    in_time(body)


def test_all_jobs_share_one_patience():
    async def body():
        bench = Bench()
        bench.rest.latency_s = 0.1
        bench.rest.failures = [RequestFailed("no answer") for _ in range(6)]
        for number, code in enumerate(("A", "B", "C", "D", "E", "F")):
            bench.recovery.recover(gap(number + 1, ("trade", f"SGD-{code}")))
        await asyncio.sleep(1)
        assert len(bench.rest.asked_at) == 4  # those that were under way at the first failure
        assert bench.recovery._backoff.failures == 1
        await bench.recovery.settled()
        assert {item.number for item in bench.outlet.out if not isinstance(item, bytes)} == set(range(1, 7))

    in_time(body)


def test_an_answer_ends_the_growth():
    async def body():
        bench = Bench()
        bench.rest.failures = [RequestFailed("no answer") for _ in range(8)]
        bench.recovery.recover(gap(1))
        await bench.recovery.settled()
        assert bench.recovery._backoff.failures == 0

    in_time(body)


def test_four_requests_are_under_way_at_once():
    async def body():
        bench = Bench()
        bench.rest.latency_s = 1
        for number in range(9):
            bench.recovery.recover(gap(number + 1, ("trade", f"SGD-A{number}")))
        await bench.recovery.settled()
        assert bench.rest.most == 4

    in_time(body)


def test_a_final_refusal_loses_the_gap_and_the_next_job_goes_on(caplog):
    async def body():
        bench = Bench()
        bench.rest.failures = [RequestFailed("Code not found", status=404, is_final=True)]
        bench.recovery.recover(gap(1))
        bench.recovery.recover(gap(2))
        await bench.recovery.settled()
        assert bench.told() == [b"2:17", ("gap", 1, "Code not found"), ("recovered", 2, "recovered")]
        assert bench.outlet.held == ["SGD-BTC", "SGD-BTC", "-SGD-BTC"]

    in_time(body)


def test_a_look_that_is_refused_is_logged_only(caplog):
    async def body():
        bench = Bench()
        bench.rest.failures = [RequestFailed("Code not found", is_final=True)]
        bench.recovery.check(BTC, at(1), at(2), "an audit")
        await bench.recovery.settled()
        assert bench.outlet.out == []
        assert "whether anything is missing is not known: Code not found" in caplog.text

    in_time(body)


def test_an_answer_without_sense_is_asked_for_again_after_a_while():
    async def body():
        bench = Bench()
        nonsense = [MalformedMessage("a page that goes forward in time")] * 2

        async def fill(job):
            if nonsense:
                raise nonsense.pop()
            await Bench.fill(bench, job)

        bench.recovery.fill = fill
        bench.recovery.recover(gap(1))
        await bench.recovery.settled()
        assert bench.told() == [b"1:17", ("recovered", 1, "recovered")]
        assert time_ns() >= at(2)

    in_time(body)


def test_a_mistake_of_ours_loses_one_gap_and_stops_nothing_else(caplog):
    async def body():
        bench = Bench()

        async def fill(job):
            if job.number == 1:
                raise KeyError("a mistake")
            await Bench.fill(bench, job)

        bench.recovery.fill = fill
        for number in (1, 2):
            bench.recovery.recover(gap(number))
        await bench.recovery.settled()
        assert bench.told() == [
            b"2:17",
            ("gap", 1, "a mistake in the recovery: KeyError('a mistake')"),
            ("recovered", 2, "recovered"),
        ]
        assert [record.exc_info is not None for record in caplog.records if record.levelname == "ERROR"] == [True]

    in_time(body)


# the end


def test_giving_up_tells_of_every_gap_that_is_left_once():
    async def body():
        bench = Bench()
        bench.rest.latency_s = 1_000
        for number, key in ((1, BTC), (2, BTC), (3, ETH)):
            bench.recovery.recover(gap(number, key))
        bench.recovery.check(BTC, at(1), at(2), "an audit")
        await asyncio.sleep(1)
        assert [left.number for left in bench.recovery.gaps()] == [1, 2, 3]
        bench.recovery.give_up()
        assert bench.told() == [("gap", number, CLOSED_BEFORE_RECOVERED) for number in (1, 2, 3)]
        assert bench.recovery.gaps() == []
        await bench.recovery.close()
        await asyncio.sleep(2_000)
        assert len(bench.outlet.out) == 3
        assert bench.rest.closed

    in_time(body)


def test_closing_stops_the_audit():
    async def body():
        bench = Bench(audit_s=60, covered=[BTC])
        bench.recovery.began(BTC, START_NS)
        await bench.recovery.close()
        await asyncio.sleep(1_000)
        assert bench.rest.asked_at == []

    in_time(body)


def test_nothing_to_do_is_settled():
    async def body():
        bench = Bench()
        await bench.recovery.settled()
        bench.rest.latency_s = 5
        bench.recovery.check(BTC, at(1), at(2), "a look")
        before = time_ns()
        await bench.recovery.settled()
        assert time_ns() - before == 5_000_000_000

    in_time(body)
