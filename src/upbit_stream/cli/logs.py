"""How the command shows the package's log: readably, or one JSON object a line.

Owns the set-up of the standard ``logging``, and the promise that no secret comes out of it. Knows nothing of
what is logged.
"""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from upbit_stream.cli.text import printable

if TYPE_CHECKING:
    from rich.console import Console

_PACKAGE: Final = "upbit_stream"
_COMMANDS: Final = "upbit_stream.cli"
_WEBSOCKET_LIBRARY: Final = "picows"
_WEBSOCKET_LOGGERS: Final = (_WEBSOCKET_LIBRARY, f"{_PACKAGE}.net.{_WEBSOCKET_LIBRARY}")  # its own, and the one it gets
_LEVELS: Final = (logging.WARNING, logging.INFO, logging.DEBUG)
_COLOURS: Final = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "red"}
_TOKEN: Final = re.compile(r"\b(Bearer\s+)[^\s'\",]+", re.IGNORECASE)


def set_up(console: Console, *, verbosity: int = 0, as_json: bool = False, quiet: bool = False) -> None:
    """Send every log record to ``console`` (standard error), in place of whatever was set up before.

    ``verbosity`` 0 shows warnings of the package and the commands' own notes, 1 also what happens to the
    connections, 2 everything; ``quiet`` leaves the commands' notes out. Other libraries show warnings only, the
    WebSocket library at 2 more.
    """
    level = _LEVELS[min(verbosity, 2)]
    handler = _ConsoleOutput(console)
    handler.setFormatter(_AsJson() if as_json else _Readable())
    handler.addFilter(_keeps_no_handshake)
    root = logging.getLogger()
    for old in [h for h in root.handlers if isinstance(h, _ConsoleOutput)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger(_PACKAGE).setLevel(level)
    logging.getLogger(_COMMANDS).setLevel(level if quiet else min(level, logging.INFO))
    for name in _WEBSOCKET_LOGGERS:  # what it says of a connection, our own lines say in the exchange's terms
        logging.getLogger(name).setLevel(logging.WARNING if level > logging.DEBUG else logging.INFO)


def _keeps_no_handshake(record: logging.LogRecord) -> bool:
    # Below INFO the WebSocket library logs the headers of its request, the bearer token among them. Its logger
    # is set to INFO; this holds also where a part of it was set lower, or it was given a logger of ours.
    of_library = any(part.startswith(_WEBSOCKET_LIBRARY) for part in record.name.split("."))
    return not of_library or record.levelno >= logging.INFO


class _Readable(logging.Formatter):
    """``2026-11-22T12:00:00Z warning: text``, and below it the traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        time = f"{datetime.fromtimestamp(int(record.created), UTC):%Y-%m-%dT%H:%M:%SZ}"
        text = f"{time} {record.levelname.lower()}: {printable(record.getMessage())}"
        if record.exc_info:
            text += "\n" + "\n".join(map(printable, self.formatException(record.exc_info).splitlines()))
        return _without_token(text)


class _AsJson(logging.Formatter):
    """One JSON object: time (ISO 8601, UTC), level, logger, message, and exception where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        row = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": _without_token(record.getMessage()),
        }
        if record.exc_info:
            row["exception"] = _without_token(self.formatException(record.exc_info))
        return json.dumps(row)


def _without_token(text: str) -> str:
    return _TOKEN.sub(r"\1***", text)


class _ConsoleOutput(logging.Handler):
    """Through the console, so that a line appears above a live display instead of within it."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)
            style = None if text.startswith("{") else _COLOURS.get(record.levelname)
            self._console.print(text, style=style, markup=False, highlight=False, emoji=False, soft_wrap=True)
        except Exception:  # noqa: BLE001 - a log line must never end the recording; logging has a place for this
            self.handleError(record)
