import asyncio

import pytest
from tests.flow.gaps import SECOND, START_NS, Bench, at, in_time

from upbit_stream.flow.continuity import (
    NOT_RUNNING,
    UNREADABLE,
    UNREADABLE_TOGETHER_S,
)
from upbit_stream.model.marks import Mark, Unfilled
from upbit_stream.model.messages import Candle, Unknown

TRADES = "trade:SGD-BTC"


# candles


def candle(timestamp, volume=1.0, start="2026-01-01T00:00:00"):
    return Candle(
        type="candle.1m",
        code="SGD-BTC",
        candle_date_time_utc=start,
        candle_date_time_kst="",
        opening_price=1.0,
        high_price=1.0,
        low_price=1.0,
        trade_price=1.0,
        candle_acc_trade_volume=volume,
        candle_acc_trade_price=1.0,
        timestamp=timestamp,
        stream_type="REALTIME",
    )


def guarded(bench, kind):
    """What stands before the delivery of a type."""
    guard = bench.continuity.guard(kind)
    assert guard is not None
    return guard


@pytest.mark.parametrize("is_redundant", [False, True])
def test_an_older_word_on_a_candle_is_stopped_and_a_repeated_one_where_it_is_a_copy(is_redundant):
    guard = guarded(Bench(is_redundant=is_redundant), "candle.1m")
    told = [guard(candle(*state)) for state in [(5, 1.0), (5, 1.0), (4, 0.5), (6, 2.0), (5, 1.0)]]
    assert told == [False, is_redundant, True, False, True]


def test_who_watches_a_type_is_told_of_each_and_stops_none():
    bench, seen = Bench(), []
    bench.continuity.watch("myOrder", seen.append)
    assert guarded(bench, "myOrder")(7) is False
    assert seen == [7]
    assert bench.continuity.guard("myAsset") is None


# what cannot be read


def test_what_cannot_be_read_is_looked_for_once_among_all_that_has_a_history():
    async def body():
        bench = Bench()
        source = bench.up(TRADES, "candle.1m:SGD-ETH", "ticker:SGD-BTC", "orderbook:SGD-BTC")
        other = bench.up("myOrder")
        await asyncio.sleep(20)
        bench.continuity.unreadable(source)
        await asyncio.sleep(5)
        bench.continuity.unreadable(source)
        assert bench.books.checked == []
        await asyncio.sleep(10)
        assert bench.books.checked == [
            (("candle.1m", "SGD-ETH"), at(20), at(20 + UNREADABLE_TOGETHER_S), UNREADABLE),
            (("trade", "SGD-BTC"), at(20), at(20 + UNREADABLE_TOGETHER_S), UNREADABLE),
        ]
        bench.continuity.unreadable(other)
        await asyncio.sleep(20)
        assert [key for key, *_ in bench.books.checked[2:]] == [("myOrder", "")]
        bench.continuity.unreadable(source)
        await asyncio.sleep(20)
        assert len(bench.books.checked) == 5
        assert bench.told == []

    in_time(body)


def test_what_could_not_be_read_is_looked_for_though_the_session_is_over():
    async def body():
        bench = Bench()
        source = bench.up(TRADES)
        bench.comes(source, "trade", "SGD-BTC", trade_id=1, snapshot=True)
        bench.continuity.unreadable(source)
        bench.continuity.ended(source, "lost")
        bench.comes(bench.up(TRADES), "trade", "SGD-BTC", trade_id=2, snapshot=True)
        await asyncio.sleep(20)
        assert [key for key, *_ in bench.books.checked] == [("trade", "SGD-BTC")]

    in_time(body)


# an earlier run

LEFT = Mark(type="trade", code="SGD-BTC", received_at_ns=START_NS - 900 * SECOND, trades={7: START_NS - 900 * SECOND})


def test_where_an_earlier_run_left_off_a_gap_begins():
    async def body():
        bench = Bench()
        bench.continuity.resume(LEFT)
        assert bench.continuity.was_received("SGD-BTC", 7, ever=True)
        source = bench.up(TRADES)
        bench.comes(source, "trade", "SGD-BTC", trade_id=8, snapshot=True)
        assert bench.gaps() == [("trade", "SGD-BTC", -900, 0, False)]
        assert bench.told[0].reason == NOT_RUNNING
        assert bench.books.begun == []
        assert bench.continuity.floors.of("SGD-BTC") is None

    in_time(body)


def test_the_process_that_was_not_running_is_a_gap_even_where_the_snapshot_is_known():
    async def body():
        bench = Bench()
        bench.continuity.resume(LEFT)
        bench.comes(bench.up(TRADES), "trade", "SGD-BTC", trade_id=7, snapshot=True)
        assert [gap.reason for gap in bench.told] == [NOT_RUNNING]

    in_time(body)


def test_what_an_earlier_run_did_not_fill_is_told_again_first_with_what_it_knew():
    async def body():
        bench = Bench()
        left = Unfilled(from_ns=at(-2_000), to_ns=at(-1_900), reason="lost", trades=frozenset({3, 4}))
        bench.continuity.resume(
            Mark(
                type="trade",
                code="SGD-BTC",
                received_at_ns=at(-900),
                trades={7: at(-900)},
                unfilled=(left, Unfilled(from_ns=at(-1_500), to_ns=at(-1_400), reason="silent")),
            )
        )
        source = bench.up(TRADES)
        bench.comes(source, "trade", "SGD-BTC", trade_id=8, snapshot=True)
        assert bench.gaps() == [
            ("trade", "SGD-BTC", -2_000, -1_900, False),
            ("trade", "SGD-BTC", -1_500, -1_400, False),
            ("trade", "SGD-BTC", -900, 0, False),
        ]
        assert [gap.number for gap in bench.told] == [1, 2, 3]
        assert [gap.reason for gap in bench.told] == ["lost", "silent", NOT_RUNNING]
        assert bench.books.known == [{3, 4}, set(), set()]
        bench.continuity.ended(source, "lost again")
        bench.comes(bench.up(TRADES), "trade", "SGD-BTC", trade_id=9, snapshot=True)
        assert len(bench.told) == 4

    in_time(body)


def test_candles_of_an_earlier_run_are_known():
    async def body():
        bench = Bench()
        bench.continuity.resume(
            Mark(type="candle.1m", code="SGD-BTC", received_at_ns=at(-60), candles={"2026-01-01T00:00:00": (5, 1.0)})
        )
        assert guarded(bench, "candle.1m")(candle(4, 0.5))
        bench.comes(bench.up("candle.1m:SGD-BTC"), "candle.1m", "SGD-BTC", snapshot=True)
        assert bench.gaps() == [("candle.1m", "SGD-BTC", -60, 0, False)]

    in_time(body)


def test_orders_of_some_markets_are_resumed_by_all_of_them_together():
    async def body():
        bench = Bench()
        for code, left in (("SGD-BTC", -50), ("SGD-ETH", -100)):
            bench.continuity.resume(Mark(type="myOrder", code=code, received_at_ns=at(left)))
        bench.up("myOrder")
        assert bench.gaps() == [("myOrder", "", -50, 0, False)]

    in_time(body)


# what is forgotten


@pytest.mark.parametrize("needed", [False, True])
def test_what_is_old_is_forgotten_unless_it_is_needed(needed):
    async def body():
        bench = Bench()
        bench.books.needed = needed
        source = bench.up(TRADES)
        for number in range(3_600):
            bench.comes(source, "trade", "SGD-BTC", trade_id=number + 1)
            await asyncio.sleep(1)
        ledger = bench.continuity.ledger
        assert ledger.received("SGD-BTC", 1) is needed
        assert all(ledger.received("SGD-BTC", number) for number in range(3_301, 3_601))

    in_time(body)


def test_a_stream_that_is_closed_forgets_no_more():
    async def body():
        bench, ticks = Bench(), []
        bench.continuity.ledger.tick = lambda now_ns, needed: ticks.append(now_ns)  # type: ignore[method-assign]
        bench.up("myOrder")
        await asyncio.sleep(10.5)
        assert len(ticks) == 11
        bench.continuity.close()
        await asyncio.sleep(1_000)
        assert len(ticks) == 11

    in_time(body)


# what is kept back


def test_messages_are_kept_back_only_while_something_holds():
    asked = []

    def holds(message):
        asked.append(message)
        return True

    bench = Bench(holds=holds)
    message = Unknown(type="x", code="", payload=b"", received_at_ns=1)
    assert not bench.continuity.holds(message)
    assert asked == []
    bench.continuity.holding = True
    assert bench.continuity.holds(message)
    assert asked == [message]
