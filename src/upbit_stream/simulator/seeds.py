"""Where the stand-in exchange's chance comes from: generators seeded by what they are for.

Owns the only place that makes a random generator, so that a run is a function of its seed.
"""

from __future__ import annotations

import random
import uuid


def seeded(seed: int, purpose: str) -> random.Random:
    """A generator for one purpose, independent of the generators for all other purposes."""
    # Text seeds are hashed with SHA-512 by the standard library: the same on every machine and run.
    return random.Random(f"{seed}/{purpose}")


def reseed(chance: random.Random, seed: int, purpose: str) -> None:
    """Let a generator that is in use go on as ``seeded`` would make one for this purpose."""
    chance.seed(f"{seed}/{purpose}")


def next_uuid(chance: random.Random) -> str:
    """A UUID (version 4 in shape) drawn from ``chance``."""
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))
