"""The examples in the docstrings of the benchmark. (Its stacks of peers import what only their environments have.)"""

import doctest
import importlib
from pathlib import Path

import pytest

import bench

MODULES = sorted(path.stem for path in Path(bench.__path__[0]).glob("[!_]*.py"))


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_hold(name):
    assert doctest.testmod(importlib.import_module(f"bench.{name}")).failed == 0
