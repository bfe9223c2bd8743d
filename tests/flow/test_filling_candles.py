import pytest
from tests.flow.exchanges import BTC, START_MS, Floor, balance_row, candle_row, gap, ms, order_row, recovered, tape
from tests.flow.gaps import at, in_time

from upbit_stream.wire.requests import FORMATS

MINUTE_MS = 60_000
FIRST_MS = START_MS - START_MS % MINUTE_MS


def periods(*minutes, volume=1.0):
    return [
        candle_row(FIRST_MS + minute * MINUTE_MS, FIRST_MS + minute * MINUTE_MS + 30_000, volume) for minute in minutes
    ]


def starts(floor):
    return [message.candle_date_time_utc for message in floor.messages()]


def knows(floor, *rows):
    for row in rows:
        floor.continuity.candles.take("candle.1m", BTC, row.candle_date_time_utc, (row.timestamp, row.volume))


@pytest.mark.parametrize("wire_format", FORMATS)
def test_candles_that_were_missed_or_went_on_come_oldest_first(wire_format):
    async def body():
        floor = Floor(wire_format)
        floor.rest.periods = periods(10, 11, 12, 13, 14, 15)
        knows(floor, *periods(10, 14), *periods(11, volume=0.5))
        await recovered(floor, gap("candle.1m", 650, 850))
        assert starts(floor) == [row.candle_date_time_utc for row in periods(11, 12, 13)]
        assert {(message.type, message.stream_type) for message in floor.messages()} == {("candle.1m", "RECOVERED")}
        assert floor.events() == ["recovered"]

    in_time(body)


def test_an_older_word_of_rest_on_a_candle_is_not_told():
    async def body():
        floor = Floor()
        floor.rest.periods = periods(11, 12, volume=0.5)
        knows(floor, *periods(11, 12))
        await recovered(floor, gap("candle.1m", 650, 750))
        assert floor.messages() == []

    in_time(body)


def test_a_candle_that_was_over_before_the_subscription_is_not_missing():
    async def body():
        floor = Floor()
        floor.rest.periods = periods(10, 11, 12)
        floor.recovery.began(("candle.1m", BTC), at(700))
        await recovered(floor, gap("candle.1m", 700, 740))
        assert starts(floor) == [row.candle_date_time_utc for row in periods(12)]

    in_time(body)


def test_candles_are_asked_again_until_they_reach_what_is_known():
    async def body():
        floor = Floor()
        floor.rest.periods = periods(11)
        knows(floor, *periods(11, 12))
        await recovered(floor, gap("candle.1m", 650, 750))
        assert [asked[0] for asked in floor.rest.asked if asked[1] == "candles"] == [751.0, 754.0, 760.0]
        floor.rest.asked.clear()
        floor.rest.periods = periods(11, 12)
        await recovered(floor, gap("candle.1m", 650, 770))
        assert [asked[0] for asked in floor.rest.asked if asked[1] == "candles"] == [771.0]

    in_time(body)


def test_seconds_older_than_ninety_days_are_lost():
    async def body():
        floor = Floor()
        await recovered(floor, gap("candle.1s", 0, 91 * 86_400))
        assert floor.events() == ["gap"]
        assert "kept for 90 days" in floor.out[-1].lost

    in_time(body)


# the names in use


@pytest.mark.parametrize("wire_format", FORMATS)
def test_what_is_recovered_bears_the_names_of_the_format_in_use(wire_format):
    async def body():
        floor, tapped = Floor(wire_format), []
        floor.hub.tap(tapped.append)
        floor.rest.tape = tape(110)
        floor.rest.periods = periods(11)
        floor.rest.closed = [order_row("a", ms(660), "done")]
        floor.rest.balance = [balance_row("SGD", "1")]
        await recovered(floor, gap("candle.1m", 650, 670), gap(), gap("myOrder", 650, 670, code=""))
        await recovered(floor, gap("myAsset", 670, 690, code=""))
        key = b'{"ty":' if wire_format.startswith("SIMPLE") else b'{"type":'
        assert {raw.type for raw in tapped if raw.payload.startswith(key)} == {
            "trade",
            "candle.1m",
            "myOrder",
            "myAsset",
        }
        assert all(raw.payload.startswith(key) for raw in tapped)

    in_time(body)
