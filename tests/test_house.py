"""The rules of the house that no linter holds. They run on the checkout, whichever package is installed."""

import ast
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted(path for top in ("src", "bench") for path in (ROOT / top).rglob("*.py"))
PYTHON_FILES = sorted(path for top in ("src", "tests", "scripts", "bench") for path in (ROOT / top).rglob("*.py"))
LOCK_FILES = sorted((ROOT / "requirements").glob("*.txt"))

MAX_LINES = 400

# Spelled in parts, so that this file does not break its own rule.
REGISTRY_HOSTS = ("pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org", "debian" + ".org")
HOME_PATH = re.compile(r"(?<![\w.:/])/(?:root|home|Users)/\w")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def kept_files() -> list[Path]:
    """The files under version control; without git or its folder, those that would be."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        tops = ("src", "tests", "scripts", "bench", "requirements")
        found = [*ROOT.glob("*.*"), *(path for top in tops for path in (ROOT / top).rglob("*"))]
    else:
        found = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return [path for path in found if path.is_file() and "__pycache__" not in path.parts]


def locked(path: Path) -> dict[str, tuple[str, list[str]]]:
    """What a lock file pins: the version and the hashes of each package."""
    pins: dict[str, tuple[str, list[str]]] = {}
    for entry in path.read_text().replace("\\\n", " ").splitlines():
        if found := re.match(r"([\w.-]+)==(\S+)", entry):
            hashes = re.findall(r"--hash=sha256:[0-9a-f]{64}(?!\S)", entry)
            pins[canonicalize_name(found[1])] = (found[2], hashes)
    return pins


def test_each_module_says_what_it_owns():
    assert [name_of(path) for path in SOURCES if not ast.get_docstring(ast.parse(path.read_text()))] == []


def test_each_file_can_be_read_in_one_sitting():
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in PYTHON_FILES}
    assert {name: length for name, length in lengths.items() if length > MAX_LINES} == {}


def test_no_file_names_a_registry_or_somebodys_home():
    offences = []
    for path in kept_files():
        text = path.read_bytes().decode("utf-8", errors="replace")
        offences += [f"{name_of(path)}: {host}" for host in REGISTRY_HOSTS if host in text]
        offences += [f"{name_of(path)}: {found[0]}" for found in HOME_PATH.finditer(text)]
    assert offences == []


@pytest.mark.parametrize("path", LOCK_FILES, ids=name_of)
def test_a_lock_file_says_what_but_not_whence(path):
    text = path.read_text()
    assert not re.search(r"://|file:|^--|^-[ief]| @ |[\s=]/\w", text, re.MULTILINE)


@pytest.mark.parametrize("path", LOCK_FILES, ids=name_of)
def test_a_lock_file_names_each_package_by_hash(path):
    pins = locked(path)
    assert pins
    assert [name for name, (_, hashes) in pins.items() if not hashes] == []


def test_the_lock_files_agree():
    of_dev = locked(ROOT / "requirements/dev.txt")
    for path in LOCK_FILES:
        further = locked(path) if path.name == "bench.txt" else {}  # what it draws with is nobody else's
        assert {name: pin for name, pin in locked(path).items() if {**further, **of_dev}.get(name) != pin} == {}


def declared(project: dict, group: str) -> list[Requirement]:
    """The requirements of a dependency group, those of the groups it includes among them."""
    found = []
    for entry in project["dependency-groups"][group]:
        if isinstance(entry, str):
            found.append(Requirement(entry))
        else:
            found += declared(project, entry["include-group"])
    return found


def test_the_lock_files_hold_what_the_project_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    runtime = [Requirement(text) for text in project["project"]["dependencies"]]
    runtime += [Requirement(text) for text in project["project"]["optional-dependencies"]["fast"]]
    asked = {
        "runtime.txt": runtime,
        "build.txt": [Requirement(text) for text in project["build-system"]["requires"]],
        "dev.txt": runtime + declared(project, "dev") + declared(project, "peers"),
        "bench.txt": runtime + declared(project, "bench"),
    }
    unmet = []
    for name, requirements in asked.items():
        pins = locked(ROOT / "requirements" / name)
        for wanted in requirements:
            version, _ = pins.get(canonicalize_name(wanted.name), ("0", []))
            if not wanted.specifier.contains(version):
                unmet.append(f"{name}: {wanted}")
    assert unmet == []


@pytest.mark.skipif("UPBIT_STREAM_WHEEL_ENV" not in os.environ, reason="only scripts/wheel_test.py installs a wheel")
def test_the_package_under_test_is_the_wheel():
    import upbit_stream

    assert Path(upbit_stream.__file__).is_relative_to(os.environ["UPBIT_STREAM_WHEEL_ENV"])
