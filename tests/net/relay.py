"""A bad link where the kernel has none to offer (netem): passes frames between two interfaces, late or never.

    python relay.py INTERFACE INTERFACE

On its standard input it takes ``delay_ms``, ``jitter_ms``, ``loss`` (0 to 1) and ``seed``, as a JSON object a line.
Each frame has a delay of its own, so frames overtake each other.
"""

import heapq
import json
import random
import select
import socket
import sys
import time

_EVERY_PROTOCOL = 3
_PACKET_VNET_HDR = 15  # frames come with what offloading left undone, and go out with it again
_OUTGOING = 4
_LARGEST = 128 * 1024


def opened(interface: str) -> socket.socket:
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_EVERY_PROTOCOL))
    link.setsockopt(getattr(socket, "SOL_PACKET", 263), _PACKET_VNET_HDR, 1)
    link.bind((interface, 0))
    link.setblocking(False)
    return link


def main(first: str, second: str) -> None:
    links = [opened(first), opened(second)]
    other = {links[0]: links[1], links[1]: links[0]}
    rules = {"delay_ms": 0.0, "jitter_ms": 0.0, "loss": 0.0}
    chance = random.Random(0)
    late: list[tuple[float, int, socket.socket, bytes]] = []
    count = 0
    print("ready", flush=True)  # noqa: T201  # whoever started it waits for that
    while True:
        wait_s = max(0.0, late[0][0] - time.monotonic()) if late else None
        for readable in select.select([*links, sys.stdin], [], [], wait_s)[0]:
            if readable is sys.stdin:
                line = sys.stdin.readline()
                if not line:
                    return
                rules |= json.loads(line)
                chance.seed(rules.pop("seed", 0))
                print("done", flush=True)  # noqa: T201  # likewise
                continue
            try:
                frame, (_, _, kind, _, _) = readable.recvfrom(_LARGEST)
            except OSError:  # the interface was down
                continue
            if kind == _OUTGOING or chance.random() < rules["loss"]:
                continue
            delay_s = max(0.0, rules["delay_ms"] + chance.uniform(-1, 1) * rules["jitter_ms"]) / 1_000
            count += 1
            heapq.heappush(late, (time.monotonic() + delay_s, count, other[readable], frame))
        while late and late[0][0] <= time.monotonic():
            _, _, link, frame = heapq.heappop(late)
            try:
                link.send(frame)
            except OSError:  # likewise, or its queue is full: the frame is lost as frames are
                continue


if __name__ == "__main__":
    main(*sys.argv[1:])
