"""Whether the exchange has registered what was asked for.

Owns the comparison of a wanted set with the answer to ``LIST_SUBSCRIPTIONS``. The exchange's documentation does not
say whether an order book's depth is repeated in its codes, so depth is not compared.
"""

from __future__ import annotations

from collections.abc import Iterable

from upbit_stream.model.subscription import Subscription
from upbit_stream.wire.decoder import Registered


def missing(wanted: Iterable[Subscription], registered: Iterable[Registered]) -> list[str]:
    """What is wanted and not registered, named as on the command line (``trade:SGD-BTC``)."""
    have: dict[str, set[str]] = {}
    for entry in registered:
        have.setdefault(entry.type, set()).update(_market(code) for code in entry.codes)
    lacking = []
    for subscription in wanted:
        codes = have.get(subscription.type)
        if codes is None:
            lacking.append(str(subscription))
        elif gone := [code for code in subscription.codes if _market(code) not in codes]:
            lacking.append(f"{subscription.type}:{','.join(gone)}")
    return lacking


def _market(code: str) -> str:
    return code.partition(".")[0]
