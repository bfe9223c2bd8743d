"""The exit statuses, in one place.

Owns what each means, and which error ends in which. Knows nothing of the commands.
"""

from __future__ import annotations

from typing import Final

from upbit_stream.errors import AuthenticationError, RecordingError, UpbitStreamError, UsageError

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2  # click's own choice as well
RECORDING: Final = 3
AUTHENTICATION: Final = 4
NOT_WHOLE: Final = 5

#: For the end of a command's help; click keeps the lines as they are after \\b.
HELP: Final = """\b
Exit status:
  0  it ended as asked: the duration is over, or SIGINT, SIGTERM or SIGHUP came; a recording is whole
  1  the exchange could not be reached, was lost for good, or refused a request
  2  the command line or the environment makes no sense; nothing was sent
  3  the recording could not be written or read (disk full, not allowed, in use)
  4  the exchange refused the access key or its token
  5  a recording is not whole (verify)
A second SIGINT or SIGTERM ends it at once, with 130 or 143.
"""


def status_of(error: UpbitStreamError) -> int:
    """The exit status of a command that ended with ``error``.

    >>> status_of(RecordingError("cannot write"))
    3
    """
    if isinstance(error, UsageError):
        return USAGE
    if isinstance(error, RecordingError):
        return RECORDING
    if isinstance(error, AuthenticationError):
        return AUTHENTICATION
    return FAILED
