"""The loop whose clock jumps."""

from __future__ import annotations

import asyncio
import socket

import pytest

from upbit_stream.testing.virtual_time import NothingLeftToHappenError, run_virtual


def test_sleeping_moves_the_clock_by_exactly_so_much() -> None:
    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await asyncio.sleep(86_400)
        days = loop.time() - began
        await asyncio.gather(asyncio.sleep(5), asyncio.sleep(3))
        return [days, loop.time() - began - days]

    assert run_virtual(main()) == [86_400.0, 5.0]


def test_timers_fire_in_order() -> None:
    async def main() -> list[int]:
        order: list[int] = []

        async def after(seconds: int) -> None:
            await asyncio.sleep(seconds)
            order.append(seconds)

        await asyncio.gather(*(after(seconds) for seconds in (30, 10, 20)))
        return order

    assert run_virtual(main()) == [10, 20, 30]


def test_real_sockets_are_still_served() -> None:
    async def main() -> bytes:
        left, right = socket.socketpair()
        left.setblocking(False)
        right.setblocking(False)
        loop = asyncio.get_running_loop()
        reading = asyncio.create_task(loop.sock_recv(right, 10))
        await loop.sock_sendall(left, b"hello")
        try:
            return await reading
        finally:
            left.close()
            right.close()

    assert run_virtual(main()) == b"hello"


def test_waiting_for_ever_is_an_error_and_does_not_hang() -> None:
    async def main() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(NothingLeftToHappenError):
        run_virtual(main())
