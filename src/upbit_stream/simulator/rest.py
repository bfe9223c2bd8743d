"""REST: a request in, an answer out.

Owns which path leads where, in which order a request is looked at, budgets and the shape of errors. Must not
know what the answers say, nor read a clock or a socket.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from .auth import AuthRefusedError, Gatekeeper
from .budgets import PRIVATE_PER_SECOND, QUOTATIONS_PER_SECOND, Blocks, Gate
from .door import too_many
from .plain import encode
from .private import Private
from .quotation import Quotation
from .rest_query import Parameters, RestError
from .stats import Stats
from .upgrade import Refusal, blocked, not_found, refusal

_MINUTES = "/v1/candles/minutes/"
_PRIVATE_GROUP = "default"
JSON_HEADERS = {"Content-Type": "application/json; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class RestRequest:
    """An HTTP request. ``query`` is what stands behind the question mark, undecoded; header names are lower-case."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    source: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class RestAnswer:
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Route(NamedTuple):
    group: str
    answer: Callable[[Parameters, int], object]


class Rest:
    """Answers requests about one exchange."""

    def __init__(
        self,
        quotation: Quotation,
        private: Mapping[str, Private],
        gatekeeper: Gatekeeper,
        stats: Stats,
        *,
        limits_enforced: bool,
    ) -> None:
        self._quotation = quotation
        self._private = private
        self._gatekeeper = gatekeeper
        self._stats = stats
        self._limits_enforced = limits_enforced
        self._blocks = Blocks()
        self._gates = {
            group: Gate(QUOTATIONS_PER_SECOND) for group in ("market", "candle", "trade", "ticker", "orderbook")
        } | {_PRIVATE_GROUP: Gate(PRIVATE_PER_SECOND)}
        self._public: Mapping[str, _Route] = {
            "/v1/trades/ticks": _Route("trade", quotation.trades),
            "/v1/candles/seconds": _Route("candle", quotation.seconds),
            "/v1/market/all": _Route("market", quotation.markets),
            "/v1/orderbook/instruments": _Route("orderbook", quotation.instruments),
        }
        self._secret: Mapping[str, Callable[[Private, Parameters, int], object]] = {
            "/v1/orders/open": Private.open_orders,
            "/v1/orders/closed": Private.closed_orders,
            "/v1/orders/uuids": Private.named_orders,
            "/v1/order": Private.order,
            "/v1/accounts": Private.balances,
        }

    def answer(self, request: RestRequest, now_ms: int) -> RestAnswer:
        """Answer one request."""
        self._stats.rest_requests += 1
        answer = self._answer(request, now_ms)
        self._stats.rest_answers[answer.status] += 1
        return answer

    def _answer(self, request: RestRequest, now_ms: int) -> RestAnswer:
        if request.path in self._secret:
            if request.method == "GET":
                return self._answer_private(request, now_ms)
        elif route := self._route(request.path):
            if request.method == "GET":
                return self._answer_public(route, request, now_ms)
        else:
            return answer_of(not_found(request.path))
        return answer_of(refusal(405, "method_not_allowed", f"{request.method} is not served here.", Allow="GET"))

    def _route(self, path: str) -> _Route | None:
        if path.startswith(_MINUTES):
            unit = path.removeprefix(_MINUTES)
            return _Route("candle", lambda asked, _: self._quotation.minutes(unit, asked))
        return self._public.get(path)

    def _answer_public(self, route: _Route, request: RestRequest, now_ms: int) -> RestAnswer:
        # A token is not looked at: this half of the exchange is for everyone.
        source = f"source {request.source}"
        if refused := self._over_budget(route.group, source, request, now_ms):
            return self._with_remaining(refused, route.group, source, now_ms)
        asked = Parameters(request.query, 400)
        return self._tell(route.group, source, lambda: route.answer(asked, now_ms), now_ms)

    def _answer_private(self, request: RestRequest, now_ms: int) -> RestAnswer:
        source = f"source {request.source}"
        if self._limits_enforced and (left_ms := self._blocks.left_ms(now_ms, source)):
            return answer_of(blocked(left_ms))
        account = self._account(request)
        # As for connections: the account's budget with a good token, otherwise the source's.
        key = source if isinstance(account, Refusal) else f"account {account}"
        if refused := self._over_budget(_PRIVATE_GROUP, key, request, now_ms):
            return self._with_remaining(refused, _PRIVATE_GROUP, key, now_ms)
        if isinstance(account, Refusal):
            return self._with_remaining(account, _PRIVATE_GROUP, key, now_ms)
        private, act = self._private[account], self._secret[request.path]
        asked = Parameters(request.query, "validation_error")
        return self._tell(_PRIVATE_GROUP, key, lambda: act(private, asked, now_ms), now_ms)

    def _account(self, request: RestRequest) -> str | Refusal:
        try:
            token = request.headers.get("authorization")
            return self._gatekeeper.account(token, required=True, query=request.query)
        except AuthRefusedError as error:
            self._stats.nonces_reused += error.name == "nonce_used"
            return refusal(401, error.name, error.message)

    def _over_budget(self, group: str, key: str, request: RestRequest, now_ms: int) -> Refusal | None:
        if self._limits_enforced and (left_ms := self._blocks.left_ms(now_ms, key)):
            return blocked(left_ms)
        if self._gates[group].spend(key, now_ms, with_origin="origin" in request.headers):
            return None
        self._stats.rest_over_budget += 1
        if not self._limits_enforced:
            return None
        block_ms = self._blocks.violate(key, now_ms, f"source {request.source}")
        return blocked(block_ms) if block_ms else too_many()

    def _tell(self, group: str, key: str, build: Callable[[], object], now_ms: int) -> RestAnswer:
        try:
            body = encode(build())
        except RestError as error:
            return self._with_remaining(refusal(error.status, error.name, error.message), group, key, now_ms)
        return self._with_remaining(Refusal(200, JSON_HEADERS, body), group, key, now_ms)

    def _with_remaining(self, told: Refusal, group: str, key: str, now_ms: int) -> RestAnswer:
        # «Only sec means anything»: min is the constant that the exchange has been sending for years.
        least = 1800 if group == _PRIVATE_GROUP else 600
        left = self._gates[group].left(key, now_ms)
        remaining = f"group={group}; min={least}; sec={left}"
        return RestAnswer(told.status, {**told.headers, "Remaining-Req": remaining}, told.body)


def answer_of(refused: Refusal) -> RestAnswer:
    """A refusal as an answer."""
    return RestAnswer(refused.status, refused.headers, refused.body)
