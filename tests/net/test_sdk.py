"""Whatever goes wrong in the exchange's package or below it stops there; answers are bounded."""

import asyncio
import gzip
import inspect
import socket
import ssl
import zlib

import httpx
import pytest
import upbit

from upbit_stream.errors import BudgetUnavailable, ConnectionFailed, RequestFailed
from upbit_stream.net import sdk
from upbit_stream.net.sdk import MAX_BODY_BYTES

from .rest_lab import RestLab, Scripted, in_rest_lab

REQUEST = httpx.Request("GET", "http://127.0.0.1:1/v1/trades/ticks")
ROW = b"""{"market":"SGD-BTC","trade_date_utc":"2025-10-09","trade_time_utc":"08:53:20","timestamp":1760000000123,
"trade_price":1.0,"trade_volume":1.0,"ask_bid":"ASK","sequential_id":1}"""


def classes(module, base: type[Exception]) -> list[type[Exception]]:
    found = {each for _, each in inspect.getmembers(module, inspect.isclass) if issubclass(each, base)}
    return sorted(found, key=lambda each: each.__name__)


def instance(kind: type[Exception]) -> Exception:
    """One of them, with whatever its constructor wants."""
    response = httpx.Response(500, request=REQUEST)
    given = {
        "message": "why",
        "request": REQUEST,
        "response": response,
        "body": None,
        "status_code": 500,
        "stream": httpx.ByteStream(b""),
    }
    if issubclass(kind, httpx.HTTPStatusError):
        return kind("why", request=REQUEST, response=response)
    if kind is upbit.UpbitError:
        return kind("why")
    wanted = inspect.signature(kind).parameters.values()
    named = {one.name: given[one.name] for one in wanted if one.name in given}
    return kind(**named) if named else kind()


def raising(error: BaseException) -> Scripted:
    def answer(_: httpx.Request) -> httpx.Response:
        raise error

    return Scripted(answer)


def failure(transport: httpx.AsyncBaseTransport) -> RequestFailed:
    failures = []

    async def test(lab: RestLab) -> None:
        with pytest.raises(RequestFailed, match="^REST /v1/trades/ticks of SGD-BTC: ") as failed:
            await lab.through(transport).trades("SGD-BTC")
        failures.append(failed.value)

    in_rest_lab(test)
    return failures[0]


HTTPX = [kind for kind in classes(httpx, Exception) if kind is not httpx.HTTPStatusError]


def test_the_tables_of_exceptions_are_not_empty():
    assert {httpx.ConnectError, httpx.ReadTimeout, httpx.InvalidURL, httpx.StreamError} <= set(HTTPX)
    assert upbit.APITimeoutError in classes(upbit._exceptions, upbit.UpbitError)


@pytest.mark.parametrize("kind", HTTPX, ids=lambda kind: kind.__name__)
def test_every_exception_of_httpx_is_a_failed_request(kind):
    if kind is httpx.CookieConflict:
        return  # of looking up one cookie, which nobody does
    error = failure(raising(instance(kind)))
    assert (error.status, error.is_final) == (None, False)
    assert kind.__name__ in str(error) or "no answer in time" in str(error)


@pytest.mark.parametrize("kind", classes(upbit._exceptions, upbit.UpbitError), ids=lambda kind: kind.__name__)
def test_every_exception_of_the_package_is_an_answer_or_a_lost_connection(kind):
    error = instance(kind)
    if isinstance(error, upbit.APIStatusError):
        assert error.response.status_code == 500  # told as an answer: nothing of the exception is needed
    else:
        assert isinstance(sdk._failure(error), ConnectionFailed)


@pytest.mark.parametrize(
    "error",
    [
        OSError("broken"),
        ConnectionResetError(),
        socket.gaierror(-2, "Name or service not known"),
        ssl.SSLCertVerificationError(1, "self-signed"),
        UnicodeError("label too long"),
        TimeoutError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_the_system_says_is_a_failed_request(error):
    assert type(error).__name__ in str(failure(raising(error)))


def test_a_budget_that_fails_right_before_sending_is_a_failed_request():
    assert "the disk is full" in str(failure(raising(BudgetUnavailable("the disk is full"))))


@pytest.mark.parametrize("error", [AttributeError("typo"), KeyError("typo"), TypeError("typo"), ValueError("typo")])
def test_a_mistake_in_this_program_comes_out(error):
    async def test(lab: RestLab) -> None:
        with pytest.raises(type(error), match="typo"):
            await lab.through(raising(error)).trades("SGD-BTC")

    in_rest_lab(test)


def answering(chunks: list[bytes], **headers: str) -> Scripted:
    class Body(httpx.AsyncByteStream):
        async def __aiter__(self):
            for chunk in chunks:
                yield chunk

    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Scripted(lambda _: httpx.Response(200, stream=Body(), headers=named))


def test_an_answer_of_any_size_is_not_held():
    piece = b"x" * 2**20
    assert "more than" in str(failure(answering([piece] * 17)))
    assert "cannot be read" in str(failure(answering([piece] * 16)))  # all of it was read


def test_a_small_answer_that_inflates_to_any_size_is_not_held():
    deflating = zlib.compressobj(9, wbits=31)
    bomb = b"".join(deflating.compress(b"\0" * 2**20) for _ in range(256)) + deflating.flush()
    assert len(bomb) < MAX_BODY_BYTES / 32
    assert "more than" in str(failure(answering([bomb], Content_Encoding="gzip")))
    assert "more than" in str(
        failure(answering([bomb[n : n + 99] for n in range(0, len(bomb), 99)], Content_Encoding="gzip"))
    )


def test_a_compressed_answer_is_inflated():
    async def test(lab: RestLab) -> None:
        body = gzip.compress(b"[" + b",".join([ROW] * 400) + b"]")
        transport = answering([body[:100], body[100:]], Content_Encoding="gzip")
        assert len((await lab.through(transport).trades("SGD-BTC")).rows) == 400
        assert transport.asked[0].headers["Accept-Encoding"] == "gzip"

    in_rest_lab(test)


@pytest.mark.parametrize(
    ("chunks", "encoding", "why"),
    [
        ([b"no gzip"], "gzip", "cannot be inflated"),
        ([gzip.compress(b"[]")[:-5]], "gzip", "ended before"),
        ([], "gzip", "ended before"),
        ([b"[]"], "br", "'br', which was not asked for"),
        ([b"[]"], "gzip, gzip", "not asked for"),
    ],
)
def test_an_answer_in_an_encoding_that_cannot_be_read_is_a_failed_request(chunks, encoding, why):
    assert why in str(failure(answering(chunks, Content_Encoding=encoding)))


def test_a_proxy_that_rest_cannot_go_through_is_named():
    async def test(lab: RestLab) -> None:
        rest = lab.rest(proxy="socks4://127.0.0.1:9")
        with pytest.raises(RequestFailed, match="cannot go through a SOCKS4 proxy") as failed:
            await rest.trades("SGD-BTC")
        assert failed.value.is_final

    in_rest_lab(test)


@pytest.mark.parametrize("proxy", [None, "http://127.0.0.1:9", "socks5://user:pass@127.0.0.1:9"])
@pytest.mark.parametrize("family", [socket.AF_UNSPEC, socket.AF_INET, socket.AF_INET6])
def test_the_ways_to_the_exchange_can_be_made(proxy, family):
    async def main() -> None:
        client = sdk.SdkClient(
            "https://127.0.0.1:9", transport=None, proxy=proxy, ssl_context=None, family=family, timeout_s=1.0
        )
        await client.close()

    asyncio.run(main())
