"""The account's access key and secret, kept from being shown.

Owns where they come from. Knows nothing of tokens.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from upbit_stream.errors import UsageError

ACCESS_KEY_VARIABLE = "UPBIT_ACCESS_KEY"
SECRET_KEY_VARIABLE = "UPBIT_SECRET_KEY"  # noqa: S105  # the variable's name, not a secret


class Credentials:
    """An access key with its secret. Neither is shown by ``repr`` or ``str``, and neither can be changed.

    Raises `UsageError` where one of them is empty, or no text that a token can hold.

    >>> Credentials("my-access-key", "my-secret")
    Credentials(access_key='***', secret_key='***')
    """

    __slots__ = ("_access_key", "_secret_key")

    def __init__(self, access_key: str, secret_key: str) -> None:
        if not access_key or not secret_key:
            raise UsageError("credentials need an access key and a secret key; one of them is empty")
        _check_text("access_key", access_key)
        _check_text("secret_key", secret_key)
        self._access_key = access_key
        self._secret_key = secret_key

    @property
    def access_key(self) -> str:
        """The key's public half."""
        return self._access_key

    @property
    def secret_key(self) -> str:
        """The key's secret half, as the exchange issued it: not base64."""
        return self._secret_key

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Credentials:
        """Read ``UPBIT_ACCESS_KEY`` and ``UPBIT_SECRET_KEY``. Raises `UsageError` naming what is missing."""
        environ = os.environ if environ is None else environ
        missing = [name for name in (ACCESS_KEY_VARIABLE, SECRET_KEY_VARIABLE) if not environ.get(name)]
        if missing:
            raise UsageError(
                f"no credentials: set the environment variable{'s' if len(missing) > 1 else ''} {' and '.join(missing)}"
            )
        return cls(environ[ACCESS_KEY_VARIABLE], environ[SECRET_KEY_VARIABLE])

    def __repr__(self) -> str:
        return "Credentials(access_key='***', secret_key='***')"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Credentials):
            return NotImplemented
        return (self._access_key, self._secret_key) == (other._access_key, other._secret_key)

    def __hash__(self) -> int:
        return hash((self._access_key, self._secret_key))


def _check_text(name: str, key: object) -> None:
    # What Python makes of bytes that are no UTF-8 (surrogates) would fail at the first connection, in an error that
    # holds the key.
    if not isinstance(key, str) or any("\ud800" <= character <= "\udfff" for character in key):
        raise UsageError(f"credentials: the {name} is no text in UTF-8")
