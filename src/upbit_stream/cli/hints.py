"""What to try next, where an error of another library does not say.

Owns these hints. Pure; knows nothing of how they are shown.
"""

from __future__ import annotations

from typing import Final

# What OpenSSL says of a peer that answers TLS in plain text: up to 3.1, and later.
_NO_TLS: Final = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE")


def hint(reason: str) -> str:
    """A question that may lead on from ``reason``, or "".

    >>> hint("SSLError: [SSL: WRONG_VERSION_NUMBER] wrong version number")
    'no TLS is spoken there: is it http://?'
    >>> hint("refused")
    ''
    """
    return "no TLS is spoken there: is it http://?" if any(name in reason for name in _NO_TLS) else ""


def with_hint(reason: str) -> str:
    """``reason``, and its hint after it if there is one.

    >>> with_hint("refused")
    'refused'
    """
    said = hint(reason)
    return f"{reason}; {said}" if said else reason
