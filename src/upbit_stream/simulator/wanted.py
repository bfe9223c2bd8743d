"""What a session is subscribed to, as values.

Owns the vocabulary shared by parsing and delivery: a type object of a request, and the variants in which
one message may be wanted. Must not know JSON or sessions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

DEPTHS = (1, 5, 15, 30)
DEFAULT_DEPTH = 30
EVERY_CODE = "*"
"""Stands for all markets where a subscription names none."""


class Format(NamedTuple):
    """How a connection's messages are written."""

    simple: bool = False
    listed: bool = False


FORMATS = {
    "DEFAULT": Format(simple=False, listed=False),
    "SIMPLE": Format(simple=True, listed=False),
    "JSON_LIST": Format(simple=False, listed=True),
    "SIMPLE_LIST": Format(simple=True, listed=True),
}


class Plain(NamedTuple):
    """The only variant of most types."""


PLAIN = Plain()


class Depth(NamedTuple):
    """How an order book is wanted: how many units, grouped by which price level."""

    units: int
    level: Decimal


class Topics(NamedTuple):
    """Which announcements are wanted (no categories: all), and whether with their text."""

    categories: frozenset[str]
    include_body: bool


class Study(NamedTuple):
    """One indicator, or one signal of it, over one timeframe. The pairs are sorted by key."""

    timeframe: str
    indicator: str
    params: tuple[tuple[str, object], ...]
    trigger: str | None = None
    event_params: tuple[tuple[str, object], ...] = ()


Variant = Plain | Depth | Topics | Study


class Feed(NamedTuple):
    """One stream of messages: of a type, for a code, in a variant."""

    kind: str
    code: str
    variant: Variant


@dataclass(frozen=True, slots=True)
class Wanted:
    """One type object of a request. ``listed`` is what LIST_SUBSCRIPTIONS tells of it."""

    kind: str
    feeds: tuple[Feed, ...]
    listed: Mapping[str, object]
    snapshot: bool = False
    realtime: bool = True


@dataclass(frozen=True, slots=True)
class SubscriptionRequest:
    """A valid request: it replaces all that was subscribed before."""

    ticket: str
    format: Format
    wanted: tuple[Wanted, ...] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class ListRequest:
    """A valid LIST_SUBSCRIPTIONS. Its format becomes that of the live streams too."""

    ticket: str
    format: Format
