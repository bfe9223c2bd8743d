"""The markets the stand-in exchange can trade: a made-up price and a tick size for any code.

Owns reference prices, tick sizes and price levels. Must not know books, trades or sessions.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from decimal import Decimal

from .plain import E8, to_units

_CODE = re.compile(r"[A-Z0-9]{2,10}-[A-Z0-9]{1,15}")
_QUOTE_PER_USD = {
    "KRW": Decimal(1400),
    "SGD": Decimal("1.3"),
    "IDR": Decimal(16500),
    "THB": Decimal(33),
    "USDT": Decimal(1),
    "BTC": Decimal("0.00001"),
}
_SMALLEST_TICK = {"KRW": Decimal("0.0001"), "IDR": Decimal(1), "BTC": Decimal("0.00000001")}
_USD_PRICE = {
    "BTC": Decimal(100_000),
    "ETH": Decimal(3500),
    "SOL": Decimal(180),
    "XRP": Decimal("2.5"),
    "ADA": Decimal("0.8"),
    "DOGE": Decimal("0.3"),
    "USDT": Decimal(1),
}
_FEWEST_TICKS = 1_000
"""A price is at least this many ticks, so that a book of 30 levels stays far from zero."""
_LEVEL_STEPS = 5


@dataclass(frozen=True, slots=True)
class Instrument:
    """One market: its code, its tick size and the price around which it moves, in units of 10^-8."""

    code: str
    quote: str
    base: str
    tick_e8: int
    reference_ticks: int
    typical_size_e8: int

    @property
    def supported_levels(self) -> tuple[Decimal, ...]:
        """Price groupings of its order book: 0 (none), and ten-fold steps of the tick in KRW markets."""
        if self.quote != "KRW":
            return (Decimal(0),)
        tick = Decimal(self.tick_e8) / E8
        return (Decimal(0), *(tick * 10**step for step in range(1, _LEVEL_STEPS + 1)))


def instrument(code: str) -> Instrument:
    """The market that ``code`` (``QUOTE-BASE``) names; ValueError if it is no code."""
    if not _CODE.fullmatch(code):
        raise ValueError(f"{code!r} is no market code such as SGD-BTC")
    quote, base = code.split("-")
    usd = _USD_PRICE.get(base)
    if usd is None:
        # Any other asset has a price that its name decides, between 0.02 and 20.
        usd = Decimal(zlib.crc32(base.encode()) % 1000 + 1) / 50
    price = usd * _QUOTE_PER_USD.get(quote, Decimal(1))
    magnitude = Decimal(1).scaleb(price.adjusted() - 5)
    tick = max(_SMALLEST_TICK.get(quote, Decimal("0.00001")), magnitude)
    return Instrument(
        code=code,
        quote=quote,
        base=base,
        tick_e8=to_units(tick),
        reference_ticks=max(int(price / tick), _FEWEST_TICKS),
        # A resting order of about 500 dollars.
        typical_size_e8=max(int(Decimal(500) / usd * E8), 1_000),
    )
