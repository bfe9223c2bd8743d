"""What leaves together, and what is stamped."""

import json

from bench.latency_log import LATE, SENT, read
from bench.loads import LOADS, payloads, plain_frame
from bench.served import Gone, Served
from bench.stamper import groups, stamped

PAYLOADS = list(payloads(LOADS["A"], 25))
IDS = [json.loads(payload)["sid"] for payload in PAYLOADS if b'"sid"' in payload]


class Client(Served):
    """Takes what is sent."""

    def __init__(self):
        self.sent = []

    def send(self, frames):
        self.sent.append(frames)

    def attend(self, wait_s=0.0):
        pass


def test_messages_are_cut_into_groups_with_the_ids_of_their_trades():
    made = groups(PAYLOADS, 10)
    assert [len(group) for group in made] == [10, 10, 5]
    assert [frame for group in made for frame, _ in group] == [plain_frame(payload) for payload in PAYLOADS]
    assert [one for group in made for _, ids in group for one in ids] == IDS


def test_the_ids_of_the_long_names_are_found_too():
    [group] = groups([b'{"type":"trade","sequential_id":17}', b'{"type":"orderbook"}'], 2)
    assert [ids for _, ids in group] == [[17], []]


def test_each_message_leaves_by_itself_with_a_stamp_of_its_own(tmp_path):
    client = Client()
    made = groups(PAYLOADS, 5)
    stamped(made, 1_000, tmp_path)(client)
    assert client.sent == [plain_frame(payload) for payload in PAYLOADS]
    found = read(tmp_path / SENT)
    assert [sequential_id for sequential_id, _ in found] == IDS
    moments = [moment for _, moment in found]
    assert moments == sorted(moments)
    assert len(set(moments)) > len(made)


def test_how_late_each_group_was_is_told_whether_it_has_trades_or_not(tmp_path):
    stamped(groups(PAYLOADS, 1), 1_000, tmp_path)(Client())
    late = read(tmp_path / LATE)
    assert [number for number, _ in late] == list(range(25))
    assert all(late_ns >= 0 for _, late_ns in late)


def test_a_client_that_leaves_with_the_last_message_takes_no_stamps_with_it(tmp_path):
    class Leaving(Client):
        def attend(self, wait_s=0.0):
            if len(self.sent) == len(PAYLOADS):
                raise Gone

    stamped(groups(PAYLOADS, 5), 1_000, tmp_path)(Leaving())
    assert len(read(tmp_path / SENT)) == len(IDS)


def test_only_the_first_client_gets_anything(tmp_path):
    send = stamped(groups(PAYLOADS, 5), 1, tmp_path)
    first, second = Client(), Client()
    send(first)
    send(second)
    assert len(first.sent) == len(PAYLOADS)
    assert second.sent == []
