"""The requests that a client sends, as the bytes of one text message.

Owns their form. Which subscriptions belong into one, and when it may be sent, is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias, get_args

import msgspec

from upbit_stream.errors import UsageError
from upbit_stream.model.subscription import Subscription

Format: TypeAlias = Literal["DEFAULT", "SIMPLE", "JSON_LIST", "SIMPLE_LIST"]
FORMATS: tuple[Format, ...] = get_args(Format)

PING_TEXT = b"PING"


def check_format(name: str) -> Format:
    """The format of that name. Raises `UsageError` for any other name."""
    for known in FORMATS:
        if name == known:
            return known
    raise UsageError(f"unknown format {name!r}; one of {', '.join(FORMATS)}")


def subscribe(subscriptions: Iterable[Subscription], *, ticket: str, wire_format: Format) -> bytes:
    """A request for exactly these subscriptions: it replaces whatever its connection had before.

    >>> subscribe([Subscription.parse("trade:SGD-BTC")], ticket="t", wire_format="SIMPLE")
    b'[{"ticket":"t"},{"type":"trade","codes":["SGD-BTC"]},{"format":"SIMPLE"}]'
    """
    return msgspec.json.encode([{"ticket": ticket}, *subscriptions, {"format": wire_format}])


def list_subscriptions(*, ticket: str, wire_format: Format) -> bytes:
    """A request for what is registered on its connection.

    The format must be the one in use: the exchange makes it the format of the live streams.
    """
    return msgspec.json.encode([{"ticket": ticket}, {"method": "LIST_SUBSCRIPTIONS"}, {"format": wire_format}])
