import pytest
from tests.flow.exchanges import START_MS, Floor, balance_row, gap, ms, order_row, recovered
from tests.flow.gaps import at, in_time

from upbit_stream.model.messages import MyOrder
from upbit_stream.wire.requests import FORMATS
from upbit_stream.wire.rest import assets_payload

# orders


def order_message(uuid, state="wait", executed="0"):
    row = order_row(uuid, START_MS, state, executed)
    return row.payload(START_MS).replace(b"RECOVERED", b"REALTIME")


def told(floor):
    return [(message.uuid, message.state, str(message.executed_volume)) for message in floor.messages()]


@pytest.mark.parametrize("wire_format", FORMATS)
def test_what_became_of_the_orders_is_told_once(wire_format):
    async def body():
        floor = Floor(wire_format)
        floor.rest.open = [order_row("old", START_MS), order_row("filling", ms(1)), order_row("gone", ms(2))]
        floor.recovery.began(("myOrder", ""), at(50))
        await floor.recovery.settled()
        floor.rest.open = [order_row("old", START_MS), order_row("filling", ms(1), executed="2")]
        floor.rest.closed = [order_row("quick", ms(110), "done", "1")]
        floor.rest.others = [order_row("gone", ms(2), "cancel")]
        await recovered(floor, gap("myOrder", code=""))
        assert told(floor) == [("filling", "wait", "2"), ("gone", "cancel", "0"), ("quick", "done", "1")]
        assert all(type(message) is MyOrder and message.stream_type == "RECOVERED" for message in floor.messages())
        assert floor.events() == ["recovered"]
        assert [asked[0] for asked in floor.rest.asked if asked[1] == "open"] == [0.0, 131.0, 134.0, 140.0]

    in_time(body)


def test_orders_of_other_markets_are_not_told():
    async def body():
        floor = Floor()
        floor.rest.open = [order_row("a", ms(110)), order_row("b", ms(110), market="SGD-ETH")]
        floor.rest.closed = [order_row("c", ms(110), "done", market="SGD-ETH")]
        await recovered(floor, gap("myOrder"))
        assert [uuid for uuid, *_ in told(floor)] == ["a"]

    in_time(body)


def test_what_the_stream_told_is_not_told_again():
    async def body():
        floor = Floor()
        intake = floor.hub.receiver("private", lambda reply: None)
        intake.receive(order_message("a", "done", "1"))
        floor.rest.closed = [order_row("a", ms(105), "done", "1"), order_row("b", ms(106), "done", "1")]
        await recovered(floor, gap("myOrder", code=""))
        assert [uuid for uuid, *_ in told(floor)] == ["a", "b"]

    in_time(body)


def test_an_order_that_the_exchange_forgot_is_asked_for_once():
    async def body():
        floor = Floor()
        floor.rest.open = [order_row("gone", START_MS)]
        floor.recovery.began(("myOrder", ""), at(50))
        await floor.recovery.settled()
        floor.rest.open = []
        await recovered(floor, gap("myOrder", code=""))
        assert [asked for asked in floor.rest.asked if asked[1] == "orders"] == [(131.0, "orders", ("gone",))]

    in_time(body)


def test_a_long_gap_is_asked_for_in_windows_of_seven_days_without_a_hole():
    async def body():
        floor = Floor()
        days = 20 * 86_400
        floor.rest.closed = [order_row(f"on-day-{day}", ms(day * 86_400), "done") for day in range(20)]
        await recovered(floor, gap("myOrder", 0, days, code=""))
        windows = [asked[2:] for asked in floor.rest.asked if asked[1] == "closed" and asked[0] == days + 1]
        assert windows[0][0] == START_MS - 10_000
        assert all(end - begin <= 7 * 86_400_000 for begin, end in windows)
        assert [begin for begin, _ in windows[1:]] == [end for _, end in windows[:-1]]
        assert windows[-1][1] >= ms(days)
        assert [uuid for uuid, *_ in told(floor)] == [f"on-day-{day}" for day in range(20)]

    in_time(body)


# balances


def balances(floor):
    """Of each message."""
    return [[(asset.currency, str(asset.balance)) for asset in message.assets] for message in floor.messages()]


@pytest.mark.parametrize("wire_format", FORMATS)
def test_balances_that_changed_are_told_in_one_message(wire_format):
    async def body():
        floor = Floor(wire_format)
        floor.rest.balance = [balance_row("SGD", "10"), balance_row("BTC", "1"), balance_row("ETH", "5")]
        floor.recovery.began(("myAsset", ""), at(50))
        await floor.recovery.settled()
        floor.rest.balance = [balance_row("SGD", "9"), balance_row("BTC", "1"), balance_row("XRP", "7")]
        await recovered(floor, gap("myAsset", code=""))
        assert balances(floor) == [[("SGD", "9"), ("XRP", "7"), ("ETH", "0")]]
        assert floor.messages()[0].asset_uuid == "a-uuid"
        assert floor.messages()[0].stream_type == "RECOVERED"
        assert floor.events() == ["recovered"]

    in_time(body)


def test_balances_that_did_not_change_are_not_told():
    async def body():
        floor = Floor()
        floor.rest.balance = [balance_row("SGD", "10")]
        floor.recovery.began(("myAsset", ""), at(50))
        await floor.recovery.settled()
        await recovered(floor, gap("myAsset", code=""))
        assert floor.messages() == []
        assert floor.out[-1].count == 0

    in_time(body)


def test_a_balance_that_the_stream_told_is_not_told_again():
    async def body():
        floor = Floor()
        intake = floor.hub.receiver("private", lambda reply: None)
        told = [balance_row("SGD", "10")]
        intake.receive(assets_payload(told, "x", START_MS).replace(b"RECOVERED", b"REALTIME"))
        floor.rest.balance = [*told, balance_row("BTC", "1")]
        await recovered(floor, gap("myAsset", code=""))
        assert balances(floor) == [[("SGD", "10")], [("BTC", "1")]]

    in_time(body)
