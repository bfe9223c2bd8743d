"""The machine that figures came from: without it they mean nothing. Owns what is asked of the system."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

_PRODUCT = ("sys_vendor", "product_name")


def machine(root: Path = Path("/")) -> dict[str, object]:
    """The processor, how many cores may be used, the system, Python, and whose guest all this is.

    ``root`` is where the files of the kernel are looked for.
    """
    processor = _read(root / "proc/cpuinfo")
    return {
        "cpu": _model(processor) or platform.processor() or platform.machine(),
        "cores": len(usable_cores()),
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "virtualised": _virtualised(processor, root),
    }


def usable_cores() -> list[int]:
    """The cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def described(told: dict[str, Any]) -> str:
    """One line for people."""
    guest = told["virtualised"]
    kind = {True: " (virtual)", False: " (not virtual)", None: ""}.get(guest, f" (virtual: {guest})")
    return f"{told['cpu']}, {told['cores']} cores{kind}, {told['system']}, {told['python']}"


def _model(processor: str) -> str:
    for line in processor.splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("model name", "Model", "Hardware"):
            return " ".join(value.split())
    return ""


def _virtualised(processor: str, root: Path) -> bool | str | None:
    """Whose guest this is, where that is told; else whether it is one; None where the system says nothing."""
    if not processor:
        return None
    flags = next((line for line in processor.splitlines() if line.startswith("flags")), "")
    if "hypervisor" not in flags.split():
        return False
    said = (_read(root / "sys/class/dmi/id" / name).strip() for name in _PRODUCT)
    return " ".join(word for word in said if word) or True


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
