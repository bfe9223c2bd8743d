"""What the tests of several connections share: what each has registered, and waiting until all have the same."""

from __future__ import annotations

from typing import Any

from tests.lab import Lab
from upbit_stream.testing.memory import MemoryConnection


def registered(connection: MemoryConnection) -> set[str]:
    """What the exchange has registered on a connection, as ``type:codes``."""
    listed: list[Any] = [wanted.listed for wanted in connection.session._wanted]
    return {f"{each['type']}:{','.join(each['codes'])}" for each in listed}


async def both_up(lab: Lab, count: int = 2) -> None:
    """Wait until so many connections have the same non-empty set."""
    await lab.until(
        lambda: (
            len(lab.world.connections) == count
            and all(registered(each) for each in lab.world.connections)
            and all(registered(each) == registered(lab.world.connections[0]) for each in lab.world.connections)
        )
    )
