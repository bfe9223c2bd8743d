"""Where the twins in Python were asked for there is nothing here to test."""

import pytest

from upbit_stream.native import native


def pytest_collection_modifyitems(items):
    if native is None:
        for item in items:
            if "tests/native/" in item.path.as_posix() and item.path.name != "test_native.py":
                item.add_marker(pytest.mark.skip(reason="no C part"))
