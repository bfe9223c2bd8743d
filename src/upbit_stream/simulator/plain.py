"""Numbers as the wire shows them: plain decimal digits, never an exponent, never NaN.

Owns the way from the exchange's integers (fixed point, so that sums are exact) to JSON text. Must not
know what a number means.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Context, Decimal, InvalidOperation
from functools import lru_cache

import msgspec

E8 = 10**8
"""Prices and volumes are kept as integers of 10^-8."""

# The default context would round what has more than 28 digits.
_EXACT = Context(prec=200)
_encoder = msgspec.json.Encoder()


# Most lines of a book are the same from one message to the next.
@lru_cache(maxsize=1 << 16)
def fixed(value: int, places: int = 8) -> msgspec.Raw:
    """Render ``value`` units of 10^-places as a JSON number: at least one decimal, no idle zeros."""
    whole, fraction = divmod(abs(value), 10**places)
    digits = f"{fraction:0{places}d}".rstrip("0") or "0"
    sign = "-" if value < 0 else ""
    return msgspec.Raw(f"{sign}{whole}.{digits}".encode())


def exact(value: Decimal) -> msgspec.Raw:
    """Render a Decimal digit for digit as a JSON number."""
    if not value.is_finite():
        raise ValueError(f"{value} has no place in JSON")
    return msgspec.Raw(format(value, "f").encode())


def to_units(value: Decimal | str | int, places: int = 8) -> int:
    """The integer of 10^-places that equals ``value``; ValueError if it has more decimals than that."""
    try:
        scaled = Decimal(value).scaleb(places, _EXACT)
    except InvalidOperation as problem:
        raise ValueError(f"{value!r} is no decimal number") from problem
    if not scaled.is_finite() or scaled != scaled.to_integral_value(context=_EXACT):
        raise ValueError(f"{value!r} has more than {places} decimals")
    return int(scaled)


def from_units(value: int, places: int = 8) -> Decimal:
    """The Decimal that equals ``value`` units of 10^-places."""
    return Decimal(f"{value}e-{places}")


def plainly(value: object) -> object:
    """The same JSON-like value with every Decimal and float replaced by its plain digits."""
    if isinstance(value, Decimal):
        return exact(value)
    if isinstance(value, float):
        return exact(Decimal(repr(value)))
    if isinstance(value, Mapping):
        return {str(key): plainly(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plainly(item) for item in value]
    return value


def encode(value: object) -> bytes:
    """UTF-8 JSON without spaces, keys in the order given."""
    return _encoder.encode(value)
