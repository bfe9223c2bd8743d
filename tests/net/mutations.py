"""Real answers and frames, spoilt: by bytes, and by values that are JSON and make no sense."""

import json
import random
from copy import deepcopy
from typing import Any

from tests.wire.test_decoder_garbage import MUTATIONS

_MOST_BYTES = 200_000

VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1, 0.5, -0.0, 2**31, 2**53 + 1, 2**63, -(2**63) - 1, 10**30, 10**400, 1e308, 5e-324),
    *("", "0", "-1", "1e999", "NaN", "\x00", "\ud800", "\u202e", "x" * 5_000, "../../etc/passwd", "SGD-BTC", "KRW-???"),
    *("REALTIME", "SNAPSHOT", "RECOVERED", "trade", "candle.1s", "orderbook", "myOrder", "myAsset", "BID", "done"),
    *("2026-10-02T04:28:00", "9999-12-31T23:59:59", "0000-00-00T00:00:00", "2026-02-30T25:61:61", "2026-10-02"),
    *([], {}, [[]], [{}], [None], {"": None}, [1, "a", None, {}], {"error": {"name": "?", "message": 1}}),
]


def nested(depth: int, chance: random.Random) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value] if chance.random() < 0.5 else {"a": value}
    return value


def _places(value: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found.append((value, key))
        _places(item, found)
    return found


def _other_value(holder: Any, key: Any, chance: random.Random) -> None:
    holder[key] = deepcopy(chance.choice(VALUES))  # it may be changed further


def _near_number(holder: Any, key: Any, chance: random.Random) -> None:
    value = holder[key]
    if isinstance(value, int | float) and not isinstance(value, bool):
        holder[key] = chance.choice([-value, value + 1, value - 1, value * 10**6, value // 1000 if value else 7])
    else:
        holder[key] = str(value)[::-1]


def _other_type(holder: Any, key: Any, chance: random.Random) -> None:
    value = holder[key]
    holder[key] = chance.choice([[value], {"value": value}, str(value), [value] * chance.randint(2, 40)])


def _deep(holder: Any, key: Any, chance: random.Random) -> None:
    holder[key] = nested(chance.randint(2, 150), chance)


def _taken_away(holder: Any, key: Any, chance: random.Random) -> None:
    del holder[key]


def _exchanged(holder: Any, key: Any, chance: random.Random) -> None:
    other = chance.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    holder[key], holder[other] = holder[other], holder[key]


def _repeated(holder: Any, key: Any, chance: random.Random) -> None:
    if isinstance(holder, list):
        holder[key:key] = [holder[key]] * chance.randint(1, 50)
    else:
        holder[f"{key}{chance.randint(0, 9)}"] = holder[key]


CHANGES = [_other_value, _other_value, _near_number, _other_type, _deep, _taken_away, _exchanged, _repeated]


def by_value(payload: bytes, chance: random.Random) -> bytes:
    """Other JSON: a value replaced, taken away, nested, repeated, exchanged."""
    try:
        value = json.loads(payload)
    except ValueError:
        return by_bytes(payload, chance)
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        if places := _places(value, []):
            chance.choice(CHANGES)(*chance.choice(places), chance)
    return json.dumps(value, separators=(",", ":")).encode()[:_MOST_BYTES]


def by_bytes(payload: bytes, chance: random.Random) -> bytes:
    """Bits turned, cuts, insertions, numbers of thousands of digits, ends of other frames, parts repeated."""
    spoilt = bytearray(payload)
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        if spoilt:
            chance.choice(MUTATIONS)(spoilt, chance)
    if spoilt and chance.random() < 0.05:
        start = chance.randrange(len(spoilt))
        spoilt[start:start] = spoilt[start : start + chance.randrange(1, 200)] * chance.choice([1, 2, 50])
    return bytes(spoilt[:_MOST_BYTES])


def mutated(payload: bytes, chance: random.Random) -> bytes:
    """Spoilt in one of these ways; in a few cases it may still make sense."""
    return by_value(payload, chance) if chance.random() < 0.4 else by_bytes(payload, chance)
