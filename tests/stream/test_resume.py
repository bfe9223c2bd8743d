"""A recorder is killed and started again, while markets and account go on: the real `Stream`, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.lab import START_MS
from tests.stream.recorded_runs import EVERYTHING, Runs
from tests.stream.schedules import MIDNIGHT_MS
from upbit_stream.record import read_gaps
from upbit_stream.simulator.faults import RefuseRest
from upbit_stream.testing.virtual_time import run_virtual


def in_runs(directory: Path, test: Callable[[Runs], Awaitable[None]], **options: Any) -> None:
    async def main() -> None:
        await test(Runs(directory, **options))

    run_virtual(main())


@pytest.mark.parametrize("wire_format", ["DEFAULT", "SIMPLE", "SIMPLE_LIST"])
def test_after_a_kill_only_what_changed_meanwhile_is_told_each_once(tmp_path: Path, wire_format: str) -> None:
    async def body(runs: Runs) -> None:
        async with runs.run(format=wire_format):
            await asyncio.sleep(5)
            same, part, whole, back = (runs.place() for _ in range(4))
            runs.fill(part, "0.25")
            over = runs.place("SGD-ETH")
            runs.cancel(over)
            await asyncio.sleep(30)
        runs.fill(part, "0.25")
        runs.fill(whole, "1")
        runs.cancel(back)
        await asyncio.sleep(30)
        new, brief = runs.place("SGD-ETH"), runs.place()
        runs.fill(brief, "1")
        await asyncio.sleep(30)
        async with runs.run(format=wire_format, killed=False):
            await asyncio.sleep(30)
        assert runs.problems() == []
        placed = ("wait", "0", "REALTIME")
        assert runs.told_of(same) == [placed]
        assert runs.told_of(part) == [placed, ("trade", "0.25", "REALTIME"), ("wait", "0.5", "RECOVERED")]
        assert runs.told_of(whole) == [placed, ("done", "1", "RECOVERED")]
        assert runs.told_of(back) == [placed, ("cancel", "0", "RECOVERED")]
        assert runs.told_of(over) == [placed, ("cancel", "0", "REALTIME")]
        assert runs.told_of(new) == [("wait", "0", "RECOVERED")]
        assert runs.told_of(brief) == [("done", "1", "RECOVERED")]
        recovered = [message for message in runs.recorded("myAsset") if message.stream_type == "RECOVERED"]
        assert len(recovered) == 1

    in_runs(tmp_path, body)


@pytest.mark.parametrize("wire_format", ["DEFAULT", "SIMPLE"])
def test_where_nothing_changed_meanwhile_nothing_of_the_account_is_told(tmp_path: Path, wire_format: str) -> None:
    async def body(runs: Runs) -> None:
        async with runs.run(format=wire_format):
            await asyncio.sleep(5)
            part, whole = runs.place(), runs.place("SGD-ETH")
            runs.fill(part, "0.5")
            runs.fill(whole, "1")
            await asyncio.sleep(5)
        for _ in range(2):
            await asyncio.sleep(60)
            async with runs.run(format=wire_format, killed=False):
                await asyncio.sleep(20)
        assert runs.problems() == []
        told = [*runs.recorded("myOrder"), *runs.recorded("myAsset")]
        assert {message.stream_type for message in told} == {"REALTIME"}

    in_runs(tmp_path, body)


def test_what_was_recovered_by_the_run_before_is_known_to_the_next(tmp_path: Path) -> None:
    async def body(runs: Runs) -> None:
        async with runs.run():
            await asyncio.sleep(5)
            order = runs.place()
            await asyncio.sleep(5)
        runs.fill(order, "0.5")
        new = runs.place("SGD-ETH")
        await asyncio.sleep(60)
        async with runs.run() as stream:
            await asyncio.sleep(20)
            await stream.settled()
            await asyncio.sleep(2)
        balances = len(runs.recorded("myAsset"))
        await asyncio.sleep(60)
        async with runs.run(killed=False):
            await asyncio.sleep(10)
        assert runs.problems() == []
        assert runs.told_of(order) == [("wait", "0", "REALTIME"), ("wait", "0.5", "RECOVERED")]
        assert runs.told_of(new) == [("wait", "0", "RECOVERED")]
        assert len(runs.recorded("myAsset")) == balances

    in_runs(tmp_path, body)


@pytest.mark.parametrize("seconds", [2.5, 4.0, 9.0])
@pytest.mark.parametrize("options", [{}, {"connections": 2}, {"format": "SIMPLE"}])
def test_a_kill_soon_after_the_beginning_brings_nothing_of_before_it(
    tmp_path: Path, seconds: float, options: dict[str, Any]
) -> None:
    async def body(runs: Runs) -> None:
        await asyncio.sleep(120)  # the markets were there before
        async with runs.run(**options):
            await asyncio.sleep(seconds)
        await asyncio.sleep(10)
        async with runs.run(killed=False, **options):
            await asyncio.sleep(20)
        assert runs.problems() == []

    in_runs(tmp_path, body, trade_rate=4.0, private_rate=0.0)


@pytest.mark.parametrize("seed", range(3))
def test_a_kill_soon_after_the_beginning_with_a_gap_that_is_open(tmp_path: Path, seed: int) -> None:
    async def body(runs: Runs) -> None:
        await asyncio.sleep(60)
        async with runs.run():
            await asyncio.sleep(1.5)
            for connection in tuple(runs.world.connections):
                connection.reset()
            await asyncio.sleep(7)
        assert "open" in {gap.state for gap in read_gaps(runs.directory)}
        await asyncio.sleep(60)
        async with runs.run(killed=False):
            await asyncio.sleep(10)
        assert runs.problems() == []

    in_runs(tmp_path, body, seed=seed, trade_rate=4.0, faults=[RefuseRest(at_ms=START_MS + 50_000, duration_ms=60_000)])


def test_a_kill_is_survived_over_midnight(tmp_path: Path) -> None:
    async def body(runs: Runs) -> None:
        async with runs.run():
            await asyncio.sleep(60)
        await asyncio.sleep(90)
        async with runs.run(killed=False):
            await asyncio.sleep(30)
        assert runs.problems() == []

    in_runs(tmp_path, body, start_ms=MIDNIGHT_MS - 100_000, private_rate=0.5)


def test_gaps_that_stayed_open_are_filled_by_the_next_run(tmp_path: Path) -> None:
    async def body(runs: Runs) -> None:
        async with runs.run():
            await asyncio.sleep(20)
            order = runs.place()
            await asyncio.sleep(10)
            for connection in tuple(runs.world.connections):
                connection.reset()
            runs.fill(order, "1")
            new = runs.place("SGD-ETH")
            await asyncio.sleep(60)
        assert {gap.type for gap in read_gaps(runs.directory) if gap.state == "open"} == {"trade", "myOrder", "myAsset"}
        await asyncio.sleep(60)
        async with runs.run(killed=False):
            await asyncio.sleep(10)
        assert runs.problems() == []
        assert runs.told_of(order) == [("wait", "0", "REALTIME"), ("done", "1", "RECOVERED")]
        assert runs.told_of(new) == [("wait", "0", "RECOVERED")]

    in_runs(tmp_path, body, faults=[RefuseRest(at_ms=START_MS + 25_000, duration_ms=90_000)])


@pytest.mark.parametrize("wire_format", ["DEFAULT", "SIMPLE"])
def test_gaps_of_two_runs_of_a_busy_account_are_filled_by_the_third(tmp_path: Path, wire_format: str) -> None:
    async def body(runs: Runs) -> None:
        for _ in range(2):
            async with runs.run(format=wire_format):
                await asyncio.sleep(20)
                for connection in tuple(runs.world.connections):
                    connection.reset()
                await asyncio.sleep(20)
            await asyncio.sleep(20)
        async with runs.run(format=wire_format, killed=False):
            await asyncio.sleep(30)
        assert runs.problems() == []

    in_runs(tmp_path, body, faults=[RefuseRest(at_ms=START_MS, duration_ms=90_000)], private_rate=0.7)


def test_a_gap_of_one_market_is_filled_where_all_are_recorded_now(tmp_path: Path) -> None:
    async def body(runs: Runs) -> None:
        async with runs.run("myOrder:SGD-BTC"):
            await asyncio.sleep(10)
            order = runs.place()
            await asyncio.sleep(20)
            runs.world.connections[0].reset()
            runs.fill(order, "1")
            await asyncio.sleep(60)
        async with runs.run("myOrder", killed=False):
            await asyncio.sleep(70)
        assert {(gap.code, gap.state) for gap in read_gaps(runs.directory)} == {
            ("SGD-BTC", "recovered"),
            ("", "recovered"),
        }
        assert runs.told_of(order) == [("wait", "0", "REALTIME"), ("done", "1", "RECOVERED")]

    in_runs(tmp_path, body, faults=[RefuseRest(at_ms=START_MS + 25_000, duration_ms=90_000)])


def test_one_market_is_recorded_on_where_all_were(tmp_path: Path) -> None:
    async def body(runs: Runs) -> None:
        async with runs.run("myOrder"):
            await asyncio.sleep(10)
            order, other = runs.place(), runs.place("SGD-ETH")
            await asyncio.sleep(20)
        runs.fill(order, "1")
        runs.fill(other, "1")
        new = runs.place()
        await asyncio.sleep(20)
        async with runs.run("myOrder:SGD-BTC", killed=False):
            await asyncio.sleep(10)
        placed = ("wait", "0", "REALTIME")
        assert runs.told_of(order) == [placed, ("done", "1", "RECOVERED")]
        assert runs.told_of(new) == [("wait", "0", "RECOVERED")]
        assert runs.told_of(other) == [placed]

    in_runs(tmp_path, body)


@pytest.mark.parametrize("seed", range(4))
def test_three_runs_of_a_busy_account_in_a_row(tmp_path: Path, seed: int) -> None:
    options: list[dict[str, Any]] = [{}, {"connections": 2}, {"format": "SIMPLE"}, {"format": "JSON_LIST"}]

    async def body(runs: Runs) -> None:
        for seconds in (7.3, 40.0):
            async with runs.run(*EVERYTHING, **options[seed]):
                await asyncio.sleep(seconds + seed)
                if seed % 2:
                    runs.world.connections[0].reset()
                    await asyncio.sleep(seconds / 10)
            await asyncio.sleep(60)
        async with runs.run(*EVERYTHING, killed=False, **options[seed]):
            await asyncio.sleep(40)
        assert runs.problems() == []

    in_runs(tmp_path, body, seed=seed, trade_rate=6.0, private_rate=1.0)
