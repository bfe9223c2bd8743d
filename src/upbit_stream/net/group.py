"""The connections of one endpoint: one, or several side by side that each keep the whole set.

Owns what has to be agreed among them: which of them a change is tried on, what its caller is told, who is opened and
replaced when, and whether the end of one is the end of all. Knows nothing of sessions and of the data.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from upbit_stream.errors import InvalidSubscription, RetriesExhausted, SubscriptionRejected
from upbit_stream.model.subscription import Endpoint
from upbit_stream.net.supervisor import State, Supervisor
from upbit_stream.session.desired import Apply, Change, SubscriptionSet, applied
from upbit_stream.session.lane import Lane

log = logging.getLogger(__name__)

# The exchange closes a connection after it refused a request. So a change goes to one connection first, and to the
# others when it is accepted there, or when the first is lost or keeps the caller waiting for so long.
PATIENCE_S = 2.0
# How long one connection that is being replaced may keep the next from being replaced.
REPLACED_WITHIN_S = 30.0

_BEST_FIRST: tuple[State, ...] = ("open", "connecting", "waiting", "idle", "closed")

Make = Callable[[Lane, Callable[[], Awaitable[None]], Callable[[], None]], Supervisor]


@dataclass(slots=True, eq=False)
class _Wish:
    """One caller's change, and how it went on each connection that it was offered to."""

    apply: Apply
    outcome: asyncio.Future[None]
    offers: dict[Supervisor, Change] = field(default_factory=dict)
    accepted: bool = False
    refused: bool = False

    @property
    def is_pending(self) -> bool:
        """Whether somebody waits for it, or it may still be accepted because it was sent already."""
        if self.accepted or self.refused:
            return False
        return not self.outcome.done() or any(member.desired.carries(offer) for member, offer in self.offers.items())


class Group:
    """See the module. ``make`` makes the supervisor of a lane; ``failed`` is called with the error that ends them all.

    With one connection this adds nothing to its supervisor.
    """

    def __init__(
        self, endpoint: Endpoint, connections: int, make: Make, *, failed: Callable[[Exception], None]
    ) -> None:
        self.endpoint = endpoint
        self._failed = failed
        self._news = asyncio.Event()
        self._agreed = SubscriptionSet()
        self._wishes: list[_Wish] = []
        self._over: set[Supervisor] = set()
        self._replacing: asyncio.Task[None] | None = None
        lanes = [Lane(number, connections) for number in range(1, connections + 1)]
        self._members = tuple(make(lane, functools.partial(self._turn, lane), self._told) for lane in lanes)
        self._tasks = [asyncio.create_task(self._run(member)) for member in self._members]

    @property
    def state(self) -> State:
        """The state of the best of them."""
        return min((member.state for member in self._members), key=_BEST_FIRST.index)

    @property
    def confirmed(self) -> SubscriptionSet:
        """What the exchange has confirmed on at least one of them; a connection that is down gets it again."""
        return self._agreed

    @property
    def eventual(self) -> SubscriptionSet:
        """What will be subscribed when all changes are through."""
        self._wishes = [wish for wish in self._wishes if wish.is_pending]
        return applied(self._agreed, (wish.apply for wish in self._wishes))

    # what the stream asks for

    async def change(self, apply: Apply) -> None:
        """Make a change on all of them; returns when one of them has it.

        Raises `InvalidSubscription` where the whole is not allowed, `SubscriptionRejected` where the exchange
        refused it, and what ends the stream. Then no connection has it, nor when this is cancelled before it was sent.
        """
        apply(self.eventual)
        loop = asyncio.get_running_loop()
        wish = _Wish(apply, loop.create_future())
        self._wishes.append(wish)
        self._offer_all()
        patience = loop.call_later(PATIENCE_S, self._offer, wish, self._members)
        try:
            await wish.outcome
        finally:
            patience.cancel()
            if not wish.accepted:
                self._withdraw(wish)
            if wish.refused and not wish.outcome.cancelled():
                wish.outcome.exception()  # it is looked at, also where the caller was cancelled just now

    def reconnect(self, reason: str) -> None:
        """Replace the connections that are open, one after the other; those that are down are tried at once."""
        if self._replacing is not None:
            self._replacing.cancel()
        were_open = [member for member in self._members if member.state == "open"]
        for member in self._members:
            if member.state != "open":
                member.reconnect(reason)
        if were_open:
            were_open[0].reconnect(reason)
        if were_open[1:]:
            self._replacing = asyncio.create_task(self._replace(were_open, reason))

    def pause_reading(self) -> None:
        """Read nothing until `resume_reading`, on these and later sessions."""
        for member in self._members:
            member.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        for member in self._members:
            member.resume_reading()

    def end(self, error: Exception) -> None:
        """Cancel every wait; every change that is not settled gets ``error``."""
        for task in (*self._tasks, *([self._replacing] if self._replacing else [])):
            task.cancel()
        for member in self._members:
            member.desired.fail(error)

    async def settle(self) -> None:
        """Wait until every connection is closed."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._replacing is not None:
            await asyncio.gather(self._replacing, return_exceptions=True)

    # changes

    def _offer_all(self) -> None:
        """To one that is open, to all where none is: whichever comes first."""
        alive = [member for member in self._members if member not in self._over]
        open_ = [member for member in alive if member.is_registered] or [
            member for member in alive if member.state == "open"
        ]
        for wish in tuple(self._wishes):
            if not wish.outcome.done():
                self._offer(wish, open_[:1] or alive)

    def _offer(self, wish: _Wish, members: Iterable[Supervisor]) -> None:
        for member in members:
            if member not in wish.offers and member not in self._over:
                offer = Change(wish.apply, functools.partial(self._settled, wish, member))
                wish.offers[member] = offer
                member.want(offer)

    def _withdraw(self, wish: _Wish) -> None:
        for member, offer in wish.offers.items():
            member.desired.withdraw(offer)

    def _settled(self, wish: _Wish, member: Supervisor, error: Exception | None) -> None:
        """A connection has the change, or does not. The first to say so speaks for all."""
        if error is None and wish.refused:
            self._correct(member)
        elif error is None and not wish.accepted:
            self._accepted(wish)
        elif error is not None and wish.accepted:
            if isinstance(error, SubscriptionRejected | InvalidSubscription):
                log.warning("%s: %s; another connection has it", member.lane.named(self.endpoint), error)
        elif error is not None and not wish.refused:
            wish.refused = True
            self._withdraw(wish)
            if not wish.outcome.done():  # else the caller was cancelled
                wish.outcome.set_exception(error)

    def _accepted(self, wish: _Wish) -> None:
        wish.accepted = True
        if wish in self._wishes:
            self._wishes.remove(wish)
        self._agreed = wish.apply(self._agreed)
        self._offer(wish, self._members)
        if not wish.outcome.done():
            wish.outcome.set_result(None)

    def _correct(self, member: Supervisor) -> None:
        """A connection took what its caller was told is refused: back to what they all have."""
        eventual = self.eventual
        name = member.lane.named(self.endpoint)

        def settle(error: Exception | None) -> None:
            if error is not None:
                log.warning("%s: it keeps a refused subscription: %s", name, error)

        member.want(Change(lambda _: eventual, settle))

    # the life of the connections

    async def _run(self, member: Supervisor) -> None:
        try:
            await member.run()
        except RetriesExhausted as error:
            self._over.add(member)
            if len(self._over) == len(self._members):
                self._failed(error)
            else:
                log.error("%s: %s; the others go on", member.lane.named(self.endpoint), error)  # noqa: TRY400  # it is told, not a fault of ours
                self._told()
        except Exception as error:  # noqa: BLE001  # whatever it is, the stream ends with it
            self._failed(error)

    def _told(self) -> None:
        """The state of one has changed."""
        self._news.set()
        self._news.clear()
        self._offer_all()

    async def _until(self, condition: Callable[[], bool], within_s: float) -> None:
        try:
            async with asyncio.timeout(within_s):
                while not condition():
                    await self._news.wait()
        except TimeoutError:
            pass

    async def _turn(self, lane: Lane) -> None:
        """Wait until a connection may be opened: after those before it, or when all of these are lost."""
        before = self._members[: lane.number - 1]
        await self._until(lambda: all(member.is_lost for member in before), lane.start_delay_s)

    async def _replace(self, members: list[Supervisor], reason: str) -> None:
        """The first was told to go; each other goes when the one before it is there again."""
        sessions = [member.sessions for member in members]
        for before, member, had_before, had in zip(members, members[1:], sessions, sessions[1:], strict=False):
            await self._until(functools.partial(_is_back, before, had_before), REPLACED_WITHIN_S)
            if member.sessions == had:  # else it was replaced meanwhile
                member.reconnect(reason)


def _is_back(member: Supervisor, session: int) -> bool:
    """Whether a session after that one is confirmed, or none is needed any more."""
    return (member.is_registered and member.sessions > session) or member.desired.is_idle
