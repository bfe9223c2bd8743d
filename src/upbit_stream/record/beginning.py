"""The lines with which a file begins.

Owns reading no more than these, of a file of any size. Knows nothing of what a line holds.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_BLOCK_BYTES: Final = 64 * 1024


def first_lines(path: Path) -> list[bytes]:
    """The whole lines within the first 64 KiB of ``path``, without their line breaks. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        return os.pread(fd, _BLOCK_BYTES, 0).split(b"\n")[:-1]
    finally:
        os.close(fd)
