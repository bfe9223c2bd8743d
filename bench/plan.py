"""Which stacks run on which loads, in which format, and with how many of the messages.

Owns the table; the peers' part of it is theirs. Knows nothing of processes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.loads import LOADS
from bench.peers.catalog import PEERS

BASE = "picows_msgspec"  # what ratios are told against
FEWEST = 2_000
_WHOLE = 1.0

# Of the messages that the fastest take: the slow ones need no more for a second or two of work.
_SHARES = {
    "sample": 0.15,
    "sample_recording": 0.075,
    "upbit_sdk": 0.04,
    "pyupbit": 0.1,
    "ccxt_pro": 0.05,
    "cryptofeed": 0.05,
    "websockets_orjson": 0.25,
}
_OF_LOAD = {"B": 0.4, "C": 0.6, "E": 0.5}


@dataclass(frozen=True)
class Stack:
    """One way to receive. ``formats`` names its loads and the format of each; ``environment`` is the peers' name for
    where it runs, "" for this project's. ``program`` is the module's name where it is not the stack's, ``settings`` are
    variables of its environment.
    """

    name: str
    title: str
    formats: Mapping[str, str] = field(hash=False)
    share: float = _WHOLE
    environment: str = ""
    note: str = ""
    program: str = ""
    settings: Mapping[str, str] = field(default_factory=dict, hash=False)

    def messages(self, load: str, most: int) -> int:
        """How many messages it gets of a load whose fastest take ``most``."""
        return max(min(FEWEST, most), round(most * self.share * _OF_LOAD.get(load, _WHOLE)))


_EACH = {name: load.format for name, load in LOADS.items()}
_BOOKS = {"B": _EACH["B"]}

OURS = (
    Stack("floor", "the floor: frames parsed, not read", _EACH),
    Stack(BASE, "picows + msgspec alone", _EACH),
    Stack("picows_msgspec_best_prices", "picows + msgspec alone, best prices read", _BOOKS),
    Stack("ours_handler", "upbit-stream, handler", _EACH),
    Stack(
        "ours_handler_python",
        "upbit-stream without its C, handler",
        _EACH,
        note="As it runs where it was installed without a compiler.",
        program="ours_handler",
        settings={"UPBIT_STREAM_PURE": "1"},
    ),
    Stack("ours_best_prices", "upbit-stream, handler, best prices read", _BOOKS),
    Stack("ours_iterator", "upbit-stream, iterator", _EACH),
    Stack(
        "ours_latest",
        "upbit-stream, latest only, overloaded",
        _EACH,
        note="The consumer is always late: nearly every message is superseded before it looks.",
    ),
    Stack("ours_recording", "upbit-stream, recording to JSONL", _EACH),
)

STACKS: Mapping[str, Stack] = {
    stack.name: stack
    for stack in (
        *OURS,
        *(
            Stack(peer.stack, peer.title, peer.loads, _SHARES.get(peer.stack, 0.05), peer.environment, peer.note)
            for peer in PEERS.values()
        ),
    )
}
