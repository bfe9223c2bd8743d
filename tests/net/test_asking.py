"""REST requests keep within the budgets, and do as refusals say."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import replace
from email.utils import formatdate

import httpx
import pytest
from tests.lab import START_MS

from upbit_stream.errors import BudgetUnavailable, RequestFailed
from upbit_stream.net.clock import Clock
from upbit_stream.net.places import MemoryStore
from upbit_stream.simulator.faults import CutRest, Fault, IgnoreRest, Period, RefuseRest
from upbit_stream.simulator.rest import RestRequest

from .rest_lab import RestLab, Scripted, in_rest_lab

TRADES = "/v1/trades/ticks"


def fault(kind: type[Period], duration_ms: int, **fields) -> Fault:
    return kind(at_ms=START_MS, duration_ms=duration_ms, **fields)


def answering(status: int, body: bytes = b"[]", **headers: str) -> Scripted:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Scripted(lambda _: httpx.Response(status, content=body, headers=named))


def test_hundreds_of_requests_of_two_clients_stay_within_every_budget():
    async def test(lab: RestLab) -> None:
        clients = [lab.rest(), lab.rest()]
        began = lab.now_s()
        async with asyncio.TaskGroup() as group:
            for number in range(300):
                rest = clients[number % 2]
                group.create_task(rest.trades(("SGD-BTC", "SGD-ETH")[number % 3 == 0], count=3))
                group.create_task(rest.candles("1m", "SGD-BTC", to_ms=None, count=3))
                group.create_task(rest.balances())
        took = lab.now_s() - began
        assert lab.exchange.stats.rest_answers == {200: 900}
        assert lab.over_budget == 0
        assert 29 * 1.1 <= took < 29 * 1.1 + 1  # ten at a time, and the exchange's second with its margin between

    in_rest_lab(test)


def test_one_request_after_another_goes_as_fast_as_the_budget_allows():
    async def test(lab: RestLab) -> None:
        rest = lab.rest()
        began = lab.now_s()
        for _ in range(100):
            await rest.trades("SGD-BTC", count=1)
        assert lab.over_budget == 0
        assert lab.now_s() - began < 13  # sec=0, told of what we sent ourselves, is no reason to wait

    in_rest_lab(test, latency_s=0.1)


def delayed(transport: httpx.AsyncBaseTransport, *delays_s: float) -> Scripted:
    """Connections that take their time, the last of ``delays_s`` for all later ones."""
    left = list(delays_s)

    async def answer(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(left.pop(0) if len(left) > 1 else left[0])
        return await transport.handle_async_request(request)

    return Scripted(answer)


def test_a_slow_connection_does_not_bunch_requests_over_the_budget():
    async def test(lab: RestLab) -> None:
        rest = lab.through(delayed(lab.transport(), *[0.9] * 10, 0.0))
        await asyncio.gather(*(rest.trades("SGD-BTC", count=1) for _ in range(30)))
        assert lab.over_budget == 0

    in_rest_lab(test)


def test_what_others_use_of_the_address_is_respected():
    async def test(lab: RestLab) -> None:
        rest = lab.rest()
        for _ in range(9):
            lab.exchange.rest(RestRequest("GET", TRADES, "market=SGD-BTC"), lab.world.now_ms())
        await rest.trades("SGD-BTC", count=1)
        asked = lab.now_s()
        await rest.candles("1m", "SGD-BTC", to_ms=None)
        assert lab.now_s() - asked < 0.1
        await rest.trades("SGD-BTC", count=1)
        assert lab.now_s() - asked >= 1
        assert lab.over_budget == 0

    in_rest_lab(test)


def test_after_too_many_requests_the_group_waits_for_the_next_second():
    async def test(lab: RestLab) -> None:
        rest, other = lab.rest(), lab.rest()
        lab.exchange.inject(fault(RefuseRest, 500, status=429, path=TRADES))
        with pytest.raises(RequestFailed, match=f"{TRADES} of SGD-BTC: HTTP 429: .*[Tt]oo many") as failed:
            await rest.trades("SGD-BTC", count=1)
        assert (failed.value.status, failed.value.is_final) == (429, False)
        refused = lab.now_s()
        await other.candles("1m", "SGD-BTC", to_ms=None)
        assert lab.now_s() - refused < 0.1
        await other.trades("SGD-BTC", count=1)
        assert 1 <= lab.now_s() - refused < 1.5

    in_rest_lab(test)


def test_a_block_holds_back_every_group_for_as_long_as_it_tells():
    async def test(lab: RestLab) -> None:
        rest, other = lab.rest(), lab.rest()
        await rest.candles("1m", "SGD-BTC", to_ms=None)
        await rest.balances()
        lab.exchange.inject(fault(RefuseRest, 30_000, status=418, path=TRADES))
        with pytest.raises(RequestFailed, match="HTTP 418") as failed:
            await rest.trades("SGD-BTC", count=1)
        assert (failed.value.status, failed.value.is_final) == (418, False)
        refused = lab.now_s()

        async def answered_after_s(asking: Awaitable[object]) -> float:
            await asking
            return lab.now_s() - refused

        waits = await asyncio.gather(
            answered_after_s(other.trades("SGD-BTC", count=1)),
            answered_after_s(other.candles("1m", "SGD-BTC", to_ms=None)),
            answered_after_s(other.balances()),
        )
        assert all(29 <= wait < 33 for wait in waits)
        assert lab.exchange.stats.rest_answers[418] == 0  # the fault's own answer is not counted

    in_rest_lab(test)


def test_a_block_that_tells_no_time_is_taken_to_grow_until_an_answer():
    async def test(lab: RestLab) -> None:
        statuses = [418, 418, 200, 418]
        rest = lab.through(Scripted(lambda _: httpx.Response(statuses.pop(0), content=b"[]")))
        waits = []
        for _ in range(4):
            began = lab.now_s()
            with suppress(RequestFailed):
                await rest.trades("SGD-BTC")
            waits.append(round(lab.now_s() - began))
        began = lab.now_s()
        statuses.append(200)
        await rest.trades("SGD-BTC")
        assert [*waits, round(lab.now_s() - began)] == [0, 61, 121, 0, 61]

    in_rest_lab(test)


def test_a_block_heeds_the_header_that_tells_its_time():
    async def test(lab: RestLab) -> None:
        rest = lab.through(answering(418, Retry_After="7"))
        for expected in (0, 8, 8):
            began = lab.now_s()
            with pytest.raises(RequestFailed):
                await rest.trades("SGD-BTC")
            assert round(lab.now_s() - began) == expected

    in_rest_lab(test)


@pytest.mark.parametrize(
    ("status", "is_final"),
    [
        *((status, True) for status in (400, 401, 403, 404, 409, 422, 499)),
        *((status, False) for status in (301, 302, 408, 425, 500, 502, 503, 599)),
    ],
)
def test_every_other_refusal_is_told_and_says_whether_trying_again_could_help(status, is_final):
    async def test(lab: RestLab) -> None:
        body = b'{"error":{"name":"why","message":"because"}}'
        rest = lab.through(answering(status, body, Location="http://127.0.0.1:3/elsewhere"))
        with pytest.raises(RequestFailed, match=f"^REST {TRADES} of SGD-BTC: HTTP {status}: why: because$") as failed:
            await rest.trades("SGD-BTC")
        assert (failed.value.status, failed.value.is_final) == (status, is_final)

    in_rest_lab(test)


def test_faults_of_the_exchange_are_failures_worth_another_try():
    async def test(lab: RestLab) -> None:
        rest = lab.rest()
        lab.exchange.inject(fault(RefuseRest, 5_000, status=500))
        with pytest.raises(RequestFailed, match="HTTP 500: internal_server_error: Something went wrong") as failed:
            await rest.trades("SGD-BTC")
        assert (failed.value.status, failed.value.is_final) == (500, False)
        await asyncio.sleep(5)
        lab.exchange.inject(fault(CutRest, 10_000))
        with pytest.raises(RequestFailed, match="cannot be read") as failed:
            await rest.trades("SGD-BTC")
        assert not failed.value.is_final
        await asyncio.sleep(5)
        lab.exchange.inject(fault(IgnoreRest, 20_000))
        began = lab.now_s()
        with pytest.raises(RequestFailed, match="no answer within 10 s") as failed:
            await rest.trades("SGD-BTC")
        assert lab.now_s() - began == pytest.approx(10)
        assert (failed.value.status, failed.value.is_final) == (None, False)
        await asyncio.sleep(10)
        lab.world.reachable = False
        with pytest.raises(RequestFailed, match="ConnectError: refused") as failed:
            await rest.trades("SGD-BTC")
        assert (failed.value.status, failed.value.is_final) == (None, False)
        lab.world.reachable = True
        assert (await rest.trades("SGD-BTC", count=1)).rows

    in_rest_lab(test)


def test_an_answer_that_only_trickles_is_given_up():
    class Trickle(httpx.AsyncByteStream):
        async def __aiter__(self):
            while True:
                await asyncio.sleep(1)
                yield b" "

    async def test(lab: RestLab) -> None:
        rest = lab.through(Scripted(lambda _: httpx.Response(200, stream=Trickle())))
        began = lab.now_s()
        with pytest.raises(RequestFailed, match="no answer within 10 s"):
            await rest.trades("SGD-BTC")
        assert lab.now_s() - began == pytest.approx(10)

    in_rest_lab(test)


def test_waiting_for_the_budget_is_not_taken_for_a_silent_exchange():
    async def test(lab: RestLab) -> None:
        rest = lab.rest(timeout_s=1.0)
        await asyncio.gather(*(rest.trades("SGD-BTC", count=1) for _ in range(60)))

    in_rest_lab(test)


@pytest.mark.parametrize("ahead_ms", [0, 400, -400, 7_300, -7_300, 86_400_000, -3_600_000])
def test_the_exchanges_clock_is_known_to_the_second_by_its_answers(ahead_ms):
    async def test(lab: RestLab) -> None:
        # Ours is behind by as much as the exchange's is ahead.
        clock = Clock(lambda: lab.world.time_ns() - ahead_ms * 1_000_000, asyncio.get_running_loop().time)
        rest = lab.rest(environment=replace(lab.world.environment(), clock=clock))
        assert rest.offset_ms == 0
        page = await rest.trades("SGD-BTC", count=1)
        assert 0 <= lab.world.now_ms() - page.at_ms < 1_010
        assert abs(rest.offset_ms - ahead_ms) < 1_010
        assert abs(rest.offset_ms) <= abs(ahead_ms)  # no difference is made up where there is none

    in_rest_lab(test)


@pytest.mark.parametrize("date", ["", "yesterday", "Thu, 99 Oct 2025 08:53:20 GMT", "Thu, 01 Jan 1970 00:00:00 GMT"])
def test_without_a_date_our_own_clock_counts(date):
    async def test(lab: RestLab) -> None:
        rest = lab.through(answering(200, Date=date))
        sent_ms = lab.world.now_ms()
        assert (await rest.trades("SGD-BTC")).at_ms == sent_ms
        assert rest.offset_ms == 0

    in_rest_lab(test)


def test_the_newest_date_counts():
    async def test(lab: RestLab) -> None:
        dates = [START_MS // 1_000 + 3_600, START_MS // 1_000]
        rest = lab.through(
            Scripted(lambda _: httpx.Response(200, content=b"[]", headers={"Date": formatdate(dates.pop(0))}))
        )
        await rest.trades("SGD-BTC")
        assert rest.offset_ms > 3_590_000
        await rest.trades("SGD-BTC")
        assert rest.offset_ms == 0

    in_rest_lab(test)


class Unusable(MemoryStore):
    async def reserve(self, now_ms):
        raise BudgetUnavailable("the disk is full")


def test_budgets_that_cannot_be_kept_fail_the_request_and_no_more():
    async def test(lab: RestLab) -> None:
        rest = lab.rest(environment=replace(lab.world.environment(), store=lambda rates, _: Unusable(rates)))
        with pytest.raises(RequestFailed, match="the disk is full") as failed:
            await rest.trades("SGD-BTC")
        assert not failed.value.is_final
        assert lab.exchange.stats.rest_requests == 0

    in_rest_lab(test)


def python(code: str) -> str:
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ})
    return ran.stdout


FIRST_REQUEST = """
import asyncio, importlib.abc, sys, threading
from upbit_stream.errors import RequestFailed
from upbit_stream.model.regions import resolve
from upbit_stream.net.environment import Environment
from upbit_stream.net.rest import SdkRest

print(sorted({"upbit", "httpx", "pydantic"} & set(sys.modules)))

class Watch(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "upbit":
            print(threading.current_thread() is threading.main_thread())
            if HIDDEN:
                raise ModuleNotFoundError("No module named 'upbit'")
        return None

sys.meta_path.insert(0, Watch())

async def main():
    rest = SdkRest(resolve(None, "http://127.0.0.1:1"), None, environment=Environment())
    try:
        await rest.trades("SGD-BTC")
    except RequestFailed as error:
        print(error.is_final, error)
    await rest.close()

asyncio.run(main())
"""


def test_the_package_is_imported_with_the_first_request_and_beside_the_event_loop():
    before, thread, failure = python(FIRST_REQUEST.replace("HIDDEN", "False")).splitlines()
    assert (before, thread) == ("[]", "False")
    assert failure.startswith("False REST /v1/trades/ticks of SGD-BTC: ConnectError")


def test_without_the_package_a_request_says_what_to_install():
    before, _, failure = python(FIRST_REQUEST.replace("HIDDEN", "True")).splitlines()
    assert before == "[]"
    assert failure.startswith("True REST /v1/trades/ticks of SGD-BTC: No module named 'upbit'.")
    assert "upbit-sdk" in failure
