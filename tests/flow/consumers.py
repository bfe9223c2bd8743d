"""What the tests of subscribers share: messages and events by number, and a subscriber whose holds can be seen."""

import itertools

from upbit_stream.flow.subscriber import Subscriber
from upbit_stream.model.events import Connected, Gap
from upbit_stream.model.messages import Unknown

POLICIES = ("wait", "drop_oldest", "latest")


class Holds(list):
    """What a subscriber asked of the exchange's side."""

    def __call__(self, subscriber, full):
        self.append(full)


def message(number, code="SGD-BTC", kind="trade"):
    return Unknown(type=kind, code=code, payload=b"", received_at_ns=number)


def event(number=1):
    return Connected(at_ns=number, endpoint="public", session=number)


def subscriber(policy="wait", limit=4, events=False, hold=None):
    return Subscriber(
        "the consumer",
        policy=policy,
        limit=limit,
        events=events,
        time_ns=lambda: 77,
        hold=Holds() if hold is None else hold,
        on_drop=lambda _: None,
        next_gap=itertools.count(1).__next__,
    )


def numbers(items):
    """Messages by their number, events as they are but the gaps that follow what was dropped."""
    return [item.received_at_ns if isinstance(item, Unknown) else item for item in items if not isinstance(item, Gap)]
