"""What importing the package takes, beside what it stands on.

Owns the programs that are timed, each in fresh processes that take turns. Knows nothing of messages and sockets.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

from bench.figures import spread

GOAL_S = 0.150
"""What the import of the package may take."""

PROGRAMS: Mapping[str, str] = {
    "upbit_stream": "import upbit_stream",
    # What no client on asyncio and msgspec gets below, without the sockets and with them.
    "asyncio_msgspec": "import asyncio, ssl, msgspec",
    "floor": "import asyncio, ssl, msgspec, picows",
    # The sockets and the budgets come with the first stream: what a program has paid when it begins to connect.
    "first_stream": "import upbit_stream; upbit_stream.Stream('sg')",
}

# The packages are told beside the times: a time alone does not say that nothing needless was loaded.
_TIMED = """
import sys, time
before = set(sys.modules)
cpu, wall = time.process_time(), time.perf_counter()
{program}
print(time.perf_counter() - wall, time.process_time() - cpu)
print(*sorted({{name.partition(".")[0] for name in set(sys.modules) - before}} - sys.stdlib_module_names))
"""


def run(rounds: int = 20) -> dict[str, object]:
    """Median, min and max of ``rounds`` fresh processes for each program, by `PROGRAMS`' names: ``wall_s`` and
    ``cpu_s`` (user and system) of its statements, without the start of the interpreter, and the ``packages``
    beside the standard library that they loaded.
    """
    if rounds < 1:
        raise ValueError(f"rounds {rounds!r}: at least one")
    packages = {name: _once(program)[2] for name, program in PROGRAMS.items()}  # this round writes the bytecode
    wall: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    cpu: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for _ in range(rounds):
        for name, program in PROGRAMS.items():
            wall_s, cpu_s, _packages = _once(program)
            wall[name].append(wall_s)
            cpu[name].append(cpu_s)
    result: dict[str, object] = {
        name: {"wall_s": spread(wall[name]), "cpu_s": spread(cpu[name]), "packages": packages[name]}
        for name in PROGRAMS
    }
    return {"rounds": rounds, "goal_s": GOAL_S, **result}


def _once(program: str) -> tuple[float, float, list[str]]:
    """Isolated, so that neither the directory nor the environment of the caller has a part in it."""
    ran = subprocess.run(  # noqa: S603  # this interpreter, and a program from above
        [sys.executable, "-I", "-c", _TIMED.format(program=program)], capture_output=True, text=True, check=True
    )
    times, packages = ran.stdout.splitlines()
    wall_s, cpu_s = map(float, times.split())
    return wall_s, cpu_s, packages.split()
