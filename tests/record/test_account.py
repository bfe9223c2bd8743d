from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from tests.session.test_account import balance, live, told

from upbit_stream.model.messages import MyAsset
from upbit_stream.record.account import balances_of, orders_of
from upbit_stream.session.account import Balances, Orders


def kept(*messages, since_ns=1):
    """In short what is kept of messages, which came in this order."""
    return [(o.uuid, o.state, str(o.executed_volume)) for o in orders_of(reversed(messages), since_ns)]


def test_each_order_is_kept_as_far_as_it_got_the_newest_at_the_end():
    messages = [live("a"), live("b"), live("a", "trade", "1"), live("c", "cancel"), live("a", "trade", "2")]
    assert kept(*messages) == [("b", "wait", "0"), ("c", "cancel", "0"), ("a", "trade", "2")]


def test_a_late_message_does_not_set_an_order_back():
    assert kept(live("a", "wait", "3", "RECOVERED"), live("a", "trade", "2")) == [("a", "wait", "3")]
    assert kept(live("a", "cancel", None), live("a", "trade", "2")) == [("a", "cancel", "None")]
    assert kept(live("a", "trade", "1"), live("a")) == [("a", "trade", "1")]


def test_of_closed_orders_1000_are_kept_and_those_since_a_moment():
    closed = [live(str(number), "done", "1") for number in range(1500)]
    assert [uuid for uuid, *_ in kept(live("a"), *closed)] == ["a", *(str(number) for number in range(500, 1500))]
    assert len(kept(live("a"), *closed, since_ns=0)) == 1501


def test_the_newest_balance_of_each_currency_is_put_together():
    messages = [
        told(1, balance("SGD", "10"), balance("BTC", "1")),
        told(2, balance("SGD", "8", "2")),
        told(3, balance("ETH", "5"), balance("ETH", "6"), stream_type="RECOVERED"),
    ]
    [message] = balances_of(reversed(messages))
    assert {asset.currency: (str(asset.balance), str(asset.locked)) for asset in message.assets} == {
        "SGD": ("8", "2"),
        "BTC": ("1", "0"),
        "ETH": ("6", "0"),
    }
    assert (message.stream_type, message.received_at_ns) == ("SNAPSHOT", 0)
    assert balances_of([]) == ()


def test_a_balance_that_was_recovered_is_known_to_the_next_run_also_where_the_clock_was_set_back():
    known = Balances()
    for message in balances_of([told(10**18, balance("SGD", "7"), stream_type="RECOVERED")]):
        known.seen(message)
    assert known.changed([balance("SGD", "7")], 5) == []
    assert known.changed([balance("SGD", "8")], 6) == [balance("SGD", "8")]


STEPS = st.sampled_from(["watch", "wait", "trade", "done", "cancel", "halted"])
MESSAGES = st.lists(st.builds(live, st.sampled_from("abc"), STEPS, st.sampled_from(["0", "1", "2", None, "NaN"])))


@given(MESSAGES)
def test_what_is_kept_tells_of_the_orders_all_that_the_messages_told(messages):
    all_of_them, those_kept = Orders(), Orders()
    for message in messages:
        all_of_them.seen(message)
    for message in orders_of(reversed(messages), 0):
        those_kept.seen(message)
    assert (those_kept._open, set(those_kept._closed)) == (all_of_them._open, set(all_of_them._closed))


CURRENCIES = st.lists(st.tuples(st.sampled_from(["SGD", "BTC", "ETH"]), st.integers(0, 5)), min_size=1, max_size=4)


@given(st.lists(CURRENCIES, max_size=6))
def test_what_is_kept_tells_of_the_balances_all_that_the_messages_told(made):
    messages = [told(at, *(balance(currency, str(n)) for currency, n in rows)) for at, rows in enumerate(made)]
    all_of_them, those_kept = Balances(), Balances()
    for message in messages:
        all_of_them.seen(message)
    for message in balances_of(reversed(messages)):
        assert isinstance(message, MyAsset)
        those_kept.seen(message)
    assert those_kept._told == all_of_them._told
    assert all(isinstance(free, Decimal) for free, _ in those_kept._told.values())
