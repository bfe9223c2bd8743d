"""What a row of a recording looks like: the exchange's bytes and the time they were received.

Owns the form of a line. Pure: bytes in, bytes out; knows nothing of files.
"""

from __future__ import annotations

import re
from base64 import b64encode
from typing import Final

_CLOSING_BRACE: Final = ord("}")
_NEWLINE: Final = ord("\n")
_RETURN: Final = ord("\r")
_WHITE_SPACE: Final = b" \t\n\r"  # RFC 8259 section 2 knows no other
_PERHAPS_EMPTY: Final = b" \t\n\r{"  # what may stand before the closing brace of an object without keys
_FLATTEN: Final = bytes.maketrans(b"\n\r", b"  ")

#: How every row ends, so that a file of another make is not mistaken for a recording.
ROW_END: Final = re.compile(rb'[,{ \t]"received_at_ns":[0-9]{1,20}\}\n\Z')
ROW_END_BYTES: Final = 64


def message_line(payload: bytes, received_at_ns: int) -> bytes:
    r"""The row of one message: its object byte for byte, with ``received_at_ns`` as one more key at the end.

    ``payload`` must be one complete JSON object (the caller has parsed it: this function does not look
    again, and anything else would spoil the file); ``received_at_ns`` is the wall clock in ns since the
    epoch. Line breaks between tokens become spaces, white space after the object goes.

        >>> message_line(b'{"type":"trade"}', 1)
        b'{"type":"trade","received_at_ns":1}\n'
    """
    # A line break can only stand between tokens: inside a string JSON demands it escaped.
    if payload[-1] != _CLOSING_BRACE or _NEWLINE in payload or _RETURN in payload:
        payload = payload.translate(_FLATTEN).rstrip(_WHITE_SPACE)
    if payload[-2] in _PERHAPS_EMPTY and payload[:-1].strip(_WHITE_SPACE) == b"{":
        return payload[:-1] + b'"received_at_ns":%d}\n' % received_at_ns  # no key before ours, so no comma
    return payload[:-1] + b',"received_at_ns":%d}\n' % received_at_ns


def malformed_line(payload: bytes, received_at_ns: int) -> bytes:
    r"""The row of bytes that are no readable message, kept as base64 so that nothing is lost.

    >>> malformed_line(b"\xff", 1)
    b'{"payload_base64":"/w==","received_at_ns":1}\n'
    """
    return b'{"payload_base64":"%b","received_at_ns":%d}\n' % (b64encode(payload), received_at_ns)
