"""What a stream takes from the world: connections, budgets, clocks and chance.

Owns the bundle, so that a laboratory can swap the whole world without touching anything above.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from upbit_stream.net.budget import Rate, Store
from upbit_stream.net.clock import Chance, Clock
from upbit_stream.net.connection import Connector

if TYPE_CHECKING:
    import httpx

MakeStore: TypeAlias = Callable[[tuple[Rate, ...], str], Store]


def _in_file() -> MakeStore:
    """Imported here, with the first stream: not with the package, nor when something has begun that would wait."""
    from upbit_stream.net.places import FileStore  # noqa: PLC0415  # its packages take 40 ms

    return FileStore


@dataclass(frozen=True, slots=True)
class Environment:
    """``connector`` None means sockets; ``store`` makes the store of a shared budget by its rates and its name;
    ``rest_transport`` makes the httpx transport that REST goes through, None means sockets.
    """

    connector: Connector | None = None
    store: MakeStore = field(default_factory=_in_file)
    rest_transport: Callable[[], httpx.AsyncBaseTransport] | None = None
    clock: Clock = field(default_factory=Clock)
    chance: Chance = field(default_factory=Chance)
