"""A message on its way to whoever wants it: written once for each variant and format.

Owns the choice of names and the wrapping in lists. Must not know sessions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from .names import names_of, shorten
from .plain import encode
from .wanted import Format, Variant


class Broadcast(Protocol):
    """What can be delivered to the subscribers of a type and code."""

    @property
    def kind(self) -> str:
        """The type of message."""

    @property
    def code(self) -> str:
        """The market, or EVERY_CODE for types without one."""

    @property
    def account(self) -> str | None:
        """The only account that may see it; None for all."""

    @property
    def once(self) -> bool:
        """Whether a session gets it once, however many of its feeds it fits."""

    def payload(self, variant: Variant, style: Format) -> bytes | None:
        """The bytes for a variant; None if that variant does not get this message."""


def wrapped(payload: bytes, style: Format) -> bytes:
    """The payload as a format's message: a list of one in the list formats."""
    return b"[" + payload + b"]" if style.listed else payload


class Told:
    """A message built from the exchange's state, lazily and once for each variant and set of names."""

    def __init__(
        self,
        kind: str,
        code: str,
        build: Callable[[Variant], Mapping[str, object] | None],
        account: str | None = None,
    ) -> None:
        self.kind = kind
        self.code = code
        self.account = account
        # An order book wanted in two depths comes twice; an order that two objects ask for does not.
        self.once = kind == "myOrder"
        self._build = build
        self._written: dict[tuple[Variant, bool], bytes | None] = {}

    def bare(self, variant: Variant, *, simple: bool) -> bytes | None:
        """The message alone, not wrapped."""
        key = (variant, simple)
        if key not in self._written:
            message = self._build(variant)
            if message is not None and simple:
                message = shorten(message, names_of(self.kind))
            self._written[key] = None if message is None else encode(message)
        return self._written[key]

    def payload(self, variant: Variant, style: Format) -> bytes | None:
        """The bytes for a variant in a format."""
        bare = self.bare(variant, simple=style.simple)
        return None if bare is None else wrapped(bare, style)
