"""The sender for streams that do not end soon, or that come over several connections at once.

    python -m bench.fan '{"load": "A", "messages": 10000010, "connections": 1, "codes": ["KRW-BTC", …]}'

prints ``{"port": …}`` when everything is built. It begins when so many connections have subscribed, and sends each of
them the same messages, chunk by chunk and none ahead of another: as the exchange does, a snapshot of every type and
code first, without which a client has to wait for each of them; then whole chunks, in which ids and times go on.
``messages`` counts all of it, so it has to be what `messages_of` says.

Owns the program and the snapshots. What moves is `moving`'s.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import sys
import threading
from collections.abc import Callable, Iterable

from bench.blaster import MOST_BUILT_BYTES, announce, listen, serve
from bench.loads import CHUNK, CODES, LOADS, Load, payloads
from bench.moving import Moving
from bench.served import Sender, Served

_PATIENCE_S = 60.0  # for the other connections
_BEFORE = 1_000_000  # ms, and ids: a quarter of an hour


def abreast(make_chunks: Callable[[], Iterable[bytes]], connections: int) -> Sender:
    """Send every client the same, once there are so many of them."""
    line = threading.Barrier(connections)

    def send(client: Served) -> None:
        try:
            for chunk in make_chunks():
                line.wait(_PATIENCE_S)
                client.send(chunk)
                client.attend()
        except threading.BrokenBarrierError:
            return  # another has left, or never came

    return send


def messages_of(load: Load, codes: tuple[str, ...], chunks: int) -> int:
    """How many messages so many chunks and the snapshots before them are."""
    return len(load.types) * len(codes) + chunks * CHUNK


def snapshots(load: Load, codes: tuple[str, ...]) -> list[bytes]:
    """One message of every type and code, from before everything else that `payloads` makes."""
    made = [
        payload
        for trades in ((1.0, 0.0) if load.trades else (0.0,))
        for payload in payloads(dataclasses.replace(load, trades=trades), len(codes), codes=codes)
    ]
    return [payload.replace(b'"REALTIME"', b'"SNAPSHOT"') for payload in made]


def prepared(load: Load, codes: tuple[str, ...], messages: int) -> Callable[[], Iterable[bytes]]:
    """Everything that is sent to one client; built beforehand unless it is too much."""
    first, moving = snapshots(load, codes), Moving(payloads(load, CHUNK, codes=codes))
    rest = messages - len(first)
    begin = Moving(first).at(-_BEFORE)
    if moving.bytes * rest // CHUNK > MOST_BUILT_BYTES:
        return lambda: itertools.chain([begin], moving.chunks(rest))
    built = [begin, *moving.chunks(rest)]
    return lambda: built


def main() -> None:
    """Build, say where, and serve until ended."""
    told = json.loads(sys.argv[1])
    make_chunks = prepared(LOADS[told["load"]], tuple(told.get("codes") or CODES), int(told["messages"]))
    listener = listen()
    announce(listener)
    serve(listener, abreast(make_chunks, int(told["connections"])))


if __name__ == "__main__":
    main()
