"""Which peers there are, what each of them needs, and which loads it can do in which format.

Owns the table. The stacks themselves aren't imported for it: they import libraries that only their own environments
have. Standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True)
class Peer:
    """One stack of another make.

    ``loads`` names the loads it can do and the format in which its library asks for them: where that isn't the
    load's own format, the same messages are sent under the other names. ``note`` belongs below a table with its
    figures.
    """

    stack: str
    title: str
    environment: str
    loads: Mapping[str, str] = field(hash=False)
    note: str = ""


def _formats(**loads: str) -> Mapping[str, str]:
    return MappingProxyType(loads)


_AS_ASKED = _formats(A="SIMPLE", B="DEFAULT", C="DEFAULT", D="SIMPLE", E="SIMPLE")
_DEFAULT_ONLY = _formats(A="DEFAULT", B="DEFAULT", C="DEFAULT", D="DEFAULT", E="DEFAULT")
_SIMPLE_ONLY = _formats(A="SIMPLE", B="SIMPLE", D="SIMPLE", E="SIMPLE")
_WITHOUT_DEFLATE = _formats(**{load: name for load, name in _AS_ASKED.items() if load != "E"})

PEERS: Mapping[str, Peer] = MappingProxyType(
    {
        peer.stack: peer
        for peer in (
            Peer(
                "sample",
                "the exchange's sample (websocket-client + json)",
                "sample",
                _WITHOUT_DEFLATE,
                "websocket-client knows no permessage-deflate.",
            ),
            Peer(
                "sample_recording",
                "the exchange's sample, recording",
                "sample",
                _WITHOUT_DEFLATE,
                "Opens the file of the market for every message, as the sample does.",
            ),
            Peer("upbit_sdk", "upbit-sdk stream", "upbit_sdk", _AS_ASKED),
            Peer(
                "pyupbit",
                "pyupbit WebSocketManager",
                "pyupbit",
                _DEFAULT_ONLY,
                "Knows the DEFAULT format only, so it gets the same messages under the long names. Receives in a child "
                "process: the CPU of both is counted.",
            ),
            Peer(
                "ccxt_pro",
                "ccxt pro watch…",
                "ccxt",
                _DEFAULT_ONLY,
                "Knows the DEFAULT format only, so it gets the same messages under the long names. Hands over the "
                "newest book or ticker, and the trades since: a book superseded before its task ran counts too.",
            ),
            Peer(
                "cryptofeed",
                "cryptofeed",
                "cryptofeed",
                _SIMPLE_ONLY,
                "Knows the SIMPLE format only, so load B has the short names; knows no tickers of this exchange. "
                "Its numbers are Decimal.",
            ),
            Peer("websockets_orjson", "websockets + orjson", "websockets_orjson", _AS_ASKED),
        )
    }
)
