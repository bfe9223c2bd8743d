"""The sender for streams that do not end soon, or that come over several connections at once.

    python -m bench.fan '{"load": "A", "messages": 10000000, "connections": 1, "codes": ["KRW-BTC"]}'

prints ``{"port": …}`` when everything is built. It begins when so many connections have subscribed, and sends each of
them the same messages, chunk by chunk and none ahead of another; ids and times go on from chunk to chunk.

Owns the program. What is sent is `moving`'s.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterable

from bench.blaster import MOST_BUILT_BYTES, announce, listen, serve
from bench.loads import CHUNK, CODES, LOADS, payloads
from bench.moving import Moving
from bench.served import Sender, Served

_PATIENCE_S = 60.0  # for the other connections


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


def main() -> None:
    """Build, say where, and serve until ended."""
    told = json.loads(sys.argv[1])
    codes, messages = tuple(told.get("codes") or CODES), int(told["messages"])
    moving = Moving(payloads(LOADS[told["load"]], CHUNK, codes=codes))
    built = list(moving.chunks(messages)) if moving.bytes * messages // CHUNK <= MOST_BUILT_BYTES else None
    listener = listen()
    announce(listener)
    serve(listener, abreast(lambda: built or moving.chunks(messages), int(told["connections"])))


if __name__ == "__main__":
    main()
