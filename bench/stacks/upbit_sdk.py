"""The exchange's own package, upbit-sdk: `client.ws_stream.subscribe(…)` and a `for` over the stream, its events typed.

Nothing is patched: the address is the client's ``base_url``.
"""

from __future__ import annotations

from upbit import Upbit

from bench.measure import Meter, Task, versions_of
from bench.peers.dialling import trust


class _Finished(Exception):
    """Everything was received."""


def receive(task: Task, meter: Meter) -> None:
    """Read the stream until everything was received."""

    def finished() -> None:
        raise _Finished

    count = meter.counter(finished)
    wanted = dict.fromkeys(task.types, task.codes)
    base_url = task.url.replace("ws", "http", 1).removesuffix("/websocket/v1")
    with Upbit(base_url=base_url) as client:
        subscribed = client.ws_stream.subscribe(
            ticker=wanted.get("ticker"),
            trade=wanted.get("trade"),
            orderbook=wanted.get("orderbook"),
            format=task.format,
        )
        try:
            with subscribed as stream:
                for event in stream:
                    count(event)
        except _Finished:
            pass


def main() -> None:
    """Receive, and say what it took."""
    task = Task.from_arguments()
    trust(task)
    meter = Meter("upbit_sdk", task.messages)
    receive(task, meter)
    meter.report(**versions_of("upbit-sdk", "websockets", "pydantic"))


if __name__ == "__main__":
    main()
