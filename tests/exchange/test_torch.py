"""Models for PyTorch, as far as can be told without it: what is written, and what is refused by name."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from thalweg.descent.models import Network
from thalweg.errors import SettingError, StorageError
from thalweg.exchange.models import load
from thalweg.exchange.torch import module, state, write
from thalweg.formulas.activations import relu
from thalweg.formulas.formula import activation

WRITTEN = Path(__file__).parent / "written"


def test_weights_have_pytorchs_names_and_shapes(tmp_path):
    model = load(WRITTEN / "classification-1.thalweg")
    arrays = load_file(write(tmp_path / "towns.py", model))
    found = {name: array.shape for name, array in arrays.items()}
    assert found == {
        "layers.0.weight": (4, 3),
        "layers.0.bias": (4,),
        "layers.2.weight": (3, 4),
        "layers.2.bias": (3,),
    }
    assert arrays["layers.0.weight"].tolist() == model.model.coefs(model.theta)[0].T.tolist()
    text = (tmp_path / "towns.py").read_text()
    ast.parse(text)
    assert "thalweg" not in text
    assert max(len(line) for line in text.splitlines()) <= 120


def test_dropout_moves_the_places_of_the_layers():
    model = Network((2, 3, 1), (relu,), (0.5,))
    assert list(state(model, np.ones(model.size))) == ["0.weight", "0.bias", "3.weight", "3.bias"]


def test_what_pytorch_has_not_is_named():
    @activation
    def bent(z):
        a = np.maximum(z, 0) + 0.1 * z
        return a, np.sign(np.maximum(z, 0)) + 0.1

    @activation
    def tanh(z):  # the name is not enough
        a = np.maximum(z, 0)
        return a, np.sign(a)

    for own in (bent, tanh):
        model = Network((2, 3, 1), (own,))
        with pytest.raises(SettingError, match=f"PyTorch has no layer for '{own.name}'") as caught:
            module(model, np.ones(model.size))
        assert caught.value.code == "TORCH-ACTIVATION"


def test_without_pytorch_its_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(SettingError, match=r"pip install 'thalweg\[torch\]'"):
        module(Network((2, 3, 1), (relu,)), np.ones(13))


def test_places_are_checked(tmp_path):
    model = load(WRITTEN / "regression-2.thalweg")
    with pytest.raises(SettingError, match=r"does not end in \.py"):
        write(tmp_path / "model.pt", model)
    with pytest.raises(StorageError, match="there is no such folder"):
        write(tmp_path / "no" / "model.py", model)
    (tmp_path / "model.safetensors").mkdir()
    with pytest.raises(StorageError, match="it is a folder"):
        write(tmp_path / "model.py", model)
    assert not (tmp_path / "model.py").exists()
