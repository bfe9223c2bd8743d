import asyncio

import pytest
from tests.flow.gaps import START_NS, Bench, Source, at, in_time, time_ns

from upbit_stream.flow.continuity import (
    CHANGED,
    FIRST_MESSAGE_WITHIN_S,
    LOST,
    SILENT,
    SWITCHED_OFF,
    UNREADABLE_TOGETHER_S,
)
from upbit_stream.model.raw import RawMessage
from upbit_stream.model.subscription import Subscription
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


def test_a_first_subscription_that_is_lost_before_it_spoke_has_its_beginning():
    async def body():
        bench = Bench()
        source = bench.up(TRADES)
        await asyncio.sleep(2)
        bench.continuity.ended(source, "lost")
        bench.comes(bench.up(TRADES), "trade", "SGD-BTC", trade_id=2, snapshot=True)
        assert bench.books.begun == [(("trade", "SGD-BTC"), START_NS)]
        assert bench.continuity.floors.of("SGD-BTC").subscribed_ns == START_NS
        assert bench.gaps() == [("trade", "SGD-BTC", 0, 2, False)]

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
        assert bench.books.joins == [3]

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


def test_a_gap_of_all_orders_begins_with_the_last_message_of_any_market():
    async def body():
        bench = Bench()
        source = bench.up("myOrder")
        for code in ("SGD-BTC", "SGD-ETH"):
            await asyncio.sleep(5)
            bench.comes(source, "myOrder", code)
        await asyncio.sleep(5)
        bench.continuity.ended(source, "lost")
        bench.up("myOrder")
        assert bench.gaps() == [("myOrder", "", 10, 15, False)]

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
        assert bench.continuity.heard(source, Head(name="trade", market="SGD-BTC"), time_ns(), known=False)
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
    assert not bench.continuity.was_received("SGD-BTC", 17, ever=True)
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
        await asyncio.sleep(5)
        bench.asks(source, TRADES, cause="changed")
        bench.confirms(source, TRADES)
        bench.comes(source, "trade", "SGD-BTC", trade_id=1, snapshot=True)
        await asyncio.sleep(60)
        bench.asks(source, TRADES, "trade:SGD-ETH", cause="changed")
        bench.comes(source, "trade", "SGD-BTC", trade_id=1, snapshot=True)
        bench.comes(source, "trade", "SGD-ETH", trade_id=9, snapshot=True)
        assert bench.told == []
        assert bench.continuity.floors.of("SGD-ETH").subscribed_ns == at(65)

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
    book = Head(name="orderbook", market="SGD-BTC", sent_ms=5)
    for is_redundant in (False, True):
        continuity = Bench(is_redundant=is_redundant).continuity
        assert not continuity.is_copy(book, b"{}")
        assert continuity.is_copy(book, b"{}") is is_redundant
        for kind in ("trade", "candle.1m"):
            assert not any(continuity.is_copy(Head(name=kind, market="SGD-BTC"), b"{}") for _ in range(2))
