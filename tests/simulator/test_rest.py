"""REST in general: paths, budgets and the shape of errors."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upbit_stream.simulator import DEFAULT_SECRET_KEY, Exchange, RestRequest
from upbit_stream.simulator.budgets import FIRST_BLOCK_MS

from .asking import ask, error, said, token

MARKETS, TICKS, BALANCES = "/v1/market/all", "/v1/trades/ticks", "/v1/accounts"
START_MS = 1_790_000_000_000


def exchange(**options: Any) -> Exchange:
    return Exchange(start_ms=START_MS, trade_rate=0, private_rate=0, **options)


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/orders", "/v1/ticker", "/v1/candles/days", "/websocket/v1"])
def test_what_is_not_served_is_not_found(path: str) -> None:
    assert error(ask(exchange(), path)) == (404, "not_found")


@pytest.mark.parametrize("path", [TICKS, "/v1/order"])
def test_only_reading_is_served(path: str) -> None:
    answer = exchange().rest(RestRequest("DELETE", path), START_MS)
    assert error(answer) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET"


@settings(deadline=None)
@given(st.lists(st.sampled_from([0, 1, 50, 99, 100, 101, 999, 1000, 5000]), max_size=120), st.booleans())
def test_a_request_is_refused_if_and_only_if_its_second_is_full(steps: list[int], private: bool) -> None:
    here = exchange()
    path, limit = (BALANCES, 30) if private else (MARKETS, 10)
    now_ms, passed, tries = START_MS, [], 0
    for step in steps:
        now_ms += step
        here.advance(now_ms)
        answer = ask(here, path, private=private)
        taken = sum(now_ms - 1_000 < at for at in passed)
        if answer.status == 418:
            return  # what follows a block has its own test
        assert answer.status == (200 if taken < limit else 429)
        tries += answer.status == 429
        if answer.status == 200:
            passed.append(now_ms)
            taken += 1
        group = "group=default; min=1800" if private else "group=market; min=600"
        assert answer.headers["Remaining-Req"] == f"{group}; sec={limit - taken}"
    assert here.stats.rest_over_budget == here.stats.rest_answers[429] == tries


def test_budgets_are_for_each_group_and_source() -> None:
    here = exchange()
    for _ in range(10):
        said(ask(here, MARKETS))
    assert error(ask(here, MARKETS)) == (429, "too_many_requests")
    assert ask(here, TICKS, market="SGD-BTC").status == 200
    assert ask(here, MARKETS, source="192.0.2.2").status == 200


def test_errors_cost_like_answers() -> None:
    here = exchange()
    assert [ask(here, TICKS, market="SGD-NONE").status for _ in range(11)] == [404] * 10 + [429]


def test_an_account_has_one_budget_wherever_it_is() -> None:
    here = exchange()
    for n in range(30):
        assert ask(here, BALANCES, private=True, source=f"192.0.2.{n}").status == 200
    assert error(ask(here, BALANCES, private=True, source="192.0.2.99")) == (429, "too_many_requests")


def test_a_bad_token_costs_its_source() -> None:
    here = exchange()
    told = [here.rest(RestRequest("GET", BALANCES), START_MS).status for _ in range(31)]
    assert told == [401] * 30 + [429]
    assert ask(here, BALANCES, private=True, source="192.0.2.2").status == 200


def test_going_on_brings_a_block_that_grows() -> None:
    here = exchange()
    statuses = [ask(here, MARKETS).status for _ in range(14)]
    assert statuses == [200] * 10 + [429, 429, 418, 418]
    blocked = ask(here, TICKS, market="SGD-BTC")
    assert error(blocked) == (418, "too_many_requests")
    assert blocked.headers["Retry-After"] == "10"
    assert ask(here, MARKETS, source="192.0.2.2").status == 200
    here.advance(START_MS + FIRST_BLOCK_MS - 1)
    assert ask(here, MARKETS).status == 418
    here.advance(START_MS + FIRST_BLOCK_MS)
    assert [ask(here, MARKETS).status for _ in range(13)] == [200] * 10 + [429, 429, 418]
    assert ask(here, MARKETS).headers["Retry-After"] == "20"


def test_an_account_that_goes_on_is_blocked_with_its_source() -> None:
    here = exchange()
    statuses = [ask(here, BALANCES, private=True).status for _ in range(33)]
    assert statuses == [200] * 30 + [429, 429, 418]
    assert ask(here, BALANCES, private=True, source="192.0.2.2").status == 418
    assert ask(here, MARKETS).status == 418


def test_a_request_with_an_origin_comes_once_in_ten_seconds() -> None:
    here = exchange()

    def asked() -> int:
        return here.rest(RestRequest("GET", MARKETS, headers={"origin": "x"}), here.agenda.now_ms).status

    assert [asked(), asked()] == [200, 429]
    here.advance(START_MS + 9_999)
    assert asked() == 429
    here.advance(START_MS + 10_000)
    assert asked() == 200


def test_without_limits_it_is_counted_and_let_through() -> None:
    here = exchange(limits_enforced=False)
    assert {ask(here, MARKETS).status for _ in range(30)} == {200}
    assert here.stats.rest_over_budget == 20
    assert ask(here, MARKETS).headers["Remaining-Req"].endswith("sec=0")


def test_requests_are_counted_and_no_secret_is_told() -> None:
    here = exchange()
    bearer = token(secret="x" * 64)
    answer = here.rest(RestRequest("GET", BALANCES, headers={"authorization": bearer}), START_MS)
    assert error(answer) == (401, "jwt_verification")
    assert bearer.split()[1].encode() not in answer.body
    assert DEFAULT_SECRET_KEY.encode() not in answer.body
    ask(here, MARKETS)
    assert (here.stats.rest_requests, dict(here.stats.rest_answers)) == (2, {401: 1, 200: 1})
