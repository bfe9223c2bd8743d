"""What can be subscribed to, and the value that says so.

Owns the table of types with their rules, and `Subscription`, which cannot be made wrong: everything that the
exchange would refuse, or answer with silence, is refused here with the reason. Knows nothing of the wire's
request format, nor of which subscriptions are in force.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct
from msgspec.structs import force_setattr

from upbit_stream.errors import InvalidSubscription

Endpoint: TypeAlias = Literal["public", "private", "info"]

CANDLE_UNITS = ("1s", "1m", "3m", "5m", "10m", "15m", "30m", "60m", "240m")
ORDERBOOK_UNITS = ("1", "5", "15", "30")
ANNOUNCEMENT_CATEGORIES = (
    "notice",
    "trade",
    "wallet",
    "maintenance",
    "digital_asset",
    "nft",
    "service",
    "event",
)
TIMEFRAMES = ("5m", "15m", "60m", "240m", "1d")
MAX_INDICATORS = 100  # code × indicator combinations in one request, over both types

_FLAGS = ("is_only_snapshot", "is_only_realtime", "include_body")
_CODE = re.compile(r"[A-Z0-9]+-[A-Z0-9]+\Z")


@dataclass(frozen=True, slots=True)
class TypeRules:
    """What the exchange allows for one type."""

    endpoint: Endpoint
    codes: Literal["required", "optional", "forbidden"]
    options: frozenset[str]
    korea_only: bool = False


_MARKET = TypeRules("public", "required", frozenset({"is_only_snapshot", "is_only_realtime"}))
_INDICATOR = frozenset({"timeframe", "indicators"})

TYPES: Mapping[str, TypeRules] = {
    "ticker": _MARKET,
    "trade": _MARKET,
    "orderbook": TypeRules("public", "required", _MARKET.options | {"level"}),
    **{f"candle.{unit}": _MARKET for unit in CANDLE_UNITS},
    "myOrder": TypeRules("private", "optional", frozenset()),
    "myAsset": TypeRules("private", "forbidden", frozenset()),
    "announcement": TypeRules("private", "forbidden", frozenset({"categories", "include_body"}), korea_only=True),
    "indicator": TypeRules("info", "required", _INDICATOR, korea_only=True),
    "indicator_signal": TypeRules("info", "required", _INDICATOR | {"trigger", "event_params"}, korea_only=True),
}


class Subscription(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One data type object of a request: a type, its codes, its options.

    Raises `InvalidSubscription` for what the exchange would refuse or never answer.

    >>> Subscription(type="orderbook", codes=["SGD-BTC.15"])
    Subscription(type='orderbook', codes=('SGD-BTC.15',))
    >>> Subscription.parse("trade:SGD-BTC,SGD-ETH").codes
    ('SGD-BTC', 'SGD-ETH')
    """

    type: str
    codes: Sequence[str] = ()  # kept as a tuple; one code may stand alone
    is_only_snapshot: bool = False
    is_only_realtime: bool = False
    level: float | None = None
    categories: Sequence[str] | None = None
    include_body: bool | None = None
    timeframe: str | None = None
    indicators: Sequence[Any] | None = None
    trigger: str | None = None
    event_params: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        rules = _rules(self.type)
        force_setattr(self, "codes", _codes(self.type, rules, self.codes))
        _check_options(self, rules)
        if self.level is not None:
            force_setattr(self, "level", _level(self.level, self.codes))
        if self.categories is not None:
            force_setattr(self, "categories", _categories(self.categories))
        if rules.endpoint == "info":
            force_setattr(self, "indicators", _indicators(self))

    def __hash__(self) -> int:
        return hash((self.type, self.codes))  # options may hold what has no hash

    def __repr__(self) -> str:
        return f"Subscription({', '.join(f'{name}={value!r}' for name, value in _given(self))})"

    def __str__(self) -> str:
        """As the command line names it: ``trade:SGD-BTC,SGD-ETH``."""
        return f"{self.type}:{','.join(self.codes)}" if self.codes else self.type

    @property
    def endpoint(self) -> Endpoint:
        """Which of the exchange's WebSocket endpoints serves this type."""
        return TYPES[self.type].endpoint

    @classmethod
    def with_options(cls, kind: str, codes: Iterable[str], options: Mapping[str, Any]) -> Subscription:
        """Of a type, its codes (one may stand alone) and options by their names, of which none may be unknown."""
        known = cls.__struct_fields__[2:]
        for name in sorted(set(options) - set(known)):
            raise InvalidSubscription(f"{kind}: unknown option {name!r}; one of {', '.join(known)}")
        return cls(type=kind, codes=codes if isinstance(codes, str) else tuple(codes), **options)

    @classmethod
    def parse(cls, text: str, **options: Any) -> Subscription:
        """Read ``TYPE:CODE[,CODE…]``, or ``TYPE`` alone. Options are the constructor's."""
        kind, colon, codes = text.strip().partition(":")
        if colon and not codes:
            raise InvalidSubscription(f"{text!r}: no code after the colon; write {kind}:CODE[,CODE…] or {kind}")
        return cls(type=kind, codes=tuple(codes.split(",")) if codes else (), **options)


def _rules(kind: object) -> TypeRules:
    name = kind if isinstance(kind, str) else ""
    rules = TYPES.get(name)
    if rules is not None:
        return rules
    if name == "candle" or name.startswith("candle."):
        raise InvalidSubscription(
            f"{kind!r}: unknown candle unit; one of {', '.join(f'candle.{unit}' for unit in CANDLE_UNITS)}"
        )
    by_lower = {known.lower(): known for known in TYPES}
    meant = by_lower.get(name.lower())
    hint = f"did you mean {meant!r}?" if meant else f"one of {', '.join(TYPES)}"
    raise InvalidSubscription(f"{kind!r}: unknown type; {hint}")


def _listed(kind: str, name: str, value: object) -> tuple[Any, ...]:
    """The items of an option; one alone may stand without a list."""
    if value is None:
        return ()
    if isinstance(value, str | Mapping):
        return (value,)
    if not isinstance(value, Iterable):
        raise InvalidSubscription(f"{kind}: {name} {value!r} is no list")
    return tuple(value)


def _codes(kind: str, rules: TypeRules, codes: object) -> tuple[str, ...]:
    given = _listed(kind, "codes", codes)
    if given and rules.codes == "forbidden":
        raise InvalidSubscription(f"{kind}: takes no codes, it is about the whole account; leave {given!r} out")
    if not given and rules.codes == "required":
        raise InvalidSubscription(f"{kind}: needs at least one code, such as 'SGD-BTC'")
    for code in given:
        _check_code(kind, code)
    return tuple(dict.fromkeys(given))


def _check_code(kind: str, code: object) -> None:
    if not isinstance(code, str):
        raise InvalidSubscription(f"{kind}: code {code!r} is no string")
    market, dot, unit = code.partition(".")
    if not _CODE.match(market):
        if _CODE.match(market.upper()):
            raise InvalidSubscription(f"{kind}: code {code!r}: codes are upper case: {code.upper()!r}")
        raise InvalidSubscription(f"{kind}: code {code!r} is not of the form QUOTE-BASE, such as 'SGD-BTC'")
    if dot and kind != "orderbook":
        raise InvalidSubscription(f"{kind}: code {code!r}: only an orderbook's code takes a depth; write {market!r}")
    if dot and unit not in ORDERBOOK_UNITS:
        raise InvalidSubscription(f"{kind}: code {code!r}: depth {unit!r} is not one of {', '.join(ORDERBOOK_UNITS)}")


def _given(subscription: Subscription) -> list[tuple[str, Any]]:
    """The fields that are not left at their default; a 0 or False may say something."""
    fields = msgspec.structs.fields(Subscription)
    values = ((field.name, getattr(subscription, field.name), field.default) for field in fields)
    return [(name, value) for name, value, default in values if value is not default]


def _check_options(subscription: Subscription, rules: TypeRules) -> None:
    for name, value in _given(subscription):
        if name not in rules.options | {"type", "codes"}:
            raise InvalidSubscription(f"{subscription.type}: takes no option {name!r}")
        if name in _FLAGS and not isinstance(value, bool):
            raise InvalidSubscription(f"{subscription.type}: {name} {value!r} is neither True nor False")
    if subscription.is_only_snapshot and subscription.is_only_realtime:
        raise InvalidSubscription(
            f"{subscription.type}: is_only_snapshot and is_only_realtime together leave nothing; set one of them"
        )


def _level(level: object, codes: Iterable[str]) -> int | float:
    if isinstance(level, bool) or not isinstance(level, int | float) or not 0 <= level < float("inf"):
        raise InvalidSubscription(f"orderbook: level {level!r} is no price grouping: a number of 0 or more")
    foreign = [code for code in codes if not code.startswith("KRW-")]
    if level and foreign:
        raise InvalidSubscription(f"orderbook: level {level!r} is for KRW markets only, not for {', '.join(foreign)}")
    return int(level) if level == int(level) else level  # the exchange documents 10000, not 10000.0


def _categories(categories: object) -> tuple[str, ...]:
    given = _listed("announcement", "categories", categories)
    for category in given:
        if category not in ANNOUNCEMENT_CATEGORIES:
            raise InvalidSubscription(
                f"announcement: unknown category {category!r}; one of {', '.join(ANNOUNCEMENT_CATEGORIES)}"
            )
    return given


def _indicators(subscription: Subscription) -> tuple[Any, ...]:
    kind = subscription.type
    if subscription.timeframe not in TIMEFRAMES:
        raise InvalidSubscription(f"{kind}: timeframe {subscription.timeframe!r} is not one of {', '.join(TIMEFRAMES)}")
    indicators = _listed(kind, "indicators", subscription.indicators)
    if not indicators:
        raise InvalidSubscription(f"{kind}: needs at least one of the exchange's indicators, such as 'rsi'")
    foreign = [code for code in subscription.codes if not code.startswith("KRW-")]
    if foreign:
        raise InvalidSubscription(f"{kind}: is for KRW markets only, not for {', '.join(foreign)}")
    return indicators
