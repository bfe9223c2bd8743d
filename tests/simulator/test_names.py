import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upbit_stream.simulator.names import names_of, shorten, translate

from . import documented as doc

INNER = {
    "orderbook": {"orderbook_units": doc.ORDERBOOK_UNIT},
    "myAsset": {"assets": doc.ASSET},
    "indicator": {"params": doc.PARAMS, "value": doc.VALUE},
    "indicator_signal": {"params": doc.PARAMS, "event_params": doc.EVENT_PARAMS, "value": doc.VALUE},
}
TABLES = {
    "ticker": doc.TICKER,
    "trade": doc.TRADE,
    "orderbook": doc.ORDERBOOK,
    "candle.1s": doc.CANDLE,
    "candle.240m": doc.CANDLE,
    "myOrder": doc.MY_ORDER,
    "myAsset": doc.MY_ASSET,
    "announcement": doc.ANNOUNCEMENT,
    "indicator": doc.INDICATOR,
    "indicator_signal": doc.SIGNAL,
}


@pytest.mark.parametrize("kind", TABLES)
def test_each_name_is_the_documented_one(kind: str) -> None:
    names = names_of(kind)
    assert [pair for pair in names.short.items() if pair[0] != "market_state_for_ios"] == doc.pairs(TABLES[kind])
    assert {key: list(inner.short.items()) for key, inner in names.inner.items()} == {
        key: doc.pairs(table) for key, table in INNER.get(kind, {}).items()
    }


@pytest.mark.parametrize("kind", TABLES)
def test_no_two_fields_share_a_short_name(kind: str) -> None:
    for names in (names_of(kind), *names_of(kind).inner.values()):
        assert len(set(names.short.values())) == len(names.short)


def test_an_unknown_field_keeps_its_name() -> None:
    assert shorten({"type": "trade", "news": 1}, names_of("trade")) == {"ty": "trade", "news": 1}
    assert shorten({"type": "unheard"}, names_of("unheard")) == {"type": "unheard"}


@given(st.sampled_from(sorted(TABLES)), st.data())
def test_translation_goes_there_and_back(kind: str, data: st.DataObject) -> None:
    digits = st.sampled_from(["1", "0.10", "123.00000000", "1E-8", "null", '"x"', "[]", "{}", "true", '"\\u00e9"'])

    def written(table: str, inner: dict[str, str]) -> str:
        parts = []
        for key, _ in doc.pairs(table):
            value = data.draw(digits) if key not in inner else written(inner[key], {})
            parts.append(f'"{key}":{value}')
        return "{" + ",".join(parts) + "}"

    payload = written(TABLES[kind], INNER.get(kind, {})).encode()
    short = translate(payload, kind, to_simple=True)
    assert list(json.loads(short)) == doc.keys(TABLES[kind], simple=True)
    assert translate(short, kind, to_simple=False) == payload


def test_translation_leaves_recorded_digits_alone(capture: Path) -> None:
    for line in capture.read_bytes().splitlines():
        payload = line.split(b"\t")[1]
        kind = json.loads(payload)["ty"]
        long = translate(payload, kind, to_simple=False)
        assert json.loads(long)["type"] == kind
        assert translate(long, kind, to_simple=True) == payload
        if kind == "orderbook":
            assert list(json.loads(long)["orderbook_units"][0]) == ["ask_price", "bid_price", "ask_size", "bid_size"]
