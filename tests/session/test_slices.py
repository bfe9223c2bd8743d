"""How long the next piece of a gap is."""

from __future__ import annotations

import pytest

from upbit_stream.session.slices import Pace


@pytest.mark.parametrize(
    ("pages", "length_ms"), [(1, 8_000), (4, 8_000), (5, 4_000), (8, 4_000), (9, 2_000), (15, 2_000)]
)
def test_the_next_piece_is_to_take_a_quarter_to_half_of_the_pages(pages: int, length_ms: int) -> None:
    pace = Pace(least_ms=1_000, most_ms=64_000, most_pages=16)
    pace.too_long(8_000, 500)
    assert pace.length_ms == 4_000
    pace.took(pages)
    assert pace.length_ms == length_ms


def test_a_piece_has_a_least_and_a_greatest_length() -> None:
    pace = Pace(least_ms=1_000, most_ms=5_000, most_pages=16)
    assert pace.length_ms == 5_000
    pace.took(1)
    assert pace.length_ms == 5_000
    pace.too_long(3, 1)
    pace.took(15)
    assert pace.length_ms == 1_000
    assert Pace(least_ms=1_000, most_ms=5, most_pages=16).length_ms == 1_000


def test_what_was_too_long_gets_shorter() -> None:
    pace = Pace(least_ms=1, most_ms=1_000, most_pages=16)
    pace.too_long(10_000, 600)
    assert pace.length_ms == 500
    pace.too_long(400, 25)
    assert pace.length_ms == 200
    pace.too_long(200, 2)
    assert pace.length_ms == 16, "what lies in the last page is denser"
