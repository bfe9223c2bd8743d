"""What the tests of a recovery share: one whose REST, outlet and jobs are fakes."""

import asyncio
from random import Random

from tests.flow.gaps import at, time_ns

from upbit_stream.flow.recovery import Recovery
from upbit_stream.model.events import Gap
from upbit_stream.net.clock import Chance, Clock
from upbit_stream.net.rest import Page

BTC, ETH = ("trade", "SGD-BTC"), ("trade", "SGD-ETH")


class Rest:
    """Answers every question with one row, or raises what is next in ``failures``."""

    def __init__(self):
        self.offset_ms = 0
        self.failures = []
        self.asked_at = []
        self.under_way = 0
        self.most = 0
        self.latency_s = 0.0
        self.closed = False

    async def question(self):
        self.asked_at.append(asyncio.get_running_loop().time() - 1_000)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await asyncio.sleep(self.latency_s)
            if self.failures:
                raise self.failures.pop(0)
            return Page((17,), time_ns() // 1_000_000)
        finally:
            self.under_way -= 1

    async def close(self):
        self.closed = True


class Outlet:
    """Where what is recovered goes: everything in one list, in its order."""

    def __init__(self):
        self.out = []
        self.held = []
        self.rooms = 0
        self.may = asyncio.Event()
        self.may.set()

    def emit(self, event):
        self.out.append(event)

    def put_back(self, payload):
        self.out.append(payload)

    async def room(self):
        self.rooms += 1
        await self.may.wait()

    def keep_back(self, code):
        self.held.append(code)

    def let_go(self, code):
        self.held.append(f"-{code}")

    def keeps_back(self, key):
        return self.held.count(key[1]) > self.held.count(f"-{key[1]}")


class Bench:
    def __init__(self, audit_s=None, covered=()):
        loop = asyncio.get_running_loop()
        self.rest, self.outlet = Rest(), Outlet()
        self.numbers = 100
        self.covered = list(covered)
        self.done = []
        self.known_since_ns = 0
        self.recovery = Recovery(
            self.rest,  # type: ignore[arg-type]  # only what a job asks for is called
            self.outlet,
            clock=Clock(time_ns=time_ns, monotonic=loop.time),
            chance=Chance(random=Random(1)),
            next_number=self.next_number,
            audit_s=audit_s,
            covered=lambda: self.covered,
            known_since_ns=lambda: self.known_since_ns,
        )
        self.recovery.fill = self.fill

    def next_number(self):
        self.numbers += 1
        return self.numbers

    async def fill(self, job):
        """A job asks once, and puts back a message that names it."""
        page = await self.recovery.ask(lambda rest: rest.question())  # type: ignore[attr-defined]  # of the fake
        await self.recovery.put_back(job, [b"%d:%d" % (job.number, row) for row in page.rows])
        self.done.append(job)

    def told(self):
        return [
            item if isinstance(item, bytes) else (item.type, item.number, getattr(item, "lost", item.type))
            for item in self.outlet.out
        ]


def gap(number, key=BTC, from_s=10.0, to_s=20.0):
    return Gap(
        at_ns=at(to_s),
        number=number,
        message_type=key[0],
        code=key[1],
        from_ns=at(from_s),
        to_ns=at(to_s),
        reason="lost",
    )
