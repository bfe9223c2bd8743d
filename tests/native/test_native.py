import os
import subprocess
import sys

import pytest

from upbit_stream.native import PURE, native

LOADED = "from upbit_stream.native import native; print(native is not None)"


@pytest.mark.skipif(bool(os.environ.get(PURE)), reason="the twins in Python were asked for")
def test_the_part_in_c_is_there():
    """Where it cannot be built the package still works, so nothing else would notice that it is not built any more."""
    assert native is not None


def test_the_twins_in_python_run_where_they_are_asked_for():
    done = subprocess.run(
        [sys.executable, "-c", LOADED], env=os.environ | {PURE: "1"}, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
