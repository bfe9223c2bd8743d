"""How much of the long tests is run: all on the source tree, little on the wheel, which only has to be whole."""

from __future__ import annotations

import os

IS_WHEEL = "UPBIT_STREAM_WHEEL_ENV" in os.environ


def extent(all_of_it: int, on_the_wheel: int) -> int:
    """How often to do a thing."""
    return on_the_wheel if IS_WHEEL else all_of_it
