"""What is imported without what nothing here uses, and nobody who uses it can tell."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from types import ModuleType

import pytest

from thalweg.exchange.postponed import postponed


@pytest.fixture
def package(tmp_path, monkeypatch) -> str:
    """A package that notes when it is loaded, and one that cannot be."""
    folder = tmp_path / "thalweg_postponed"
    folder.mkdir()
    (folder / "__init__.py").write_text("from sys import modules\nvalue = 7\nmodules[__name__ + '_loaded'] = True\n")
    (folder / "part.py").write_text("value = 8\n")
    (tmp_path / "thalweg_broken.py").write_text("raise ImportError('built for another machine')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield "thalweg_postponed"
    for name in set(sys.modules) - before:
        del sys.modules[name]


def loaded(package: str) -> bool:
    return f"{package}_loaded" in sys.modules


def test_a_postponed_module_is_loaded_by_its_first_use_only(package):
    with postponed(package):
        held = import_module(package)
    assert not loaded(package)
    assert held.value == 7
    assert loaded(package)


def test_afterwards_the_next_import_finds_the_module_itself(package):
    with postponed(package):
        held = import_module(package)
    assert package not in sys.modules
    real = import_module(package)
    assert type(real) is ModuleType
    assert held.value is real.value
    assert sys.modules[package] is real


def test_a_module_that_is_used_meanwhile_is_there_and_stays(package):
    with postponed(package):
        assert import_module(package).value == 7
        assert import_module(f"{package}.part").value == 8
    assert type(sys.modules[package]) is ModuleType


def test_what_is_loaded_already_is_left_alone(package):
    real = import_module(package)
    with postponed(package):
        assert import_module(package) is real
    assert sys.modules[package] is real


def test_what_is_not_installed_is_still_not_there():
    with postponed("thalweg_is_not_this"), pytest.raises(ModuleNotFoundError):
        import_module("thalweg_is_not_this")


def test_what_cannot_be_loaded_says_so_when_it_is_used(package):
    with postponed("thalweg_broken"):
        held = import_module("thalweg_broken")
    with pytest.raises(ImportError, match="built for another machine"):
        _ = held.value


def test_an_error_inside_leaves_no_stand_in(package):
    with pytest.raises(ZeroDivisionError), postponed(package):
        raise ZeroDivisionError
    assert package not in sys.modules


def test_a_table_is_split_without_pandas_which_works_afterwards():
    script = """
import sys
import numpy as np
from thalweg.exchange.parts import split
split(np.arange(50.0), classes=False, generator=np.random.default_rng(0))
assert "pandas" not in sys.modules

import pandas
from sklearn.preprocessing import StandardScaler
from sklearn.utils import fixes
assert fixes.pd.DataFrame is pandas.DataFrame
frame = pandas.DataFrame({"a": [1.0, 3.0]}, index=["x", "y"])
assert StandardScaler().set_output(transform="pandas").fit_transform(frame).loc["y", "a"] == 1.0
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
