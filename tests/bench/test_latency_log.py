"""The stamps of both sides, and how they are joined."""

import json

import pytest
from bench.latency_log import RECEIVED, LatencyLog, StampsDisagree, join, read

SENT = [(11, 1000), (12, 2000), (13, 2000), (14, 3000)]


def test_each_message_took_from_its_own_stamp_in_the_order_sent():
    received = [(12, 2500), (11, 2600), (14, 3001), (13, 2700)]
    assert join(SENT, received) == [1600, 500, 700, 1]


def test_the_first_messages_are_skipped_in_the_order_sent():
    received = [(14, 3001), (13, 2700), (12, 2500), (11, 2600)]
    assert join(SENT, received, skip=2) == [700, 1]


def test_a_message_that_did_not_come_is_told_even_if_it_would_be_skipped():
    with pytest.raises(StampsDisagree, match="1 of 4 messages did not come, the first is 11"):
        join(SENT, [(12, 2500), (13, 2700), (14, 3001)], skip=2)


def test_a_message_that_came_twice_is_told():
    with pytest.raises(StampsDisagree, match="1 of 3 messages came twice"):
        join([(1, 0), (2, 0)], [(1, 5), (2, 5), (1, 6)])


def test_a_message_that_nobody_sent_is_told():
    with pytest.raises(StampsDisagree, match="1 messages came that were not sent"):
        join([(1, 0)], [(1, 5), (2, 5)])


def test_an_id_that_was_sent_twice_is_told():
    with pytest.raises(StampsDisagree, match="an id twice"):
        join([(1, 0), (1, 1)], [(1, 5)])


def test_a_message_before_its_time_is_told():
    with pytest.raises(StampsDisagree, match="before it was sent"):
        join([(1, 10)], [(1, 9)])


def test_no_log_where_latency_is_not_asked_for(tmp_path):
    assert LatencyLog.from_arguments([json.dumps({"directory": str(tmp_path)})]) is None


def test_what_was_noted_is_read_back_in_order(tmp_path):
    log = LatencyLog.from_arguments([json.dumps({"latency": str(tmp_path)})])
    assert log is not None
    log.note_all([17_000_000_000_000_001, 17_000_000_000_000_002], 5)
    log.note(3)
    log.save()
    found = read(tmp_path / RECEIVED)
    assert found[:2] == [(17_000_000_000_000_001, 5), (17_000_000_000_000_002, 5)]
    assert len(log) == len(found) == 3


def test_notes_are_of_rising_times(tmp_path):
    log = LatencyLog(tmp_path / "log")
    for sequential_id in range(100):
        log.note(sequential_id)
    log.save()
    times = [at for _, at in read(tmp_path / "log")]
    assert times == sorted(times)
    assert times[0] > 0
