"""What holds for every test: budgets of its own, and no address or key from the surroundings."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import settings

# Properties are the same in every run and on every machine: examples from a fixed seed, no time limit.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")

CAPTURE = Path(__file__).parent / "captures" / "upbit-kr-2021-04-17.tsv"


@pytest.fixture(autouse=True)
def own_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Processes share their budgets in a directory; no test shares one with another, or with the machine."""
    monkeypatch.setenv("UPBIT_STREAM_STATE_DIR", str(tmp_path_factory.mktemp("budgets")))
    for name in ("UPBIT_BASE_URL", "UPBIT_ACCESS_KEY", "UPBIT_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def capture() -> list[bytes]:
    """The payloads of real traffic, in order."""
    return [line.split(b"\t", 1)[1] for line in CAPTURE.read_bytes().splitlines()]


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for localhost, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(cert)),
            *("-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
        ],
        check=True,
        capture_output=True,
    )
    return cert, key
