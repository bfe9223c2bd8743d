"""Running a program on the fastest event loop that is installed.

Owns the choice of the loop only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """Like `asyncio.run`, on uvloop where it is installed (``pip install upbit-stream[fast]``).

    >>> run(asyncio.sleep(0, "done"))
    'done'
    """
    try:
        import uvloop  # noqa: PLC0415  # an extra
    except ImportError:
        return asyncio.run(main)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)
