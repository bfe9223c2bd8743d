"""Where what was recovered goes: the interface between a recovery and the hub.

Owns the protocol. Knows neither.
"""

from __future__ import annotations

from typing import Protocol

from upbit_stream.model.events import Event
from upbit_stream.session.coverage import Key


class Outlet(Protocol):
    """Where what was recovered goes."""

    def emit(self, event: Event) -> None:
        """An event, in order with the data."""

    def put_back(self, payload: bytes) -> None:
        """A message in the form of the wire."""

    async def room(self) -> None:
        """Wait until the consumers take more."""

    def keep_back(self, code: str) -> None:
        """Keep the live trades of a code back, where they are to come in order."""

    def let_go(self, code: str) -> None:
        """Hand them on."""

    def keeps_back(self, key: Key) -> bool:
        """Whether live messages of a key are kept back now."""
