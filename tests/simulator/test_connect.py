import json
from collections.abc import Callable
from typing import Any

import pytest

from upbit_stream.simulator import Exchange, Refusal, Session, Upgrade
from upbit_stream.simulator.budgets import FIRST_BLOCK_MS

PUBLIC, PRIVATE, INFO = "/websocket/v1", "/websocket/v1/private", "/websocket/v1/info"
Bearer = Callable[..., str]


class Door:
    """Knocks at an exchange in injected time."""

    def __init__(self, start_ms: int, **options: Any) -> None:
        self.exchange = Exchange(start_ms=start_ms, trade_rate=0, **options)
        self.now_ms = start_ms

    def knock(
        self, path: str = PUBLIC, source: str = "192.0.2.1", token: str | None = None, origin: str | None = None
    ) -> int:
        headers = {"authorization": token, "origin": origin}
        given = {name: value for name, value in headers.items() if value is not None}
        self.answer = self.exchange.connect(Upgrade(path, given, source), self.now_ms)
        return 101 if isinstance(self.answer, Session) else self.answer.status

    def error(self) -> str:
        assert isinstance(self.answer, Refusal)
        assert self.answer.headers["Content-Type"].startswith("application/json")
        body = json.loads(self.answer.body)
        assert list(body) == ["error"]
        assert list(body["error"]) == ["name", "message"]
        return body["error"]["name"]


@pytest.fixture
def door(start_ms: int) -> Door:
    return Door(start_ms)


def test_three_endpoints_and_no_other(door: Door, bearer: Bearer) -> None:
    assert door.knock(PUBLIC) == 101
    assert door.knock(PUBLIC + "?x=1") == 101
    assert door.knock(PRIVATE, token=bearer()) == 101
    assert door.knock(INFO) == 101
    for path in ("/", "/websocket/v2", "/websocket/v1/", "/v1/market/all"):
        assert door.knock(path) == 404
        assert door.error() == "not_found"
    stats = door.exchange.stats
    assert (stats.connections_accepted, stats.connections_open, stats.connections_refused) == (4, 4, 4)
    assert stats.refused_404 == 4


def test_the_private_endpoint_needs_a_good_token(door: Door, bearer: Bearer) -> None:
    assert door.knock(PRIVATE) == 401
    assert door.error() == "no_authorization_token"
    assert door.knock(PRIVATE, token=bearer(secret="x" * 64)) == 401
    assert door.error() == "jwt_verification"
    assert door.knock(PRIVATE, token=bearer(access="nobody")) == 401
    assert door.error() == "invalid_access_key"
    assert door.exchange.stats.refused_401 == 3


def test_a_used_nonce_is_refused_and_counted(door: Door, bearer: Bearer) -> None:
    token = bearer()
    assert door.knock(PRIVATE, token=token) == 101
    assert door.knock(PRIVATE, token=token) == 401
    assert door.error() == "nonce_used"
    assert door.knock(PUBLIC, token=token) == 401
    assert door.exchange.stats.nonces_reused == 2


def test_a_nonce_is_used_up_even_if_the_budget_refuses_it(door: Door, bearer: Bearer) -> None:
    for _ in range(5):
        assert door.knock(token=bearer()) == 101
    token = bearer()
    assert door.knock(token=token) == 429
    door.now_ms += 1_000
    assert door.knock(token=token) == 401
    assert door.error() == "nonce_used"


def test_keys_of_ones_own(start_ms: int, bearer: Bearer) -> None:
    door = Door(start_ms, keys={"mine": "s" * 64})
    assert door.knock(PRIVATE, token=bearer("mine", "s" * 64)) == 101
    assert door.knock(PRIVATE, token=bearer()) == 401


def test_five_connects_a_second_from_one_source(door: Door) -> None:
    assert [door.knock() for _ in range(6)] == [101] * 5 + [429]
    assert door.error() == "too_many_requests"
    assert door.knock(source="192.0.2.2") == 101
    door.now_ms += 999
    assert door.knock() == 429
    door.now_ms += 1
    assert [door.knock() for _ in range(5)] == [101] * 5


def test_a_token_moves_the_budget_to_the_account(door: Door, bearer: Bearer) -> None:
    assert [door.knock() for _ in range(5)] == [101] * 5
    assert [door.knock(source=f"192.0.2.{n}", token=bearer()) for n in range(6)] == [101] * 5 + [429]


def test_refused_tokens_cost_the_source(door: Door, bearer: Bearer) -> None:
    bad = [door.knock(PRIVATE, token=bearer(secret="x" * 64)) for _ in range(5)]
    assert bad == [401] * 5
    assert door.knock() == 429
    assert door.knock(PRIVATE, token=bearer(secret="x" * 64)) == 429


def test_an_origin_header_limits_to_one_in_ten_seconds(door: Door) -> None:
    assert door.knock(origin="https://example.invalid") == 101
    assert door.knock(origin="https://example.invalid") == 429
    assert door.knock() == 101
    door.now_ms += 9_999
    assert door.knock(origin="") == 429
    door.now_ms += 1
    assert door.knock(origin="null") == 101


def test_going_on_after_429_brings_a_block_that_grows(door: Door, bearer: Bearer) -> None:
    for length_s in (10, 20, 40):
        assert [door.knock() for _ in range(8)] == [101] * 5 + [429, 429, 418]
        assert door.error() == "too_many_requests"
        assert isinstance(door.answer, Refusal)
        assert door.answer.headers["Retry-After"] == str(length_s)
        assert f"{length_s} seconds" in door.answer.body.decode()
        door.now_ms += length_s * 1_000 - 1
        assert door.knock() == 418
        assert door.knock(PRIVATE, token=bearer()) == 418
        assert isinstance(door.answer, Refusal)
        assert door.answer.headers["Retry-After"] == "1"
        assert door.knock(source="192.0.2.2") == 101
        door.now_ms += 1
    stats = door.exchange.stats
    assert (stats.refused_429, stats.refused_418) == (6, 9)
    assert stats.connects_over_budget == 9


def test_a_blocked_account_is_blocked_from_everywhere(door: Door, bearer: Bearer) -> None:
    for _ in range(8):
        door.knock(token=bearer())
    assert door.knock(source="192.0.2.77", token=bearer()) == 418
    assert door.knock(source="192.0.2.77") == 101
    assert door.knock() == 418
    door.now_ms += FIRST_BLOCK_MS
    assert door.knock(token=bearer()) == 101


def test_limits_that_are_only_counted(start_ms: int) -> None:
    door = Door(start_ms, limits_enforced=False)
    assert [door.knock() for _ in range(20)] == [101] * 20
    assert door.exchange.stats.connects_over_budget == 15
