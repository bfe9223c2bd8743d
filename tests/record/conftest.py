import pytest

from upbit_stream.model.raw import RawMessage


@pytest.fixture
def raw():
    def make(n=1, type_="trade", code="SGD-BTC", payload=None):
        if payload is None:
            payload = b'{"type":"%b","code":"%b","n":%d}' % (type_.encode(), code.encode(), n)
        return RawMessage(payload, type_, code, 1_700_000_000_000_000_000 + n)

    return make
