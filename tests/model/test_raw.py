"""The raw message as a value."""

import copy
import pickle

import pytest

from upbit_stream.model.raw import RawMessage


def test_it_is_a_frozen_value():
    raw = RawMessage(b'{"ty":"trade"}', "trade", "SGD-BTC", 5)
    assert (raw.payload, raw.type, raw.code, raw.received_at_ns) == (b'{"ty":"trade"}', "trade", "SGD-BTC", 5)
    assert raw == copy.copy(raw) == pickle.loads(pickle.dumps(raw))  # noqa: S301  # our own
    assert hash(raw) == hash(copy.copy(raw))
    assert raw != RawMessage(b'{"ty":"trade"}', "trade", "SGD-BTC", 6)
    for name in raw.__struct_fields__:
        with pytest.raises(AttributeError):
            setattr(raw, name, None)
