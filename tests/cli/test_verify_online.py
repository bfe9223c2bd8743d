"""The trades of a recording against the stand-in exchange in memory, in virtual time."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.record.recordings import MS, lines_of, record, trade

from upbit_stream.cli.verify_online import compare
from upbit_stream.model.regions import Address
from upbit_stream.net.clock import Clock
from upbit_stream.net.rest import SdkRest
from upbit_stream.record.verify import Verification
from upbit_stream.simulator.exchange import Exchange
from upbit_stream.simulator.faults import CutRest, IgnoreRest, RefuseRest
from upbit_stream.testing.memory import BASE_URL, MemoryExchange
from upbit_stream.testing.virtual_time import run_virtual

DAY_MS = 86_400_000
NOON_MS = 1_760_011_200_000  # of a day, UTC
CODE = "SGD-BTC"
FILE = "SGD-BTC_trade.jsonl"


def sent(told):
    """The payload that the stream sent for a trade of the tape."""
    fields = json.loads(trade(told.sequential_id, told.trade_timestamp))
    fields |= {"trade_price": float(told.price), "trade_volume": float(told.volume), "ask_bid": told.side}
    return json.dumps(fields).encode()


def trading(*, hours=2, rate=0.05):
    """An exchange that has been trading for so long, always in the same way."""
    history_ms = int(hours * 3_600_000)
    return Exchange(codes=[CODE], start_ms=NOON_MS, history_ms=history_ms, history_rate=rate, trade_rate=0)


def made(directory, *, hours=2, rate=0.05):
    """Such an exchange, and the recording of all but its first and last 5 trades."""
    exchange = trading(hours=hours, rate=rate)
    tape = list(exchange.tape)[5:-5]
    record(directory, *map(sent, tape), received_ms=tape[0].trade_timestamp)
    return exchange, tape


def checked(exchange, directory, *, clock_error_ms=0, limit=None, waits_s=(1.0, 2.0), before=None):
    covered = []

    async def main():
        world = MemoryExchange(exchange)
        if before is not None:
            before(exchange, world)
        clock = Clock(
            time_ns=lambda: world.time_ns() + clock_error_ms * MS, monotonic=world.environment().clock.monotonic
        )
        rest = SdkRest(Address(BASE_URL), None, environment=replace(world.environment(), clock=clock))
        for file, ids in Verification(directory, limit=limit).files():
            file.online = await compare(
                rest,
                CODE,
                ids,
                limit=limit,
                now_ms=lambda: clock.time_ns() // MS,
                on_time=covered.append,
                waits_s=waits_s,
            )
        await rest.close()
        return file

    file = run_virtual(main())
    assert exchange.stats.rest_answers[429] == 0
    assert covered == sorted(covered)
    return file


def ids_of(tally):
    return [trade.sequential_id for trade in tally.named]


def test_a_recording_of_everything_is_right(tmp_path):
    exchange, tape = made(tmp_path)
    file = checked(exchange, tmp_path)
    assert (file.wrong, file.online.checked, file.online.failed) == ((), len(tape), "")
    assert (file.online.from_ms, file.online.to_ms) == (tape[0].trade_timestamp, tape[-1].trade_timestamp)


@pytest.fixture(scope="module")
def market(tmp_path_factory):
    directory = tmp_path_factory.mktemp("market")
    _, tape = made(directory)
    return tape, lines_of(directory / FILE)


@settings(max_examples=25, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("change", ["delete", "repeat", "renumber", "price", "side", "time"])
def test_any_single_change_is_found(market, tmp_path_factory, change, data):
    tape, lines = market[0], list(market[1])
    place = data.draw(st.integers(1, len(lines) - 2))
    row, own = json.loads(lines[place]), tape[place].sequential_id
    expected = {"altered": [own]}
    if change == "delete":
        lines.pop(place)
        expected = {"missing": [own]}
    elif change == "repeat":
        lines.insert(data.draw(st.integers(0, len(lines))), lines[place])
        expected = {"duplicates": [own]}
    else:
        if change == "renumber":
            row["sequential_id"] += 1
            expected = {"missing": [own], "invented": [own + 1]}
        elif change == "price":
            row["trade_price"] += 0.01
        elif change == "side":
            row["ask_bid"] = "ASK" if row["ask_bid"] == "BID" else "BID"
        elif change == "time":
            row["trade_timestamp"] += 1
            expected = {"altered": [own]} if row["trade_timestamp"] % 3_600_000 else {"missing": [own]}
        lines[place] = json.dumps(row).encode() + b"\n"
    directory = tmp_path_factory.mktemp("changed")
    (directory / FILE).write_bytes(b"".join(lines))
    file = checked(trading(), directory)
    for kind, names in expected.items():
        found = file.duplicates if kind == "duplicates" else getattr(file.online, kind)
        assert ids_of(found) == names
    assert set(file.wrong) == set(expected)


@pytest.mark.parametrize("error_ms", [-3_600_000, 3_600_000])
def test_a_clock_of_ours_that_is_wrong_makes_no_difference(tmp_path, error_ms):
    exchange, _ = made(tmp_path)
    file = checked(exchange, tmp_path, clock_error_ms=error_ms)
    assert file.wrong == ()


def test_over_midnights_and_beyond_what_is_kept(tmp_path):
    exchange, tape = made(tmp_path, hours=24 * 7 + 11, rate=0.002)
    older = [trade(n, tape[0].trade_timestamp - DAY_MS + n) for n in range(1, 8)]
    record(tmp_path, *older, received_ms=tape[-1].trade_timestamp)
    file = checked(exchange, tmp_path)
    first_kept_ms = (NOON_MS // DAY_MS - 7) * DAY_MS
    assert (file.wrong, file.online.unchecked, file.online.kept_from_ms) == (("missing",), 7, first_kept_ms)
    assert ids_of(file.online.missing) == [each.sequential_id for each in list(exchange.tape)[:5]]


def test_a_recording_that_is_too_old_altogether(tmp_path):
    exchange = Exchange(codes=[CODE], start_ms=NOON_MS, trade_rate=0)
    record(tmp_path, *(trade(n, NOON_MS - 9 * DAY_MS + n) for n in range(1, 4)))
    file = checked(exchange, tmp_path)
    assert (file.wrong, file.online.checked, file.online.unchecked) == ((), 0, 3)


def test_a_trade_of_just_now_is_given_time_to_be_told(tmp_path):
    exchange, asked_ms = trading(), []
    answer = exchange.rest

    def rest(request, now_ms):
        asked_ms.append(now_ms)
        return answer(request, now_ms)

    exchange.rest = rest
    record(tmp_path, trade(7, NOON_MS), received_ms=NOON_MS)
    file = checked(exchange, tmp_path)
    assert ids_of(file.online.invented) == [7]
    assert asked_ms[1] - NOON_MS >= 3_000


@pytest.mark.parametrize("off_ms", [-30 * DAY_MS, -DAY_MS, 10_000, DAY_MS, 30 * DAY_MS])
def test_a_trade_of_another_time_is_found_wherever_it_stands(tmp_path, off_ms):
    exchange, tape = made(tmp_path)
    record(tmp_path, trade(7, tape[-1].trade_timestamp + off_ms), received_ms=NOON_MS)
    file = checked(exchange, tmp_path)
    if off_ms < -7 * DAY_MS:
        assert (ids_of(file.online.invented), file.online.unchecked) == ([], 1)
    else:
        assert (file.wrong, ids_of(file.online.invented)) == (("invented",), [7])


@pytest.mark.parametrize("fault", [RefuseRest, IgnoreRest, CutRest])
def test_a_request_that_fails_is_made_again(tmp_path, fault):
    exchange, tape = made(tmp_path)
    options = {"status": 500} if fault is RefuseRest else {}
    trouble = fault(at_ms=NOON_MS, duration_ms=12_000, **options)
    file = checked(exchange, tmp_path, before=lambda exchange, _: exchange.inject(trouble), waits_s=[6.0] * 3)
    assert (file.wrong, file.online.failed, file.online.checked) == ((), "", len(tape))


def test_an_exchange_that_is_away_is_told_and_not_held_against_the_recording(tmp_path):
    exchange, tape = made(tmp_path)

    def away(_, world):
        world.reachable = False

    file = checked(exchange, tmp_path, before=away)
    assert (file.wrong, file.online.checked, file.online.unchecked) == ((), 0, len(tape))
    assert "/v1/trades/ticks" in file.online.failed


def test_a_market_that_is_not_there_is_asked_for_once(tmp_path):
    record(tmp_path, trade(1, NOON_MS - 5000), received_ms=NOON_MS)
    exchange = Exchange(codes=["SGD-ETH"], start_ms=NOON_MS, trade_rate=0)
    file = checked(exchange, tmp_path)
    assert (file.wrong, exchange.stats.rest_requests) == ((), 1)
    assert "404" in file.online.failed
