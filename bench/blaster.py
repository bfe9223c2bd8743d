"""The blaster: sends a load as fast as the client's socket takes it, to every client that subscribes.

    python -m bench.blaster '{"load": "A", "messages": 400000}'

prints ``{"port": …}`` when everything is built. More keys: ``certificate`` and ``key`` (files, for ``wss:``), ``seed``,
``codes``, ``format`` (instead of the load's own). Every connection gets the same messages from the first on.

Owns the program: its socket, what is built beforehand, and sending flat out. Other ways of sending are other senders
for `serve`. Holds no client code.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from bench.loads import CODES, LOADS, SEED, chunks
from bench.served import Sender, Served

# More than this is made while it is sent, which takes a tenth of what the fastest client takes.
MOST_BUILT_BYTES = 2**30
_SEND_BUFFER_BYTES = 4 * 1024 * 1024  # enough that the client never waits for this process to be scheduled
_PARENT_LOOK_S = 1.0


def flat_out(make_chunks: Callable[[], Iterable[bytes]]) -> Sender:
    """Everything, each piece as soon as the one before is gone."""

    def send(client: Served) -> None:
        for chunk in make_chunks():
            client.send(chunk)
            client.attend()

    return send


def prepared(told: dict[str, Any]) -> Callable[[], Iterable[bytes]]:
    """The load's frames, built beforehand unless they are too many."""
    load = LOADS[told["load"]]
    load = replace(load, format=told.get("format", load.format))
    count = int(told["messages"])
    codes = tuple(told.get("codes") or CODES)

    def make() -> Iterable[bytes]:
        return chunks(load, count, codes=codes, seed=int(told.get("seed", SEED)))

    pieces: list[bytes] = []
    held = 0
    for piece in make():
        held += 0 if pieces and piece is pieces[-1] else len(piece)
        if held > MOST_BUILT_BYTES:
            return make
        pieces.append(piece)
    return lambda: pieces


def serve(listener: socket.socket, sender: Sender, *, deflate: bool = False, tls: ssl.SSLContext | None = None) -> None:
    """Serve every client that connects, each in its own thread. Never returns."""
    while True:
        accepted, _ = listener.accept()
        threading.Thread(target=_serve_one, args=(accepted, sender, deflate, tls), daemon=True).start()


def _serve_one(accepted: socket.socket, sender: Sender, deflate: bool, tls: ssl.SSLContext | None) -> None:
    accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        connection = tls.wrap_socket(accepted, server_side=True) if tls else accepted
    except OSError:
        accepted.close()  # a client that does not trust the certificate
        return
    Served(connection, deflate=deflate).serve(sender)


def listen() -> socket.socket:
    """A listening socket on a free port of this machine."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener


def announce(listener: socket.socket) -> None:
    """Print the port; end with the process that started this one, however that ends."""
    print(json.dumps({"port": listener.getsockname()[1]}), flush=True)  # noqa: T201  # the starting process reads it
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_PARENT_LOOK_S)
    os._exit(0)


def server_tls(told: dict[str, Any]) -> ssl.SSLContext | None:
    """What a server with the certificate and the key of the argument shows; None without them."""
    if not told.get("certificate"):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(told["certificate"], told["key"])
    return context


def main() -> None:
    """Build, say where, and serve until ended."""
    told = json.loads(sys.argv[1])
    sender = flat_out(prepared(told))
    listener = listen()
    announce(listener)
    serve(listener, sender, deflate=LOADS[told["load"]].deflate, tls=server_tls(told))


if __name__ == "__main__":
    main()
