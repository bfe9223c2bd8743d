from decimal import Decimal

import pytest

from upbit_stream.model.progress import amount, is_final, rank


def test_states_follow_each_other():
    ranks = [rank(state) for state in ("watch", "wait", "trade", "done")]
    assert ranks == sorted(set(ranks))
    assert rank("done") == rank("cancel")
    assert rank("prevented") == rank("trade")


@pytest.mark.parametrize("state", ["watch", "wait", "trade", "prevented", "halted", ""])
def test_nothing_is_final_but_done_and_cancel(state):
    assert not is_final(state)
    assert is_final("done")
    assert is_final("cancel")


def test_a_state_of_a_later_version_is_no_step_back():
    assert rank("halted") >= rank("trade")


@pytest.mark.parametrize("value", [None, Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity")])
def test_what_is_no_number_is_nothing(value):
    assert amount(value) == 0
    assert amount(Decimal("0.10")) == Decimal("0.1")
