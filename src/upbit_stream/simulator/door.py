"""Who may come in: upgrade requests against paths, tokens, budgets and blocks.

Owns the order in which they are looked at. Must not know what a session does, nor read a clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from .auth import AuthRefusedError, Gatekeeper
from .budgets import CONNECTS_PER_SECOND, Blocks, Gate
from .requests import Endpoint
from .stats import Stats
from .upgrade import Refusal, Upgrade, blocked, not_found, refusal

ENDPOINTS: Mapping[str, Endpoint] = {
    "/websocket/v1": "public",
    "/websocket/v1/private": "private",
    "/websocket/v1/info": "info",
}


class Admitted(NamedTuple):
    """What an upgrade request leads to, and whose it is."""

    endpoint: Endpoint
    account: str | None


class Door:
    """Admits or refuses upgrade requests."""

    def __init__(self, gatekeeper: Gatekeeper, stats: Stats, *, limits_enforced: bool) -> None:
        self._gatekeeper = gatekeeper
        self._stats = stats
        self._limits_enforced = limits_enforced
        self._gate = Gate(CONNECTS_PER_SECOND)
        self._blocks = Blocks()

    def admit(self, upgrade: Upgrade, now_ms: int) -> Admitted | Refusal:
        """Look at one request."""
        path = upgrade.path.partition("?")[0]
        endpoint = ENDPOINTS.get(path)
        if endpoint is None:
            return not_found(path)
        source = f"source {upgrade.source}"
        if self._limits_enforced and (left_ms := self._blocks.left_ms(now_ms, source)):
            return blocked(left_ms)
        account, problem = self._account(upgrade, endpoint)
        # The account's budget with a good token, otherwise the source's: also a refused token costs.
        key = source if account is None else f"account {account}"
        if self._limits_enforced and (left_ms := self._blocks.left_ms(now_ms, key)):
            return blocked(left_ms)
        over = self._over_budget(key, source, now_ms, with_origin="origin" in upgrade.headers)
        return over or problem or Admitted(endpoint, account)

    def _account(self, upgrade: Upgrade, endpoint: Endpoint) -> tuple[str | None, Refusal | None]:
        try:
            token = upgrade.headers.get("authorization")
            return self._gatekeeper.account(token, required=endpoint == "private"), None
        except AuthRefusedError as error:
            self._stats.nonces_reused += error.name == "nonce_used"
            return None, refusal(401, error.name, error.message)

    def _over_budget(self, key: str, source: str, now_ms: int, *, with_origin: bool) -> Refusal | None:
        if self._gate.spend(key, now_ms, with_origin=with_origin):
            return None
        self._stats.connects_over_budget += 1
        if not self._limits_enforced:
            return None
        block_ms = self._blocks.violate(key, now_ms, source)
        return blocked(block_ms) if block_ms else too_many()


def too_many() -> Refusal:
    """429: over a budget."""
    return refusal(429, "too_many_requests", "Too many requests.")
