import asyncio

import pytest
from tests.flow.exchanges import BTC, Floor, gap, ms, recovered, tape, trades_asked
from tests.flow.gaps import at, in_time, subscriptions

from upbit_stream.model.marks import Mark
from upbit_stream.wire.requests import FORMATS

HOUR_MS = 3_600_000


def receives(floor, *ids):
    """These trades were received over the stream."""
    for trade_id in ids:
        floor.continuity.ledger.add(BTC, trade_id)


# trades


@pytest.mark.parametrize("wire_format", FORMATS)
def test_what_was_missed_comes_in_order_and_what_was_received_does_not(wire_format):
    async def body():
        floor = Floor(wire_format)
        floor.rest.tape = tape(50, 99, 101, 105, 129, 131)
        receives(floor, 1, 2, 6)
        await recovered(floor, gap(), joins=6)
        assert floor.ids() == [3, 4, 5]
        assert {message.stream_type for message in floor.messages()} == {"RECOVERED"}
        assert floor.events() == ["recovered"]
        assert (floor.out[-1].count, floor.out[-1].number) == (3, 1)

    in_time(body)


def test_what_was_late_when_the_connection_was_lost_comes_too():
    """A minute before the gap is asked for, and no more."""

    async def body():
        floor = Floor()
        floor.rest.tape = tape(10, 39, 41, 99, 110, 133, 136, 140)
        receives(floor, 4, 6, 8)
        await recovered(floor, gap(), joins=6)
        assert floor.ids() == [3, 5]

    in_time(body)


def test_many_pages_come_each_trade_once():
    async def body():
        floor = Floor()
        floor.rest.tape = tape(*(100 + number / 100 for number in range(2_900)))
        receives(floor, 1, 2_900)
        await recovered(floor, gap(), joins=2_900)
        assert floor.ids() == list(range(2, 2_900))

    in_time(body)


def test_an_answer_that_joins_what_was_received_is_the_last():
    async def body():
        floor = Floor()
        floor.rest.tape = tape(99, 110, 130)
        receives(floor, 1, 3)
        await recovered(floor, gap(), joins=3)
        assert floor.ids() == [2]
        assert trades_asked(floor) == [131.0]

    in_time(body)


def test_where_rest_is_behind_the_stream_it_is_asked_again():
    async def body():
        floor = Floor()
        floor.rest.behind_ms = 3_000
        floor.rest.tape = tape(99, 110, 129.5, 130)
        receives(floor, 1, 4)
        await recovered(floor, gap(), joins=4)
        assert floor.ids() == [2, 3]
        assert trades_asked(floor) == [131.0, 134.0]

    in_time(body)


def test_what_never_joins_is_asked_three_times():
    async def body():
        floor = Floor()
        floor.rest.tape = tape(99, 110)
        receives(floor, 1)
        await recovered(floor, gap(), joins=7)
        assert floor.ids() == [2]
        assert trades_asked(floor) == [131.0, 134.0, 140.0]
        assert floor.events() == ["recovered"]

    in_time(body)


def test_a_gap_that_is_long_over_is_looked_at_once():
    async def body():
        floor = Floor()
        floor.rest.tape = tape(99, 110)
        receives(floor, 1)
        await asyncio.sleep(1_000)
        floor.recovery.recover(gap())
        await floor.recovery.settled()
        assert floor.ids() == [2]
        assert trades_asked(floor) == [1_000.0]

    in_time(body)


def test_a_later_look_goes_back_a_little_only():
    async def body():
        floor = Floor()
        floor.rest.tape = tape(*(100 + number / 100 for number in range(2_900)))
        await recovered(floor, gap(), joins=7_777)
        pages = {asked_at: trades_asked(floor).count(asked_at) for asked_at in trades_asked(floor)}
        assert pages[131.0] >= 6
        assert pages[134.0] <= 4
        assert floor.ids() == list(range(1, 2_901))

    in_time(body)


def test_what_an_earlier_run_received_is_not_told_again():
    async def body():
        floor = Floor()
        floor.rest.tape = tape(99, 110, 130)
        await recovered(floor, gap(), known=[1], joins=3)
        assert floor.ids() == [2, 3]

    in_time(body)


@pytest.mark.parametrize("off_ms", [0, 7_200_000, -30 * HOUR_MS])
def test_our_clock_may_be_wrong_by_hours(off_ms):
    async def body():
        floor = Floor()
        floor.rest.off_ms = off_ms
        floor.rest.tape = tape(20, 99, 110, 130, off_ms=off_ms)
        receives(floor, 2, 4)
        await recovered(floor, gap(), joins=4)
        assert floor.ids() == [3]
        assert floor.rest.asked[0][1:] == ("trades", BTC, 1)
        await recovered(floor, gap(number=2), joins=4)
        assert [asked for asked in floor.rest.asked if asked[1:] == ("trades", BTC, 1)] == floor.rest.asked[:1]

    in_time(body)


def test_nothing_before_the_snapshot_trade_of_the_first_subscription_is_missing():
    async def body():
        floor = Floor()
        floor.rest.tape = tape(70, 80, 80, 80, 110, 130)
        floor.continuity.floors.begin(BTC, at(90), trade_id=3, executed_ms=ms(80))
        receives(floor, 3, 6)
        await recovered(floor, gap(), joins=6)
        assert floor.ids() == [4, 5]

    in_time(body)


def test_where_there_was_no_trade_the_floor_is_the_moment_of_the_subscription():
    async def body():
        floor = Floor()
        floor.rest.off_ms = HOUR_MS
        floor.rest.tape = tape(70, 89, 91, 130, off_ms=HOUR_MS)
        floor.continuity.floors.begin(BTC, at(90))
        receives(floor, 4)
        await recovered(floor, gap(), joins=4)
        assert floor.ids() == [3]

    in_time(body)


def test_a_floor_long_before_the_gap_changes_nothing():
    async def body():
        floor = Floor()
        floor.rest.tape = tape(5, 30, 110, 130)
        floor.continuity.floors.begin(BTC, at(0), trade_id=1, executed_ms=ms(5))
        receives(floor, 1, 4)
        await recovered(floor, gap(), joins=4)
        assert floor.ids() == [3]

    in_time(body)


def test_what_is_older_than_seven_days_is_lost_and_the_rest_comes():
    async def body():
        floor = Floor()
        week_s = 8 * 86_400
        floor.rest.tape = tape(101, week_s)
        await recovered(floor, gap(from_s=100, to_s=week_s + 1))
        assert floor.ids() == [2]
        assert floor.events() == ["gap"]
        assert "the exchange keeps seven days" in floor.out[-1].lost

    in_time(body)


def test_a_look_that_finds_something_tells_the_gap_first():
    async def body():
        floor = Floor()
        floor.rest.tape = tape(99, 110, 130)
        receives(floor, 1, 3)
        await asyncio.sleep(200)
        floor.recovery.check(("trade", BTC), at(100), at(130), "an audit")
        await floor.recovery.settled()
        assert [item.type for item in floor.out] == ["gap", "trade", "recovered"]
        floor.recovery.check(("trade", BTC), at(100), at(130), "an audit")
        await floor.recovery.settled()
        assert len(floor.out) == 3

    in_time(body)


def test_where_trades_come_in_order_live_ones_wait_for_the_recovered():
    async def body():
        floor = Floor(ordered=True)
        floor.rest.tape = tape(99, 110, 130)
        receives(floor, 1)
        await asyncio.sleep(130)
        intake = floor.hub.receiver("public", lambda reply: None)
        floor.recovery.recover(gap(), joins=3)
        intake.receive(floor.rest.tape[2].payload().replace(b"RECOVERED", b"REALTIME"))
        assert floor.out == []
        await floor.recovery.settled()
        assert [(item.type, getattr(item, "sequential_id", 0)) for item in floor.out] == [
            ("trade", 2),
            ("trade", 3),
            ("recovered", 0),
        ]

    in_time(body)


def test_the_clocks_may_differ_by_five_seconds_at_the_end():
    async def body():
        floor = Floor()
        floor.rest.tape = tape(134, 136)
        await asyncio.sleep(1_000)
        floor.recovery.recover(gap())
        await floor.recovery.settled()
        assert floor.ids() == [1]

    in_time(body)


# from the stream to REST and back


def wire(row, stream_type):
    return row.payload().replace(b"RECOVERED", stream_type)


def test_nothing_is_recovered_that_was_traded_before_a_subscription_that_was_lost_at_once():
    async def body():
        floor = Floor()
        floor.rest.tape = tape(50, 101, 103)
        wanted = subscriptions(f"trade:{BTC}")
        await asyncio.sleep(100)
        intake = floor.hub.receiver("public", lambda reply: None)
        intake.asking(wanted, "connected")
        intake.registered(wanted)
        await asyncio.sleep(2)
        floor.hub.release(intake, "lost")
        intake = floor.hub.receiver("public", lambda reply: None)
        intake.asking(wanted, "connected")
        await asyncio.sleep(1)
        intake.receive(wire(floor.rest.tape[2], b"SNAPSHOT"))
        await floor.recovery.settled()
        assert sorted(floor.ids()) == [2, 3]

    in_time(body)


def test_however_long_rest_is_down_what_an_earlier_run_received_is_not_told_again():
    async def body():
        floor = Floor()
        floor.continuity.resume(Mark(type="trade", code=BTC, received_at_ns=at(-10), trades={1: at(-20), 2: at(-10)}))
        floor.rest.tape = tape(-20, -10, -5, 0)
        floor.rest.is_down = True
        intake = floor.hub.receiver("public", lambda reply: None)
        intake.asking(subscriptions(f"trade:{BTC}"), "connected")
        intake.receive(wire(floor.rest.tape[3], b"SNAPSHOT"))
        for second in range(1, 900):
            await asyncio.sleep(1)
            floor.rest.tape += tape(second, first=100 + second)
            intake.receive(wire(floor.rest.tape[-1], b"REALTIME"))
        floor.rest.is_down = False
        await floor.recovery.settled()
        assert sorted(floor.ids()) == [3, 4, *range(101, 1_000)]

    in_time(body)
