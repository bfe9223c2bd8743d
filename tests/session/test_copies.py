from hypothesis import given
from hypothesis import strategies as st

from upbit_stream.session.copies import Copies

CODE = "SGD-BTC"


def book(timestamp, price=1, stream_type="REALTIME", level=0.0):
    payload = b'{"type":"orderbook","timestamp":%d,"p":%d,"stream_type":"%b"}' % (
        timestamp,
        price,
        stream_type.encode(),
    )
    return "orderbook", CODE, level, timestamp, payload


def test_what_was_delivered_is_a_copy():
    copies = Copies()
    assert [copies.is_copy(*book(5)) for _ in range(3)] == [False, True, True]


def test_an_older_picture_is_late():
    copies = Copies()
    assert not copies.is_copy(*book(5))
    assert copies.is_copy(*book(4))
    assert not copies.is_copy(*book(6))
    assert copies.is_copy(*book(5))


def test_another_picture_of_the_same_moment_is_no_copy():
    copies = Copies()
    said = [copies.is_copy(*book(5, price)) for price in (1, 2, 3, 1, 2, 3)]
    assert said == [False] * 3 + [True] * 3


def test_a_picture_is_the_same_as_a_snapshot_and_in_real_time():
    copies = Copies()
    assert not copies.is_copy(*book(5, stream_type="SNAPSHOT"))
    assert copies.is_copy(*book(5, stream_type="REALTIME"))
    assert not copies.is_copy(*book(6, stream_type="REALTIME"))
    assert copies.is_copy(*book(6, stream_type="SNAPSHOT"))


def test_the_short_names_are_known_too():
    copies = Copies()
    assert not copies.is_copy("ticker", CODE, None, 5, b'{"ty":"ticker","st":"SNAPSHOT"}')
    assert copies.is_copy("ticker", CODE, None, 5, b'{"ty":"ticker","st":"REALTIME"}')


def test_each_type_code_and_level_has_a_picture_of_its_own():
    copies = Copies()
    assert not copies.is_copy("ticker", CODE, None, 9, b"{}")
    assert not copies.is_copy("ticker", "SGD-ETH", None, 5, b"{}")
    assert not copies.is_copy("orderbook", CODE, 0.0, 5, b"{}")
    assert not copies.is_copy("orderbook", CODE, 100.0, 4, b"{}")


def test_the_first_of_a_type_is_never_a_copy_even_without_a_time():
    assert not Copies().is_copy("ticker", CODE, None, 0, b"{}")


def test_other_types_are_copies_where_they_say_the_same_whatever_their_time():
    copies = Copies()
    assert not copies.is_copy("indicator", CODE, None, 5, b'{"v":1}')
    assert not copies.is_copy("indicator", CODE, None, 4, b'{"v":2}')
    assert copies.is_copy("indicator", CODE, None, 5, b'{"v":1}')


def test_of_other_types_the_newest_four_thousand_are_remembered():
    copies = Copies()
    payloads = [b"%d" % number for number in range(4_097)]
    assert not any(copies.is_copy("indicator", CODE, None, 0, payload) for payload in payloads)
    assert copies.is_copy("indicator", CODE, None, 0, payloads[1])
    assert not copies.is_copy("indicator", CODE, None, 0, payloads[0])
    assert len(copies._others) == len(copies._order) == 4_096


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(1, 2)), max_size=30), st.randoms(use_true_random=False))
def test_two_connections_deliver_what_one_would(steps, chance):
    """Each sends the same pictures in the same order; how far each of them is, is chance."""
    timestamp, sent = 0, []
    for later, price in steps:
        timestamp += later
        if book(timestamp, price) not in sent:
            sent.append(book(timestamp, price))
    copies, delivered, places = Copies(), [], [0, 0]
    while min(places) < len(sent):
        which = chance.choice([number for number in (0, 1) if places[number] < len(sent)])
        picture = sent[places[which]]
        places[which] += 1
        if not copies.is_copy(*picture):
            delivered.append(picture)
    assert delivered == sent
