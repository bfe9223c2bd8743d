"""Run the tests against the built wheel, as somebody who installed it has it.

The sdist is built, the wheel from the sdist; the wheel goes into a fresh environment outside the source tree,
first with its locked dependencies and nothing else, where each module has to import, then with the tools of
the tests. Everything is removed again. The exit status is that of the first step that failed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# About no file of the wheel (the benchmark is not in it), or long and about what is the same wherever it lies: on the
# source tree they ran a moment ago.
LEFT_OUT = (
    "tests/bench",
    "tests/flow",
    "tests/net/test_mutations.py",
    "tests/net/test_network_faults.py",
    "tests/session",
    "tests/simulator",
    "tests/wire/test_decoder_garbage.py",
    "tests/wire/test_rest_garbage.py",
)

# Runs in the wheel's environment. `testing` is left out: it may import the tools of the tests.
IMPORT_EVERYTHING = """
import importlib, pathlib, pkgutil, sys, upbit_stream
home = pathlib.Path(upbit_stream.__file__)
if not home.is_relative_to(sys.prefix):
    sys.exit(f"upbit_stream comes from {home}, not from the wheel")
if not (home.parent / "py.typed").is_file():
    sys.exit("the wheel lacks py.typed")
names = [found.name for found in pkgutil.walk_packages([str(home.parent)], "upbit_stream.")]
names = [name for name in names if "testing" not in name.split(".") and not name.endswith("__main__")]
for name in names:
    importlib.import_module(name)
print(f"{len(names)} modules import from {home.parent.name} in the wheel's environment")
"""


def run(step: str, *command: str | Path, cwd: Path = ROOT, **environment: str) -> None:
    """Run one command under its heading; leave with its exit status when it fails."""
    print(f"\n-- {step}", flush=True)
    # The caller's own paths must not lend the tests a module that the wheel lacks.
    kept = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "PYTHONHOME"}}
    status = subprocess.run(command, cwd=cwd, env=kept | environment, check=False).returncode
    if status:
        print(f"wheel-test: «{step}» failed with status {status}", file=sys.stderr)
        sys.exit(status)


def main() -> None:
    """Build, install, test."""
    with tempfile.TemporaryDirectory(prefix="upbit-stream-wheel-") as made:
        away = Path(made).resolve()
        built, home = away / "dist", away / "env"
        python = home / "bin" / "python"
        pip = (python, "-m", "pip", "install", "-q", "-q", "--disable-pip-version-check")

        run("build the sdist, and the wheel from it", sys.executable, "-m", "build", "--no-isolation", "-o", built)
        [wheel] = built.glob("*.whl")
        run("a fresh environment", sys.executable, "-m", "venv", home)
        run("the locked dependencies", *pip, "--require-hashes", "-r", "requirements/runtime.txt")
        run("the wheel", *pip, "--no-deps", "--no-index", wheel)
        run("nothing is missing", python, "-m", "pip", "check")
        run("every module imports", python, "-I", "-c", IMPORT_EVERYTHING, cwd=away)
        run("the tools of the tests", *pip, "--require-hashes", "-r", "requirements/dev.txt")
        left_out = [f"--ignore={path}" for path in LEFT_OUT]
        tests = (python, "-m", "pytest", "-p", "no:cacheprovider", "tests")
        run("the tests", *tests, *left_out, UPBIT_STREAM_WHEEL_ENV=str(home))


if __name__ == "__main__":
    main()
