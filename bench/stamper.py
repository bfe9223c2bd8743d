"""The precise sender: groups of messages, each at its moment, with a stamp of when it left.

    python -m bench.stamper '{"load": "A", "messages": 5000, "group": 1, "interval_ns": 1000000, "latency": "/tmp/x"}'

prints ``{"port": …}`` when everything is built; the stamps are in ``latency`` soon after the last message. It keeps its
core busy while it sends, so it needs one to itself. The first connection that subscribes gets the messages; a client
that opens more gets nothing on them.

Owns the program. The schedule is `pacing`'s, the file `latency_log`'s, the connection `served`'s.
"""

from __future__ import annotations

import dataclasses
import gc
import itertools
import json
import re
import sys
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from time import monotonic_ns

from bench.blaster import announce, listen, serve
from bench.latency_log import LATE, SENT, LatencyLog
from bench.loads import LOADS, payloads, plain_frame
from bench.pacing import paced
from bench.served import Sender, Served

_SETTLED_S = 0.5  # after the subscription: clients go on to do something with it
_ID = re.compile(rb'"(?:sid|sequential_id)":(\d+)')

Group = list[tuple[bytes, list[int]]]  # the frames that leave one after the other, each with the id in it, if any


def groups(messages: Iterable[bytes], size: int) -> list[Group]:
    """The messages as frames, ``size`` of them to a group."""
    framed = ((plain_frame(payload), [int(found) for found in _ID.findall(payload)]) for payload in messages)
    made = []
    while group := list(itertools.islice(framed, size)):
        made.append(group)
    return made


def stamped(planned: Sequence[Group], interval_ns: int, directory: Path) -> Sender:
    """Send each group when it is due, to the first client only. Leaves the stamps, and how late each group was."""
    log, late = LatencyLog(directory / SENT), LatencyLog(directory / LATE)
    first = threading.Lock()

    def send(client: Served) -> None:
        if not first.acquire(blocking=False):
            return
        client.attend(_SETTLED_S)
        client.attend(_SETTLED_S)  # a request may have been what the first one waited for
        for number, due_ns in paced(len(planned), interval_ns):
            late.note_all([number], monotonic_ns() - due_ns)
            for frame, ids in planned[number]:  # as a server does: each when it is made, not all in one
                log.note_all(ids, monotonic_ns())
                client.send(frame)
            if number + 1 < len(planned):  # after the last group the client leaves
                client.attend()
        late.save()
        log.save()

    return send


def main() -> None:
    """Build, say where, and send once."""
    told = json.loads(sys.argv[1])
    load = LOADS[told["load"]]
    load = dataclasses.replace(load, format=told.get("format") or load.format)
    messages = payloads(load, int(told["messages"]))
    planned = groups(messages, int(told["group"]))
    listener = listen()
    announce(listener)
    gc.disable()  # from now on a moment is a moment
    serve(listener, stamped(planned, int(told["interval_ns"]), Path(told["latency"])))


if __name__ == "__main__":
    main()
