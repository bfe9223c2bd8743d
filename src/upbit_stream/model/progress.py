"""How far an order got: its states in their order.

Owns that order, for everyone who has to tell the newer of two words on an order from the older. Pure.
"""

from __future__ import annotations

from decimal import Decimal

_RANKS = {"watch": 0, "wait": 1, "trade": 2, "done": 3, "cancel": 3, "prevented": 2}
_FINAL = 3
_NEW = 2  # a state that this version does not know: taken for open, so that what follows is not lost
_NOTHING = Decimal(0)


def rank(state: str) -> int:
    """What grows from one state of an order to the next.

    >>> rank("wait") < rank("trade") < rank("done") == rank("cancel")
    True
    """
    return _RANKS.get(state, _NEW)


def is_final(state: str) -> bool:
    """Whether nothing follows: done or cancelled.

    >>> is_final("cancel"), is_final("trade")
    (True, False)
    """
    return rank(state) == _FINAL


def amount(value: Decimal | None) -> Decimal:
    """A number that can be compared: a decimal that was sent as text may be no number.

    >>> amount(None), amount(Decimal("NaN")), amount(Decimal("1.50"))
    (Decimal('0'), Decimal('0'), Decimal('1.50'))
    """
    return value if value is not None and value.is_finite() else _NOTHING
