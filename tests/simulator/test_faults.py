"""Faults: each does what it says, to whom it says, for as long as it says, and the same for a seed."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from upbit_stream.simulator import (
    Close,
    Exchange,
    Fault,
    Frame,
    Refusal,
    Reset,
    RestRequest,
    Upgrade,
)
from upbit_stream.simulator.faults import (
    CloseConnections,
    CutMessages,
    CutRest,
    DelayMessages,
    DropConnections,
    FailConnections,
    FreezeConnections,
    GarbleMessages,
    IgnoreRest,
    LoseMessages,
    RefuseConnections,
    RefuseRest,
    RepeatMessages,
    ResetConnections,
)

from .asking import ask, error, said

Connect = Callable[..., Any]
START_MS = 1_790_000_000_000
TRADE = {"type": "trade", "codes": ["SGD-BTC"], "is_only_realtime": True}
BOOK = {"type": "orderbook", "codes": ["SGD-BTC"], "is_only_realtime": True}


def busy(*faults: Fault, **options: Any) -> Exchange:
    return Exchange(**{"start_ms": START_MS, "trade_rate": 40, "private_rate": 0, "faults": faults, **options})


def taken(client: Any) -> tuple[list[bytes], Close | Reset | None]:
    """What the driver of a client has to do: messages to send, and how it ends."""
    output = client.session.take_output()
    end = output.pop() if output and not isinstance(output[-1], Frame) else None
    return [item.payload for item in output], end


def ids(payloads: list[bytes]) -> list[int]:
    return [json.loads(payload)["sequential_id"] for payload in payloads]


def on_tape(exchange: Exchange, from_ms: int, to_ms: int) -> list[int]:
    return [t.sequential_id for t in exchange.tape if t.code == "SGD-BTC" and from_ms <= t.timestamp < to_ms]


# Connections


@pytest.mark.parametrize(
    ("fault", "end"),
    [
        (ResetConnections(at_ms=START_MS + 500), Reset()),
        (CloseConnections(at_ms=START_MS + 500, code=1012, reason="restart"), Close(1012, "restart")),
        (FailConnections(at_ms=START_MS + 500, name="INTERNAL"), Close(1008, "INTERNAL")),
    ],
)
def test_all_connections_end_at_the_moment(connect: Connect, fault: Fault, end: Any) -> None:
    exchange = busy(fault)
    clients = [connect(exchange).ask(TRADE) for _ in range(3)]
    exchange.advance(START_MS + 499)
    assert all(client.session.is_open for client in clients)
    exchange.advance(START_MS + 2_000)
    for client in clients:
        payloads, ended = taken(client)
        assert ended == end
        if isinstance(fault, FailConnections):
            assert json.loads(payloads.pop())["error"]["name"] == "INTERNAL"
        assert ids(payloads) == on_tape(exchange, START_MS + 1, START_MS + 500)
    assert exchange.stats.connections_open == 0
    assert exchange.stats.faults == {type(fault).__name__: 3}
    assert connect(exchange).ask(TRADE).after(1_000).payloads()


def test_a_fault_comes_before_what_was_due_in_the_same_millisecond(connect: Connect) -> None:
    twin = busy()
    twin.advance(START_MS + 2_000)
    at_ms = next(t.timestamp for t in twin.tape if t.code == "SGD-BTC" and t.timestamp > START_MS + 1_000)
    exchange = busy()
    client = connect(exchange).ask(TRADE)
    exchange.advance(at_ms - 1)
    exchange.inject(ResetConnections(at_ms=at_ms))
    exchange.advance(at_ms)
    assert on_tape(exchange, at_ms, at_ms + 1)
    payloads, end = taken(client)
    assert end == Reset()
    assert ids(payloads) == on_tape(exchange, START_MS + 1, at_ms)


@pytest.mark.parametrize("pick", range(7))
def test_one_is_picked_counting_round(connect: Connect, pick: int) -> None:
    exchange = busy()
    clients = [connect(exchange) for _ in range(3)]
    exchange.inject(ResetConnections(at_ms=0, pick=pick))
    assert [taken(client)[1] for client in clients] == [Reset() if n == pick % 3 else None for n in range(3)]


def test_with_nobody_there_nothing_happens() -> None:
    exchange = busy(ResetConnections(at_ms=START_MS + 1), FreezeConnections(at_ms=START_MS + 1, pick=3))
    exchange.advance(START_MS + 10)
    assert not exchange.stats.faults


def test_a_driver_is_woken_for_the_end(connect: Connect) -> None:
    client, calls = connect(busy(trade_rate=0)), []
    client.session.on_output = lambda: calls.append(1)
    client.text("PING")
    assert calls == [1]
    client.exchange.inject(ResetConnections(at_ms=0))
    assert calls == [1, 1], "also if there was something to take already"


def test_a_frozen_session_neither_says_nor_hears(connect: Connect) -> None:
    exchange = busy()
    frozen, other = connect(exchange).ask(TRADE), connect(exchange).ask(TRADE)
    frozen.text("PING").payloads()
    exchange.inject(FreezeConnections(at_ms=START_MS + 300, pick=0))
    exchange.advance(START_MS + 300)
    received, pings = exchange.stats.messages_received, exchange.stats.pings_received
    assert frozen.session.frozen
    assert not other.session.frozen
    frozen.ask(BOOK)
    frozen.session.receive_ping(frozen.now_ms)
    assert (exchange.stats.messages_received, exchange.stats.pings_received) == (received, pings)
    exchange.advance(START_MS + 300_000)
    assert taken(frozen) == ([], None)
    assert other.payloads()
    assert frozen.session.is_open
    assert exchange.sessions == [other.session]
    exchange.inject(ResetConnections(at_ms=0, pick=0))
    assert taken(frozen) == ([], None), "who is frozen is beyond other faults"
    other.session.closed(frozen.now_ms)
    assert not exchange.audience.wants("trade", "SGD-BTC"), "nothing is made for who cannot get it"
    frozen.session.closed(frozen.now_ms)
    assert exchange.stats.connections_open == 0


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (503, "service_unavailable"),
        (429, "too_many_requests"),
        (418, "too_many_requests"),
        (401, "invalid_access_key"),
        (502, "fault"),
    ],
)
def test_connections_are_refused_for_a_period(connect: Connect, status: int, name: str) -> None:
    exchange = busy(RefuseConnections(at_ms=START_MS + 1_000, duration_ms=2_500, status=status))
    there = connect(exchange)
    for at_ms in (1_000, 3_499):
        refused = exchange.connect(Upgrade("/websocket/v1"), START_MS + at_ms)
        assert isinstance(refused, Refusal)
        assert (refused.status, json.loads(refused.body)["error"]["name"]) == (status, name)
        left_s = "3" if at_ms == 1_000 else "1"
        assert refused.headers.get("Retry-After") == (left_s if status == 418 else None)
    exchange.advance(START_MS + 3_500)
    connect(exchange)
    assert there.session.is_open
    assert exchange.stats.connections_refused == 2


def test_accepted_and_dropped(connect: Connect) -> None:
    exchange = busy(DropConnections(at_ms=START_MS, duration_ms=1_000, after_ms=10))
    exchange.advance(START_MS)
    client = connect(exchange)
    assert taken(client.after(9)) == ([], None)
    assert taken(client.after(1)) == ([], Reset())
    exchange.advance(START_MS + 1_000)
    assert taken(connect(exchange).after(5_000)) == ([], None)


# Messages


def test_one_type_is_silent_while_the_rest_goes_on(connect: Connect) -> None:
    exchange = busy(LoseMessages(at_ms=START_MS + 1_000, duration_ms=4_000, kind="trade"))
    client = connect(exchange).ask(TRADE, BOOK)
    before, during, after = (client.after(ms).said() + client.text("PING").said() for ms in (999, 4_000, 2_000))
    for told, silent in ((before, False), (during, True), (after, False)):
        kinds = {message.get("type") for message in told}
        assert ("trade" in kinds) is not silent
        assert "orderbook" in kinds
    assert exchange.stats.status_requests == 3
    snapshots = connect(exchange).ask({"type": "trade", "codes": ["SGD-BTC"]})
    assert [message["stream_type"] for message in snapshots.said()] == ["SNAPSHOT"]


def test_a_fault_of_messages_begins_and_ends_on_the_millisecond(connect: Connect) -> None:
    exchange = busy(LoseMessages(at_ms=START_MS + 1_000, duration_ms=1_000), trade_rate=500)
    client = connect(exchange).ask(TRADE).after(3_000)
    told = ids(client.payloads())
    assert told == on_tape(exchange, START_MS + 1, START_MS + 1_000) + on_tape(
        exchange, START_MS + 2_000, START_MS + 3_001
    )


def test_snapshots_are_lost_too_but_no_answer(connect: Connect) -> None:
    exchange = busy(LoseMessages(at_ms=0, duration_ms=START_MS + 60_000))
    client = connect(exchange).ask(TRADE | {"is_only_realtime": False}, style="SIMPLE_LIST").after(5_000)
    assert client.payloads() == []
    (listed,) = client.ask({"method": "LIST_SUBSCRIPTIONS"}).said()
    assert listed["method"] == "LIST_SUBSCRIPTIONS"
    assert client.text("no json").error() == "WRONG_FORMAT"


def test_only_the_picked_connection_is_concerned(connect: Connect) -> None:
    exchange = busy()
    one, two = connect(exchange).ask(TRADE), connect(exchange).ask(TRADE)
    exchange.inject(LoseMessages(at_ms=0, duration_ms=10 * START_MS, pick=1))
    three = connect(exchange).ask(TRADE).after(3_000)
    assert one.payloads() == three.payloads() != []
    assert two.payloads() == []


def healthy(connect: Connect, ms: int) -> list[bytes]:
    return connect(busy()).ask(TRADE).after(ms).payloads()


def test_messages_twice(connect: Connect) -> None:
    got = connect(busy(RepeatMessages(at_ms=START_MS, duration_ms=9_000, odds=0.3))).ask(TRADE).after(5_000).payloads()
    whole = healthy(connect, 5_000)
    assert list(dict.fromkeys(got)) == whole
    assert 0.2 < len(got) / len(whole) - 1 < 0.4


def test_cut_messages(connect: Connect) -> None:
    got = connect(busy(CutMessages(at_ms=START_MS, duration_ms=9_000, odds=0.3))).ask(TRADE).after(5_000).payloads()
    whole = healthy(connect, 5_000)
    assert len(got) == len(whole)
    cut = [one for one, real in zip(got, whole, strict=True) if one != real]
    assert all(real.startswith(one) for one, real in zip(got, whole, strict=True))
    assert 0.2 < len(cut) / len(whole) < 0.4
    for one in cut:
        with pytest.raises(json.JSONDecodeError):
            json.loads(one)


def test_garbage_between_messages(connect: Connect) -> None:
    got = connect(busy(GarbleMessages(at_ms=START_MS, duration_ms=9_000, odds=0.5))).ask(TRADE).after(5_000).payloads()
    whole = healthy(connect, 5_000)
    assert [payload for payload in got if payload in whole] == whole
    garbage = {payload for payload in got if payload not in whole}
    assert len(garbage) > 5
    assert b"" in garbage
    assert b"\xff\xfe" in garbage


def test_late_messages_come_in_another_order(connect: Connect) -> None:
    fault = DelayMessages(at_ms=START_MS, duration_ms=5_000, odds=0.3, most_ms=700)
    client = connect(busy(fault)).ask(TRADE)
    late: dict[bytes, int] = {}
    got: list[bytes] = []
    while client.now_ms < START_MS + 5_700:
        for payload in client.after(1).payloads():
            got.append(payload)
            late[payload] = client.now_ms - json.loads(payload)["timestamp"]
    whole = healthy(connect, 5_700)
    assert sorted(got) == sorted(whole)
    assert got != whole
    assert 500 < max(late.values()) <= 700
    assert 0.2 < sum(ms > 0 for ms in late.values()) / len(late) < 0.4


def test_late_messages_to_who_is_gone(connect: Connect) -> None:
    exchange = busy(DelayMessages(at_ms=START_MS, duration_ms=5_000), CloseConnections(at_ms=START_MS + 2_000))
    client = connect(exchange).ask(TRADE).after(10_000)
    payloads, end = taken(client)
    assert end == Close(1001, "")
    assert payloads
    assert taken(client.after(10_000)) == ([], None)


def test_faults_add_up(connect: Connect) -> None:
    period: dict[str, Any] = {"at_ms": START_MS, "duration_ms": 9_000}
    exchange = busy(RepeatMessages(**period), RepeatMessages(**period), LoseMessages(**period, kind="orderbook"))
    client = connect(exchange).ask(TRADE, BOOK).after(2_000)
    got = client.payloads()
    whole = healthy(connect, 2_000)
    assert got == [payload for payload in whole for _ in range(4)]


# REST


def test_rest_fails_for_a_period() -> None:
    exchange = busy(RefuseRest(at_ms=START_MS + 1_000, duration_ms=1_000, status=500, path="/v1/trades"))
    assert ask(exchange, "/v1/market/all").status == 200
    exchange.advance(START_MS + 1_000)
    assert error(ask(exchange, "/v1/trades/ticks", market="SGD-BTC")) == (500, "internal_server_error")
    assert ask(exchange, "/v1/market/all").status == 200
    exchange.advance(START_MS + 2_000)
    assert ask(exchange, "/v1/trades/ticks", market="SGD-BTC").status == 200


@pytest.mark.parametrize(("status", "headers"), [(429, None), (418, "60")])
def test_rest_tells_to_wait(status: int, headers: str | None) -> None:
    exchange = busy(RefuseRest(at_ms=START_MS, duration_ms=60_000, status=status))
    exchange.advance(START_MS)
    answer = ask(exchange, "/v1/market/all")
    assert error(answer) == (status, "too_many_requests")
    assert answer.headers.get("Retry-After") == headers
    assert exchange.stats.rest_requests == 0, "it did not reach the exchange"


def test_rest_answers_that_are_no_json() -> None:
    exchange = busy(CutRest(at_ms=START_MS, duration_ms=60_000))
    exchange.advance(START_MS)
    whole = ask(busy(), "/v1/market/all").body
    seen = set()
    for _ in range(10):
        answer = ask(exchange, "/v1/market/all")
        assert answer.status == 200
        assert whole.startswith(answer.body)
        with pytest.raises(json.JSONDecodeError):
            json.loads(answer.body)
        seen.add(len(answer.body))
    assert len(seen) > 5


def test_rest_without_an_answer() -> None:
    exchange = busy(IgnoreRest(at_ms=START_MS, duration_ms=1_000))
    exchange.advance(START_MS)
    assert exchange.rest(RestRequest("GET", "/v1/market/all"), START_MS + 999) is None
    assert said(exchange.rest(RestRequest("GET", "/v1/market/all"), START_MS + 1_000))
