"""The clocks and the chance that everything above takes as arguments.

Owns the real ones; a laboratory passes its own.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Clock:
    """``time_ns`` is the wall clock in ns since the epoch, ``monotonic`` seconds that never go back."""

    time_ns: Callable[[], int] = time.time_ns
    monotonic: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True)
class Chance:
    """``random`` draws delays, ``unique`` makes tickets and nonces."""

    random: random.Random = field(default_factory=random.Random)
    unique: Callable[[], str] = lambda: str(uuid.uuid4())
