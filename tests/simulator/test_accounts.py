"""Private traffic: orders and balances whose arithmetic has to come out exactly."""

from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import Any

import pytest

from upbit_stream.simulator import DEFAULT_ACCESS_KEY, Exchange

Connect = Callable[..., Any]
FEE = Decimal("0.0025")


@pytest.fixture
def quiet(start_ms: int) -> Exchange:
    return Exchange(
        start_ms=start_ms,
        private_rate=0,
        keys={
            DEFAULT_ACCESS_KEY: "stand-in-secret-key-for-tests-and-trials-that-opens-no-door-at-all",
            "other": "o" * 64,
        },
    )


def watch(connect: Connect, exchange: Exchange) -> Any:
    return connect(exchange, endpoint="private").ask({"type": "myOrder"}, {"type": "myAsset"})


def test_a_buy_goes_through_wait_trade_trade_done(connect: Connect, quiet: Exchange) -> None:
    client = watch(connect, quiet)
    now = client.now_ms
    uuid = quiet.place_order(
        DEFAULT_ACCESS_KEY, "SGD-BTC", "BID", "130000.5", "0.3", now_ms=now + 10, identifier="mine"
    )
    quiet.fill_order(DEFAULT_ACCESS_KEY, uuid, "0.1", now_ms=now + 20)
    quiet.fill_order(DEFAULT_ACCESS_KEY, uuid, "5", now_ms=now + 30)
    said = client.said()
    orders = [message for message in said if message["type"] == "myOrder"]
    assert [order["state"] for order in orders] == ["wait", "trade", "trade", "done"]
    assert {order["uuid"] for order in orders} == {uuid}
    assert {order["identifier"] for order in orders} == {"mine"}
    wait, first, second, done = orders
    value = Decimal("130000.5") * Decimal("0.3")
    assert wait["locked"] == value * (1 + FEE)
    assert wait["reserved_fee"] == wait["remaining_fee"] == value * FEE
    assert (wait["volume"], wait["remaining_volume"], wait["executed_volume"]) == (Decimal("0.3"), Decimal("0.3"), 0)
    assert wait["trade_fee"] is wait["is_maker"] is wait["trade_uuid"] is wait["trade_timestamp"] is None
    assert (first["volume"], first["remaining_volume"], first["executed_volume"]) == (
        Decimal("0.1"),
        Decimal("0.2"),
        Decimal("0.1"),
    )
    assert first["trade_fee"] == value * FEE / 3
    assert first["is_maker"] is True
    assert first["trade_uuid"] != second["trade_uuid"]
    assert first["trade_timestamp"] == now + 20
    assert (second["volume"], second["remaining_volume"], second["trades_count"]) == (Decimal("0.2"), 0, 2)
    assert (done["volume"], done["locked"], done["executed_funds"]) == (Decimal("0.3"), 0, value)
    assert done["paid_fee"] == value * FEE
    assert done["trade_fee"] is done["is_maker"] is None
    assert done["avg_price"] == Decimal("130000.5")


@pytest.mark.parametrize("side", ["BID", "ASK"])
def test_balances_come_out_to_the_last_decimal(connect: Connect, quiet: Exchange, side: str) -> None:
    client = watch(connect, quiet)
    price, volume = Decimal("131579.12345678"), Decimal("0.87654321")
    uuid = quiet.place_order(DEFAULT_ACCESS_KEY, "SGD-BTC", side, price, volume, now_ms=client.now_ms)  # type: ignore[arg-type]
    quiet.fill_order(DEFAULT_ACCESS_KEY, uuid, "0.12345679", now_ms=client.now_ms)
    quiet.fill_order(DEFAULT_ACCESS_KEY, uuid, volume, now_ms=client.now_ms)
    assets = [
        {asset["currency"]: asset for asset in message["assets"]}
        for message in client.said()
        if message["type"] == "myAsset"
    ]
    before, after = assets[0], assets[-1]
    with localcontext(prec=60):
        value = price * volume
        gained = {"SGD": -value * (1 + FEE), "BTC": volume}
        if side == "ASK":
            gained = {"SGD": value * (1 - FEE), "BTC": -volume}
        for currency, change in gained.items():
            start = before[currency]["balance"] + before[currency]["locked"]
            assert after[currency]["balance"] == start + change
            assert after[currency]["locked"] == 0
            assert -before[currency]["balance"].as_tuple().exponent >= 15, "more decimals than a double holds"


def test_a_cancel_frees_what_was_locked(connect: Connect, quiet: Exchange) -> None:
    client = watch(connect, quiet)
    uuid = quiet.place_order(DEFAULT_ACCESS_KEY, "SGD-ETH", "ASK", 4550, 2, now_ms=client.now_ms)
    quiet.fill_order(DEFAULT_ACCESS_KEY, uuid, "0.5", now_ms=client.now_ms)
    quiet.cancel_order(DEFAULT_ACCESS_KEY, uuid, now_ms=client.now_ms)
    said = client.said()
    cancelled = said[-2]
    assert cancelled["state"] == "cancel"
    assert (cancelled["remaining_volume"], cancelled["executed_volume"]) == (Decimal("1.5"), Decimal("0.5"))
    eth = [next(a for a in m["assets"] if a["currency"] == "ETH") for m in said if m["type"] == "myAsset"]
    assert eth[0]["locked"] == 2
    assert eth[-1]["locked"] == 0
    assert eth[-1]["balance"] == eth[0]["balance"] + Decimal("1.5")
    with pytest.raises(KeyError):
        quiet.cancel_order(DEFAULT_ACCESS_KEY, uuid, now_ms=client.now_ms)


def test_an_account_sees_only_its_own(connect: Connect, quiet: Exchange) -> None:
    client = watch(connect, quiet)
    quiet.place_order("other", "SGD-BTC", "BID", 1, 1, now_ms=client.now_ms)
    assert client.said() == []


def test_my_order_may_be_limited_to_markets(connect: Connect, quiet: Exchange) -> None:
    client = connect(quiet, endpoint="private").ask({"type": "myOrder", "codes": ["SGD-ETH"]}, {"type": "myOrder"})
    only = connect(quiet, endpoint="private").ask({"type": "myOrder", "codes": ["SGD-ETH"]})
    for code in ("SGD-BTC", "SGD-ETH"):
        quiet.place_order(DEFAULT_ACCESS_KEY, code, "BID", 1, 1, now_ms=client.now_ms)
    assert [message["code"] for message in client.said()] == ["SGD-BTC", "SGD-ETH"]
    assert [message["code"] for message in only.said()] == ["SGD-ETH"]


def test_there_is_no_snapshot_and_silence_while_nothing_happens(connect: Connect, quiet: Exchange) -> None:
    assert watch(connect, quiet).after(100_000).said() == []


def test_the_flow_by_itself_takes_every_turn_in_order(connect: Connect) -> None:
    client = watch(connect, Exchange(start_ms=0, private_rate=5))
    following = {"wait": {"trade", "cancel"}, "trade": {"trade", "done", "cancel"}, "done": set(), "cancel": set()}
    state: dict[str, str] = {}
    said = []
    for _ in range(10):
        said += client.after(60_000).said()
    for order in (message for message in said if message["type"] == "myOrder"):
        before = state.get(order["uuid"])
        assert order["state"] in (following[before] if before else {"wait"})
        state[order["uuid"]] = order["state"]
        executed, remaining = order["executed_volume"], order["remaining_volume"]
        assert order["state"] != "done" or (remaining == 0 and executed > 0)
    assert set(state.values()) >= {"done", "cancel"}
    assert all(
        asset["balance"] >= 0 and asset["locked"] >= 0
        for message in said
        if message["type"] == "myAsset"
        for asset in message["assets"]
    )
    assert 2 < len(said) / 600 < 25, "a modest rate"


def test_announcements_by_category_and_with_body_if_wanted(connect: Connect) -> None:
    exchange = Exchange(start_ms=1_790_000_000_000, private_rate=0)
    everything = connect(exchange, endpoint="private").ask({"type": "announcement", "include_body": True})
    some = connect(exchange, endpoint="private").ask({"type": "announcement", "categories": ["trade", "wallet"]})
    for _ in range(5):
        exchange.advance(exchange.agenda.now_ms + 60_000)
        exchange_said = everything.said()
        assert all(list(message)[-1] == "body" for message in exchange_said)
        for message in exchange_said:
            assert message["listed_at"].endswith("+09:00")
            assert message["event_type"] in {"CREATED", "UPDATED"}
    told = some.said()
    assert {message["category"] for message in told} == {"trade", "wallet"}
    assert all("body" not in message for message in told)
    first, update = [message for message in told if message["category"] == "trade"]
    assert (first["event_type"], update["event_type"]) == ("CREATED", "UPDATED")
    assert first["uuid"] == update["uuid"]
    assert first["first_listed_at"] == update["first_listed_at"] == first["listed_at"] < update["listed_at"]


def test_listeners_do_not_change_what_happens(connect: Connect) -> None:
    alone, watched = Exchange(start_ms=0, private_rate=5), Exchange(start_ms=0, private_rate=5)
    early = watch(connect, watched)
    for exchange in (alone, watched):
        exchange.advance(60_000)
    early.payloads()
    late = watch(connect, alone)
    for exchange in (alone, watched):
        exchange.advance(120_000)
    assert early.payloads() == late.payloads()
