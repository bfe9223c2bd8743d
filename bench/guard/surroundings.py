"""What a count of instructions depends on beside the code that is counted.

Owns the list of it. Where it is the same, counts can be compared; elsewhere only their ratios.
"""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from upbit_stream.native import native

# The C library chooses how it copies and compares by these; valgrind hands them on where it knows them.
_CHOOSING = frozenset({"avx", "avx2", "bmi1", "bmi2", "erms", "f16c", "fma", "rdrand", "sse4_2", "ssse3"})
_COMPILER = re.compile(rb"GCC: \([^)]*\) [\d.]+|clang version [\d.]+")
_PROCESSOR = Path("/proc/cpuinfo")


def surroundings(valgrind: str) -> Mapping[str, str]:
    """Those of this interpreter and this machine."""
    asked = [valgrind, "--version"]
    told = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603  # a fixed command
    return {
        "python": sys.version,
        "msgspec": metadata.version("msgspec"),
        "picows": metadata.version("picows"),
        "machine": platform.machine(),
        "libc": " ".join(platform.libc_ver()),
        "valgrind": told.stdout.strip().removeprefix("valgrind-"),
        "compiler": "" if native is None else compiler(Path(native.__file__).read_bytes()),
        "processor": processor_features(_PROCESSOR.read_text() if _PROCESSOR.exists() else ""),
    }


def variant() -> str:
    """Whose counts these are: the hot path has a part in C, and a twin of it in Python where that cannot be built."""
    return "Python" if native is None else "C"


def compiler(library: bytes) -> str:
    """What a library was built with, where it tells."""
    found = _COMPILER.search(library)
    return found[0].decode() if found else ""


def processor_features(told: str) -> str:
    """Those that matter, of what the system tells of its first processor."""
    found = re.search(r"^(?:flags|Features)\s*:(.*)$", told, re.MULTILINE)
    return " ".join(sorted(_CHOOSING & set(found[1].split()))) if found else ""


def differences(stored: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """What is different here, as sentences."""
    return [
        f"{name}: {found.get(name) or 'none'} here, {stored.get(name) or 'none'} stored"
        for name in sorted({*stored, *found})
        if stored.get(name) != found.get(name)
    ]
