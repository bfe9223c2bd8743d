"""Which subscriptions are wanted on one endpoint, and which the exchange has confirmed.

Owns the set and the changes on their way into it. A round is: take the waiting changes, send the whole set that
would result, and learn whether the exchange took it. Pure: who sends, waits and asks is elsewhere.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import msgspec

from upbit_stream.errors import InvalidSubscription
from upbit_stream.model.subscription import MAX_INDICATORS, Subscription


class SubscriptionSet:
    """An immutable set of subscriptions, merged: one entry for each type with the same options."""

    def __init__(self, groups: dict[bytes, Subscription] | None = None) -> None:
        self._groups = groups or {}

    def __bool__(self) -> bool:
        return bool(self._groups)

    @property
    def subscriptions(self) -> tuple[Subscription, ...]:
        """The entries, in the order in which their types were first asked for."""
        return tuple(self._groups.values())

    def plus(self, subscription: Subscription) -> SubscriptionSet:
        """With one more. No codes (all markets) takes in any codes.

        Raises `InvalidSubscription` where the whole would be more than the exchange allows.
        """
        groups = dict(self._groups)
        key = _group(subscription)
        had = groups.get(key)
        if had is not None:
            codes = (*had.codes, *subscription.codes) if had.codes and subscription.codes else ()
            subscription = msgspec.structs.replace(subscription, codes=codes)
        groups[key] = subscription
        _check_indicators(groups.values())
        return SubscriptionSet(groups)

    def plus_all(self, subscriptions: Iterable[Subscription]) -> SubscriptionSet:
        """With several more. Raises as `plus` does."""
        whole = self
        for subscription in subscriptions:
            whole = whole.plus(subscription)
        return whole

    def minus(self, kind: str, codes: Iterable[str] = ()) -> SubscriptionSet:
        """Without these codes of a type, or without the type where no code is named."""
        gone = set(codes)
        groups = {}
        for key, had in self._groups.items():
            left = tuple(code for code in had.codes if code not in gone) if gone else ()
            if had.type != kind or (gone and not had.codes):
                groups[key] = had
            elif left:
                groups[key] = msgspec.structs.replace(had, codes=left)
        return SubscriptionSet(groups)

    def has(self, kind: str, code: str | None = None) -> bool:
        """Whether a type, or one code of it, is in the set."""
        return any(had.type == kind and (code is None or code in had.codes) for had in self._groups.values())


def _group(subscription: Subscription) -> bytes:
    options = msgspec.to_builtins(subscription)
    options.pop("codes", None)
    if options.get("level") is not None:
        options["level"] = float(options["level"])  # 10000 and 10000.0 are one grouping
    return msgspec.json.encode(options, order="deterministic")


def _check_indicators(subscriptions: Iterable[Subscription]) -> None:
    combinations = sum(
        len(subscription.codes) * len(subscription.indicators or ())
        for subscription in subscriptions
        if subscription.endpoint == "info"
    )
    if combinations > MAX_INDICATORS:
        raise InvalidSubscription(
            f"{combinations} combinations of code and indicator: the exchange takes {MAX_INDICATORS} in all"
        )


Apply = Callable[[SubscriptionSet], SubscriptionSet]
DOUBTS = 3
Settle = Callable[[Exception | None], None]


@dataclass(slots=True, eq=False)
class Change:
    """One caller's wish. ``settle`` is called once: with None when the exchange has it, else with the error."""

    apply: Apply
    settle: Settle
    withdrawn: bool = False  # its caller waits no more
    alone: bool = False  # it was in a refused round with others: it goes by itself now
    doubts: int = 0  # errors that came in its round and may have had another cause


@dataclass(slots=True)
class Desired:
    """The confirmed set of one endpoint, and the changes that wait or are under way."""

    confirmed: SubscriptionSet = field(default_factory=SubscriptionSet)
    _waiting: deque[Change] = field(default_factory=deque)
    _under_way: list[Change] = field(default_factory=list)
    _failed: Exception | None = None

    @property
    def target(self) -> SubscriptionSet:
        """The confirmed set with the changes under way: what the current round asks for."""
        return applied(self.confirmed, (change.apply for change in self._under_way))

    @property
    def eventual(self) -> SubscriptionSet:
        """What the set will be when all changes are through."""
        return applied(self.target, (change.apply for change in self._waiting))

    @property
    def has_changes(self) -> bool:
        """Whether a round has something to do."""
        return bool(self._waiting)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is wanted and nothing waits: no connection is needed."""
        return not self.confirmed and not self._waiting and not self._under_way

    def want(self, change: Change) -> None:
        """Queue a change. Raises `InvalidSubscription` where the resulting whole is not allowed."""
        change.apply(self.eventual)
        if self._failed is not None:
            change.settle(self._failed)
        else:
            self._waiting.append(change)

    def withdraw(self, change: Change) -> None:
        """Forget a change that is still waiting. One that is under way takes its course, but is not sent again."""
        change.withdrawn = True
        if change in self._waiting:
            self._waiting.remove(change)

    def carries(self, change: Change) -> bool:
        """Whether a change waits or is under way."""
        return change in self._waiting or change in self._under_way

    def begin(self) -> SubscriptionSet:
        """Start a round: all waiting changes go together, but one that must go alone.

        A change may have become impossible since it was wanted, as one before it was withdrawn or refused: it is told.
        """
        target = self.target
        while self._waiting and not (self._under_way and self._waiting[0].alone):
            change = self._waiting.popleft()
            try:
                target = change.apply(target)
            except InvalidSubscription as error:
                change.settle(error)
                continue
            self._under_way.append(change)
            if change.alone:
                break
        return target

    def accepted(self) -> None:
        """The exchange has what the round asked for."""
        self.confirmed = self.target
        done, self._under_way = self._under_way, []
        for change in done:
            change.settle(None)

    def refused(self, error: Exception) -> bool:
        """The exchange refused the round. The confirmed set stands.

        A single change is told; several are each tried again alone, so that one bad wish fails no other. Returns
        False where there was no change to blame: the exchange refused what it had taken before.
        """
        blamed, self._under_way = self._under_way, []
        if len(blamed) == 1:
            blamed[0].settle(error)
        else:
            for change in reversed(blamed):
                change.alone = True
                if not change.withdrawn:
                    self._waiting.appendleft(change)
        return bool(blamed)

    def doubted(self, error: Exception) -> bool:
        """An error came that may have nothing to do with the round: its changes are tried again. After a few times it
        is taken for a refusal; see `refused`.
        """
        for change in self._under_way:
            change.doubts += 1
        if self._under_way and all(change.doubts < DOUBTS for change in self._under_way):
            self.interrupted()
            return True
        return self.refused(error)

    def interrupted(self) -> None:
        """The connection was lost in the middle of a round: its changes wait again."""
        self._waiting.extendleft(change for change in reversed(self._under_way) if not change.withdrawn)
        self._under_way = []

    def fail(self, error: Exception) -> None:
        """Tell every change, also those still to come, that there will be no answer."""
        self._failed = error
        changes = [*self._under_way, *self._waiting]
        self._under_way, self._waiting = [], deque()
        for change in changes:
            change.settle(error)


def applied(base: SubscriptionSet, applies: Iterable[Apply]) -> SubscriptionSet:
    """The set after these changes, without those that are not allowed by then."""
    for apply in applies:
        with contextlib.suppress(InvalidSubscription):  # it will be told when its round begins
            base = apply(base)
    return base
