import io
import logging

import pytest
from rich.console import Console


@pytest.fixture
def console():
    """A console that writes to ``console.file``, as one that is no terminal."""
    return Console(file=io.StringIO(), width=100, highlight=False)


@pytest.fixture(autouse=True)
def log_as_it_was():
    """Commands set the log of the whole process up."""
    names = ("", "upbit_stream", "upbit_stream.cli", "picows", "upbit_stream.net.picows")
    loggers = [logging.getLogger(name) for name in names]
    before = [(logger.level, list(logger.handlers)) for logger in loggers]
    yield
    for logger, (level, handlers) in zip(loggers, before, strict=True):
        logger.setLevel(level)
        logger.handlers[:] = handlers
