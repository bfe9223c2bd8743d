"""How long a piece of a gap is asked for at a time.

Owns the rule: as long as pays. A quiet gap is one piece; a busy one is cut so that the rows of a piece, which have to
be held until its oldest is known, stay few. Knows nothing of rows or requests. Times are ms.
"""

from __future__ import annotations


class Pace:
    """The length of the next piece, learned from the pages that the ones before it took.

    It begins with ``most_ms``, since most gaps are quiet or short, and is never below ``least_ms``. A piece that takes
    more than ``most_pages`` is too long.

    >>> pace = Pace(least_ms=1_000, most_ms=86_400_000, most_pages=16)
    >>> pace.too_long(60_000, 3_000)
    >>> pace.length_ms
    24000
    """

    def __init__(self, *, least_ms: int, most_ms: int, most_pages: int) -> None:
        self.length_ms = max(least_ms, most_ms)
        self._least_ms = least_ms
        self._most_ms = self.length_ms
        self._few_pages, self._many_pages = most_pages // 4, most_pages // 2

    def took(self, pages: int) -> None:
        """A piece was complete after so many pages; the next is to take a quarter to half of ``most_pages``."""
        if pages <= self._few_pages:
            self.length_ms = min(self._most_ms, self.length_ms * 2)
        elif pages > self._many_pages:
            self.length_ms = max(self._least_ms, self.length_ms // 2)

    def too_long(self, covered_ms: int, page_ms: int) -> None:
        """A piece was given up after as many pages as may be held.

        They covered so much of it, and the last of them, which lies where it became too much, so much.
        """
        dense_ms = page_ms * self._many_pages
        self.length_ms = max(self._least_ms, min(covered_ms // 2, self.length_ms // 2, dense_ms))
