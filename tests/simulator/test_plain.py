import json
import re
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upbit_stream.simulator.plain import encode, exact, fixed, from_units, plainly, to_units

JSON_NUMBER = re.compile(rb"-?(0|[1-9]\d*)(\.\d+)?")


@given(st.integers(-(10**30), 10**30), st.sampled_from([8, 10, 16, 20]))
def test_fixed_is_exact_and_plain(value: int, places: int) -> None:
    text = bytes(fixed(value, places))
    assert JSON_NUMBER.fullmatch(text)
    assert Fraction(text.decode()) * 10**places == value


@pytest.mark.parametrize(
    ("value", "text"), [(12_700_000_000, b"127.0"), (1, b"0.00000001"), (0, b"0.0"), (-150_000_000, b"-1.5")]
)
def test_fixed_reads_as_on_the_wire(value: int, text: bytes) -> None:
    assert bytes(fixed(value)) == text


@given(st.integers(-(10**20), 10**20))
def test_units_go_there_and_back(value: int) -> None:
    assert to_units(from_units(value)) == value


@pytest.mark.parametrize("value", ["0.000000001", "NaN", "Infinity", "one", ""])
def test_to_units_refuses_what_it_cannot_hold(value: str) -> None:
    with pytest.raises(ValueError, match="decimal"):
        to_units(value)


def test_plainly_writes_no_exponent_at_any_depth() -> None:
    message = {"a": 1e-9, "b": [Decimal("1E-20"), {"c": 1e22}], "d": None, "e": True, "f": 3}
    assert encode(plainly(message)) == (
        b'{"a":0.000000001,"b":[0.00000000000000000001,{"c":10000000000000000000000}],"d":null,"e":true,"f":3}'
    )


def test_no_number_that_json_lacks() -> None:
    with pytest.raises(ValueError, match="no place"):
        exact(Decimal("NaN"))
    assert json.loads(bytes(exact(Decimal("1386929.37231066771348207123"))), parse_float=str) == (
        "1386929.37231066771348207123"
    )
