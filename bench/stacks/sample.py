"""The exchange's sample program: websocket-client's `WebSocketApp` on a thread, `json.loads` in `on_message`.

Pings every 30 s and waits 10 s for the answer, as the sample does. Nothing is patched.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

from websocket import WebSocketApp

from bench.measure import Meter, Task, versions_of
from bench.peers.dialling import request


def receive(task: Task, meter: Meter, take: Callable[[Callable[[object], None]], Callable[[bytes], None]]) -> None:
    """Run the sample until everything was received. ``take`` makes what is done with a message, of what counts it."""

    def on_open(app: WebSocketApp) -> None:
        app.send(json.dumps(request(task)))

    def on_message(_app: WebSocketApp, message: bytes) -> None:
        handle(message)

    def on_error(_app: WebSocketApp, error: Exception) -> None:
        errors.append(error)

    errors: list[Exception] = []
    app = WebSocketApp(task.url, on_open=on_open, on_message=on_message, on_error=on_error)
    handle = take(meter.counter(app.close))
    options: dict[str, Any] = {"sslopt": {"ca_certs": task.certificate}} if task.certificate else {}
    options.update(ping_interval=30, ping_timeout=10)
    thread = threading.Thread(target=app.run_forever, kwargs=options)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]


def _counting(count: Callable[[object], None]) -> Callable[[bytes], None]:
    def take(message: bytes) -> None:
        count(json.loads(message))

    return take


def main() -> None:
    """Receive, and say what it took."""
    task = Task.from_arguments()
    meter = Meter("sample", task.messages)
    receive(task, meter, _counting)
    meter.report(**versions_of("websocket-client"))


if __name__ == "__main__":
    main()
