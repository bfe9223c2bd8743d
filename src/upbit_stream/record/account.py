"""What the rows of an account's files say at their end: how far each order got, and what is left of each currency.

Owns how many of them matter to the next run. Gets messages handed in, the newest first. Pure; knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from upbit_stream.model.messages import Asset, MyAsset, MyOrder
from upbit_stream.model.progress import amount, is_final, rank

_MIN_CLOSED: Final = 1000


def orders_of(messages: Iterable[MyOrder], since_ns: int) -> tuple[MyOrder, ...]:
    """Each order as it stood when it had got farthest, the one that was told of last at the end.

    Of closed orders the newest 1,000, and those that were received since ``since_ns``: a request for what was closed
    since then would bring them again. A message that was late may follow one that says more.
    """
    farthest: dict[str, MyOrder] = {}
    for message in messages:
        known = farthest.get(message.uuid)
        if known is None or _progress(message) > _progress(known):
            farthest[message.uuid] = message
    kept = []
    closed = 0
    for order in farthest.values():
        closed += is_final(order.state)
        if not is_final(order.state) or closed <= _MIN_CLOSED or order.received_at_ns >= since_ns:
            kept.append(order)
    return tuple(reversed(kept))


def balances_of(messages: Iterable[MyAsset]) -> tuple[MyAsset, ...]:
    """One message with the newest balance of every currency; none where there are none.

    It is put together of many, so it is no message of the stream: it says ``SNAPSHOT``, and has no time of receipt,
    since every answer of today is newer.
    """
    newest: MyAsset | None = None
    assets: dict[str, Asset] = {}
    for message in messages:
        newest = newest or message
        for asset in reversed(message.assets):
            assets.setdefault(asset.currency, asset)
    if newest is None:
        return ()
    return (
        MyAsset(
            asset_uuid=newest.asset_uuid,
            assets=tuple(assets.values()),
            asset_timestamp=newest.asset_timestamp,
            timestamp=newest.timestamp,
            stream_type="SNAPSHOT",
        ),
    )


def _progress(order: MyOrder) -> tuple[bool, Decimal, int]:
    return is_final(order.state), amount(order.executed_volume), rank(order.state)
