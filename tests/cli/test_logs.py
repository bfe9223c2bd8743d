import json
import logging
from datetime import datetime

import pytest

from upbit_stream.cli import logs

TOKEN = "Bearer eyJhbGciOiJIUzUxMiJ9.secret.signature"


def shown(console):
    return console.file.getvalue()


def test_a_line_has_its_time_level_and_text(console):
    logs.set_up(console)
    logging.getLogger("upbit_stream.record.file").warning("cut %d bytes [red]from[/red] :smile: x", 4)
    time, level, text = shown(console).rstrip("\n").split(" ", 2)
    assert datetime.fromisoformat(time).utcoffset().total_seconds() == 0
    assert (level, text) == ("warning:", "cut 4 bytes [red]from[/red] :smile: x")


def test_a_long_line_is_not_wrapped_and_no_line_can_be_forged(console):
    logs.set_up(console)
    logging.getLogger("upbit_stream").warning("%s\n2026 error: forged \x1b[2J", "long " * 100)
    assert shown(console).count("\n") == 1
    assert "\x1b" not in shown(console)


@pytest.mark.parametrize(
    ("settings", "seen"),
    [
        ({}, ["package warning", "command info", "command warning", "other warning"]),
        ({"quiet": True}, ["package warning", "command warning", "other warning"]),
        (
            {"verbosity": 1},
            ["package info", "package warning", "command info", "command warning", "other warning"],
        ),
        (
            {"verbosity": 7},
            [
                *("package debug", "package info", "package warning"),
                *("command debug", "command info", "command warning", "other warning"),
            ],
        ),
    ],
)
def test_what_is_shown_at_which_verbosity(console, settings, seen):
    logs.set_up(console, **settings)
    for name, logger in (("package", "upbit_stream.net"), ("command", "upbit_stream.cli.record"), ("other", "asyncio")):
        for level in ("debug", "info", "warning"):
            getattr(logging.getLogger(logger), level)(f"{name} {level}")
    assert [line.split(": ", 1)[1] for line in shown(console).splitlines()] == seen


def test_json_lines(console):
    logs.set_up(console, as_json=True)
    logging.getLogger("upbit_stream.x").error("it %s", "failed\nhere", exc_info=ValueError("two\nlines"))
    (line,) = shown(console).splitlines()
    row = json.loads(line)
    assert list(row) == ["time", "level", "logger", "message", "exception"]
    assert datetime.fromisoformat(row["time"]).utcoffset().total_seconds() == 0
    assert (row["level"], row["logger"], row["message"]) == ("ERROR", "upbit_stream.x", "it failed\nhere")
    assert row["exception"] == "ValueError: two\nlines"


def test_a_traceback_is_shown_readably(console):
    logs.set_up(console)
    logging.getLogger("upbit_stream").error("it failed", exc_info=ValueError("reason"))
    lines = shown(console).splitlines()
    assert lines[0].endswith("error: it failed")
    assert lines[-1] == "ValueError: reason"


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("name", ["picows", "picows.client", "upbit_stream.net.picows.14"])
def test_the_websocket_library_never_shows_a_handshake(console, as_json, name):
    logs.set_up(console, verbosity=2, as_json=as_json)
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(1)
    try:
        for level in (1, 9, logging.DEBUG):
            logger.log(level, "headers: {'Authorization': '%s'}", TOKEN)
    finally:
        logger.setLevel(before)
    assert shown(console) == ""
    logger.warning("shown")
    assert "shown" in shown(console)


@pytest.mark.parametrize("name", ["picows.client", "upbit_stream.net.picows", "upbit_stream.net.picows.14"])
def test_the_websocket_library_speaks_at_the_highest_verbosity_only(console, name):
    for verbosity, level in ((2, logging.INFO), (1, logging.WARNING), (0, logging.WARNING)):
        logs.set_up(console, verbosity=verbosity)
        assert logging.getLogger(name).getEffectiveLevel() == level


@pytest.mark.parametrize("as_json", [False, True])
def test_a_token_is_blotted_out_wherever_it_stands(console, as_json):
    logs.set_up(console, as_json=as_json)
    logging.getLogger("asyncio").error(
        "headers {'authorization': '%s'}",
        TOKEN.replace("Bearer", "bearer"),
        exc_info=ValueError(f"Authorization: {TOKEN}"),
    )
    assert "eyJ" not in shown(console)
    assert shown(console).count("***") == 2


def test_setting_up_again_replaces_what_was_set_up(console):
    logs.set_up(console)
    logs.set_up(console, as_json=True)
    logging.getLogger("upbit_stream").warning("once")
    assert shown(console).count("once") == 1


def test_a_console_that_is_gone_does_not_end_the_caller(console, monkeypatch):
    logs.set_up(console)
    monkeypatch.setattr(logging, "raiseExceptions", False)
    console.file.close()
    logging.getLogger("upbit_stream").warning("nobody hears")
