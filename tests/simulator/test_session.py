import json
from collections.abc import Callable
from typing import Any

import pytest

from upbit_stream.simulator import Close, Exchange
from upbit_stream.simulator.type_objects import CANDLE_UNITS

Connect = Callable[..., Any]
TRADE = {"type": "trade", "codes": ["SGD-BTC"]}
TICKER = {"type": "ticker", "codes": ["SGD-ETH"]}
LIST = {"method": "LIST_SUBSCRIPTIONS"}
PUBLIC = ["ticker", "trade", "orderbook", *(f"candle.{unit}" for unit in CANDLE_UNITS)]


def kinds(said: list[Any]) -> set[tuple[str, str]]:
    return {(message["type"], message["code"]) for message in said}


# Errors


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("not json", "WRONG_FORMAT"),
        ("[]", "NO_TICKET"),
        ('[{"ticket":"t"}]', "NO_TYPE"),
        ('[{"ticket":"t"},{"type":"trade"}]', "NO_CODES"),
        ('[{"ticket":"t"},{"type":"candle.7m","codes":["SGD-BTC"]}]', "INVALID_PARAM"),
        ('[{"ticket":"t"},{"type":"myAsset"}]', "INVALID_AUTH"),
        ('[{"ticket":"t"},{"type":"trade"},{"format":"SIMPLE_LIST"}]', "NO_CODES"),
    ],
)
def test_an_error_is_told_in_full_and_ends_the_connection(connect: Connect, text: str, name: str) -> None:
    client = connect().text(text)
    assert client.error() == name
    assert client.closed_with == Close(1008, name)
    assert client.exchange.stats.error_frames == 1
    assert client.exchange.stats.errors == {name: 1}
    assert client.exchange.stats.connections_open == 0


def test_a_rejected_request_registers_nothing_and_ends_what_was(connect: Connect) -> None:
    client = connect().ask(TRADE, style="SIMPLE_LIST")
    client.payloads()
    client.ask(TICKER, {"type": "trade"}, style="SIMPLE_LIST")
    assert client.error() == "NO_CODES"
    assert client.after(60_000).payloads() == []


def test_after_the_close_nothing_is_taken(connect: Connect) -> None:
    client = connect().text("x")
    client.payloads()
    received = client.exchange.stats.messages_received
    client.ask(TRADE).text("PING")
    client.session.receive_ping(client.now_ms)
    assert client.payloads() == []
    assert client.exchange.stats.messages_received == received


# Subscriptions


def test_a_new_request_replaces_the_whole_set(connect: Connect) -> None:
    client = connect(trade_rate=20).ask(TRADE, {"type": "orderbook", "codes": ["SGD-BTC"]})
    assert kinds(client.after(5_000).said()) == {("trade", "SGD-BTC"), ("orderbook", "SGD-BTC")}
    client.ask(TICKER)
    assert kinds(client.after(5_000).said()) == {("ticker", "SGD-ETH")}


def test_snapshots_come_first_in_the_order_asked_then_what_is_live(connect: Connect) -> None:
    codes = ["SGD-ETH", "SGD-BTC"]
    client = connect(trade_rate=50).ask(*({"type": kind, "codes": codes} for kind in PUBLIC))
    snapshots = client.said()
    assert [(s["type"], s["code"]) for s in snapshots] == [(kind, code) for kind in PUBLIC for code in codes]
    assert {s["stream_type"] for s in snapshots} == {"SNAPSHOT"}
    live = client.after(3_000).said()
    assert {s["stream_type"] for s in live} == {"REALTIME"}
    assert kinds(live) == kinds(snapshots)


def test_only_flags(connect: Connect) -> None:
    exchange = Exchange(start_ms=0, trade_rate=20)
    snapshot = connect(exchange).ask(TRADE | {"is_only_snapshot": True})
    realtime = connect(exchange).ask(TRADE | {"is_only_realtime": True})
    exchange.advance(5_000)
    assert [message["stream_type"] for message in snapshot.said()] == ["SNAPSHOT"]
    assert {message["stream_type"] for message in realtime.said()} == {"REALTIME"}


def test_an_unknown_market_gets_neither_error_nor_data(connect: Connect) -> None:
    client = connect().ask(*({"type": kind, "codes": ["SGD-NONE", "sgd-btc"]} for kind in PUBLIC))
    assert client.after(10_000).said() == []
    assert client.session.is_open


def test_a_feed_asked_for_twice_comes_once(connect: Connect) -> None:
    exchange = Exchange(start_ms=0, trade_rate=20)
    twice = connect(exchange).ask(TRADE, TRADE | {"codes": ["SGD-BTC", "SGD-BTC"], "is_only_realtime": True})
    once = connect(exchange).ask(TRADE)
    exchange.advance(3_000)
    assert twice.said() == once.said()


def test_two_books_of_one_market(connect: Connect) -> None:
    books = [
        {"type": "orderbook", "codes": ["KRW-BTC.5"], "level": 10_000},
        {"type": "orderbook", "codes": ["KRW-BTC.15"]},
    ]
    client = connect(codes=["KRW-BTC"]).ask(*books)
    said = client.after(1_000).said()
    assert {(m["level"], len(m["orderbook_units"])) for m in said} == {(10_000, 5), (0, 15)}
    assert [m["level"] for m in said] == [10_000, 0] * (len(said) // 2)


@pytest.mark.parametrize(("code", "level"), [("KRW-BTC", 12_345), ("KRW-BTC", -1), ("SGD-BTC", 10), ("SGD-BTC", 0.5)])
def test_an_unsupported_level_yields_no_data(connect: Connect, code: str, level: float) -> None:
    client = connect(codes=[code]).ask({"type": "orderbook", "codes": [code], "level": level})
    assert client.after(5_000).said() == []
    assert client.session.is_open


# LIST_SUBSCRIPTIONS

WANTED = [
    TRADE,
    {"type": "orderbook", "codes": ["SGD-BTC.15", "SGD-ETH"], "level": 0},
    {"type": "orderbook", "codes": ["SGD-BTC"]},
]


def test_list_subscriptions_tells_what_is_registered(connect: Connect) -> None:
    client = connect().ask(*WANTED)
    client.payloads()
    (answer,) = client.text('[{"ticket":"mine"},{"method":"LIST_SUBSCRIPTIONS"}]').said()
    assert list(answer.items()) == [("method", "LIST_SUBSCRIPTIONS"), ("result", WANTED), ("ticket", "mine")]


def test_list_subscriptions_forgets_what_was_replaced(connect: Connect) -> None:
    client = connect().ask(*WANTED).ask(TICKER)
    client.payloads()
    assert client.ask(LIST).said()[0]["result"] == [TICKER]


def test_list_subscriptions_in_short(connect: Connect) -> None:
    client = connect().ask(*WANTED)
    client.payloads()
    short = [
        {"ty": "trade", "cds": ["SGD-BTC"]},
        {"ty": "orderbook", "cds": ["SGD-BTC.15", "SGD-ETH"], "lv": 0},
        {"ty": "orderbook", "cds": ["SGD-BTC"]},
    ]
    assert client.ask(LIST, style="SIMPLE").said() == [
        {"mthd": "LIST_SUBSCRIPTIONS", "rslt": short, "tckt": "t"},
    ]
    assert client.ask(LIST, style="SIMPLE_LIST").said() == [
        [{"mthd": "LIST_SUBSCRIPTIONS", "rslt": short, "tckt": "t"}],
    ]
    assert client.ask(LIST, style="JSON_LIST").said()[0][0]["method"] == "LIST_SUBSCRIPTIONS"


def test_list_subscriptions_before_any_and_on_the_other_endpoints(connect: Connect) -> None:
    assert connect().ask(LIST).said()[0]["result"] == []
    private = connect(endpoint="private", private_rate=0)
    private.ask({"type": "myOrder", "codes": ["SGD-BTC"]}, {"type": "myAsset"})
    assert private.ask(LIST).said()[0]["result"] == [
        {"type": "myOrder", "codes": ["SGD-BTC"]},
        {"type": "myAsset"},
    ]


def test_the_trap_the_format_of_a_list_request_becomes_that_of_the_streams(connect: Connect) -> None:
    client = connect(trade_rate=20).ask(TRADE, style="SIMPLE")
    assert all("ty" in message for message in client.after(2_000).said())
    client.ask(LIST)
    client.payloads()
    assert all("type" in message for message in client.after(2_000).said())
    client.ask(LIST, style="SIMPLE_LIST")
    client.payloads()
    live = client.after(2_000).said()
    assert live
    assert all(isinstance(message, list) and message[0]["ty"] == "trade" for message in live)


# Budgets


def test_the_sixth_message_of_a_second_is_too_many(connect: Connect) -> None:
    client = connect()
    for _ in range(5):
        client.text("PING")
    client.payloads()
    assert client.text("PING").error() == "TOO_MANY_REQUEST"
    assert client.closed_with == Close(1008, "TOO_MANY_REQUEST")
    assert client.exchange.stats.messages_over_budget == 1
    assert client.exchange.stats.messages_received == 6


@pytest.mark.parametrize("text", ["PING", json.dumps([{"ticket": "t"}, LIST]), json.dumps([{"ticket": "t"}, TRADE])])
def test_everything_counts(connect: Connect, text: str) -> None:
    client = connect()
    for _ in range(6):
        client.text(text)
    assert client.exchange.stats.messages_over_budget == 1


def test_five_a_second_are_fine_until_the_minute_is_full(connect: Connect) -> None:
    client = connect(trade_rate=0)
    for _ in range(100):
        client.ask(LIST, at_ms=client.now_ms + 200)
    assert client.session.is_open
    client.payloads()
    assert client.ask(LIST, at_ms=client.now_ms + 200).error() == "TOO_MANY_REQUEST"


def test_each_connection_has_its_own_message_budget(connect: Connect) -> None:
    exchange = Exchange(start_ms=0)
    for _ in range(3):
        client = connect(exchange)
        for _ in range(5):
            client.text("PING")
    assert exchange.stats.messages_over_budget == 0


def test_limits_that_are_only_counted(connect: Connect) -> None:
    client = connect(limits_enforced=False)
    for _ in range(8):
        client.text("PING")
    assert client.session.is_open
    assert client.exchange.stats.messages_over_budget == 3


# Time


def test_ping_is_answered_at_once_and_every_ten_seconds(connect: Connect) -> None:
    client = connect(trade_rate=0).text("PING")
    assert client.payloads() == [b'{"status":"UP"}']
    assert client.after(9_999).payloads() == []
    assert client.after(1).payloads() == [b'{"status":"UP"}']
    client.text("PING")
    assert client.after(60_000).payloads() == [b'{"status":"UP"}'] * 6


def test_status_is_never_listed_or_shortened(connect: Connect) -> None:
    client = connect(trade_rate=0).ask(LIST, style="SIMPLE_LIST")
    client.payloads()
    assert client.text("PING").payloads() == [b'{"status":"UP"}']


def test_a_silent_connection_is_closed_after_two_minutes(connect: Connect) -> None:
    client = connect()
    assert client.after(119_999).payloads() == []
    assert client.session.is_open
    assert client.after(1).payloads() == []
    assert client.closed_with == Close(1000, "idle")
    assert client.exchange.stats.idle_closes == 1


def test_a_ping_frame_is_a_sign_of_life(connect: Connect) -> None:
    client = connect().after(100_000)
    client.session.receive_ping(client.now_ms)
    client.after(119_999).payloads()
    assert client.closed_with is None
    client.after(1).payloads()
    assert client.closed_with == Close(1000, "idle")


def test_what_is_sent_is_a_sign_of_life(connect: Connect) -> None:
    client = connect().ask(TRADE)
    client.after(600_000).payloads()
    assert client.closed_with is None
    status = connect().text("PING")
    status.after(600_000).payloads()
    assert status.closed_with is None


def test_idle_counts_from_the_moment_however_time_is_advanced(connect: Connect) -> None:
    exchange = Exchange(start_ms=0)
    client = connect(exchange)
    exchange.advance(10_000)
    client.ask({"type": "trade", "codes": ["SGD-NONE"]})
    exchange.advance(500_000)
    client.payloads()
    assert client.closed_with == Close(1000, "idle")


# The outbox


def test_on_output_is_called_when_there_is_something_to_take(connect: Connect) -> None:
    client, calls = connect(trade_rate=20), []
    client.session.on_output = lambda: calls.append(1)
    client.ask(TRADE)
    assert len(calls) == 1
    client.after(5_000)
    assert len(calls) == 1
    client.payloads()
    client.after(5_000)
    assert len(calls) == 2
    client.text("x")
    assert len(calls) == 3


def test_a_reader_that_takes_nothing_is_cut_off_and_costs_bounded_memory(connect: Connect) -> None:
    exchange = Exchange(start_ms=0, trade_rate=50, outbox_limit_bytes=100_000)
    slow, quick = connect(exchange), connect(exchange)
    for client in (slow, quick):
        client.ask({"type": "orderbook", "codes": ["SGD-BTC"]})
    taken = 0
    while slow.session.is_open:
        exchange.advance(exchange.agenda.now_ms + 100)
        taken += len(quick.said())
    exchange.advance(exchange.agenda.now_ms + 1_000)
    assert slow.payloads() == []
    assert slow.closed_with == Close(1013, "reading too slowly")
    assert exchange.stats.slow_closes == 1
    assert taken > 10
    assert quick.said()


def test_a_client_that_went_away_is_forgotten(connect: Connect) -> None:
    client = connect(trade_rate=20).ask(TRADE)
    client.session.closed(client.now_ms)
    client.session.closed(client.now_ms)
    assert client.after(200_000).payloads() == []
    assert client.closed_with is None
    assert client.exchange.stats.connections_open == 0
    assert client.exchange.stats.idle_closes == 0
    assert not client.exchange.audience.wants("trade", "SGD-BTC")
