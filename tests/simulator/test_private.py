"""REST about an account: signed queries, its orders and balances as the private streams tell of them."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from upbit_stream.simulator import DEFAULT_ACCESS_KEY, Exchange, RestRequest

from .asking import ask, error, query_of, said, token

Connect = Callable[..., Any]
OPEN, CLOSED, NAMED, ONE, BALANCES = (
    "/v1/orders/open",
    "/v1/orders/closed",
    "/v1/orders/uuids",
    "/v1/order",
    "/v1/accounts",
)
DAY_MS = 86_400_000
START_MS = 1_790_000_000_000


@pytest.fixture
def quiet() -> Exchange:
    return Exchange(start_ms=START_MS, trade_rate=0, private_rate=0, limits_enforced=False)


def place(exchange: Exchange, at_ms: int, *, code: str = "SGD-BTC", end: str = "", name: str | None = None) -> str:
    uuid = exchange.place_order(DEFAULT_ACCESS_KEY, code, "BID", "130000.5", "0.3", now_ms=at_ms, identifier=name)
    if end == "done":
        exchange.fill_order(DEFAULT_ACCESS_KEY, uuid, "0.3", now_ms=at_ms)
    elif end == "cancel":
        exchange.cancel_order(DEFAULT_ACCESS_KEY, uuid, now_ms=at_ms)
    return uuid


def uuids(exchange: Exchange, path: str, **parameters: Any) -> list[str]:
    return [order["uuid"] for order in said(ask(exchange, path, private=True, **parameters))]


# Tokens


def refused(exchange: Exchange, query: str, bearer: str | None, path: str = OPEN) -> tuple[int, str | int]:
    headers = {} if bearer is None else {"authorization": bearer}
    return error(exchange.rest(RestRequest("GET", path, query, headers), exchange.agenda.now_ms))


def test_the_query_is_signed_as_it_reads_unencoded(quiet: Exchange) -> None:
    query = query_of(states=["wait", "watch"], market="SGD-BTC")
    assert "%5B%5D" in query
    assert said(quiet.rest(RestRequest("GET", OPEN, query, {"authorization": token(query)}), START_MS)) == []
    signed = token("states[]=wait&states[]=watch&market=SGD-BTC")
    assert said(quiet.rest(RestRequest("GET", OPEN, query, {"authorization": signed}), START_MS)) == []


def test_what_is_not_signed_is_refused(quiet: Exchange) -> None:
    query = query_of(market="SGD-BTC", limit=5)
    bad = (401, "invalid_query_payload")
    assert refused(quiet, query, token()) == bad
    assert refused(quiet, query, token("limit=5&market=SGD-BTC")) == bad
    assert refused(quiet, query, token(query, query_hash_alg="SHA256")) == bad
    assert refused(quiet, query, token(query_of(market="SGD-BTC", limit=50))) == bad
    assert refused(quiet, "", None) == (401, "no_authorization_token")
    assert refused(quiet, "", token(secret="x" * 64)) == (401, "jwt_verification")


def test_a_nonce_serves_once_and_for_streams_too(quiet: Exchange, connect: Connect) -> None:
    bearer = token()
    assert said(quiet.rest(RestRequest("GET", OPEN, "", {"authorization": bearer}), START_MS)) == []
    assert refused(quiet, "", bearer) == (401, "nonce_used")
    assert quiet.stats.nonces_reused == 1


# Orders


def test_an_order_is_told_in_strings_and_korean_time(quiet: Exchange) -> None:
    uuid = place(quiet, START_MS, name="mine")
    quiet.fill_order(DEFAULT_ACCESS_KEY, uuid, "0.1", now_ms=START_MS + 1_000)
    order = said(ask(quiet, ONE, private=True, uuid=uuid))
    (trade,) = order.pop("trades")
    value = Decimal("130000.5") * Decimal("0.1")
    assert order.pop("created_at") == "2026-09-21T23:13:20+09:00"
    assert order.pop("uuid") == uuid
    words = ("side", "ord_type", "state", "market", "identifier")
    assert [order.pop(key) for key in words] == ["bid", "limit", "wait", "SGD-BTC", "mine"]
    assert order.pop("trades_count") == 1
    assert all(isinstance(amount, str) for amount in order.values())
    assert {key: Decimal(amount) for key, amount in order.items()} == {
        "price": Decimal("130000.5"),
        "volume": Decimal("0.3"),
        "remaining_volume": Decimal("0.2"),
        "executed_volume": Decimal("0.1"),
        "executed_funds": value,
        "reserved_fee": value * 3 * Decimal("0.0025"),
        "remaining_fee": value * 2 * Decimal("0.0025"),
        "paid_fee": value * Decimal("0.0025"),
        "locked": value * 2 * Decimal("1.0025"),
        "prevented_volume": 0,
        "prevented_locked": 0,
    }
    assert trade["created_at"] == "2026-09-21T23:13:21+09:00"
    assert (trade["market"], trade["side"], Decimal(trade["funds"])) == ("SGD-BTC", "bid", value)
    assert (Decimal(trade["price"]), Decimal(trade["volume"])) == (Decimal("130000.5"), Decimal("0.1"))
    assert "identifier" not in said(ask(quiet, ONE, private=True, uuid=place(quiet, START_MS + 2_000)))


def test_rest_and_stream_agree_on_every_order(connect: Connect) -> None:
    exchange = Exchange(start_ms=START_MS, private_rate=20, limits_enforced=False)
    client = connect(exchange, endpoint="private").ask({"type": "myOrder"}).after(30_000)
    last: dict[str, Any] = {}
    trades: dict[str, list[str]] = {}
    for message in client.said():
        last[message["uuid"]] = message
        trades.setdefault(message["uuid"], []).extend([message["trade_uuid"]] * (message["state"] == "trade"))
    open_now = uuids(exchange, OPEN)
    assert set(open_now) == {uuid for uuid, m in last.items() if m["state"] in ("wait", "trade")}
    closed = {order["uuid"]: order for order in said(ask(exchange, CLOSED, private=True, limit=1000))}
    assert {*closed, *open_now} == set(last)
    assert len(closed) > 100
    for uuid, order in closed.items():
        message = last[uuid]
        assert (order["state"], order["side"]) == (message["state"], message["ask_bid"].lower())
        for field in ("remaining_volume", "executed_volume", "paid_fee", "executed_funds", "locked", "trades_count"):
            assert Decimal(order[field]) == message[field]
    for uuid in [*open_now, *list(closed)[:20]]:
        told = said(ask(exchange, ONE, private=True, uuid=uuid))
        assert [trade["uuid"] for trade in told["trades"]] == trades[uuid]


def test_open_orders_by_page_market_and_direction(quiet: Exchange) -> None:
    placed = [place(quiet, START_MS + n * 1_000, code=("SGD-BTC", "SGD-ETH")[n % 2]) for n in range(7)]
    assert uuids(quiet, OPEN) == placed[::-1]
    assert uuids(quiet, OPEN, order_by="asc") == placed
    assert uuids(quiet, OPEN, market="SGD-ETH") == placed[1::2][::-1]
    assert [uuids(quiet, OPEN, limit=3, page=page) for page in (1, 2, 3, 4)] == [
        placed[::-1][:3],
        placed[::-1][3:6],
        placed[::-1][6:],
        [],
    ]
    assert uuids(quiet, OPEN, states=["watch"]) == uuids(quiet, OPEN, state="watch") == []
    assert len(uuids(quiet, OPEN, states=["wait", "watch"])) == 7


def test_closed_orders_by_state_and_window_of_creation(quiet: Exchange) -> None:
    hours = [place(quiet, START_MS + n * 3_600_000, end=("done", "cancel")[n % 2]) for n in range(6)]
    waited = place(quiet, START_MS + 6 * 3_600_000)
    quiet.cancel_order(DEFAULT_ACCESS_KEY, waited, now_ms=START_MS + 9 * 3_600_000)
    assert uuids(quiet, CLOSED) == [waited, *hours[::-1]]
    assert uuids(quiet, CLOSED, state="done") == hours[::2][::-1]
    assert uuids(quiet, CLOSED, states=["cancel"], order_by="asc") == [*hours[1::2], waited]
    assert uuids(quiet, CLOSED, limit=2) == [waited, hours[5]]
    # By when it was created, not when it closed; both ends belong to the window.
    first, last = START_MS + 3_600_000, START_MS + 6 * 3_600_000
    assert uuids(quiet, CLOSED, start_time=first, end_time=last) == [waited, *hours[:0:-1]]
    assert uuids(quiet, CLOSED, start_time=first + 1, end_time=last - 1) == hours[5:1:-1]
    # 2026-09-21T23:13:20+09:00 is the start.
    assert uuids(quiet, CLOSED, end_time="2026-09-21T23:13:20+09:00") == hours[:1]
    assert uuids(quiet, CLOSED, end_time="2026-09-21T14:13:19Z") == []
    assert uuids(quiet, CLOSED, start_time="2026-09-21T14:13:21Z") == [waited, *hours[:0:-1]]


def test_closed_orders_are_kept_for_seven_days() -> None:
    quiet = Exchange(start_ms=START_MS, private_rate=0, codes=())
    old = place(quiet, START_MS, end="done")
    slow = place(quiet, START_MS + 1)
    quiet.advance(START_MS + 7 * DAY_MS)
    quiet.cancel_order(DEFAULT_ACCESS_KEY, slow, now_ms=START_MS + 7 * DAY_MS)
    assert uuids(quiet, CLOSED) == [slow, old]
    place(quiet, START_MS + 7 * DAY_MS + 1, end="done")
    assert error(ask(quiet, ONE, private=True, uuid=old)) == (404, "order_not_found")
    # It closed less than seven days ago, so a window around its creation finds it.
    assert uuids(quiet, CLOSED, start_time=START_MS, end_time=START_MS + DAY_MS) == [slow]


def test_orders_by_name(quiet: Exchange) -> None:
    one = place(quiet, START_MS, name="a b&c=d+e", end="done")
    two = place(quiet, START_MS + 1_000, name="two")
    assert uuids(quiet, NAMED, uuids=[one, two, "none"]) == [two, one]
    assert uuids(quiet, NAMED, identifiers=["a b&c=d+e"], order_by="asc") == [one]
    assert uuids(quiet, NAMED, uuids=[one, two], market="SGD-ETH") == []
    assert said(ask(quiet, ONE, private=True, identifier="two"))["uuid"] == two
    assert said(ask(quiet, ONE, private=True, uuid=one, identifier="two"))["uuid"] == one
    assert error(ask(quiet, ONE, private=True, identifier="three")) == (404, "order_not_found")


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        (OPEN, {"states": ["done"]}),
        (OPEN, {"state": "wait", "states": ["wait"]}),
        (OPEN, {"limit": 101}),
        (OPEN, {"page": 0}),
        (OPEN, {"order_by": "up"}),
        (OPEN, {"market": "SGD-NONE"}),
        (CLOSED, {"state": "wait"}),
        (CLOSED, {"limit": 1001}),
        (CLOSED, {"start_time": START_MS, "end_time": START_MS - 1}),
        (CLOSED, {"start_time": START_MS, "end_time": START_MS + 7 * DAY_MS + 1}),
        (CLOSED, {"start_time": "then"}),
        (NAMED, {}),
        (NAMED, {"uuids": ["x"], "identifiers": ["x"]}),
        (NAMED, {"uuids": [str(n) for n in range(101)]}),
        (ONE, {}),
    ],
)
def test_parameters_that_make_no_sense(quiet: Exchange, path: str, parameters: dict[str, Any]) -> None:
    assert error(ask(quiet, path, private=True, **parameters)) == (400, "validation_error")


def test_balances_are_those_of_the_stream(connect: Connect, quiet: Exchange) -> None:
    assert said(ask(quiet, BALANCES, private=True)) == []
    client = connect(quiet, endpoint="private").ask({"type": "myAsset"})
    place(quiet, START_MS, code="SGD-ETH")
    (message,) = client.said()
    told = said(ask(quiet, BALANCES, private=True))
    assert {one["currency"]: (Decimal(one["balance"]), Decimal(one["locked"])) for one in told} == {
        asset["currency"]: (asset["balance"], asset["locked"]) for asset in message["assets"]
    }
    assert {one["unit_currency"] for one in told} == {"SGD"}
    assert told[0]["avg_buy_price_modified"] is False


def test_looking_changes_nothing(connect: Connect) -> None:
    def lived(*, looked_at: bool) -> list[Any]:
        exchange = Exchange(start_ms=START_MS, private_rate=20, trade_rate=20, limits_enforced=False)
        client = connect(exchange, endpoint="private").ask({"type": "myOrder"}, {"type": "myAsset"})
        for _ in range(20):
            client.after(500)
            if looked_at:
                ask(exchange, "/v1/trades/ticks", market="SGD-BTC", count=100)
                ask(exchange, BALANCES, private=True)
                ask(exchange, CLOSED, private=True)
        return client.payloads()

    assert lived(looked_at=True) == lived(looked_at=False)
