"""What a stream takes from the world: connections, budgets, clocks and chance.

Owns the bundle, so that a laboratory can swap the whole world without touching anything above.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from upbit_stream.net.budget import CONNECTIONS
from upbit_stream.net.clock import Chance, Clock
from upbit_stream.net.connection import Connector
from upbit_stream.net.places import FileStore, Store


@dataclass(frozen=True, slots=True)
class Environment:
    """``connector`` None means sockets; ``connection_store`` makes the store of a connection budget by its name."""

    connector: Connector | None = None
    connection_store: Callable[[str], Store] = lambda name: FileStore(CONNECTIONS, name)
    clock: Clock = field(default_factory=Clock)
    chance: Chance = field(default_factory=Chance)
