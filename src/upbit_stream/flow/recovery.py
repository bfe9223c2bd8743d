"""What is missing, fetched over REST and put back among the messages: one job after another for each type and code.

A job fails only for good reason: while REST does not answer, all of them wait with growing patience and say so; live
data passes by untouched.

Owns the jobs and their end: each gap that was told ends with `Recovered`, or with a `Gap` that says why not. What a job
asks for stands in `filling`.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from upbit_stream.errors import MalformedMessage, RequestFailed
from upbit_stream.flow.job import Job
from upbit_stream.flow.outlet import Outlet
from upbit_stream.model.events import CLOSED_BEFORE_RECOVERED, Gap, Recovered
from upbit_stream.net.clock import Chance, Clock
from upbit_stream.net.rest import Page, Rest
from upbit_stream.session.backoff import Backoff
from upbit_stream.session.coverage import Key
from upbit_stream.session.floors import Floor

log = logging.getLogger(__name__)

Row = TypeVar("Row")

AUDIT_LAG_NS = 15 * 1_000_000_000  # what is younger may still be on its way
_AUDITED = frozenset({"trade", "candle", "myOrder", "myAsset"})
MOST_WAITING = 16  # gaps of one type and code that are told and wait each by itself
MOST_NONSENSE = 8  # answers in a row
MOST_NEAR_NS = 30 * 1_000_000_000
_EDGE_MS = 5_000
_AT_ONCE = 4  # requests under way
_FIRST_S, _CAP_S = 1.0, 60.0
NEAR_NS = 150 * 1_000_000_000  # around a gap: what its backfill may meet


class Recovery:
    """``fill(job)`` does one job, with the help of `ask` and `put_back`."""

    def __init__(
        self,
        rest: Rest,
        outlet: Outlet,
        *,
        clock: Clock,
        chance: Chance,
        next_number: Callable[[], int],
        audit_s: float | None,
        covered: Callable[[], Iterable[Key]],
        known_since_ns: Callable[[], int],
        floor_of: Callable[[str], Floor | None] = lambda _: None,
    ) -> None:
        self.rest = rest
        self.fill: Callable[[Job], Awaitable[None]]
        self._outlet = outlet
        self._clock = clock
        self._next_number = next_number
        self._audit_s = audit_s
        self._covered = covered
        self._known_since_ns = known_since_ns
        self._floor_of = floor_of
        self._random = chance.random
        self._backoff = Backoff(chance.random, first_s=_FIRST_S, cap_s=_CAP_S, stable_s=0.0)
        self._not_before = float("-inf")
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._queues: dict[Key, list[Job]] = {}
        self._done: dict[Key, list[tuple[Job, str]]] = {}  # and why it is lost; not told yet
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        self._expected = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._began: dict[Key, int] = {}
        self._checked: dict[Key, int] = {}
        self._auditing: asyncio.Task[None] | None = None

    # what is to be done

    def recover(
        self, gap: Gap, *, begin_ns: int = 0, known: Iterable[int] = (), joins: int = 0, since_ms: int = 0
    ) -> None:
        """Fill a gap that was told, from ``begin_ns`` on where that is later; ``known`` are ids of trades around it
        that no ledger holds, ``joins`` is the first trade after it, ``since_ms`` the exchange's time when it began.
        """
        if gap.message_type == "trade":
            self._outlet.keep_back(gap.code)
        job = Job(
            gap.message_type,
            gap.code,
            gap.from_ns,
            gap.to_ns,
            gap.reason,
            gap.number,
            frozenset(known),
            joins,
            since_ms,
            begin_ns,
            self._floor_of(gap.code) if gap.message_type == "trade" else None,
        )
        self._add(job)

    def check(self, key: Key, from_ns: int, to_ns: int, reason: str) -> None:
        """Look whether anything is missing; it becomes a gap only then."""
        floor = self._floor_of(key[1]) if key[0] == "trade" else None
        self._add(Job(*key, from_ns, to_ns, reason, floor=floor))

    def began(self, key: Key, at_ns: int) -> None:
        """A key is subscribed for the first time: what an account holds then is known and not told."""
        self._began[key] = self._checked[key] = at_ns
        self._begin_audits()
        if key[0] in ("myOrder", "myAsset"):
            self._add(Job(*key, at_ns, at_ns, "the beginning", is_baseline=True))

    def expect(self) -> None:
        """Something will have to be looked at, soon."""
        self._expected += 1
        self._idle.clear()

    def expected(self) -> None:
        """That was all of it."""
        self._expected -= 1
        self._rest_if_idle()

    def needs(self, from_ns: int, to_ns: int) -> bool:
        """Whether a job is still to be done for which must be known what was received between the two."""
        return any(
            from_ns <= job.until_ns + NEAR_NS and to_ns >= job.begin_ns - NEAR_NS
            for queue in self._queues.values()
            for job in queue
        )

    @property
    def pending(self) -> list[Job]:
        """Jobs that are not done, without those that only look."""
        return [told for queue in self._queues.values() for job in queue for told in (job, *job.also) if told.number]

    def began_ns(self, key: Key) -> int | None:
        """When a key was subscribed for the first time, or None: an earlier run received it."""
        return self._began.get(key)

    def is_only(self, job: Job) -> bool:
        """Whether no other job waits for the same key."""
        return self._queues.get(job.key) == [job]

    def gaps(self) -> list[Gap]:
        """The gaps that are not filled yet."""
        return [self._gap(job, "") for job in self.pending]

    async def settled(self) -> None:
        """Wait until nothing is left to do."""
        await self._idle.wait()

    async def close(self) -> None:
        """Stop. Every gap that is not filled is told so."""
        await asyncio.gather(*self._cancelled(), return_exceptions=True)
        await self.rest.close()

    def give_up(self) -> None:
        """Do nothing more, and tell of every gap that is not filled. Before the consumers are closed."""
        self._closed = True
        self._cancelled()
        for key in tuple(self._done):
            self._tell_done(key)
        for job in self.pending:
            self._end(job, CLOSED_BEFORE_RECOVERED)
        self._queues.clear()
        self._idle.set()

    def _cancelled(self) -> list[asyncio.Task[None]]:
        tasks = [*self._tasks, *([self._auditing] if self._auditing else [])]
        for task in tasks:
            task.cancel()
        return tasks

    # for a job

    def exchange_ms(self, at_ns: int) -> int:
        """A moment of our clock by the exchange's, in ms."""
        return at_ns // 1_000_000 + self.rest.offset_ms

    @property
    def now_ms(self) -> int:
        """The exchange's present."""
        return self.exchange_ms(self._clock.time_ns())

    @property
    def now_ns(self) -> int:
        """Our present."""
        return self._clock.time_ns()

    async def until(self, at_ns: int) -> None:
        """Wait for a moment of our clock, which is near: where it seems not to be, the clock was set."""
        left_ns = min(at_ns - self._clock.time_ns(), MOST_NEAR_NS)
        if left_ns > 0:
            await asyncio.sleep(left_ns / 1e9 + 0.001)

    async def ask(self, request: Callable[[Rest], Awaitable[Page[Row]]]) -> Page[Row]:
        """Ask until there is an answer. Raises `RequestFailed` where there will never be one."""
        while True:
            async with self._places:
                await self._patience()
                try:
                    page = await request(self.rest)
                except RequestFailed as failure:
                    if failure.is_final:
                        raise
                    self.failed(str(failure))
                    continue
            self._backoff.session_lasted(0.0)
            return page

    def failed(self, reason: str) -> None:
        """REST does not answer, or answers nonsense: nobody asks for a while."""
        now = self._clock.monotonic()
        if now < self._not_before:
            return  # another request that was under way has told
        delay_s = self._backoff.next_delay_s()
        self._not_before = now + delay_s
        log.warning("recovery: %s; next attempt in %.1f s; %d gaps wait", reason, delay_s, len(self.pending))

    async def _patience(self) -> None:
        left_s = self._not_before - self._clock.monotonic()
        if left_s > 0:
            await asyncio.sleep(left_s + 0.001)

    async def put_back(self, job: Job, payloads: Iterable[bytes], times_ms: Sequence[int] = ()) -> None:
        """Deliver what was missing, each with the exchange's time where it has one. The first of a job that only looked
        makes it a gap.
        """
        for place, payload in enumerate(payloads):
            if not job.number:
                job.number = self._next_number()
                self._outlet.emit(self._gap(job, ""))
            self._gap_of(job, times_ms[place] if times_ms else 0).count += 1
            self._outlet.put_back(payload)
        await self._outlet.room()

    def _gap_of(self, job: Job, at_ms: int) -> Job:
        """The first of a job's gaps that a moment of the exchange may lie in."""
        ended = (told for told in (job, *job.also) if at_ms < self.exchange_ms(told.to_ns) + _EDGE_MS)
        return next(ended, job.also[-1] if job.also else job)

    # within

    def _add(self, job: Job) -> None:
        if self._closed:
            if job.number:
                self._end(job, CLOSED_BEFORE_RECOVERED)
            return
        self._begin_audits()
        queue = self._queues.setdefault(job.key, [])
        if self._is_absorbed(job, queue):
            return
        queue.append(job)
        self._idle.clear()
        if len(queue) == 1:
            task = asyncio.create_task(self._work(job.key), name=f"upbit-stream recovery {job}")
            self._tasks.add(task)
            task.add_done_callback(functools.partial(self._stopped, job.key))

    def _is_absorbed(self, job: Job, queue: list[Job]) -> bool:
        """Looks are taken together, and gaps where very many wait: REST may be down for days. Not with the one that is
        being done.
        """
        waiting = [other for other in queue[1:] if not other.is_baseline and bool(other.number) == bool(job.number)]
        if not waiting or job.is_baseline or (job.number and len(waiting) < MOST_WAITING):
            return False
        waiting[-1].absorb(job)
        return True

    def _rest_if_idle(self) -> None:
        if not self._queues and not self._expected:
            self._idle.set()

    def _stopped(self, key: Key, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s %s: the recovery stopped, by a mistake of its own", *key, exc_info=error)
            self._queues.pop(key, None)
            self._rest_if_idle()

    async def _work(self, key: Key) -> None:
        queue = self._queues[key]
        while queue:
            job = queue[0]
            lost = ""
            if not (job.is_baseline and len(queue) > 1):  # what changed since would be taken for known
                try:
                    lost = await self._do(job)
                except Exception as error:  # a mistake of ours must stop neither live data nor the jobs after it
                    log.exception("recovery of %s", job)
                    lost = f"a mistake in the recovery: {error!r}"
            queue.pop(0)
            self._done.setdefault(key, []).append((job, lost))
            if queue and self._outlet.keeps_back(key):
                continue  # what is kept back may be recovered trades: the end of the job is told after them
            if key[0] == "trade":
                self._outlet.let_go(key[1])
            self._tell_done(key)
        del self._queues[key]
        self._rest_if_idle()

    def _tell_done(self, key: Key) -> None:
        for job, lost in self._done.pop(key, ()):
            for told in (job, *job.also):
                self._end(told, lost)

    async def _do(self, job: Job) -> str:
        """Why it is lost, or ""."""
        patience = Backoff(self._random, first_s=_FIRST_S, cap_s=_CAP_S, stable_s=0.0)
        while True:
            try:
                await self.fill(job)
            except RequestFailed as failure:
                return str(failure)
            except MalformedMessage as error:
                if patience.failures >= MOST_NONSENSE:
                    return f"REST answers what makes no sense: {error}"
                delay_s = patience.next_delay_s()
                log.warning("recovery of %s: %s; next attempt in %.1f s", job, error, delay_s)
                await asyncio.sleep(delay_s)
                continue
            return job.lost

    def _end(self, job: Job, lost: str) -> None:
        if not lost:
            self._note_checked(job)
        if not job.number:
            if lost:
                log.warning("%s: whether anything is missing is not known: %s", job, lost)
            return
        if lost:
            log.warning("gap %d, %s: not recovered: %s", job.number, job, lost)
            self._outlet.emit(self._gap(job, lost))
            return
        log.info("gap %d, %s: recovered, messages that were missing: %d", job.number, job, job.count)
        self._outlet.emit(
            Recovered(
                at_ns=self._clock.time_ns(),
                number=job.number,
                message_type=job.kind,
                code=job.code,
                from_ns=job.from_ns,
                to_ns=job.to_ns,
                count=job.count,
            )
        )

    def _gap(self, job: Job, lost: str) -> Gap:
        return Gap(
            at_ns=self._clock.time_ns(),
            number=job.number,
            message_type=job.kind,
            code=job.code,
            from_ns=job.from_ns,
            to_ns=job.to_ns,
            reason=job.reason,
            lost=lost,
        )

    # looking, from time to time

    def _note_checked(self, job: Job) -> None:
        checked = self._checked.setdefault(job.key, job.begin_ns)
        if job.begin_ns <= checked:
            self._checked[job.key] = max(checked, job.until_ns)

    def _begin_audits(self) -> None:
        if self._audit_s and self._auditing is None and not self._closed:
            self._auditing = asyncio.create_task(self._audit(self._audit_s))

    async def _audit(self, every_s: float) -> None:
        """Ask the exchange what it has of each type and code, one after the other, spread over the time."""
        while True:
            keys = sorted(key for key in self._covered() if key[0].partition(".")[0] in _AUDITED)
            for key in keys:
                await asyncio.sleep(every_s / len(keys))
                to_ns = self._clock.time_ns() - AUDIT_LAG_NS
                from_ns = self._auditable_since(key, to_ns)
                if key not in self._queues and from_ns < to_ns:
                    self.check(key, from_ns, to_ns, "an audit found messages missing")
            if not keys:
                await asyncio.sleep(every_s)

    def _auditable_since(self, key: Key, to_ns: int) -> int:
        """What is missing can only be told where everything that was received is still known."""
        checked_ns = self._checked.get(key, to_ns)
        known_ns = self._known_since_ns() + NEAR_NS
        if checked_ns < known_ns:
            log.warning(
                "%s %s: %.0f s before now were not audited, and can't be any more", *key, (to_ns - checked_ns) / 1e9
            )
            self._checked[key] = checked_ns = known_ns
        return checked_ns
