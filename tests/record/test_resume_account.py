"""What the files of an account end with, as the next run gets to know it."""

import logging

import pytest
from tests.record.accounts import assets, order
from tests.record.test_resume import mark_of, record
from tests.record.trades import NOW, S, gap, plain

from upbit_stream.record import resume
from upbit_stream.record.resume import marks


@pytest.mark.parametrize("simple", [False, True])
def test_orders_end_as_far_as_they_got(tmp_path, simple):
    mark = mark_of(
        tmp_path,
        order("a", NOW, simple=simple),
        order("b", NOW + S, "cancel", simple=simple),
        order("a", NOW + 2 * S, "trade", "0.5", simple=simple),
        order("a", NOW + 3 * S, "wait", "0.75", stream_type="RECOVERED", simple=simple),
        order("a", NOW + 4 * S, "trade", "0.625", simple=simple),
    )
    assert mark.received_at_ns == NOW + 4 * S
    assert [(told.uuid, told.state, str(told.executed_volume)) for told in mark.messages] == [
        ("b", "cancel", "0.0"),
        ("a", "wait", "0.75"),
    ]
    assert mark.messages[1].received_at_ns == NOW + 3 * S


@pytest.mark.parametrize("simple", [False, True])
def test_balances_end_with_the_newest_of_each_currency(tmp_path, simple):
    mark = mark_of(
        tmp_path,
        assets(NOW, ("SGD", "10"), ("BTC", "1"), simple=simple),
        assets(NOW + S, ("SGD", "7.5", "2.5"), simple=simple),
        assets(NOW + 2 * S, ("BTC", "2"), stream_type="RECOVERED", simple=simple),
    )
    assert mark.received_at_ns == NOW + S
    [message] = mark.messages
    assert {asset.currency: (asset.balance, asset.locked) for asset in message.assets} == {
        "SGD": (7.5, 2.5),
        "BTC": (2, 0),
    }


def test_each_market_has_its_own_orders(tmp_path):
    record(tmp_path, order("a", NOW), order("b", NOW, code="SGD-ETH"))
    assert {mark.code: [told.uuid for told in mark.messages] for mark in marks(tmp_path)} == {
        "SGD-BTC": ["a"],
        "SGD-ETH": ["b"],
    }


@pytest.mark.parametrize("code", ["SGD-BTC", ""])
def test_orders_closed_since_a_gap_that_is_open_are_known(tmp_path, code):
    """The exchange is asked for all that was closed since it began."""
    closed = [order(str(number), NOW + number * S, "done", "1") for number in range(2000)]
    open_gap = gap(1, type_="myOrder", code=code, from_ns=NOW + 500 * S, to_ns=NOW + 510 * S)
    by_code = {}
    record(tmp_path, *closed, gaps=[open_gap])
    for mark in marks(tmp_path):
        by_code[mark.code] = mark
    assert len(by_code["SGD-BTC"].messages) == 2000 - 500 + 60
    assert (by_code[code].unfilled[0].from_ns, by_code[code].unfilled[0].to_ns) == (open_gap.from_ns, open_gap.to_ns)


def test_orders_closed_since_the_stream_was_last_alive_are_known(tmp_path):
    closed = [order(str(n), NOW + n * S, "done", "1", stream_type="RECOVERED") for n in range(1, 1500)]
    assert len(mark_of(tmp_path, order("a", NOW), *closed).messages) == 1500


def test_no_more_rows_are_looked_at_than_is_allowed(tmp_path, monkeypatch):
    monkeypatch.setattr(resume, "_MAX_MESSAGES", 3)
    mark = mark_of(tmp_path, *(order(str(number), NOW + number) for number in range(5)))
    assert [told.uuid for told in mark.messages] == ["2", "3", "4"]


def test_rows_that_are_no_orders_are_left_out(tmp_path, caplog):
    with caplog.at_level(logging.WARNING, "upbit_stream"):
        mark = mark_of(tmp_path, order("a", NOW), plain("myOrder", "SGD-BTC", NOW + S))
    assert [told.uuid for told in mark.messages] == ["a"]
    assert mark.received_at_ns == NOW + S
