"""Whatever bytes a REST answer holds, a reader gives rows that can be told, or refuses it as `MalformedMessage`."""

import json
import random
import time

import pytest

from upbit_stream.errors import MalformedMessage
from upbit_stream.model.messages import Candle, MyAsset, MyOrder, Trade
from upbit_stream.wire.decoder import Decoder
from upbit_stream.wire.rest import (
    assets_payload,
    read_balances,
    read_candles,
    read_error,
    read_orders,
    read_trades,
)

from . import test_rest as rows
from .test_decoder_garbage import bit_flip, cut, insert, repeat_key, replace_value

NOW = rows.NOW
ROUNDS = 20_000
SLOW_S = 1.0  # a thousand times what a body of this size takes: a machine that is busy does not fail the test

KINDS = {
    "trades": (read_trades, rows.TRADE, Trade, lambda found, simple: [row.payload(simple) for row in found]),
    "candles": (read_candles, rows.CANDLE, Candle, lambda found, simple: [row.payload("3m", simple) for row in found]),
    "orders": (read_orders, rows.ORDER, MyOrder, lambda found, simple: [row.payload(NOW, simple) for row in found]),
    "balances": (read_balances, rows.BALANCE, MyAsset, lambda found, simple: [assets_payload(found, "a", NOW, simple)]),
}
DECODERS = [
    (simple, Decoder("SIMPLE" if simple else "DEFAULT", exact=exact))
    for simple in (False, True)
    for exact in (False, True)
]


def spliced(body: bytearray, rng: random.Random) -> None:
    other = json.dumps([rng.choice([row for _, row, *_ in KINDS.values()])]).encode()
    body[rng.randrange(len(body)) :] = other[rng.randrange(len(other)) :]


def repeated(body: bytearray, rng: random.Random) -> None:
    start = rng.randrange(len(body))
    part = body[start : start + rng.randrange(1, 200)]
    body[start:start] = part * rng.choice([1, 2, 50])


MUTATIONS = [bit_flip, bit_flip, cut, insert, replace_value, replace_value, repeat_key, spliced, repeated]


@pytest.mark.parametrize("kind", KINDS)
def test_mutated_answers_are_refused_or_rows_that_can_be_told(kind):
    read, row, message_class, payloads = KINDS[kind]
    rng = random.Random(kind)
    refused = 0
    for _ in range(ROUNDS):
        body = bytearray(json.dumps([row] * rng.choice([1, 1, 2])).encode())
        for _ in range(rng.choice([1, 1, 1, 2, 3])):
            if body:
                rng.choice(MUTATIONS)(body, rng)
        began = time.perf_counter()
        try:
            found = read(bytes(body))
        except MalformedMessage:
            refused += 1
        else:
            simple, decoder = rng.choice(DECODERS)
            for payload in payloads(found, simple):
                (message,) = decoder.decode(payload, 1)
                assert type(message) is message_class, (body, payload, message)
        read_error(bytes(body))
        assert time.perf_counter() - began < SLOW_S
    assert ROUNDS / 4 < refused < ROUNDS * 0.95  # the mutations spoil neither everything nor nothing
