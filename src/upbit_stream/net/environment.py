"""What a stream takes from the world: connections, budgets, clocks and chance.

Owns the bundle, so that a laboratory can swap the whole world without touching anything above.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyrate_limiter import Rate

from upbit_stream.net.clock import Chance, Clock
from upbit_stream.net.connection import Connector
from upbit_stream.net.places import FileStore, Store

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True, slots=True)
class Environment:
    """``connector`` None means sockets; ``store`` makes the store of a shared budget by its rates and its name;
    ``rest_transport`` makes the httpx transport that REST goes through, None means sockets.
    """

    connector: Connector | None = None
    store: Callable[[tuple[Rate, ...], str], Store] = FileStore
    rest_transport: Callable[[], httpx.AsyncBaseTransport] | None = None
    clock: Clock = field(default_factory=Clock)
    chance: Chance = field(default_factory=Chance)
