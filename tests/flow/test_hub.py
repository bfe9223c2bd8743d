import functools
import logging

import pytest

from upbit_stream.errors import UsageError
from upbit_stream.flow.hub import HANDLER_NAMES, Hub
from upbit_stream.model.events import Connected, Malformed
from upbit_stream.model.messages import Unknown
from upbit_stream.model.subscription import TYPES
from upbit_stream.testing.virtual_time import run_virtual

CANDLE = (
    b'{"type":"candle.%b","code":"SGD-BTC","candle_date_time_utc":"","candle_date_time_kst":"","opening_price":1,'
    b'"high_price":1,"low_price":1,"trade_price":1,"candle_acc_trade_volume":1,"candle_acc_trade_price":1,'
    b'"timestamp":1,"stream_type":"REALTIME"}'
)
MINUTE, SECOND = CANDLE % b"1m", CANDLE % b"1s"
TRADE = (
    b'{"type":"trade","code":"SGD-BTC","trade_price":1,"trade_volume":1,"ask_bid":"ASK","prev_closing_price":1,'
    b'"change":"EVEN","change_price":0,"trade_date":"","trade_time":"","trade_timestamp":1,"timestamp":1,'
    b'"sequential_id":1,"stream_type":"REALTIME"}'
)


class Floor:
    """A hub, one session's intake on it, and what the hub asked for."""

    def __init__(self):
        self.holds = []
        self.failures = []
        self.hub = Hub(
            wire_format="DEFAULT", exact=False, time_ns=lambda: 55, hold=self.holds.append, fail=self.failures.append
        )
        self.intake = self.session()

    def session(self):
        return self.hub.receiver("public", lambda reply: None)

    def receive(self, *payloads):
        for payload in payloads:
            self.intake.receive(payload)
        return self

    def subscriber(self, *kinds, policy="wait", limit=100, events=False):
        return self.hub.subscriber("a name", kinds, policy=policy, limit=limit, events=events)

    def handled(self, name):
        """A list that fills with what handlers of that name get."""
        found = []
        self.hub.on(name, found.append)
        return found


@pytest.fixture
def floor():
    return Floor()


def connected(number=1):
    return Connected(at_ns=1, endpoint="public", session=number)


def types(items):
    return [item.type for item in items]


def buffered(consumer):
    async def main():
        consumer.close()
        return [item async for item in consumer]

    return run_virtual(main())


# handlers


def test_handlers_get_what_their_name_says(floor):
    names = ("trade", "candle", "candle.1m", "candle.1s", "message", "event", "connected", "malformed", "ticker")
    found = {name: floor.handled(name) for name in names}
    floor.receive(TRADE, MINUTE, SECOND, b'{"type":"funding"}', b"garbage")
    floor.hub.emit(connected())
    assert {name: types(items) for name, items in found.items()} == {
        "trade": ["trade"],
        "candle": ["candle.1m", "candle.1s"],
        "candle.1m": ["candle.1m"],
        "candle.1s": ["candle.1s"],
        "message": ["trade", "candle.1m", "candle.1s", "funding"],
        "event": ["malformed", "connected"],
        "connected": ["connected"],
        "malformed": ["malformed"],
        "ticker": [],
    }


def test_a_handler_that_is_off_gets_no_more(floor):
    trades, all_of_them = floor.handled("trade"), floor.handled("message")
    floor.receive(TRADE)
    floor.hub.off("trade", trades.append)
    floor.receive(TRADE)
    assert (len(trades), len(all_of_them)) == (1, 2)
    floor.hub.off("trade", trades.append)  # once more is no mistake
    floor.hub.off("no such name", trades.append)


def test_every_type_and_event_has_its_name(floor):
    assert {
        *TYPES,
        "candle",
        "message",
        "event",
        "connected",
        "disconnected",
        "resubscribed",
        "dropped",
        "gap",
        "recovered",
        "malformed",
    } == {*HANDLER_NAMES}
    for name in HANDLER_NAMES:
        floor.hub.on(name, print)


@pytest.mark.parametrize("name", ["trades", "", "Trade", "candle.2m", "error"])
def test_other_names_are_refused_with_the_choice(floor, name):
    with pytest.raises(UsageError, match="one of ticker, trade, .*message.*event"):
        floor.hub.on(name, print)


async def coroutine_function(message):
    """Nobody would await it."""


class WithAsyncCall:
    async def __call__(self, message):
        """Nobody would await it."""


async def generator_function(message):
    """Nobody would iterate over it."""
    yield message


@pytest.mark.parametrize(
    "handler", [coroutine_function, functools.partial(coroutine_function), WithAsyncCall(), generator_function]
)
def test_a_handler_that_would_have_to_be_awaited_is_refused(floor, handler):
    with pytest.raises(UsageError, match="a handler is a plain function"):
        floor.hub.on("trade", handler)


def test_what_a_handler_raises_is_logged_and_counted(floor, caplog):
    def wrong(item):
        raise RuntimeError("a mistake of the user's")

    after = []
    for name in ("trade", "connected"):
        floor.hub.on(name, wrong)
        floor.hub.on(name, after.append)
    with caplog.at_level(logging.ERROR):
        floor.receive(TRADE)
        floor.hub.emit(connected())
    assert types(after) == ["trade", "connected"]
    assert floor.hub.counts()["handler_errors"] == 2
    # Both at the same moment: the log is told once, and again after a while with the count.
    assert [record.exc_info[0] for record in caplog.records] == [RuntimeError]


def test_a_handler_that_is_added_while_a_message_is_delivered_gets_the_next(floor):
    late = []

    def join(message):
        floor.hub.off("trade", join)
        floor.hub.on("trade", late.append)

    floor.hub.on("trade", join)
    floor.receive(TRADE)
    assert late == []
    floor.receive(TRADE)
    assert len(late) == 1


@pytest.mark.parametrize("name", ["connected", "event", "message"])
def test_a_type_of_the_wire_is_never_taken_for_an_event(floor, name):
    events, messages = floor.handled("event"), floor.handled("message")
    one = floor.handled("connected")
    floor.receive(b'{"type":"%b"}' % name.encode())
    assert (events, one) == ([], [])
    assert types(messages) == [name]


def test_a_future_unit_of_candles_is_unknown_and_no_candle(floor):
    candles, messages = floor.handled("candle"), floor.handled("message")
    some = floor.subscriber("candle")
    floor.receive(b'{"type":"candle.7m","code":"SGD-BTC"}')
    assert candles == []
    assert [type(message) for message in messages] == [Unknown]
    assert len(some) == 0


# subscribers


def test_subscribers_get_the_types_they_name(floor):
    wanted = [(), ("trade",), ("candle",), ("candle.1m",), ("trade", "candle.1s"), ("ticker",)]
    consumers = [floor.subscriber(*kinds) for kinds in wanted]
    floor.receive(TRADE, MINUTE, SECOND, b'{"type":"funding"}')
    assert [types(buffered(consumer)) for consumer in consumers] == [
        ["trade", "candle.1m", "candle.1s", "funding"],
        ["trade"],
        ["candle.1m", "candle.1s"],
        ["candle.1m"],
        ["trade", "candle.1s"],
        [],
    ]


def test_unknown_types_are_refused(floor):
    with pytest.raises(UsageError, match="unknown type 'trades'"):
        floor.subscriber("trade", "trades")


def test_events_reach_the_subscribers_that_want_them_in_order_with_the_data(floor):
    with_events, without = floor.subscriber(events=True), floor.subscriber()
    floor.receive(TRADE)
    floor.hub.emit(connected())
    floor.receive(b"garbage", TRADE)
    assert types(buffered(with_events)) == ["trade", "connected", "malformed", "trade"]
    assert types(buffered(without)) == ["trade", "trade"]


def test_the_exchange_is_held_from_the_first_full_one_to_the_last(floor):
    one, other = floor.subscriber(limit=1), floor.subscriber(limit=2)
    floor.receive(TRADE)
    assert floor.holds == [True]
    floor.receive(TRADE)
    assert floor.holds == [True]
    buffered(one)
    assert floor.holds == [True]
    buffered(other)
    assert floor.holds == [True, False]


def test_removing_the_one_that_holds_lets_go(floor):
    one, other = floor.subscriber(limit=1), floor.subscriber(limit=1)
    floor.receive(TRADE)
    floor.hub.remove(one)
    assert floor.holds == [True]
    floor.hub.remove(other)
    assert floor.holds == [True, False]
    floor.hub.remove(other)
    floor.receive(TRADE)
    assert floor.holds == [True, False]


def test_one_that_is_removed_while_a_message_is_delivered_holds_nobody(floor):
    one = floor.subscriber(limit=1)
    floor.hub.on("trade", lambda message: floor.hub.remove(one))
    floor.receive(TRADE)
    assert floor.holds == []


def test_closing_ends_every_subscriber(floor):
    consumers = [floor.subscriber(), floor.subscriber("trade")]
    floor.receive(TRADE)
    error = ValueError("the end")
    floor.hub.close(error)

    async def main(consumer):
        iterator = aiter(consumer)
        assert (await anext(iterator)).type == "trade"
        with pytest.raises(ValueError, match="the end"):
            await anext(iterator)

    for consumer in consumers:
        run_virtual(main(consumer))


# counts


def test_counts_outlive_the_sessions(floor):
    floor.handled("message")
    floor.receive(TRADE, MINUTE, SECOND, b"garbage", b'{"type":"funding"}')
    before = floor.hub.counts()
    assert {name: count for name, count in before.items() if count} == {
        "trade": 1, "candle": 2, "malformed": 1, "unknown": 1
    }  # fmt: skip
    floor.hub.release(floor.intake, "over")
    assert floor.hub.counts() == before
    floor.intake = floor.session()
    floor.receive(TRADE)
    other = floor.session()
    other.receive(TRADE)
    assert floor.hub.counts() == {**before, "trade": 3}
    floor.hub.release(floor.intake, "over")
    floor.hub.release(other, "over")
    assert floor.hub.counts() == {**before, "trade": 3}


def test_drops_outlive_the_subscriber(floor):
    slow = floor.subscriber(policy="drop_oldest", limit=1)
    floor.receive(TRADE, TRADE, TRADE)
    assert floor.hub.counts()["dropped"] == 2
    floor.hub.remove(slow)
    floor.hub.remove(slow)
    assert floor.hub.counts()["dropped"] == 2


# taps, and what is decoded for whom


def test_only_where_all_who_take_a_type_keep_the_latest_may_it_come_undecoded(floor):
    assert floor.hub.lazy_consumers("ticker") == ()
    latest = floor.subscriber("ticker", policy="latest")
    assert floor.hub.lazy_consumers("ticker") == (latest.put_latest,)
    assert floor.hub.lazy_consumers("trade") == ()
    floor.handled("event")
    floor.handled("trade")
    assert floor.hub.lazy_consumers("ticker") == (latest.put_latest,)
    every = floor.subscriber(policy="latest")
    assert floor.hub.lazy_consumers("ticker") == (latest.put_latest, every.put_latest)
    assert floor.hub.lazy_consumers("trade") == ()
    floor.subscriber("orderbook")
    assert floor.hub.lazy_consumers("ticker") == (latest.put_latest, every.put_latest)
    slow = floor.subscriber("ticker")
    assert floor.hub.lazy_consumers("ticker") == ()
    floor.hub.remove(slow)
    tickers = floor.handled("message")
    assert floor.hub.lazy_consumers("ticker") == ()
    floor.hub.off("message", tickers.append)
    assert floor.hub.lazy_consumers("ticker") == (latest.put_latest, every.put_latest)


def test_others_than_a_single_subscriber_are_known(floor):
    assert not floor.hub.has_other_consumers
    one = floor.subscriber()
    floor.handled("event")
    assert not floor.hub.has_other_consumers
    other = floor.subscriber()
    assert floor.hub.has_other_consumers
    floor.hub.remove(other)
    assert not floor.hub.has_other_consumers
    floor.hub.tap(lambda raw: None)
    assert floor.hub.has_other_consumers
    floor.hub.remove(one)


def test_a_tap_that_fails_ends_the_stream(floor):
    error = OSError("no space left on device")

    def full(raw):
        raise error

    floor.hub.tap(full)
    floor.receive(TRADE)
    assert floor.failures == [error]
    assert floor.hub.counts()["handler_errors"] == 0


def test_a_session_that_begins_later_knows_taps_and_consumers(floor):
    tapped, trades = [], floor.handled("trade")
    floor.hub.tap(tapped.append)
    floor.session().receive(TRADE)
    assert [raw.payload for raw in tapped] == [TRADE]
    assert len(trades) == 1


def test_a_malformed_message_is_logged_no_longer_than_to_be_recognised(floor, caplog):
    seen = floor.handled("malformed")
    floor.receive(b"x" * 100_000)
    assert isinstance(seen[0], Malformed)
    assert len(seen[0].payload) == 4_096
    assert len(caplog.text) < 1_000
