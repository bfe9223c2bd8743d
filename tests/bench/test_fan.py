"""What every connection is sent, and that none is ahead of another."""

import json
import threading

from bench.fan import abreast, messages_of, prepared, snapshots
from bench.loads import LOADS
from bench.served import Served

CODES = ("KRW-BTC", "KRW-ETH", "KRW-XRP")
A, C = LOADS["A"], LOADS["C"]


class Client(Served):
    """Takes what is sent, and notes in a common list who got which piece."""

    def __init__(self, name, story):
        self.name = name
        self.story = story

    def send(self, frames):
        self.story.append((frames, self.name))

    def attend(self, wait_s=0.0):
        pass


def test_a_snapshot_of_every_type_and_code():
    found = [json.loads(payload) for payload in snapshots(A, CODES)]
    assert sorted((one["ty"], one["cd"]) for one in found) == sorted(
        (kind, code) for kind in ("trade", "orderbook") for code in CODES
    )
    assert {one["st"] for one in found} == {"SNAPSHOT"}


def test_a_load_of_one_type_has_snapshots_of_that():
    found = [json.loads(payload) for payload in snapshots(C, CODES)]
    assert [(one["type"], one["code"], one["stream_type"]) for one in found] == [
        ("ticker", code, "SNAPSHOT") for code in CODES
    ]


def test_snapshots_come_first_and_are_older_than_all_that_follows():
    total = messages_of(A, CODES, 2)
    first, *rest = prepared(A, CODES, total)()
    assert len(rest) == 2
    assert total == 6 + 2000
    assert first.count(b'"SNAPSHOT"') == 6
    assert b"".join(rest).count(b'"REALTIME"') == 2000
    ids = [int(part.partition(b",")[0]) for part in b"".join([first, *rest]).split(b'"sid":')[1:]]
    assert len(ids) == len(set(ids)) == 3 + 1600
    assert max(ids[:3]) < min(ids[3:])


def test_what_was_prepared_can_be_sent_to_each_of_several():
    make = prepared(A, CODES, messages_of(A, CODES, 1))
    assert b"".join(make()) == b"".join(make())


def test_no_connection_begins_before_all_are_there_nor_gets_ahead_of_another():
    story = []
    send = abreast(lambda: [bytes([number]) for number in range(20)], 3)
    threads = [threading.Thread(target=send, args=(Client(name, story),)) for name in "abc"]
    for thread in threads[:2]:
        thread.start()
    assert story == []
    threads[2].start()
    for thread in threads:
        thread.join(30)
    assert len(story) == 60
    pieces = [piece for piece, _ in story]
    assert pieces == sorted(pieces)
    assert all({name for piece, name in story if piece == bytes([number])} == set("abc") for number in range(20))


def test_who_is_left_alone_gives_up(monkeypatch):
    monkeypatch.setattr("bench.fan._PATIENCE_S", 0.01)
    story = []
    abreast(lambda: [b"never"], 2)(Client("alone", story))
    assert story == []
