"""What the hub does for what is recovered: it goes the way of all messages, waits for room and keeps order."""

import asyncio

import pytest
from tests.flow.gaps import in_time, time_ns
from tests.flow.test_hub import MINUTE, TRADE

from upbit_stream.flow.hub import Hub
from upbit_stream.flow.lane import DIRECT
from upbit_stream.flow.ordering import HELD_S

RECOVERED = TRADE.replace(b"REALTIME", b"RECOVERED")


def trade(number, *, recovered=False, code=b"SGD-BTC"):
    payload = RECOVERED if recovered else TRADE
    payload = payload.replace(b'"sequential_id":1', b'"sequential_id":%d' % number).replace(b"SGD-BTC", code)
    return payload.replace(b'"trade_timestamp":1', b'"trade_timestamp":%d' % number)


class Floor:
    def __init__(self, **options):
        self.holds = []
        self.hub = Hub(
            wire_format="DEFAULT",
            exact=False,
            time_ns=time_ns,
            hold=self.holds.append,
            fail=lambda error: None,
            tells_apart=True,
            **options,
        )
        self.intake = self.hub.receiver("public", lambda reply: None)
        self.got = []
        self.hub.on("trade", lambda message: self.got.append(message.sequential_id))

    def subscriber(self, limit=2):
        return self.hub.subscriber("a name", (), policy="wait", limit=limit, events=False)


def test_what_is_recovered_reaches_taps_handlers_and_subscribers():
    async def body():
        floor, tapped = Floor(), []
        floor.hub.tap(tapped.append)
        consumer = floor.subscriber()
        floor.hub.put_back(trade(5, recovered=True))
        assert floor.got == [5]
        assert [(raw.payload, raw.type, raw.code) for raw in tapped] == [(trade(5, recovered=True), "trade", "SGD-BTC")]
        message = await anext(consumer)
        assert (message.sequential_id, message.stream_type) == (5, "RECOVERED")

    in_time(body)


def test_consumers_that_come_later_get_what_is_recovered_then():
    async def body():
        floor, late = Floor(), []
        floor.hub.put_back(trade(5, recovered=True))
        floor.hub.on("trade", late.append)
        floor.hub.put_back(trade(6, recovered=True))
        assert [message.sequential_id for message in late] == [6]

    in_time(body)


def test_what_was_received_is_not_recovered_and_both_are_counted():
    async def body():
        floor = Floor()
        floor.intake.receive(trade(5))
        for number in (5, 6):
            floor.hub.put_back(trade(number, recovered=True))
        floor.intake.receive(trade(6))
        floor.intake.receive(MINUTE)
        assert floor.got == [5, 6]
        counts = floor.hub.counts()
        assert (counts["trade"], counts["candle"], counts["copies"]) == (2, 1, 2)
        floor.hub.release(floor.intake, "lost")
        assert floor.hub.counts() == counts

    in_time(body)


@pytest.mark.parametrize("connections", [2, 3])
def test_what_several_connections_bring_is_counted_once(connections):
    async def body():
        floor = Floor(is_redundant=True)
        intakes = [floor.intake, *(floor.hub.receiver("public", lambda reply: None, 2) for _ in range(connections - 1))]
        for intake in intakes:
            intake.receive(trade(5))
        counts = floor.hub.counts()
        assert (counts["trade"], counts["copies"]) == (1, connections - 1)

    in_time(body)


# room


def test_there_is_room_while_nobody_holds_and_others_run_meanwhile():
    async def body():
        floor, ran = Floor(), []
        asyncio.get_running_loop().call_soon(ran.append, 1)
        await floor.hub.room()
        assert ran == [1]

    in_time(body)


def test_room_is_waited_for_until_the_last_consumer_has_caught_up():
    async def body():
        floor = Floor()
        one, other = floor.subscriber(), floor.subscriber()
        for number in (1, 2):
            floor.hub.put_back(trade(number, recovered=True))
        assert floor.holds == [True]
        waiting = asyncio.create_task(floor.hub.room())
        for consumer in (one, other):
            await asyncio.sleep(1_000)
            assert not waiting.done()
            await anext(consumer)
            await anext(consumer)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(consumer), 1)
        await waiting
        assert floor.holds == [True, False]

    in_time(body)


def test_a_consumer_that_is_removed_gives_room():
    async def body():
        floor = Floor()
        consumer = floor.subscriber(limit=1)
        floor.hub.put_back(trade(1, recovered=True))
        waiting = asyncio.create_task(floor.hub.room())
        await asyncio.sleep(10)
        assert not waiting.done()
        floor.hub.remove(consumer)
        await waiting

    in_time(body)


# order


def test_where_order_is_wanted_live_trades_of_a_market_wait():
    async def body():
        floor = Floor(ordered=True)
        floor.hub.keep_back("SGD-BTC")
        floor.intake.receive(trade(9))
        floor.intake.receive(trade(8, code=b"SGD-ETH"))
        floor.hub.put_back(trade(3, recovered=True))
        assert floor.got == [8, 3]
        floor.hub.let_go("SGD-BTC")
        assert floor.got == [8, 3, 9]
        floor.intake.receive(trade(10))
        assert floor.got[-1] == 10
        assert floor.intake.receive.mode == DIRECT

    in_time(body)


def test_a_session_that_begins_while_trades_wait_lets_them_wait_too():
    async def body():
        floor = Floor(ordered=True)
        floor.hub.keep_back("SGD-BTC")
        late = floor.hub.receiver("public", lambda reply: None)
        late.receive(trade(9))
        assert floor.got == []
        floor.hub.let_go("SGD-BTC")
        assert floor.got == [9]
        assert late.receive.mode == DIRECT

    in_time(body)


def test_what_waits_is_tapped_at_once():
    async def body():
        floor, tapped = Floor(ordered=True), []
        floor.hub.tap(tapped.append)
        floor.hub.keep_back("SGD-BTC")
        floor.intake.receive(trade(9))
        assert len(tapped) == 1
        floor.hub.let_go("SGD-BTC")
        assert (len(tapped), floor.got) == (1, [9])

    in_time(body)


def test_closing_hands_on_what_waits_before_the_consumers_end():
    async def body():
        floor = Floor(ordered=True)
        consumer = floor.subscriber()
        floor.hub.keep_back("SGD-BTC")
        floor.intake.receive(trade(9))
        floor.hub.close(None)
        assert [message.sequential_id async for message in consumer] == [9]

    in_time(body)


def test_trades_do_not_wait_for_ever():
    async def body():
        floor = Floor(ordered=True)
        floor.hub.keep_back("SGD-BTC")
        floor.intake.receive(trade(9))
        await asyncio.sleep(HELD_S + 1)
        assert floor.got == [9]

    in_time(body)


def test_where_no_order_is_wanted_nothing_waits():
    async def body():
        floor = Floor()
        floor.hub.keep_back("SGD-BTC")
        floor.intake.receive(trade(9))
        assert floor.got == [9]
        floor.hub.let_go("SGD-BTC")
        assert floor.got == [9]

    in_time(body)
