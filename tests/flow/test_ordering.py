import asyncio
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upbit_stream.flow.ordering import HELD_S, HELD_TRADES, Ordering
from upbit_stream.model.messages import Trade, Unknown
from upbit_stream.testing.virtual_time import run_virtual

CODE = "SGD-BTC"


def trade(at_ms, code=CODE, stream_type="REALTIME", sequential_id=0):
    return Trade(
        code=code,
        trade_price=1.0,
        trade_volume=1.0,
        ask_bid="ASK",
        prev_closing_price=1.0,
        change="EVEN",
        change_price=0.0,
        trade_date="",
        trade_time="",
        trade_timestamp=at_ms,
        timestamp=at_ms,
        sequential_id=sequential_id or at_ms,
        stream_type=stream_type,
    )


class Bench:
    """An ordering before a consumer, as the receiving path uses it."""

    def __init__(self):
        self.got = []
        self.changes = []
        self.ordering = Ordering(lambda message: self.got.append(message.trade_timestamp), self.changes.append)

    def come(self, *messages):
        """Which of these are kept back; the others are delivered."""
        kept = []
        for message in messages:
            kept.append(self.ordering.takes(message))
            if not kept[-1]:
                self.got.append(message.trade_timestamp)
        return kept


def held(test):
    """Run a test body in virtual time, with an ordering that holds one code."""

    async def main():
        bench = Bench()
        bench.ordering.hold(CODE)
        await test(bench)
        bench.ordering.close()

    run_virtual(main())


def test_live_trades_come_after_what_is_recovered_in_the_order_of_execution():
    async def body(bench):
        bench.come(trade(30), trade(20), trade(40))
        bench.come(trade(5, stream_type="RECOVERED"), trade(6, stream_type="RECOVERED"))
        assert bench.got == [5, 6]
        bench.ordering.release(CODE)
        assert bench.got == [5, 6, 20, 30, 40]

    held(body)


def test_a_recovered_trade_that_is_younger_than_a_live_one_waits_too():
    async def body(bench):
        assert bench.come(trade(20), trade(40), trade(30, stream_type="RECOVERED")) == [True] * 3
        assert bench.come(trade(10, stream_type="RECOVERED")) == [False]
        bench.ordering.release(CODE)
        assert bench.got == [10, 20, 30, 40]

    held(body)


def test_a_recovered_trade_waits_where_any_that_waits_is_older():
    """Live trades do not come quite in order: the first that waits need not be the oldest."""

    async def body(bench):
        assert bench.come(trade(30), trade(20), trade(25, stream_type="RECOVERED")) == [True] * 3
        assert bench.come(trade(19, stream_type="RECOVERED")) == [False]
        bench.ordering.release(CODE)
        bench.ordering.hold(CODE)
        assert bench.come(trade(22, stream_type="RECOVERED")) == [False]
        bench.ordering.release(CODE)
        assert bench.got == [19, 20, 25, 30, 22]

    held(body)


def test_what_is_recovered_before_any_live_trade_passes():
    async def body(bench):
        assert bench.come(trade(10, stream_type="RECOVERED"), trade(20, stream_type="RECOVERED")) == [False, False]

    held(body)


def test_trades_of_the_same_moment_keep_their_order():
    async def body(bench):
        got = []
        bench.ordering._deliver = lambda message: got.append(message.sequential_id)
        bench.come(*(trade(20, sequential_id=number) for number in (3, 1, 2)))
        bench.ordering.release(CODE)
        assert got == [3, 1, 2]

    held(body)


def test_other_markets_and_other_types_pass():
    async def body(bench):
        assert bench.come(trade(10, code="SGD-ETH")) == [False]
        assert not bench.ordering.takes(Unknown(type="ticker", code=CODE, payload=b"", received_at_ns=1))
        assert bench.come(trade(11)) == [True]

    held(body)


def test_after_the_release_trades_pass():
    async def body(bench):
        bench.ordering.release(CODE)
        assert bench.come(trade(10)) == [False]
        bench.ordering.release(CODE)
        assert bench.got == [10]
        assert bench.changes == [True, False]

    held(body)


def test_holding_is_over_with_the_last_market_that_is_held():
    async def body(bench):
        bench.ordering.hold("SGD-ETH")
        bench.ordering.hold("SGD-ETH")
        bench.ordering.release(CODE)
        assert False not in bench.changes
        bench.ordering.release("SGD-ETH")
        assert bench.changes[-1] is False

    held(body)


def test_holding_is_over_only_after_what_was_held_is_delivered():
    """While it is delivered, later trades must not pass it."""

    async def body(bench):
        order = []
        bench.ordering._deliver = lambda message: order.append(message.trade_timestamp)
        bench.ordering._changed = order.append
        bench.come(trade(1), trade(2))
        bench.ordering.release(CODE)
        assert order == [1, 2, False]

    held(body)


def test_the_present_waits_for_the_past_for_thirty_seconds(caplog):
    async def body(bench):
        bench.come(trade(10))
        await asyncio.sleep(HELD_S - 1)
        bench.ordering.hold(CODE)  # a second gap gives no second patience
        assert bench.got == []
        with caplog.at_level(logging.WARNING):
            await asyncio.sleep(2)
        assert bench.got == [10]
        assert bench.changes == [True, False]
        assert bench.come(trade(11)) == [False]
        assert "SGD-BTC" in caplog.text
        assert "after 30 s" in caplog.text

    held(body)


def test_after_a_release_nothing_is_given_up(caplog):
    async def body(bench):
        bench.ordering.release(CODE)
        await asyncio.sleep(1)
        bench.ordering.hold(CODE)
        bench.come(trade(10))
        await asyncio.sleep(HELD_S - 0.5)  # past the end of the first patience, within the second
        assert bench.got == []
        assert caplog.text == ""

    held(body)


def test_so_many_are_held_and_no_more(caplog):
    async def body(bench):
        bench.come(*(trade(at) for at in range(HELD_TRADES, 1, -1)))
        assert bench.got == []
        assert bench.come(trade(1)) == [True]
        assert bench.got == list(range(1, HELD_TRADES + 1))
        assert bench.changes == [True, False]
        assert "10000 trades" in caplog.text

    held(body)


@pytest.mark.parametrize("count", [1, 3])
def test_closing_hands_on_everything(count):
    async def main():
        bench = Bench()
        for number in range(count):
            bench.ordering.hold(f"SGD-A{number}")
            bench.come(trade(number, code=f"SGD-A{number}"))
        bench.ordering.close()
        assert sorted(bench.got) == list(range(count))
        assert bench.changes[-1] is False

    run_virtual(main())


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9)), max_size=30), st.integers(0, 30))
def test_each_trade_is_handed_on_once_however_the_release_falls(steps, released_after):
    async def body(bench):
        for number, (is_live, at_ms) in enumerate(steps):
            if number == released_after:
                bench.ordering.release(CODE)
            bench.come(trade(at_ms, stream_type="REALTIME" if is_live else "RECOVERED"))
        bench.ordering.release(CODE)
        assert sorted(bench.got) == sorted(at_ms for _, at_ms in steps)

    held(body)
