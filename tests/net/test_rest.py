"""What is asked over REST, of the stand-in exchange, through the exchange's own package."""

import asyncio
from typing import Any

import httpx
import pytest
from tests.lab import CREDENTIALS, START_MS

from upbit_stream.errors import RequestFailed
from upbit_stream.model.credentials import Credentials
from upbit_stream.model.subscription import CANDLE_UNITS
from upbit_stream.testing.virtual_time import run_virtual

from .rest_lab import RestLab, Scripted, in_rest_lab, rest_lab

DAY_MS = 86_400_000
TRADE = b"""[{"market":"SGD-ETH","trade_date_utc":"2025-10-09","trade_time_utc":"08:53:20","timestamp":1760000000123,
"trade_price":1.0,"trade_volume":1.0,"ask_bid":"ASK","sequential_id":1}]"""


def test_trades_are_those_of_the_tape_page_by_page():
    async def test(lab: RestLab) -> None:
        rest = lab.rest(credentials=None)
        tape = [trade for trade in lab.exchange.tape if trade.code == "SGD-BTC"][::-1]
        page = await rest.trades("SGD-BTC")
        assert [row.sequential_id for row in page.rows] == [trade.sequential_id for trade in tape[:500]]
        assert len(page.rows) == 500
        before = await rest.trades("SGD-BTC", cursor=page.rows[-1].sequential_id, count=10)
        assert [row.sequential_id for row in before.rows] == [trade.sequential_id for trade in tape[500:510]]
        early = await rest.trades("SGD-BTC", to="080000", count=5)
        assert [row.trade_time_utc < "08:00:00" for row in early.rows] == [True] * 5
        assert (await rest.trades("SGD-BTC", days_ago=1)).rows == ()

    in_rest_lab(test, history_rate=2)


def test_candles_of_every_unit_begin_before_the_time_given():
    async def test(lab: RestLab) -> None:
        rest = lab.rest(credentials=None)
        for unit in CANDLE_UNITS:
            newest = (await rest.candles(unit, "SGD-BTC", to_ms=None, count=3)).rows
            assert newest[0].start_ms >= newest[-1].start_ms
            until = newest[0].start_ms
            assert all(row.start_ms < until for row in (await rest.candles(unit, "SGD-BTC", to_ms=until)).rows)
            with_it = await rest.candles(unit, "SGD-BTC", to_ms=until + 1, count=1)
            assert [row.start_ms for row in with_it.rows] == [until]

    in_rest_lab(test)


def test_an_accounts_orders_and_balances_are_read():
    async def test(lab: RestLab) -> None:
        rest, exchange = lab.rest(), lab.exchange
        done, cancelled, waiting = (
            exchange.place_order("access-1", "SGD-BTC", "BID", "130000.5", "0.3", now_ms=START_MS + n) for n in range(3)
        )
        exchange.fill_order("access-1", done, "0.3", now_ms=lab.world.now_ms())
        exchange.cancel_order("access-1", cancelled, now_ms=lab.world.now_ms())
        assert [row.uuid for row in (await rest.open_orders()).rows] == [waiting]
        closed = (await rest.closed_orders(start_ms=START_MS - DAY_MS, end_ms=START_MS + DAY_MS)).rows
        assert {row.uuid: row.state for row in closed} == {done: "done", cancelled: "cancel"}
        assert (await rest.closed_orders(start_ms=START_MS - DAY_MS, end_ms=START_MS - 1)).rows == ()
        named = await rest.orders([done, waiting, "00000000-0000-0000-0000-000000000000"])
        assert {row.uuid for row in named.rows} == {done, waiting}
        assert (await rest.orders([])).rows == ()
        account = exchange.accounts["access-1"]
        told = {row.currency: (row.balance, row.locked) for row in (await rest.balances()).rows}
        assert {name: (int(a.scaleb(20)), int(b.scaleb(20))) for name, (a, b) in told.items()} == {
            name: (balance.free, balance.locked) for name, balance in account.balances.items()
        }

    in_rest_lab(test)


def test_more_open_orders_than_a_page_holds_are_all_read_though_some_close_meanwhile():
    async def test(lab: RestLab) -> None:
        uuids = [
            lab.exchange.place_order("access-1", "SGD-BTC", "BID", "1", "1", now_ms=START_MS + n) for n in range(250)
        ]
        world = lab.transport()
        doomed = iter(uuids[:3])

        async def closing(request: httpx.Request) -> httpx.Response:
            answer = await world.handle_async_request(request)
            gone = next(doomed, None)
            if gone is not None:  # the first of the next page moves to the end of this one
                lab.exchange.cancel_order("access-1", gone, now_ms=lab.world.now_ms())
            return answer

        found = {row.uuid for row in (await lab.through(Scripted(closing)).open_orders()).rows}
        assert found >= set(uuids[3:])
        assert lab.over_budget == 0

    in_rest_lab(test)


def test_many_orders_are_named_a_hundred_at_a_time():
    async def test(lab: RestLab) -> None:
        uuids = [
            lab.exchange.place_order("access-1", "SGD-BTC", "BID", "1", "1", now_ms=START_MS + n) for n in range(250)
        ]
        assert {row.uuid for row in (await lab.rest().orders(uuids)).rows} == set(uuids)
        assert lab.exchange.stats.rest_requests == 3

    in_rest_lab(test)


def test_private_requests_need_credentials_that_the_exchange_knows():
    async def test(lab: RestLab) -> None:
        with pytest.raises(RequestFailed, match="/v1/accounts: needs credentials") as without:
            await lab.rest(credentials=None).balances()
        assert without.value.is_final
        wrong = lab.rest(credentials=Credentials("access-1", "another-secret"))
        with pytest.raises(RequestFailed, match="/v1/accounts: HTTP 401: jwt_verification") as refused:
            await wrong.balances()
        assert (refused.value.status, refused.value.is_final) == (401, True)
        assert len((await wrong.trades("SGD-BTC", count=1)).rows) == 1

    in_rest_lab(test)


def test_a_public_request_carries_no_token_and_a_private_one_a_fresh_one(monkeypatch):
    monkeypatch.setenv("UPBIT_ACCESS_KEY", "key-of-the-surroundings")
    monkeypatch.setenv("UPBIT_SECRET_KEY", "secret-of-the-surroundings-that-is-long-enough")
    monkeypatch.setenv("UPBIT_BASE_URL", "http://127.0.0.1:2")

    async def test(lab: RestLab) -> None:
        transport = Scripted(lambda _: httpx.Response(200, content=b"[]"))
        rest = lab.through(transport)
        await rest.trades("SGD-BTC")
        await rest.candles("1s", "SGD-BTC", to_ms=None)
        await rest.balances()
        await rest.open_orders()
        tokens = [request.headers.get("authorization") for request in transport.asked]
        assert tokens[:2] == [None, None]
        assert len({*tokens[2:], None}) == 3
        assert {request.url.host + ":" + str(request.url.port) for request in transport.asked} == {"127.0.0.1:1"}
        assert all("Origin" not in request.headers for request in transport.asked)

    in_rest_lab(test)


def test_an_unknown_market_is_final_and_says_so():
    async def test(lab: RestLab) -> None:
        with pytest.raises(RequestFailed, match="/v1/trades/ticks of SGD-NONE: HTTP 404: Code not found") as failed:
            await lab.rest().trades("SGD-NONE")
        assert (failed.value.status, failed.value.is_final) == (404, True)

    in_rest_lab(test)


def test_rows_of_another_market_than_was_asked_for_are_refused():
    async def test(lab: RestLab) -> None:
        rest = lab.through(Scripted(lambda _: httpx.Response(200, content=TRADE)))
        assert len((await rest.trades("SGD-ETH")).rows) == 1
        with pytest.raises(RequestFailed, match="of SGD-BTC: the answer is about SGD-ETH"):
            await rest.trades("SGD-BTC")

    in_rest_lab(test)


@pytest.mark.parametrize("body", [b"", b"{}", b"<html>", b"[{}]", TRADE[:-2]])
def test_an_answer_that_cannot_be_read_is_worth_another_try(body):
    async def test(lab: RestLab) -> None:
        with pytest.raises(RequestFailed, match="/v1/trades/ticks of SGD-BTC: the answer cannot be read") as failed:
            await lab.through(Scripted(lambda _: httpx.Response(200, content=body))).trades("SGD-BTC")
        assert (failed.value.status, failed.value.is_final) == (200, False)

    in_rest_lab(test)


def test_after_closing_nothing_is_asked():
    async def test(lab: RestLab) -> None:
        rest = lab.rest()
        await rest.trades("SGD-BTC", count=1)
        await rest.close()
        await rest.close()
        with pytest.raises(RequestFailed, match="closed") as failed:
            await rest.trades("SGD-BTC", count=1)
        assert failed.value.is_final
        assert lab.exchange.stats.rest_requests == 1

    in_rest_lab(test)


def test_what_goes_to_the_log_holds_no_secret_and_no_token(caplog):
    async def test(lab: RestLab) -> None:
        transport = Scripted(lab.transport().handle_async_request)
        rest = lab.through(transport)
        await rest.balances()
        with pytest.raises(RequestFailed):
            await rest.closed_orders(start_ms=5, end_ms=4)
        tokens = [request.headers["authorization"].split()[1] for request in transport.asked]
        said = caplog.text + "".join(repr(record.__dict__) for record in caplog.records)
        assert "/v1/accounts" in said
        assert not any(part in said for part in (*tokens, CREDENTIALS.access_key, CREDENTIALS.secret_key))

    caplog.set_level("DEBUG")
    in_rest_lab(test)


def test_being_cancelled_is_no_failure():
    async def main() -> None:
        async with rest_lab() as lab:
            asking = asyncio.create_task(lab.through(Scripted(lambda _: asyncio.Future())).trades("SGD-BTC"))
            await asyncio.sleep(1)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking

    run_virtual(main())


def test_the_times_of_a_request_are_written_as_the_exchange_reads_them():
    async def test(lab: RestLab) -> None:
        transport = Scripted(lambda _: httpx.Response(200, content=b"[]"))
        rest = lab.through(transport)
        await rest.candles("240m", "SGD-BTC", to_ms=1_760_000_000_001)
        await rest.closed_orders(start_ms=1_760_000_000_000, end_ms=1_760_000_000_001)
        first, second = ({**request.url.params} for request in transport.asked)
        assert first == {"market": "SGD-BTC", "count": "200", "to": "2025-10-09T08:53:21Z"}
        assert transport.asked[0].url.path == "/v1/candles/minutes/240"
        expected: dict[str, Any] = {"start_time": "1760000000000", "end_time": "1760000000001", "limit": "1000"}
        assert {name: second[name] for name in expected} == expected

    in_rest_lab(test)
