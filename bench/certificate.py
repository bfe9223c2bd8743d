"""A certificate for this machine, made when the benchmark begins. Owns its files; knows nothing of who shows it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Certificate:
    """The files: of the authority that clients trust, and of the server's certificate with its key."""

    authority: str
    chain: str
    key: str


def made_in(directory: Path) -> Certificate:
    """A new authority, and its certificate for the loopback address."""
    import trustme  # noqa: PLC0415  # only the environment of the benchmark has it

    authority = trustme.CA()
    server = authority.issue_cert("127.0.0.1", "localhost")
    made = Certificate(*(str(directory / name) for name in ("authority.pem", "chain.pem", "key.pem")))
    authority.cert_pem.write_to_path(made.authority)
    server.private_key_pem.write_to_path(made.key)
    Path(made.chain).write_bytes(b"".join(pem.bytes() for pem in server.cert_chain_pems))
    return made
