"""What the peers' programs share on their way to the first message: the request, the authority to trust.

Owns nothing that runs for each message. Standard library and `bench.measure` only.
"""

from __future__ import annotations

import os
import uuid
from typing import Any

from bench.measure import Task


def request(task: Task) -> list[dict[str, Any]]:
    """The subscription of a task, as the exchange's documentation writes it."""
    wanted = [{"type": kind, "codes": task.codes} for kind in task.types]
    return [{"ticket": str(uuid.uuid4())}, *wanted, {"format": task.format}]


def markets(task: Task) -> list[str]:
    """The markets of a task, each once: without the depth that an order book's code may carry."""
    return list(dict.fromkeys(code.partition(".")[0] for code in task.codes))


def trust(task: Task) -> None:
    """Trust the task's authority where a library makes its TLS context by itself: OpenSSL looks at this variable."""
    if task.certificate:
        os.environ["SSL_CERT_FILE"] = task.certificate
