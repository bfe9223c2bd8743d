"""Events as values."""

import copy
import pickle

import pytest

from upbit_stream.model.events import (
    EVENT_TYPES,
    Connected,
    Disconnected,
    Dropped,
    Event,
    Gap,
    Malformed,
    Recovered,
    Resubscribed,
)
from upbit_stream.model.subscription import Subscription

EVENTS = [
    Connected(at_ns=1, endpoint="public", session=1, connection=2),
    Disconnected(at_ns=1, endpoint="private", session=0, reason="refused", retry_in_s=0.5),
    Resubscribed(
        at_ns=1, endpoint="public", session=2, cause="silent", subscriptions=(Subscription(type="trade", codes="A-B"),)
    ),
    Dropped(at_ns=1, consumer="trades", count=2, total=5),
    Malformed(at_ns=1, endpoint="info", payload=b"{", reason="Input data was truncated"),
    Gap(at_ns=1, number=1, message_type="trade", code="A-B", from_ns=1, to_ns=2, reason="lost"),
    Recovered(at_ns=1, number=1, message_type="trade", code="A-B", from_ns=1, to_ns=2, count=3),
]
every_event = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)


def test_these_are_all_events():
    assert tuple(type(event) for event in EVENTS) == EVENT_TYPES


def test_each_has_a_name_of_its_own():
    names = ["connected", "disconnected", "resubscribed", "dropped", "malformed", "gap", "recovered"]
    assert [event.type for event in EVENTS] == names


@every_event
def test_it_is_a_frozen_value(event):
    assert isinstance(event, Event)
    for name in (*event.__struct_fields__, "type"):
        with pytest.raises(AttributeError):
            setattr(event, name, None)
    assert pickle.loads(pickle.dumps(event)) == copy.deepcopy(event) == event  # noqa: S301  # our own
    assert hash(copy.deepcopy(event)) == hash(event)
    assert repr(event).startswith(f"{type(event).__name__}(")


@every_event
def test_it_can_be_matched_by_class_and_field(event):
    match event:
        case Event(at_ns=at_ns):
            assert at_ns == 1
        case _:
            pytest.fail("no event")
