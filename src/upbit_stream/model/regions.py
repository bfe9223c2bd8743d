"""Where the exchange is: its regions, and the addresses that follow from one.

Owns the table of regions and the rule that turns a base address into the three WebSocket addresses.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from upbit_stream.errors import InsecureConnection, UsageError
from upbit_stream.model.subscription import Endpoint

REGIONS: Mapping[str, str] = {
    "sg": "https://sg-api.upbit.com",
    "id": "https://id-api.upbit.com",
    "th": "https://th-api.upbit.com",
    "kr": "https://api.upbit.com",
}

_PATHS: Mapping[Endpoint, str] = {
    "public": "/websocket/v1",
    "private": "/websocket/v1/private",
    "info": "/websocket/v1/info",
}
_STREAM_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
_REST_SCHEMES = {"ws": "http", "wss": "https", "http": "http", "https": "https"}

_FORM = re.compile(
    r"(?P<scheme>https?|wss?)://(?P<netloc>(?P<host>[\w.-]+|\[[\w.:%]+\])(?::(?P<port>\d{1,5}))?)/?",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Address:
    """One exchange, by the base address of its REST interface: ``http://127.0.0.1:8765``."""

    rest: str
    region: str | None = None

    def stream(self, endpoint: Endpoint) -> str:
        """The WebSocket address of an endpoint."""
        scheme, rest = self.rest.split("://", 1)
        return f"{_STREAM_SCHEMES[scheme]}://{rest}{_PATHS[endpoint]}"

    @property
    def site(self) -> str:
        """Whose limits apply: every region of the exchange is one site, any other host is its own."""
        parts = urlsplit(self.rest)
        host = parts.hostname or ""
        return "upbit.com" if host == "upbit.com" or host.endswith(".upbit.com") else parts.netloc.lower()


def resolve(region: str | None, base_url: str | None, *, insecure: bool = False) -> Address:
    """The address for a region's name or a base address (which wins).

    Raises `UsageError` for an unknown region or an address of another form, `InsecureConnection` for one
    without TLS that is not this machine's own, unless ``insecure``.
    """
    if region is not None and region not in REGIONS:
        raise UsageError(f"unknown region {region!r}; one of {', '.join(REGIONS)}")
    if base_url is None:
        if region is None:
            raise UsageError(f"name a region ({', '.join(REGIONS)}) or a base_url")
        return Address(REGIONS[region], region)
    return Address(_base(base_url, insecure), region)


def _base(base_url: object, insecure: bool) -> str:
    found = _FORM.fullmatch(base_url) if isinstance(base_url, str) else None
    if found is None or not _is_host(found["host"]) or not 0 < int(found["port"] or 1) < 65536:
        # what stands before an @ may be a password: not repeated
        named = "base_url" if "@" in str(base_url) else f"base_url {base_url!r}"
        raise UsageError(f"{named} is not of the form http(s)://HOST[:PORT]")
    scheme = _REST_SCHEMES[found["scheme"].lower()]
    if scheme == "http" and not insecure and not _is_loopback(found["host"].strip("[]")):
        raise InsecureConnection(
            f"base_url {base_url!r} has no TLS and is not this machine's own address: everything on the way could "
            "read and change the traffic. Use https://, or pass insecure=True (--insecure) if that is meant"
        )
    return f"{scheme}://{found['netloc']}"


def _is_host(host: str) -> bool:
    """Whether what stands in brackets, if anything does, is an IPv6 address."""
    try:
        return not host.startswith("[") or bool(ipaddress.IPv6Address(host[1:-1]))
    except ValueError:
        return False


def _is_loopback(host: str) -> bool:
    host = host.lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
