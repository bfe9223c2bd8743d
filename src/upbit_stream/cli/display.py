"""Where progress goes: lines that stay in place on a terminal, or a log line now and then.

Owns that choice and the live lines. Knows nothing of what the progress is about.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from rich.live import Live

from upbit_stream.cli.progress import Progress

if TYPE_CHECKING:
    from rich.console import Console

    from upbit_stream.record import Summary

_log = logging.getLogger(__name__)

_LOG_EVERY_TICKS: Final = 10  # ticks are a second apart


class Display:
    """Shows what ``summarise`` tells at every `tick`: ``live`` on the terminal, or as a log line.

    A terminal that went away ends the display, never the recording.

        with Display(progress, recorder.summary, console, live=console.is_terminal) as display:
            display.tick()
    """

    def __init__(
        self,
        progress: Progress,
        summarise: Callable[[], Summary],
        console: Console,
        *,
        live: bool,
        time_ns: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._progress = progress
        self._summarise = summarise
        self._console = console
        # No thread of its own, and gone at the end: the summary takes its place.
        self._live = Live(console=console, auto_refresh=False, transient=True) if live else None
        self._time_ns = time_ns
        self._monotonic = monotonic
        self._ticks = 0

    def tick(self) -> None:
        """Count again and show it."""
        self._progress.count(self._summarise(), self._time_ns(), self._monotonic())
        if self._live is not None:
            try:
                self._live.update(self._progress.lines(), refresh=True)
            except OSError:
                self._live = None
        elif self._ticks and self._ticks % _LOG_EVERY_TICKS == 0:
            _log.info("%s", self._progress.as_log_line())
        self._ticks += 1

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
            self._console.show_cursor(True)  # whoever ends us with a second signal keeps a cursor
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            with suppress(OSError):
                self._live.stop()
