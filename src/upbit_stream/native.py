"""The part of the hot path that is written in C, where it is there.

Each of its types has a twin in Python (`flow/lane.py`, `flow/inbox.py`, `session/seen.py`, `record/held.py`) that
explains it, and that runs where the package was installed without a compiler, or where ``UPBIT_STREAM_PURE`` is set:
to compare, or to rule the C out when something is strange.

Owns that choice.
"""

from __future__ import annotations

import importlib
import os
from typing import Any, Final

PURE: Final = "UPBIT_STREAM_PURE"


def _load() -> Any:
    if os.environ.get(PURE):
        return None
    try:
        return importlib.import_module("upbit_stream._native")
    except ImportError:
        return None


native: Final[Any] = _load()
