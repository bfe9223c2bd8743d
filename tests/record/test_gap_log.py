import pytest
from tests.record.trades import NOW, S, gap, recovered

from upbit_stream.model.events import CLOSED_BEFORE_RECOVERED
from upbit_stream.model.marks import Mark, Unfilled
from upbit_stream.record import GapCount, read_gaps
from upbit_stream.record.gap_log import GapLog
from upbit_stream.record.gaps import GAPS, open_gaps
from upbit_stream.record.pool import FilePool


@pytest.fixture
def log(tmp_path):
    pool = FilePool(2)
    yield GapLog(tmp_path, pool)
    pool.close()


def lines(tmp_path):
    return (tmp_path / GAPS).read_bytes().splitlines()


def test_a_gap_is_written_at_once_and_again_when_it_is_filled(tmp_path, log):
    assert not (tmp_path / GAPS).exists()
    log.noticed(gap(1))
    [noticed] = read_gaps(tmp_path)
    assert (noticed.state, noticed.reason, noticed.from_ns, noticed.to_ns) == ("open", "reset", NOW, NOW + 10 * S)
    log.recovered(recovered(1, count=0))
    [settled] = read_gaps(tmp_path)
    assert (settled.gap, settled.state, settled.recovered, settled.reason) == (noticed.gap, "recovered", 0, "reset")
    assert len(lines(tmp_path)) == 2


def test_a_gap_that_cannot_be_filled_says_why_at_once_or_later(tmp_path, log):
    log.noticed(gap(1, type_="orderbook", lost="order books have no history"))
    log.noticed(gap(2))
    log.noticed(gap(2, lost="too long ago"))
    assert [(row.type, row.state, row.why) for row in read_gaps(tmp_path)] == [
        ("orderbook", "lost", "order books have no history"),
        ("trade", "lost", "too long ago"),
    ]
    assert len(lines(tmp_path)) == 3


@pytest.mark.parametrize("told_before", [True, False])
def test_a_gap_that_the_closing_stream_left_stays_open(tmp_path, log, told_before):
    if told_before:
        log.noticed(gap(1))
    log.noticed(gap(1, lost=CLOSED_BEFORE_RECOVERED))
    [row] = open_gaps(tmp_path)
    assert row.why == ""
    assert len(lines(tmp_path)) == 1
    assert log.count() == GapCount(noticed=1, open=1)


def test_two_runs_never_share_a_name(tmp_path, log):
    log.noticed(gap(1))
    GapLog(tmp_path, FilePool(1)).noticed(gap(1))
    assert len({row.gap for row in read_gaps(tmp_path)}) == 2
    assert all(row.gap.endswith("-1") for row in read_gaps(tmp_path))


def test_a_gap_of_an_earlier_run_is_settled_under_its_name(tmp_path, log):
    unfilled = Unfilled(from_ns=NOW, to_ns=NOW + 10 * S, reason="reset", key="earlier-7")
    log.adopt([Mark(type="trade", code="SGD-BTC", received_at_ns=NOW, unfilled=(unfilled,))])
    log.noticed(gap(1, code="SGD-ETH"))
    log.noticed(gap(2, to_ns=NOW + 11 * S))
    log.noticed(gap(3))
    log.noticed(gap(4))
    log.recovered(recovered(3, count=5))
    rows = {row.gap.rpartition("-")[2]: row for row in read_gaps(tmp_path)}
    assert rows["7"].gap == "earlier-7"
    assert (rows["7"].state, rows["7"].recovered) == ("recovered", 5)
    assert rows.keys() == {"1", "2", "7", "4"}  # the fourth is another gap, although it looks the same


def test_what_was_recovered_of_an_unknown_gap_is_written_too(tmp_path, log):
    log.recovered(recovered(9, count=2))
    [row] = read_gaps(tmp_path)
    assert (row.state, row.recovered, row.from_ns) == ("recovered", 2, NOW)


def test_gaps_are_counted(log):
    for number in range(1, 7):
        log.noticed(gap(number))
    log.recovered(recovered(1, count=3))
    log.recovered(recovered(2, count=4))
    log.noticed(gap(3, lost="too long ago"))
    log.noticed(gap(4, lost=CLOSED_BEFORE_RECOVERED))
    assert log.count() == GapCount(noticed=6, filled=2, messages=7, lost=1, open=3)


def test_a_torn_row_is_cut_at_the_start(tmp_path, log):
    log.noticed(gap(1))
    whole = (tmp_path / GAPS).read_bytes()
    (tmp_path / GAPS).write_bytes(whole + whole[:50])
    pool = FilePool(1)
    GapLog(tmp_path, pool)
    assert (tmp_path / GAPS).read_bytes() == whole
    assert pool.cut_bytes == 50
    pool.close()
