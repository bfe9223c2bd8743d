"""pyupbit's `WebSocketManager`: a child process receives and parses, a queue brings the messages to `get()`.

A manager subscribes one type; loads of two types come over the one connection all the same, so that its user pays for
one child and not for two. The CPU of both processes is counted, the child's from its dialling on, since it runs ahead
of the first `get()`, less the part for what it has received beyond the last; and the memory that it does not share.

One seam: the address is a constant in the middle of the manager's coroutine, so `websockets.connect` is replaced by the
same with another address. It is called once a connection.
"""

from __future__ import annotations

import functools
import json
import multiprocessing
import signal
import time
from pathlib import Path
from typing import Any

import websockets
from pyupbit import WebSocketManager

from bench.measure import Meter, Task, peak_rss_bytes, versions_of
from bench.peers.dialling import markets, trust

_CHILD_LIMIT_S = 600  # a child whose parent was killed would wait for ever

_connect = websockets.connect


def _dial(url: str, begun_s: Any, _constant: str, **options: Any) -> Any:
    """In the child: dial another address, and note what the child has taken so far."""
    signal.alarm(_CHILD_LIMIT_S)
    begun_s.value = time.process_time()
    return _connect(url, **options)


def _cpu_s(process_id: int) -> float:
    """User and system time of another process: Linux numbers its clock so."""
    return time.clock_gettime((~process_id << 3) | 2)


def _unshared_bytes(process_id: int) -> int:
    """What a child holds and its parent does not."""
    lines = Path(f"/proc/{process_id}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Private_"))


def _child_ended(_number: int, _frame: object) -> None:
    """Wake `get()`, which would wait for ever: the child has said why it ended."""
    raise ChildProcessError("the child has ended")


def receive(task: Task, meter: Meter, begun_s: Any) -> dict[str, float]:
    """Read the queue until everything was received; what the child took."""
    taken: dict[str, float] = {}
    manager = WebSocketManager(task.types[0], markets(task))
    running = True

    def finished() -> None:
        nonlocal running
        running = False
        cpu_s = _cpu_s(manager.pid) - begun_s.value
        ahead = manager._WebSocketManager__q.qsize()  # noqa: SLF001  # what the child has received beyond the last
        taken["cpu_s"] = cpu_s * meter.total / (meter.total + ahead)
        taken["bytes"] = _unshared_bytes(manager.pid)

    count = meter.counter(finished)
    signal.signal(signal.SIGCHLD, _child_ended)
    try:
        while running:
            message = manager.get()  # the first one starts the child
            if type(message) is str:  # how it tells that the connection was lost
                raise ConnectionError(message)
            count(message)
    finally:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        manager.terminate()
        manager.join()
    return taken


def main() -> None:
    """Receive, and say what it took."""
    task = Task.from_arguments()
    trust(task)
    meter = Meter("pyupbit", task.messages)
    multiprocessing.set_start_method("fork")  # the default here; the child has to see the address
    begun_s = multiprocessing.Value("d", 0.0)
    websockets.connect = functools.partial(_dial, task.url, begun_s)  # type: ignore[misc, assignment]  # the seam
    child = receive(task, meter, begun_s)
    result = meter.result()
    result["cpu_s"] = float(str(result["cpu_s"])) + child["cpu_s"]
    result["peak_rss_bytes"] = peak_rss_bytes() + int(child["bytes"])
    result["versions"] = versions_of("pyupbit", "websockets")
    print(json.dumps(result), flush=True)  # noqa: T201  # this line is the result


if __name__ == "__main__":
    main()
