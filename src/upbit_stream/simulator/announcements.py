"""Announcements, as private connections may follow them.

Owns a small seeded series: every half minute one is created or updated, category after category. Must
not know who listens, only what they asked to be left out.
"""

from __future__ import annotations

from collections.abc import Mapping

from .agenda import Agenda
from .audience import Audience
from .broadcast import Told
from .dates import kst_offset_iso
from .messages import REALTIME, Message
from .seeds import next_uuid, seeded
from .type_objects import CATEGORIES
from .wanted import EVERY_CODE, Topics, Variant

PERIOD_MS = 30_000


def told_announcement(message: Mapping[str, object]) -> Told:
    """An announcement for delivery: only to those who want its category, with its body if wanted."""

    def build(variant: Variant) -> Mapping[str, object] | None:
        if not isinstance(variant, Topics):
            return None
        if variant.categories and message.get("category") not in variant.categories:
            return None
        if variant.include_body:
            return message
        return {key: value for key, value in message.items() if key != "body"}

    return Told("announcement", EVERY_CODE, build)


class Announcements:
    """The exchange's notice board."""

    def __init__(self, seed: int, agenda: Agenda, audience: Audience) -> None:
        self._chance = seeded(seed, "announcements")
        self._agenda = agenda
        self._audience = audience
        self._told = self._created = 0
        self._uuid, self._first_ms = "", 0
        agenda.add(agenda.now_ms + PERIOD_MS, self._announce)

    def _announce(self, at_ms: int) -> None:
        # Every third corrects the one before.
        update = self._told % 3 == 2
        if not update:
            self._uuid, self._first_ms = next_uuid(self._chance), at_ms
            self._created += 1
        self._audience.deliver(told_announcement(self._message(at_ms, update=update)))
        self._told += 1
        self._agenda.add(at_ms + PERIOD_MS, self._announce)

    def _message(self, at_ms: int, *, update: bool) -> Message:
        category = CATEGORIES[(self._created - 1) % len(CATEGORIES)]
        return {
            "type": "announcement",
            "event_type": "UPDATED" if update else "CREATED",
            "uuid": self._uuid,
            "title": f"Stand-in announcement {self._created}",
            "category": category,
            "url": f"https://example.invalid/announcements/{self._created}",
            "first_listed_at": kst_offset_iso(self._first_ms),
            "listed_at": kst_offset_iso(at_ms),
            "timestamp": at_ms,
            "stream_type": REALTIME,
            "body": f"# {category}\n\nNothing happened; this is a stand-in exchange.",
        }
