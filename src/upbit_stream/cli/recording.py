"""The course of a recording: connect, write, count every second, and end for whichever reason comes first, after a
last moment for what is still being recovered.

Owns that order. Knows nothing of options, nor of how files are written or a connection is kept.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from upbit_stream.cli.connections import Connections
from upbit_stream.cli.text import plural
from upbit_stream.errors import ConnectionFailed

if TYPE_CHECKING:
    from upbit_stream.model.subscription import Subscription
    from upbit_stream.record import Recorder
    from upbit_stream.stream import Stream

_log = logging.getLogger(__name__)

_TICK_S: Final = 1.0  # what is held goes to the files at least this often
_SETTLE_S: Final = 5.0  # for gaps at the end; what takes longer is left to the next run


async def record_until(
    ending: asyncio.Event,
    stream: Stream,
    recorder: Recorder,
    subscriptions: Sequence[Subscription],
    connections: Connections,
    *,
    duration_s: float | None,
    on_tick: Callable[[], None],
    tick_s: float = _TICK_S,
) -> None:
    """Record until ``ending`` is set or ``duration_s`` is over; call ``on_tick`` after every flush.

    Where gaps are being recovered at the end, the recording goes on for up to 5 s until they are.

    Raises what ended the stream, or the RecordingError of a flush; and ConnectionFailed where the duration
    passed without one connection: a script must not take that for a recording. The recorder is left open.
    """
    receiving = asyncio.create_task(_receive(stream, recorder, subscriptions, connections))
    flushing = asyncio.create_task(_flush_and_tell(recorder, on_tick, tick_s))
    waiting = asyncio.create_task(ending.wait())
    tasks = (receiving, flushing, waiting)
    try:
        await asyncio.wait(tasks, timeout=duration_s, return_when=asyncio.FIRST_COMPLETED)
        await _settle(stream, unless={receiving, flushing})
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for task in (flushing, receiving):  # a full disk is the cause of what the stream says then
        with suppress(asyncio.CancelledError):
            task.result()
    if duration_s is not None and not ending.is_set() and not connections.made:
        reason = f": {connections.last_reason}" if connections.last_reason else ""
        raise ConnectionFailed(f"no connection could be made within {duration_s:g} s{reason}")


async def _receive(
    stream: Stream, recorder: Recorder, subscriptions: Sequence[Subscription], connections: Connections
) -> None:
    async with stream:
        recorder.attach(stream)
        stream.on("connected", connections.on_connected)
        stream.on("disconnected", connections.on_disconnected)
        await stream.subscribe_all(subscriptions)
        await stream.join()


async def _settle(stream: Stream, *, unless: set[asyncio.Task[None]]) -> None:
    """Give the gaps that are being recovered a moment; ``unless`` are what the recording cannot go on without."""
    gaps = len(stream.gaps())
    if not gaps or any(task.done() for task in unless):
        return
    _log.info("%s to be filled: waiting for up to %g s", plural(gaps, "gap"), _SETTLE_S)
    settling = asyncio.create_task(stream.settled())
    try:
        await asyncio.wait({settling, *unless}, timeout=_SETTLE_S, return_when=asyncio.FIRST_COMPLETED)
    finally:
        settling.cancel()
        await asyncio.wait({settling})
    with suppress(asyncio.CancelledError):
        settling.result()


async def _flush_and_tell(recorder: Recorder, on_tick: Callable[[], None], tick_s: float) -> None:
    on_tick()
    while True:
        await asyncio.sleep(tick_s)
        recorder.flush()
        on_tick()
