"""The stand-in exchange: an exchange to try things on, with the wire of the real one.

Owns its own account of the protocol, from request grammar to short names, written from the documentation.
It imports nothing of the client's rooms, so that one mistake cannot hide on both ends. The core is a
function of seed, time and input; ``server`` puts it on a socket.
"""

from __future__ import annotations

from .auth import DEFAULT_ACCESS_KEY, DEFAULT_SECRET_KEY
from .exchange import Exchange
from .faults import Fault, random_schedule
from .market import Trade
from .replay import Recorded, Replay
from .rest import RestAnswer, RestRequest
from .session import Close, Frame, Reset, Session
from .stats import Stats
from .upgrade import Refusal, Upgrade

__all__ = [
    "DEFAULT_ACCESS_KEY",
    "DEFAULT_SECRET_KEY",
    "Close",
    "Exchange",
    "Fault",
    "Frame",
    "Recorded",
    "Refusal",
    "Replay",
    "Reset",
    "RestAnswer",
    "RestRequest",
    "Session",
    "Stats",
    "Trade",
    "Upgrade",
    "random_schedule",
]
