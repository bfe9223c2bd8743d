import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.record.recordings import MS, START_MS, lines_of, record, trade, verified

from upbit_stream.errors import UsageError
from upbit_stream.model.events import Gap, Recovered
from upbit_stream.model.raw import RawMessage
from upbit_stream.record import Recorder
from upbit_stream.record.verify import Verification
from upbit_stream.record.verify_report import BadLine, Repeated

FILE = "SGD-BTC_trade.jsonl"
NOW = START_MS * MS


@pytest.fixture
def recording(tmp_path):
    return record(tmp_path, *(trade(n) for n in range(1, 11)))


def found_in(directory):
    files, report = verified(directory)
    assert report.is_whole == (not files[FILE].wrong)
    return files[FILE]


def test_a_recording_is_told_by_its_files(recording):
    file = found_in(record(recording, trade(11, stream_type="RECOVERED"), received_ms=START_MS + 10))
    assert (file.type, file.code, file.rows, file.recovered_rows) == ("trade", "SGD-BTC", 11, 1)
    assert (file.first_received_at_ns, file.last_received_at_ns) == (NOW, NOW + 10 * MS)
    assert (file.bytes, file.wrong) == ((recording / FILE).stat().st_size, ())


messages = st.lists(
    st.tuples(
        st.sampled_from(["trade", "orderbook", "new", "myThing"]),
        st.sampled_from(["SGD-BTC", "KRW-../x", ""]),
        st.booleans(),
    )
)


@given(messages)
def test_what_the_recorder_writes_is_whole(tmp_path_factory, wanted):
    directory = tmp_path_factory.mktemp("data")
    with Recorder(directory) as recorder:
        recorder.write(RawMessage(b"\xff", "", "", NOW))
        for number, (type_, code, simple) in enumerate(wanted, 1):
            payload = json.dumps({"ty" if simple else "type": type_, "cd" if simple else "code": code}).encode()
            if type_ == "orderbook" and code:
                continue
            if type_ == "trade":
                payload = trade(number, code=code, simple=simple)
            recorder.write(RawMessage(payload, type_, code, NOW + number))
    files, report = verified(directory)
    assert report.is_whole, {name: file.malformed.named for name, file in files.items()}
    assert sum(file.rows for file in files.values()) == 1 + sum(
        not (type_ == "orderbook" and code) for type_, code, _ in wanted
    )
    assert (report.malformed_payloads, report.foreign) == (1, [])


# what is wrong


def test_a_torn_last_line(recording):
    with (recording / FILE).open("ab") as file:
        file.write(b'{"type":"tr')
    file = found_in(recording)
    assert (file.torn_bytes, file.rows, file.wrong) == (11, 10, ("torn",))


def test_a_line_that_a_recorder_is_writing_is_not_torn(tmp_path):
    with Recorder(tmp_path) as recorder:
        recorder.flush()
        (tmp_path / FILE).write_bytes(b'{"type":"tr')
        file = found_in(tmp_path)
        assert (file.torn_bytes, file.is_being_written, file.wrong) == (11, True, ())
    assert found_in(tmp_path).wrong == ("torn",)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "Input data was truncated"),
        (b"\0" * 200, "malformed"),
        (b'{"type":"trade","code":"SGD-BTC"', "truncated"),
        (b"[]", "no message"),
        (b'[{"type":"new","received_at_ns":1760000000000000000},{"type":"new"}]', "no message"),
        (b" [" + trade(99)[:-1] + b',"received_at_ns":1760000000000000000}]', "no message"),
        (b'{"status":"UP"}', "no message"),
        (b'{"received_at_ns":1760000000000000000}', "names no type"),
        (b'{"type":"trade","code":"SGD-BTC","received_at_ns":1760000000000000000}', "missing required field"),
        (trade(99), "no received_at_ns"),
        (trade(99)[:-1] + b',"received_at_ns":17}', "is no time"),
        (trade(99)[:-1] + b',"received_at_ns":-1}', "is no time"),
        (trade(0)[:-1] + b',"received_at_ns":1760000000000000000}', "sequential_id"),
        (trade(1 << 63)[:-1] + b',"received_at_ns":1760000000000000000}', "sequential_id"),
        (trade(99, 17)[:-1] + b',"received_at_ns":1760000000000000000}', "trade_timestamp"),
    ],
)
def test_a_line_that_is_no_row(recording, line, reason):
    lines = lines_of(recording / FILE)
    lines.insert(4, line + b"\n")
    (recording / FILE).write_bytes(b"".join(lines))
    file = found_in(recording)
    [bad] = file.malformed.named
    assert (bad.line, file.rows, file.wrong) == (5, 10, ("malformed",))
    assert reason in bad.reason


@pytest.mark.parametrize("payload", [trade(99, code="SGD-ETH"), b'{"ty":"ticker","cd":"SGD-BTC"}', b'{"type":"x"}'])
def test_a_row_of_another_stream(recording, tmp_path_factory, payload):
    other = record(tmp_path_factory.mktemp("other"), payload)
    with (recording / FILE).open("ab") as file:
        file.write((other / FILE).read_bytes())
    file = found_in(recording)
    assert (file.rows, file.wrong) == (10, ("strays",))
    assert file.strays.named[0].line == 11


def test_a_trade_that_is_there_twice(recording):
    record(recording, trade(3, stream_type="RECOVERED"), trade(7), trade(7), received_ms=START_MS + 20)
    file = found_in(recording)
    assert file.duplicates.named == [Repeated(3, 2), Repeated(7, 3)]
    assert file.wrong == ("duplicates",)


def test_the_same_message_twice_is_right_for_other_types(tmp_path):
    payload = b'{"type":"new","code":"SGD-BTC"}'
    files, report = verified(record(tmp_path, payload, payload, type_="new"))
    assert (files["SGD-BTC_new.jsonl"].rows, report.is_whole) == (2, True)


def test_a_file_that_cannot_be_read(recording, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)
    file, _ = next(Verification(recording).files())
    assert (file.error, file.wrong) == ("cannot be read: Permission denied", ("error",))


# what is told and not wrong


def test_order_by_reception_and_by_execution(tmp_path):
    record(tmp_path, trade(1), trade(2), received_ms=START_MS + 100)
    record(tmp_path, trade(3), trade(4, START_MS), received_ms=START_MS)
    record(tmp_path, trade(5, START_MS - 5, stream_type="RECOVERED"), received_ms=START_MS + 200)
    for id_ in (6, 7):
        record(tmp_path, trade(id_), received_ms=START_MS + 150)
    file = found_in(tmp_path)
    assert (file.earlier, file.out_of_order, file.wrong) == (2, 1, ())
    assert (file.first_received_at_ns, file.last_received_at_ns) == (NOW + 100 * MS, NOW + 200 * MS)


def test_what_the_exchange_sent_unreadable(tmp_path):
    record(tmp_path, b'{"type":"trade"}', code="")  # so it calls itself, and no stream has that name
    record(tmp_path, b"\xff", b"", type_="", code="")
    files, report = verified(tmp_path)
    assert files["trade.jsonl"].unreadable == 1
    assert (report.malformed_payloads, report.is_whole) == (2, True)


def test_files_of_another_make_are_left_alone(recording):
    (recording / "notes.jsonl").write_bytes(b'{"of":"another make"}\nnonsense')
    (recording / "link.jsonl").symlink_to(recording / "notes.jsonl")
    _, report = verified(recording)
    assert (report.foreign, report.is_whole) == (["notes.jsonl"], True)


def test_a_stream_of_nothing_but_garbage_is_no_file_of_another_make(tmp_path):
    (tmp_path / FILE).write_bytes(b"nonsense\n")
    assert found_in(tmp_path).wrong == ("malformed",)


@pytest.mark.parametrize("name", ["malformed.jsonl", "gaps.jsonl"])
def test_the_files_beside_the_streams_are_read_too(recording, name):
    (recording / name).write_bytes(b'{"of":"another make"}\n{"payload_base6')
    files, report = verified(recording)
    assert (files[name].wrong, report.is_whole) == (("torn", "malformed"), False)


# gaps


def gap(type_="trade", code="SGD-BTC", number=1, lost=""):
    return Gap(
        at_ns=NOW,
        number=number,
        message_type=type_,
        code=code,
        from_ns=NOW,
        to_ns=NOW + 5,
        reason="reset",
        lost=lost,
    )


def recovered(number=1, count=3):
    return Recovered(
        at_ns=NOW, number=number, message_type="trade", code="SGD-BTC", from_ns=NOW, to_ns=NOW + 5, count=count
    )


def test_gaps_are_counted_by_how_they_ended(recording):
    with Recorder(recording) as recorder:
        for event in (gap(number=1), gap(number=2), gap(number=3), gap(number=4, lost="gone")):
            recorder.gap(event)
        recorder.recovered(recovered(1))
        recorder.recovered(recovered(2, 0))
    file = found_in(recording)
    gaps = file.gaps
    assert (gaps.noticed, gaps.recovered, gaps.lost, gaps.open, gaps.messages) == (4, 2, 1, 1, 3)
    assert [(row.state, row.why) for row in gaps.unfilled.named] == [("open", ""), ("lost", "gone")]
    assert file.wrong == ("gaps_lost", "gaps_open", "recovered_missing")
    assert file.recovered_missing == 3  # the file holds no row that was recovered


@pytest.mark.parametrize("lost", ["", "nothing can bring it back"])
@pytest.mark.parametrize(
    ("type_", "name", "is_whole"),
    [
        ("trade", "SGD-ETH_trade.jsonl", False),
        ("candle.1m", "SGD-ETH_candle.1m.jsonl", False),
        ("myOrder", "SGD-ETH_myOrder.jsonl", False),
        ("orderbook", "SGD-ETH_orderbook.jsonl", True),
        ("ticker", "SGD-ETH_ticker.jsonl", True),
    ],
)
def test_gaps_of_what_can_be_recovered_are_wrong(recording, type_, name, is_whole, lost):
    with Recorder(recording) as recorder:
        recorder.gap(gap(type_, "SGD-ETH", lost=lost))
    files, report = verified(recording)
    assert report.is_whole == is_whole
    assert (files[name].rows, files[name].gaps.noticed) == (0, 1)


def test_the_gap_of_an_order_book_of_some_depth_is_that_of_its_market(recording):
    with Recorder(recording) as recorder:
        recorder.gap(gap("orderbook", "SGD-BTC.15", lost="no history"))
    assert verified(recording)[0]["SGD-BTC_orderbook.jsonl"].gaps.lost == 1


def test_the_gaps_of_an_account_have_no_code(recording):
    with Recorder(recording) as recorder:
        recorder.gap(gap("myAsset", ""))
    assert verified(recording)[0]["myAsset.jsonl"].wrong == ("gaps_open",)


# what is no recording


def test_where_nothing_was_recorded(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    for directory, reason in [("none", "no directory"), ("file", "no directory"), ("empty", "no recording")]:
        with pytest.raises(UsageError, match=reason):
            Verification(tmp_path / directory)
    (tmp_path / "empty" / "notes.jsonl").write_bytes(b"{}\n")
    with pytest.raises(UsageError, match="no recording"):
        verified(tmp_path / "empty")


def test_only_so_much_is_named(recording):
    with (recording / FILE).open("ab") as file:
        file.write(b"x\n" * 1000)
    files, _ = verified(recording, limit=2)
    tally = files[FILE].malformed
    assert (tally.count, [bad.line for bad in tally.named]) == (1000, [11, 12])
    assert isinstance(tally.named[0], BadLine)


def test_a_row_that_is_read_while_it_is_written_is_left_for_the_next_time(recording):
    sizes = []
    verification = Verification(recording)
    with (recording / FILE).open("ab") as grows:

        def grow(count):
            sizes.append(count)
            grows.write(trade(99) + b"\n")
            grows.flush()

        [(file, _)] = verification.files(grow)
    assert (sum(sizes), file.bytes, file.rows) == (verification.bytes, verification.bytes, 10)
