"""The loads: real-shaped messages of the exchange, made from a seed, as WebSocket frames.

Owns what is sent and how large it is. Knows no socket and nothing of the client: a mistake must not hide on both ends.
"""

from __future__ import annotations

import json
import random
import struct
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench.market import ID, Market, shortened

CODES = ("KRW-BTC", "KRW-ETH", "KRW-XRP", "KRW-SOL", "KRW-DOGE")
SEED = 20240607
CHUNK = 1_000  # messages that are sent at once

_ID_DIGITS = 17
_TAIL = b"\x00\x00\xff\xff"  # RFC 7692 section 7.2.1: taken off after compressing


@dataclass(frozen=True)
class Load:
    """One kind of traffic. ``trades`` is the share of trades among the messages, the rest is ``rest``."""

    name: str
    title: str
    format: str
    trades: float
    rest: str
    levels: int = 0
    tls: bool = False
    deflate: bool = False

    @property
    def types(self) -> tuple[str, ...]:
        """The types to subscribe."""
        return ("trade", self.rest) if self.trades else (self.rest,)

    def codes(self, markets: tuple[str, ...] = CODES) -> dict[str, list[str]]:
        """The codes to subscribe for each type: an order book's name its depth."""
        return {kind: [self._asked(kind, code) for code in markets] for kind in self.types}

    def _asked(self, kind: str, code: str) -> str:
        return f"{code}.{self.levels}" if kind == "orderbook" and self.levels != 30 else code


LOADS = {
    load.name: load
    for load in (
        Load("A", "80 % trades, 20 % 15-level books, SIMPLE", "SIMPLE", 0.8, "orderbook", 15),
        Load("B", "30-level books, DEFAULT", "DEFAULT", 0.0, "orderbook", 30),
        Load("C", "tickers, DEFAULT", "DEFAULT", 0.0, "ticker"),
        Load("D", "A over TLS", "SIMPLE", 0.8, "orderbook", 15, tls=True),
        Load("E", "A with permessage-deflate", "SIMPLE", 0.8, "orderbook", 15, deflate=True),
    )
}


def payloads(load: Load, count: int, *, codes: tuple[str, ...] = CODES, seed: int = SEED) -> Iterator[bytes]:
    """So many messages. The trades' ids rise and never repeat; everything else repeats after `CHUNK` messages."""
    patterns = _patterns(load, codes, random.Random(seed), round(time.time() * 1000))  # noqa: S311  # a seed, to be the same again
    first_id = round(time.time()) * 10 ** (_ID_DIGITS - 10)
    for index in range(count):
        before, after = patterns[index % CHUNK]
        yield b"%b%d%b" % (before, first_id + index, after) if after else before


def chunks(load: Load, count: int, *, codes: tuple[str, ...] = CODES, seed: int = SEED) -> Iterator[bytes]:
    """The same as frames, `CHUNK` of them in each piece (fewer in the last)."""
    frame = _deflating() if load.deflate else plain_frame
    made = payloads(load, count, codes=codes, seed=seed)
    whole = b""
    for begin in range(0, count, CHUNK):
        size = min(CHUNK, count - begin)
        if load.trades or size < CHUNK or not whole:  # without trades all whole chunks are the same: one is enough
            whole = b"".join(frame(next(made)) for _ in range(size))
        yield whole


def plain_frame(payload: bytes, head: int = 0x82) -> bytes:
    """An unmasked frame, as a server sends it; binary, as the exchange does, unless ``head`` says otherwise."""
    size = len(payload)
    if size < 126:
        return struct.pack(">BB", head, size) + payload
    if size < 65_536:
        return struct.pack(">BBH", head, 126, size) + payload
    return struct.pack(">BBQ", head, 127, size) + payload


def _deflating() -> Any:
    """Frames of one compressed stream: the window is kept from message to message, as servers do by default."""
    deflater = zlib.compressobj(wbits=-15)

    def frame(payload: bytes) -> bytes:
        deflated = deflater.compress(payload) + deflater.flush(zlib.Z_SYNC_FLUSH)
        return plain_frame(deflated.removesuffix(_TAIL), 0xC2)

    return frame


def _patterns(load: Load, codes: tuple[str, ...], chance: random.Random, now_ms: int) -> list[tuple[bytes, bytes]]:
    """Messages cut where a trade's id stands; what has no id is whole, with nothing after."""
    trades = round(CHUNK * load.trades)
    kinds = ["trade"] * trades + [load.rest] * (CHUNK - trades)
    chance.shuffle(kinds)
    markets = [Market(code, load.levels, chance) for code in codes]
    made = []
    for index, kind in enumerate(kinds):
        message = markets[index % len(markets)].message(kind, now_ms + index)
        named = message if load.format == "DEFAULT" else shortened(message)
        text = json.dumps(named, separators=(",", ":")).encode()
        before, _, after = text.partition(json.dumps(ID).encode())
        made.append((before, after))
    return made
