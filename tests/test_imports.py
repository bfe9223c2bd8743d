"""What an import loads: a program pays for what it uses, not for what the package could do."""

import subprocess
import sys

import pytest

# The way to the exchange and to files comes with the first stream, the first request, the first recording.
LATER = {"picows", "python_socks", "aiohappyeyeballs", "pyrate_limiter", "filelock", "upbit", "httpx"}
NEVER = {"aiohttp", "click", "rich", "jwt", "matplotlib", "websocket", "pytest", "hypothesis"}
STANDARD = {"sqlite3", "multiprocessing", "email", "http", "tempfile", "importlib.metadata", "unittest"}


def loaded_by(code: str) -> set[str]:
    """The names of the modules that ``code`` loads in a fresh process, beside those of the bare interpreter."""
    program = f"import sys; before = set(sys.modules)\n{code}\nprint(*set(sys.modules) - before)"
    ran = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    return set(ran.stdout.split())


def test_importing_the_client_loads_one_package_beside_the_standard_library():
    loaded = loaded_by("import upbit_stream")
    assert loaded & (LATER | NEVER | STANDARD) == set()
    tops = {name.partition(".")[0] for name in loaded} - sys.stdlib_module_names
    assert tops - {"typing_extensions"} == {"upbit_stream", "msgspec"}  # msgspec takes the former where it is


def test_importing_the_client_loads_no_room_that_only_few_need():
    rooms = {f"upbit_stream.{room}" for room in ("cli", "simulator", "testing", "net.sdk", "record.verify")}
    assert loaded_by("import upbit_stream") & rooms == set()


def test_reading_a_recording_loads_no_sockets_nor_budgets(tmp_path):
    file = tmp_path / "recording.jsonl"
    file.write_text('{"type":"announced later","price":1.0}\n')
    loaded = loaded_by(
        f"import upbit_stream\n[message] = upbit_stream.read_recording({str(file)!r})\n"
        "assert type(message) is upbit_stream.Unknown"
    )
    assert loaded & (LATER | NEVER) == set()


@pytest.mark.parametrize("more", ["", ", recover=True, audit_s=60.0"])
def test_making_a_stream_loads_what_connecting_needs_and_nothing_of_rest(more):
    code = f"import asyncio, upbit_stream\nasync def main(): upbit_stream.Stream('sg'{more})\nasyncio.run(main())"
    loaded = loaded_by(code)
    assert loaded >= {"picows", "pyrate_limiter", "filelock", "sqlite3"}  # or the event loop would wait for it later
    assert loaded & (NEVER | {"upbit", "httpx", "upbit_stream.net.sdk"}) == set()
