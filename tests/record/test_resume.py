import logging

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.record.trades import NOW, S, candle, gap, plain, recovered, trade

from upbit_stream.errors import RecordingError
from upbit_stream.model.marks import Mark, Unfilled
from upbit_stream.record import Recorder, read_gaps
from upbit_stream.record.gaps import GAPS
from upbit_stream.record.resume import marks

TRADES = "SGD-BTC_trade.jsonl"
REACH = 300 * S
DAY = 86_400 * S


def record(directory, *messages, gaps=()):
    with Recorder(directory) as recorder:
        for event in gaps:
            recorder.gap(event)
        for message in messages:
            recorder.write(message)


def mark_of(directory, *messages, gaps=()):
    record(directory, *messages, gaps=gaps)
    [mark] = marks(directory)
    return mark


@pytest.mark.parametrize("simple", [False, True])
def test_trades_end_with_their_ids_and_times(tmp_path, simple):
    mark = mark_of(tmp_path, *(trade(n, NOW + n * S, simple=simple) for n in range(1, 4)))
    assert mark == Mark(
        type="trade",
        code="SGD-BTC",
        received_at_ns=NOW + 3 * S,
        trades={n: NOW + n * S for n in (1, 2, 3)},
        first_trade=(1, (NOW + S) // 1_000_000),
    )


def began(directory, *messages, gaps=()):
    return mark_of(directory, *messages, gaps=gaps).first_trade


@pytest.mark.parametrize("simple", [False, True])
def test_a_recording_of_trades_began_with_its_first_row(tmp_path, simple):
    """Also where the row after it was traded earlier, and the file is large."""
    first = trade(7, NOW, traded_ns=NOW - DAY, simple=simple, stream_type="SNAPSHOT")
    rows = [trade(n, NOW + n, traded_ns=NOW - 2 * DAY) for n in range(8, 2000)]
    assert began(tmp_path, first, *rows) == (7, (NOW - DAY) // 1_000_000)


def test_what_is_no_row_of_its_own_is_no_beginning(tmp_path):
    (tmp_path / TRADES).write_bytes(
        b'nonsense\n{"type":"trade","code":"SGD-ETH","sequential_id":9,"received_at_ns":1}\n'
    )
    assert began(tmp_path, trade(7, NOW)) == (7, NOW // 1_000_000)


def test_what_was_recovered_is_no_beginning(tmp_path):
    assert began(tmp_path, trade(7, NOW, stream_type="RECOVERED"), trade(8, NOW + S)) is None


def test_a_first_row_after_a_gap_that_is_open_is_no_beginning(tmp_path):
    """What is missing was traded before it."""
    open_gap = gap(1, from_ns=NOW, to_ns=NOW + 10 * S)
    first = trade(7, NOW + 10 * S)
    assert began(tmp_path / "after", first, gaps=[open_gap]) is None
    assert began(tmp_path / "filled", first, gaps=[open_gap, gap(1, lost="too long ago")]) == (7, NOW // 10**6 + 10_000)
    # A gap begins with the last row before it, or a little earlier.
    assert began(tmp_path / "before", trade(7, NOW + S // 2), gaps=[open_gap]) == (7, NOW // 10**6 + 500)


def test_of_trades_the_last_300_s_are_known_and_1000_at_least(tmp_path):
    quiet = [trade(n, NOW + n * S) for n in range(1, 1501)]
    assert sorted(mark_of(tmp_path / "quiet", *quiet).trades) == list(range(501, 1501))
    busy = [trade(n, NOW + n * S // 5) for n in range(1, 2001)]
    assert sorted(mark_of(tmp_path / "busy", *busy).trades) == list(range(500, 2001))


def test_a_stream_was_last_alive_when_something_came_live(tmp_path):
    """What was recovered may come while the stream is down, in a gap that nobody has noticed yet."""
    rows = [trade(1, NOW), *(trade(n, NOW + 400 * S, traded_ns=NOW, stream_type="RECOVERED") for n in range(2, 1500))]
    mark = mark_of(tmp_path, trade(0, NOW - REACH - 1), *rows)
    assert mark.received_at_ns == NOW
    assert sorted(mark.trades) == list(range(1, 1500))


def test_where_all_was_recovered_the_earliest_moment_counts(tmp_path):
    rows = (trade(1 + n, NOW + n * S, stream_type="RECOVERED") for n in range(3))
    assert mark_of(tmp_path, *rows).received_at_ns == NOW


def test_a_clock_that_was_set_back_does_not_make_the_whole_file_recent(tmp_path):
    old = [trade(n, NOW + DAY + n) for n in range(1, 3000)]
    mark = mark_of(tmp_path, *old, trade(5000, NOW))
    assert mark.received_at_ns == NOW
    assert len(mark.trades) == 1000


@pytest.mark.parametrize("simple", [False, True])
def test_candles_end_with_their_last_states(tmp_path, simple):
    begins = [f"2026-09-21T14:{n:02}:00" for n in range(10)]
    rows = [candle(b, NOW + n * 100 * S, stamp=n, volume=0.5, simple=simple) for n, b in enumerate(begins)]
    again = candle(begins[8], NOW + 901 * S, stamp=77, volume=2.5, stream_type="RECOVERED", simple=simple)
    mark = mark_of(tmp_path, *rows, again)
    assert (mark.type, mark.received_at_ns) == ("candle.1m", NOW + 900 * S)
    assert mark.candles == {begins[6]: (6, 0.5), begins[7]: (7, 0.5), begins[8]: (77, 2.5), begins[9]: (9, 0.5)}


def test_of_candles_four_are_known_at_least_and_the_newest_400_at_most(tmp_path):
    begins = [f"2026-09-21T{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}" for n in range(3000)]
    rare = [candle(b, NOW + n * 1000 * S) for n, b in enumerate(begins[:9])]
    assert sorted(mark_of(tmp_path / "rare", *rare).candles) == begins[5:9]
    # The newest candles are live and stand first; what was recovered after them is older.
    late = (candle(b, NOW + S, stream_type="RECOVERED", unit="1s") for b in begins[:2500])
    busy = [*(candle(b, NOW, unit="1s") for b in begins[2500:]), *late]
    assert sorted(mark_of(tmp_path / "busy", *busy).candles) == begins[2600:]


@pytest.mark.parametrize(
    ("type_", "code"),
    [("orderbook", "SGD-BTC"), ("ticker", "SGD-BTC"), ("myOrder", "SGD-BTC"), ("myAsset", "")],
)
def test_other_types_have_their_time(tmp_path, type_, code):
    mark = mark_of(tmp_path, plain(type_, code, NOW), plain(type_, code, NOW + S))
    assert mark == Mark(type=type_, code=code, received_at_ns=NOW + S)


def test_what_this_version_does_not_know_has_no_mark(tmp_path, caplog):
    record(tmp_path, plain("new", "SGD-BTC", NOW), gaps=[gap(1, type_="newer")])
    assert marks(tmp_path) == []
    assert caplog.records == []


def test_a_gap_that_stayed_open_is_told_with_what_is_known_around_it(tmp_path):
    before, within, after = NOW - REACH, NOW + 5 * S, NOW + 10 * S + REACH
    rows = [
        trade(1, before - S),
        trade(2, before),
        trade(3, NOW),
        trade(4, after),
        trade(5, after + S),
        *(trade(n, after + 2 * DAY + n) for n in range(100, 2000)),
        trade(6, after + 2 * DAY + S, traded_ns=within, stream_type="RECOVERED"),
        trade(7, after + 2 * DAY + S, traded_ns=within + 6 * REACH, stream_type="RECOVERED"),
    ]
    settled = [gap(2, from_ns=NOW + S), gap(2, from_ns=NOW + S, lost="too long ago")]
    mark = mark_of(tmp_path, *rows, gaps=[gap(1), *settled, gap(3, from_ns=NOW + DAY, to_ns=NOW + DAY + S)])
    keys = [row.gap for row in read_gaps(tmp_path) if row.state == "open"]
    assert mark.unfilled == (
        Unfilled(from_ns=NOW, to_ns=NOW + 10 * S, reason="reset", key=keys[0], trades=frozenset({2, 3, 4, 6})),
        Unfilled(from_ns=NOW + DAY, to_ns=NOW + DAY + S, reason="reset", key=keys[1]),
    )


def test_a_gap_beyond_what_the_exchange_keeps_costs_no_reading(tmp_path):
    rows = [trade(n, NOW + n * DAY // 100) for n in range(4000)]
    mark = mark_of(tmp_path, *rows, gaps=[gap(1)])
    assert [len(gap.trades) for gap in mark.unfilled] == [0]


def test_a_gap_of_a_stream_without_a_file_is_told_too(tmp_path):
    record(tmp_path, plain("myOrder", "SGD-BTC", NOW), gaps=[gap(1, type_="myOrder", code="")])
    by_code = {mark.code: mark for mark in marks(tmp_path)}
    assert by_code["SGD-BTC"].unfilled == ()
    assert by_code[""].received_at_ns == NOW + 10 * S
    assert [(gap.from_ns, gap.to_ns) for gap in by_code[""].unfilled] == [(NOW, NOW + 10 * S)]


def test_what_cannot_be_read_is_told_and_left_out(tmp_path, caplog):
    record(tmp_path, trade(1, NOW), trade(1, NOW, code="SGD-ETH"), plain("", "", NOW))
    (tmp_path / "notes.jsonl").write_bytes(b"hello\n" * 5000)
    (tmp_path / "backup.jsonl").write_bytes((tmp_path / TRADES).read_bytes())
    (tmp_path / "empty.jsonl").write_bytes(b"")
    (tmp_path / "link.jsonl").symlink_to(tmp_path / TRADES)
    (tmp_path / "folder.jsonl").mkdir()
    with caplog.at_level(logging.WARNING, "upbit_stream"):
        assert [mark.code for mark in marks(tmp_path)] == ["SGD-BTC", "SGD-ETH"]
    told = [record.getMessage() for record in caplog.records]
    assert [text.partition(".jsonl")[0].rpartition("/")[2] for text in told] == ["backup", "notes"]


def test_lines_that_are_no_rows_are_left_out_and_told_once(tmp_path, caplog):
    record(tmp_path, trade(1, NOW))
    bad = [b"nonsense", b'{"type":"trade","code":"SGD-BTC","sequential_id":9}', b"\xff", b"[]", b""]
    bad += [b'{"type":"trade","code":"SGD-ETH","sequential_id":9,"received_at_ns":1}']
    bad += [b'{"type":"trade","code":"SGD-BTC","received_at_ns":1790000000000000001}']
    with (tmp_path / TRADES).open("ab") as file:
        file.write(b"\n".join(bad) + b"\n")
    record(tmp_path, trade(2, NOW + S))
    with caplog.at_level(logging.WARNING, "upbit_stream"):
        [mark] = marks(tmp_path)
    assert mark.trades == {1: NOW, 2: NOW + S}
    assert len(caplog.records) == 1


def test_a_directory_that_is_not_there_is_told(tmp_path):
    with pytest.raises(RecordingError, match="cannot look through"):
        marks(tmp_path / "none")


IDS = st.integers(1, 30)
ROWS = st.lists(st.tuples(IDS, st.integers(0, 900), st.sampled_from(["REALTIME", "RECOVERED"])), max_size=40)
GAPS_MADE = st.lists(st.tuples(st.integers(1, 4), st.sampled_from(["open", "recovered", "lost"])), max_size=8)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS, GAPS_MADE, st.booleans(), st.data())
@example([], [(1, "open")], False, None)
def test_marks_agree_with_the_rows_wherever_the_files_end(tmp_path_factory, made, gaps_made, simple, data):
    """Whatever was on its way to the disk when the process died."""
    directory = tmp_path_factory.mktemp("data")
    received = sorted(at for _, at, _ in made)
    rows = [
        (id_, NOW + at * S, kind) for (id_, _, kind), at in zip(made, received, strict=True)
    ]  # received in order, as a clock that is not set gives it
    with Recorder(directory) as recorder:
        for id_, at_ns, kind in rows:
            recorder.write(trade(id_, at_ns, stream_type=kind, simple=simple))
        for number, state in gaps_made:
            span = {"from_ns": NOW + number * 200 * S, "to_ns": NOW + (number * 200 + 50) * S}
            if state == "recovered":
                recorder.recovered(recovered(number, **span))
            else:
                recorder.gap(gap(number, lost="" if state == "open" else "too long ago", **span))
    for name in (TRADES, GAPS):
        path = directory / name
        if data is not None and path.exists():
            content = path.read_bytes()
            path.write_bytes(content[: data.draw(st.integers(0, len(content)), name)])
    kept = rows[: (directory / TRADES).read_bytes().count(b"\n")] if (directory / TRADES).exists() else []
    still_open = [row for row in read_gaps(directory) if row.state == "open"]

    found = marks(directory)

    assert len(found) == bool(kept or still_open)
    for mark in found:
        live = [at_ns for _, at_ns, kind in kept if kind != "RECOVERED"]
        if kept:
            assert mark.received_at_ns == (max(live) if live else kept[0][1])
        assert mark.trades == {id_: at_ns for id_, at_ns, _ in kept}
        if mark.first_trade is not None:
            assert mark.first_trade == (kept[0][0], kept[0][1] // 1_000_000)
        assert sorted(gap.key for gap in mark.unfilled) == sorted(row.gap for row in still_open)
        for unfilled in mark.unfilled:
            near = (unfilled.from_ns - REACH, unfilled.to_ns + REACH)
            assert unfilled.trades == {id_ for id_, at_ns, _ in kept if near[0] <= at_ns <= near[1]}
