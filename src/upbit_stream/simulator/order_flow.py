"""What the accounts do by themselves: place, fill and cancel orders, at a modest rate.

Owns the seeded choice of the next act. It runs whether or not anyone listens, so that it is a function of
the seed alone. Must not know messages or sessions.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from .accounts import Account
from .agenda import Agenda
from .book import Side
from .seeds import seeded

_MOST_OPEN = 3
_SIDES: tuple[Side, Side] = ("ASK", "BID")


class OrderFlow:
    """Every account acts ``rate`` times a second on average, on markets whose price is known."""

    def __init__(
        self,
        accounts: Mapping[str, Account],
        codes: Sequence[str],
        *,
        seed: int,
        rate: float,
        price_of: Callable[[str], int],
        agenda: Agenda,
    ) -> None:
        self._agenda = agenda
        self._codes = list(codes)
        self._price_of = price_of
        self._mean_gap_ms = 1_000 / rate if rate > 0 else 0.0
        if self._codes and self._mean_gap_ms:
            for account in accounts.values():
                self._plan(account, seeded(seed, f"flow {account.access_key}"), agenda.now_ms)

    def _plan(self, account: Account, chance: random.Random, at_ms: int) -> None:
        gap = 1 + int(chance.expovariate(1.0) * self._mean_gap_ms)
        self._agenda.add(at_ms + gap, partial(self._act, account, chance))

    def _act(self, account: Account, chance: random.Random, at_ms: int) -> None:
        waiting = list(account.open)
        if not waiting or (len(waiting) < _MOST_OPEN and chance.random() < 0.4):
            self._place(account, chance, at_ms)
        else:
            uuid = chance.choice(waiting)
            remaining = account.open[uuid].remaining
            roll = chance.random()
            if roll < 0.2:
                account.cancel(uuid, at_ms)
            elif roll < 0.6 and remaining > 1:
                account.fill(uuid, chance.randint(1, remaining - 1), at_ms)
            else:
                account.fill(uuid, remaining, at_ms)
        self._plan(account, chance, at_ms)

    def _place(self, account: Account, chance: random.Random, at_ms: int) -> None:
        code = chance.choice(self._codes)
        side = _SIDES[chance.randrange(2)]
        volume = chance.randint(10**5, 10**9)
        account.place(code, side, self._price_of(code), volume, at_ms)
