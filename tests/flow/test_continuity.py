import asyncio

import pytest
from tests.flow.gaps import SECOND, START_NS, Bench, Source, at, in_time, time_ns

from upbit_stream.flow.continuity import (
    CHANGED,
    FIRST_MESSAGE_WITHIN_S,
    LOST,
    NOT_RUNNING,
    SILENT,
    SWITCHED_OFF,
    UNREADABLE,
    UNREADABLE_TOGETHER_S,
)
from upbit_stream.model.marks import Mark, Unfilled
from upbit_stream.model.messages import Candle, Unknown
from upbit_stream.model.raw import RawMessage
from upbit_stream.model.subscription import Subscription
from upbit_stream.session.ledger import KEPT_NS
from upbit_stream.wire.decoder import Head

TRADES = "trade:SGD-BTC"


# beginnings


def test_the_first_subscription_is_no_gap_and_its_snapshot_is_the_floor():
    async def body():
        bench = Bench()
        source = Source()
        bench.asks(source, TRADES)
        await asyncio.sleep(2)
        assert bench.comes(source, "trade", "SGD-BTC", trade_id=17, snapshot=True)
        bench.confirms(source, TRADES)
        assert bench.told == []
        assert bench.books.begun == [(("trade", "SGD-BTC"), START_NS)]
        floor = bench.continuity.floors.of("SGD-BTC")
        assert (floor.subscribed_ns, floor.trade_id, floor.executed_ms) == (START_NS, 17, at(2) // 1_000_000)

    in_time(body)


def test_a_first_trade_in_real_time_is_no_floor():
    async def body():
        bench = Bench()
        bench.comes(bench.up(TRADES), "trade", "SGD-BTC", trade_id=17)
        floor = bench.continuity.floors.of("SGD-BTC")
        assert (floor.subscribed_ns, floor.trade_id, floor.executed_ms) == (START_NS, 0, 0)

    in_time(body)


def test_a_market_without_trades_begins_once_no_snapshot_can_be_expected():
    async def body():
        bench = Bench()
        source = bench.up(TRADES)
        attended = source.attended
        await asyncio.sleep(FIRST_MESSAGE_WITHIN_S - 1)
        assert bench.books.begun == []
        assert bench.continuity.attends(source)
        await asyncio.sleep(2)
        assert bench.books.begun == [(("trade", "SGD-BTC"), START_NS)]
        assert not bench.continuity.attends(source)
        assert source.attended > attended

    in_time(body)


@pytest.mark.parametrize(
    ("wanted", "kind"),
    [
        ("myOrder", "myOrder"),
        ("myAsset", "myAsset"),
        (Subscription(type="trade", codes=["SGD-BTC"], is_only_realtime=True), "trade"),
    ],
)
def test_what_has_no_snapshot_begins_with_the_confirmation(wanted, kind):
    async def body():
        bench = Bench()
        source = bench.up(wanted)
        assert [key[0] for key, _ in bench.books.begun] == [kind]
        assert not bench.continuity.attends(source)

    in_time(body)


def test_a_subscription_to_snapshots_alone_cannot_be_interrupted():
    async def body():
        bench = Bench()
        wanted = Subscription(type="trade", codes=["SGD-BTC"], is_only_snapshot=True)
        source = bench.up(wanted)
        bench.comes(source, "trade", "SGD-BTC", trade_id=1, snapshot=True)
        bench.continuity.ended(source, "lost")
        bench.comes(bench.up(wanted), "trade", "SGD-BTC", trade_id=2, snapshot=True)
        assert (bench.told, bench.books.begun) == ([], [])

    in_time(body)


# gaps


def test_a_gap_is_told_once_before_the_first_message_after_it():
    async def body():
        bench = Bench()
        source = bench.up(TRADES)
        bench.comes(source, "trade", "SGD-BTC", trade_id=1, snapshot=True)
        await asyncio.sleep(5)
        bench.comes(source, "trade", "SGD-BTC", trade_id=2)
        await asyncio.sleep(5)
        bench.continuity.ended(source, "the connection was lost")
        await asyncio.sleep(5)
        after = bench.up(TRADES)
        assert bench.told == []
        await asyncio.sleep(1)
        assert bench.comes(after, "trade", "SGD-BTC", trade_id=3, snapshot=True)
        assert not bench.comes(after, "trade", "SGD-BTC", trade_id=4)
        assert bench.gaps() == [("trade", "SGD-BTC", 5, 16, False)]
        [gap] = bench.told
        assert (gap.number, gap.reason, gap.at_ns) == (1, "the connection was lost", at(16))
        assert bench.books.recovered == [gap]

    in_time(body)


def test_each_key_has_its_own_gap_and_the_numbers_count_over_all_endpoints():
    async def body():
        bench = Bench()
        wanted = ("trade:SGD-BTC,SGD-ETH", "candle.1m:SGD-BTC")
        source, private = bench.up(*wanted), bench.up("myOrder")
        for code in ("SGD-BTC", "SGD-ETH"):
            bench.comes(source, "trade", code, trade_id=1, snapshot=True)
        bench.comes(source, "candle.1m", "SGD-BTC", snapshot=True)
        await asyncio.sleep(1)
        bench.continuity.ended(source, "lost")
        bench.continuity.ended(private, "lost")
        await asyncio.sleep(1)
        after = bench.up(*wanted)
        bench.comes(after, "candle.1m", "SGD-BTC", snapshot=True)
        bench.comes(after, "trade", "SGD-ETH", trade_id=2, snapshot=True)
        bench.up("myOrder")
        assert [(gap.number, gap.message_type, gap.code) for gap in bench.told] == [
            (1, "candle.1m", "SGD-BTC"),
            (2, "trade", "SGD-ETH"),
            (3, "myOrder", ""),
        ]
        assert bench.books.recovered == bench.told

    in_time(body)


@pytest.mark.parametrize("kind", ["ticker", "orderbook"])
def test_what_has_no_history_is_lost_at_once(kind):
    async def body():
        bench = Bench()
        source = bench.up(f"{kind}:SGD-BTC")
        bench.comes(source, kind, "SGD-BTC", snapshot=True)
        bench.continuity.ended(source, "lost")
        await asyncio.sleep(1)
        bench.comes(bench.up(f"{kind}:SGD-BTC"), kind, "SGD-BTC", snapshot=True)
        assert [gap.lost for gap in bench.told] == [LOST[kind]]
        assert bench.books.recovered == []

    in_time(body)


def test_the_depth_of_an_order_book_is_no_part_of_its_key():
    async def body():
        bench = Bench()
        source = bench.up("orderbook:SGD-BTC.15")
        assert bench.comes(source, "orderbook", "SGD-BTC", snapshot=True)
        assert bench.continuity.covered() == [("orderbook", "SGD-BTC")]

    in_time(body)


def test_with_recovery_switched_off_gaps_are_told_as_lost():
    async def body():
        bench = Bench(recovers=False, tells_apart=False)
        source = bench.up(TRADES, "ticker:SGD-BTC")
        bench.continuity.received(RawMessage(b"", "trade", "SGD-BTC", time_ns()), 1)
        bench.comes(source, "ticker", "SGD-BTC", snapshot=True)
        assert bench.continuity.heard(source, Head(type="trade", code="SGD-BTC"), time_ns(), known=False)
        await asyncio.sleep(3)
        bench.continuity.ended(source, "lost")
        after = bench.up(TRADES, "ticker:SGD-BTC")
        bench.comes(after, "trade", "SGD-BTC", trade_id=2, snapshot=True)
        bench.comes(after, "ticker", "SGD-BTC", snapshot=True)
        bench.continuity.unreadable(after)
        await asyncio.sleep(UNREADABLE_TOGETHER_S + 1)
        assert [gap.lost for gap in bench.told] == [SWITCHED_OFF, LOST["ticker"]]
        assert bench.gaps()[0][:4] == ("trade", "SGD-BTC", 0, 3)

    in_time(body)


def test_without_recovery_no_trade_is_known():
    bench = Bench(recovers=False, tells_apart=False)
    bench.continuity.received(RawMessage(b"", "trade", "SGD-BTC", 5), 17)
    assert not bench.continuity.was_received("SGD-BTC", 17)
    assert bench.continuity.last["trade"] == {"SGD-BTC": 5}
    assert bench.continuity.guard("candle.1m") is None


# proof that nothing is missing


@pytest.mark.parametrize(("cause", "reason"), [("changed", CHANGED), ("silent", SILENT)])
@pytest.mark.parametrize("trade_id", [1, 2])
def test_on_a_living_connection_a_known_snapshot_trade_proves_that_nothing_is_missing(cause, reason, trade_id):
    async def body():
        bench = Bench()
        source = bench.up(TRADES)
        bench.comes(source, "trade", "SGD-BTC", trade_id=1, snapshot=True)
        await asyncio.sleep(1)
        bench.asks(source, TRADES, "ticker:SGD-ETH", cause=cause)
        assert bench.comes(source, "trade", "SGD-BTC", trade_id=trade_id, snapshot=True)
        assert [gap.reason for gap in bench.told] == ([] if trade_id == 1 else [reason])

    in_time(body)


def test_a_known_trade_that_is_no_snapshot_proves_nothing():
    async def body():
        bench = Bench()
        source = bench.up(TRADES)
        bench.comes(source, "trade", "SGD-BTC", trade_id=1, snapshot=True)
        bench.asks(source, TRADES, cause="changed")
        bench.confirms(source, TRADES)
        assert bench.comes(source, "trade", "SGD-BTC", trade_id=1)
        assert len(bench.told) == 1

    in_time(body)


def test_after_a_lost_connection_a_known_snapshot_trade_proves_nothing():
    """What was on its way when it was lost is gone, and a snapshot of another server may be behind."""

    async def body():
        bench = Bench()
        source = bench.up(TRADES)
        bench.comes(source, "trade", "SGD-BTC", trade_id=1, snapshot=True)
        bench.continuity.ended(source, "lost")
        bench.comes(bench.up(TRADES), "trade", "SGD-BTC", trade_id=1, snapshot=True)
        assert [gap.reason for gap in bench.told] == ["lost"]

    in_time(body)


def test_what_is_unsubscribed_and_comes_back_begins_anew_without_a_gap():
    async def body():
        bench = Bench()
        source = bench.up(TRADES, "trade:SGD-ETH")
        for code in ("SGD-BTC", "SGD-ETH"):
            bench.comes(source, "trade", code, trade_id=1, snapshot=True)
        bench.asks(source, TRADES, cause="changed")
        bench.confirms(source, TRADES)
        bench.comes(source, "trade", "SGD-BTC", trade_id=1, snapshot=True)
        await asyncio.sleep(60)
        bench.asks(source, TRADES, "trade:SGD-ETH", cause="changed")
        bench.comes(source, "trade", "SGD-BTC", trade_id=1, snapshot=True)
        bench.comes(source, "trade", "SGD-ETH", trade_id=9, snapshot=True)
        assert bench.told == []
        assert bench.continuity.floors.of("SGD-ETH").subscribed_ns == at(60)

    in_time(body)


# several connections


def test_the_loss_of_one_of_two_connections_is_no_gap():
    async def body():
        bench = Bench(is_redundant=True)
        first, second = bench.up(TRADES), bench.up(TRADES)
        for source in (first, second):
            bench.comes(source, "trade", "SGD-BTC", trade_id=1, snapshot=True)
        await asyncio.sleep(5)
        bench.comes(second, "trade", "SGD-BTC", trade_id=2)
        bench.continuity.ended(first, "lost")
        assert bench.told == []
        assert len(bench.books.begun) == 1

    in_time(body)


def test_a_dead_connection_counts_until_it_was_last_heard_of():
    async def body():
        bench = Bench(is_redundant=True)
        first = bench.up(TRADES)
        bench.comes(first, "trade", "SGD-BTC", trade_id=1, snapshot=True)
        await asyncio.sleep(20)
        second = bench.up(TRADES)
        await asyncio.sleep(20)
        bench.comes(second, "trade", "SGD-BTC", trade_id=2, snapshot=True)
        bench.continuity.ended(first, "no pong")
        assert bench.gaps() == [("trade", "SGD-BTC", 0, 20, False)]

    in_time(body)


def test_with_several_connections_every_message_is_looked_at():
    async def body():
        bench = Bench(is_redundant=True)
        source = bench.up(TRADES)
        bench.comes(source, "trade", "SGD-BTC", trade_id=1, snapshot=True)
        assert bench.continuity.attends(source)
        single = Bench()
        source = single.up(TRADES)
        assert single.continuity.attends(source)
        single.comes(source, "trade", "SGD-BTC", trade_id=1, snapshot=True)
        assert not single.continuity.attends(source)
        single.continuity.holding = True
        assert single.continuity.attends(source)

    in_time(body)


def test_trades_and_candles_are_no_copies_and_pictures_are_only_where_there_are_several_connections():
    book = Head(type="orderbook", code="SGD-BTC", timestamp=5)
    for is_redundant in (False, True):
        continuity = Bench(is_redundant=is_redundant).continuity
        assert not continuity.is_copy(book, b"{}")
        assert continuity.is_copy(book, b"{}") is is_redundant
        for kind in ("trade", "candle.1m"):
            assert not any(continuity.is_copy(Head(type=kind, code="SGD-BTC"), b"{}") for _ in range(2))


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
        assert bench.continuity.was_received("SGD-BTC", 7)
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
        for code, left in (("SGD-BTC", -100), ("SGD-ETH", -50)):
            bench.continuity.resume(Mark(type="myOrder", code=code, received_at_ns=at(left)))
        bench.up("myOrder")
        assert bench.gaps() == [("myOrder", "", -50, 0, False)]

    in_time(body)


# what is forgotten


def test_old_trades_are_forgotten_and_the_recoverer_is_told():
    async def body():
        bench = Bench()
        source = bench.up(TRADES)
        for number in range(100):
            bench.comes(source, "trade", "SGD-BTC", trade_id=number + 1)
        await asyncio.sleep(3 * KEPT_NS / SECOND)
        bench.comes(source, "trade", "SGD-BTC", trade_id=999)
        await asyncio.sleep(6)
        assert [(code, sorted(ids)) for code, ids in bench.books.spared] == [("SGD-BTC", list(range(1, 38)))]
        bench.continuity.close()
        await asyncio.sleep(600)

    in_time(body)


def test_a_stream_that_closes_prunes_no_more():
    async def body():
        bench = Bench()
        bench.up(TRADES)
        bench.continuity.close()
        assert bench.continuity._pruning.cancelled()

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
