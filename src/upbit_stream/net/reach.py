"""How the exchange is reached: what a user may set of sockets, for the streams and for REST alike.

Owns these settings and their checks. Knows nothing of what is sent.
"""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from typing import Literal

from upbit_stream.errors import UsageError
from upbit_stream.model.credentials import Credentials
from upbit_stream.model.regions import Address
from upbit_stream.net.connection import Connector
from upbit_stream.net.environment import Environment
from upbit_stream.net.rest import Rest, SdkRest

_FAMILIES = {None: socket.AF_UNSPEC, "ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}
_LEAST_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Reach:
    """Raises `UsageError` for values that cannot work. See `Stream` for what they mean."""

    compression: bool = False
    proxy: str | None = None
    family: Literal["ipv4", "ipv6"] | None = None
    ssl_context: ssl.SSLContext | None = None
    max_message_bytes: int = 4 * 1024 * 1024

    def __post_init__(self) -> None:
        if self.family not in _FAMILIES:
            raise UsageError(f"family {self.family!r} is not 'ipv4', 'ipv6' or None")
        if self.max_message_bytes < _LEAST_BYTES:
            raise UsageError(
                f"max_message_bytes {self.max_message_bytes!r}: the exchange's messages are larger than that"
            )

    def connector(self, environment: Environment) -> Connector:
        """What makes the connections of the streams."""
        if environment.connector is not None:
            return environment.connector
        # With the first stream, not with the package: who only decodes or reads files needs no sockets.
        from upbit_stream.net.picows_connector import PicowsConnector  # noqa: PLC0415  # 40 ms with picows

        return PicowsConnector(
            ssl_context=self.ssl_context,
            proxy=self.proxy,
            family=_FAMILIES[self.family],
            compression=self.compression,
            max_message_bytes=self.max_message_bytes,
        )

    def rest(self, address: Address, credentials: Credentials | None, environment: Environment) -> Rest:
        """What asks over REST."""
        return SdkRest(
            address,
            credentials,
            environment=environment,
            proxy=self.proxy,
            ssl_context=self.ssl_context,
            family=_FAMILIES[self.family],
        )
