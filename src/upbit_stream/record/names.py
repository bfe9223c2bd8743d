"""Which file a stream goes to.

Owns the rule of file names. Type and code come from the wire, so they are taken as hostile: whatever they
hold, the name stays inside its directory and no two streams share one. Pure; touches no disk.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final

SUFFIX: Final = ".jsonl"
MALFORMED: Final = "malformed" + SUFFIX

# File systems end at 255 bytes a name; what is left over is for the suffix and for tools that add one (".zst").
_MAX_STEM: Final = 200
_DIGEST_CHARS: Final = 32

_UNSAFE: Final = re.compile(rb"[^A-Za-z0-9.-]")
_OWN_STEMS: Final = frozenset({"malformed", "gaps"})  # rows that belong to no stream
# Windows opens a device for these, whatever follows the first dot.
_DEVICES: Final = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))})


def file_name(type_: str, code: str) -> str:
    """The name of a stream's file: ``CODE_TYPE.jsonl``, or ``TYPE.jsonl`` where there is no code.

    Bytes other than ASCII letters, digits, ``.`` and ``-`` are percent-encoded, so the only ``_`` is the one
    in the middle and a ``/`` or NUL cannot come through; a leading dot is encoded as well. A name that would
    be too long is cut and ends in ``~`` and a digest of the whole. ``type_`` must not be empty.

        >>> file_name("candle.1m", "SGD-BTC")
        'SGD-BTC_candle.1m.jsonl'
    """
    stem = f"{_encode(code)}_{_encode(type_)}" if code else _encode(type_)
    if stem[0] == "." or stem.lower() in _OWN_STEMS or stem.partition(".")[0].lower() in _DEVICES:
        stem = f"%{ord(stem[0]):02X}{stem[1:]}"
    if len(stem) > _MAX_STEM:
        digest = sha256(stem.encode()).hexdigest()[:_DIGEST_CHARS]
        stem = f"{stem[: _MAX_STEM - _DIGEST_CHARS - 1]}~{digest}"
    return stem + SUFFIX


def _encode(part: str) -> str:
    # JSON can name half of a surrogate pair; it must not end the recording with an encoding error.
    return _UNSAFE.sub(lambda found: b"%%%02X" % found[0][0], part.encode(errors="surrogatepass")).decode()
