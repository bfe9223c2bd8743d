"""Several things at once until the last message is there."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


async def until(finished: asyncio.Event, *works: Coroutine[Any, Any, None]) -> None:
    """Do all of this until ``finished``; what any of them raises ends it before."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in works]
            await finished.wait()
            for task in tasks:
                task.cancel()
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None  # the last line that a stack says is why it failed
