"""The arithmetic, on numbers whose answers are known."""

import pytest
from bench.figures import goal, percentile, percentiles_us, slope, spread, told

THOUSAND = range(1, 1001)


@pytest.mark.parametrize(
    ("share", "expected"), [(50, 500), (99, 990), (99.9, 999), (100, 1000), (0.1, 1), (0.05, 1), (99.95, 1000)]
)
def test_a_percentile_is_the_smallest_number_that_so_many_do_not_exceed(share, expected):
    assert percentile(THOUSAND, share) == expected


def test_a_percentile_of_one_number_is_that_number():
    assert [percentile([7], share) for share in (1, 50, 100)] == [7, 7, 7]


def test_no_percentile_of_nothing():
    with pytest.raises(ValueError, match="0 numbers"):
        percentile([], 50)


@pytest.mark.parametrize("share", [0, -1, 100.1])
def test_no_percentile_beyond_the_numbers(share):
    with pytest.raises(ValueError, match="%"):
        percentile([1, 2], share)


def test_percentiles_do_not_depend_on_the_order_and_are_told_in_microseconds():
    mixed = sorted(THOUSAND, key=lambda number: number * 7919 % 1009)
    assert percentiles_us(number * 1000 for number in mixed) == {"p50": 500, "p99": 990, "p99.9": 999, "max": 1000}


def test_a_slope_is_that_of_the_best_line():
    assert slope([(0, 3), (1, 5), (2, 7), (3, 9)]) == pytest.approx(2)
    assert slope([(0, 0), (1, 4), (2, 0), (3, 4)]) == pytest.approx(0.8)


def test_what_is_level_has_no_slope():
    assert slope([(0, 5), (10, 5), (20, 5)]) == 0


def test_a_spread_holds_the_median_and_the_ends():
    assert spread([5.0, 1.0, 2.0]) == {"median": 2.0, "min": 1.0, "max": 5.0}
    assert spread([4.0, 2.0])["median"] == 3.0


def test_a_spread_as_text():
    assert told({"median": 2.345, "min": 1, "max": 1234.5}, 1) == "2.3 (1.0–1,234.5)"


@pytest.mark.parametrize(("value", "met"), [(1.15, True), (1.1501, False), (None, None)])
def test_a_goal_is_met_up_to_its_limit_and_not_judged_without_a_figure(value, met):
    assert goal("as fast", 1.15, value) == {"goal": "as fast", "limit": 1.15, "value": value, "met": met}
