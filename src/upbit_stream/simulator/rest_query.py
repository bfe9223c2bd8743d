"""The parameters of a REST request, as values.

Owns reading them out of the URL and the errors for those that make no sense. Must not know what they are for.
"""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qsl

from .dates import SECOND_MS


class RestError(Exception):
    """The request is answered with an error. ``name`` is what the body tells beside the message."""

    def __init__(self, status: int, name: str | int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.name = name
        self.message = message


class Parameters:
    """What stood behind the question mark. A parameter left empty counts as absent.

    ``error_name`` is how a bad one is called: the quotation half of the exchange gives its status as a
    number (400), the private half a word.
    """

    def __init__(self, query: str, error_name: str | int) -> None:
        # Unlike for the token's hash, a plus sign stands for a space here, as in any form.
        self._values: dict[str, list[str]] = {}
        for name, value in parse_qsl(query):
            self._values.setdefault(name, []).append(value)
        self._error_name = error_name

    def bad(self, message: str) -> RestError:
        """The error for parameters that make no sense."""
        return RestError(400, self._error_name, message)

    def text(self, name: str) -> str | None:
        """The parameter; of several with one name the last."""
        values = self._values.get(name)
        return values[-1] if values else None

    def required(self, name: str) -> str:
        """The parameter, which must be there."""
        value = self.text(name)
        if value is None:
            raise self.bad("Missing request parameter error. Check the required parameters!")
        return value

    def listed(self, name: str) -> list[str]:
        """All values of an array parameter, which is written ``name[]``."""
        return self._values.get(f"{name}[]", [])

    def number(self, name: str, default: int | None, least: int, most: int | None = None) -> int | None:
        """A whole number within bounds."""
        value = self.text(name)
        if value is None:
            return default
        if not (value.isascii() and value.isdigit() and len(value) < 20):
            raise self.bad(f"{name} is not a whole number.")
        number = int(value)
        if number < least or (most is not None and number > most):
            raise self.bad(f"{name} is out of range.")
        return number

    def count(self, name: str, default: int, most: int | None = None) -> int:
        """How many are wanted: one at least."""
        number = self.number(name, default, 1, most)
        return default if number is None else number

    def one_of(self, name: str, choices: tuple[str, ...], default: str) -> str:
        """One of a few words."""
        value = self.text(name) or default
        if value not in choices:
            raise self.bad(f"{name} does not have a valid value")
        return value

    def moment(self, name: str, *, or_ms: bool = False) -> int | None:
        """A moment in ISO 8601 as ms since the epoch, in UTC if it names no zone; with ``or_ms`` also plain ms."""
        value = self.text(name)
        if value is None:
            return None
        if or_ms and value.isascii() and value.isdigit() and len(value) == len("1750741013000"):
            return int(value)
        try:
            moment = datetime.fromisoformat(value)
        except ValueError as problem:
            raise self.bad(f"{name} is not a date and time in ISO 8601.") from problem
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        # In whole numbers: a float would lose the ms.
        passed = moment - datetime(1970, 1, 1, tzinfo=UTC)
        return (passed.days * 86_400 + passed.seconds) * SECOND_MS + passed.microseconds // SECOND_MS
