"""Run the tests of the C part under gcc's address and undefined-behaviour sanitizers.

A copy of the package gets an extension of its own, built with them; what is installed stays as it is. Memory comes
straight from malloc, so that every byte read beyond an object is seen. Leaks are not looked for here: CPython itself
keeps memory to its end; ``tests/native/test_leaks.py`` counts what our own objects keep.

Takes the tests to run, else all of ``tests/native`` and ``tests/flow``. Needs gcc with libasan and libubsan; takes some
minutes. The exit status is that of the tests; what a sanitizer finds ends them at once.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = ("tests/native", "tests/flow")
FLAGS = (
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
    "-fno-omit-frame-pointer",
    "-g",
    "-O1",
    "-UNDEBUG",
)


def build(away: Path) -> None:
    """A copy of the package with the extension built for this."""
    shutil.copytree(ROOT / "src" / "upbit_stream", away / "upbit_stream", ignore=shutil.ignore_patterns("*.so"))
    [extension] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["ext-modules"]
    options = [option for option in extension["extra-compile-args"] if not option.startswith("-O")]
    made = away / "upbit_stream" / f"_native{sysconfig.get_config_var('EXT_SUFFIX')}"
    include = sysconfig.get_path("include")
    command = ["gcc", "-shared", "-fPIC", f"-I{include}", *options, *FLAGS, *extension["sources"], "-o", str(made)]
    subprocess.run(command, cwd=ROOT, check=True)


def library(name: str) -> str:
    """Where gcc has a library of its own."""
    asked = subprocess.run(["gcc", f"-print-file-name={name}"], capture_output=True, text=True, check=True)  # noqa: S607
    return asked.stdout.strip()


def main() -> None:
    """Build, run."""
    with tempfile.TemporaryDirectory(prefix="upbit-stream-sanitized-") as made:
        away = Path(made).resolve()
        build(away)
        environment = os.environ | {
            "PYTHONPATH": str(away),
            "PYTHONMALLOC": "malloc",
            "LD_PRELOAD": f"{library('libasan.so')} {library('libstdc++.so')}",
            "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1",
            "UBSAN_OPTIONS": "print_stacktrace=1:abort_on_error=1",
        }
        # No capturing: what a sanitizer says before it ends the process is to be seen.
        pytest = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", *(sys.argv[1:] or TESTS)]
        sys.exit(subprocess.run(pytest, cwd=ROOT, env=environment, check=False).returncode)


if __name__ == "__main__":
    main()
