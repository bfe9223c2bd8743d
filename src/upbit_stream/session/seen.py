"""The ids that the receiving path looks at.

Owns two dictionaries. Their turning is the ledger's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from upbit_stream.native import native


class PythonSeen:
    """``new`` is written by the receiving path itself: ids to codes. ``old`` holds those shortly before."""

    def __init__(self) -> None:
        self.new: dict[int, str] = {}
        self.old: dict[int, str] = {}

    def add_again(self, code: str, sequential_id: int) -> bool:
        """Note a trade whose id is in one of the two, perhaps of another market. False: it was received before."""
        raise NotImplementedError


if TYPE_CHECKING:
    Seen = PythonSeen
else:
    Seen = PythonSeen if native is None else native.Seen
