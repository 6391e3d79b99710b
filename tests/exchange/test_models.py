"""Model files: what is saved comes back to the last bit; what is damaged or could run code does not (BM01 to BM15)."""

from __future__ import annotations

import copy
import io
import json
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from thalweg.descent.models import Linear, Network
from thalweg.descent.outputs import Outputs
from thalweg.errors import LimitError, ModelFileError, SettingError, StorageError
from thalweg.exchange import models, tensors
from thalweg.exchange.models import TrainedModel, check_savable, load, save
from thalweg.exchange.preparation import Preparation
from thalweg.exchange.tables import Table
from thalweg.formulas.activations import leaky_relu, relu, tanh
from thalweg.formulas.formula import activation
from thalweg.formulas.losses import log, softmax, squared

TABLE = Table(["size", "town"], [[1.0, 2.0, 4.0], ["Rome", "Oslo", "Rome"]])


def network(dtype: str = "float64") -> TrainedModel:
    model = Network((3, 4, 2, 3), (leaky_relu(slope=0.2), tanh), (0.5, 0.0))
    theta = np.random.default_rng(0).standard_normal(model.size).astype(dtype)
    outputs = Outputs.classification(softmax, ["=c", "a", "b"])
    return TrainedModel(model, theta, outputs, Preparation.fit(TABLE), "y", {"optimizer": {"name": "adam"}})


def linear(dtype: str = "float64") -> TrainedModel:
    theta = np.array([0.1, -1 / 3, 1e-300, 2.0], dtype)
    return TrainedModel(Linear(3), theta, Outputs.regression(squared, 1.5, 2.5), Preparation.fit(TABLE), "y")


@pytest.fixture
def saved(tmp_path) -> Path:
    save(tmp_path / "model.thalweg", network())
    return tmp_path / "model.thalweg"


# What is saved comes back


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("make", [linear, network])
def test_a_model_comes_back_to_the_last_bit(tmp_path, make, dtype):
    before = make(dtype)
    save(tmp_path / "model", before)
    after = load(tmp_path / "model")
    assert (after.theta.tobytes(), after.theta.dtype) == (before.theta.tobytes(), before.theta.dtype)
    assert (after.model, after.outputs, after.preparation) == (before.model, before.outputs, before.preparation)
    assert (after.target, after.training) == (before.target, before.training)
    ours, theirs = after.predictions(TABLE), before.predictions(TABLE)
    assert ours.values.tolist() == theirs.values.tolist()
    assert (ours.probabilities is None) == (make is linear)
    if ours.probabilities is not None:
        assert ours.probabilities.tobytes() == theirs.probabilities.tobytes()


def test_two_classes_and_a_model_without_intercept_come_back(tmp_path):
    outputs = Outputs.classification(log, [0.0, 1.0])
    before = TrainedModel(Linear(3, fit_intercept=False), np.arange(3.0), outputs, Preparation.fit(TABLE), "y")
    save(tmp_path / "model", before)
    assert load(tmp_path / "model").model == before.model
    assert load(tmp_path / "model").predictions(TABLE).values.tolist() == before.predictions(TABLE).values.tolist()


def test_another_reader_of_safetensors_sees_layers_by_name(saved):
    from safetensors.numpy import load_file

    arrays = load_file(saved)
    shapes = {name: array.shape for name, array in arrays.items()}
    assert shapes == {
        "weights.0": (3, 4),
        "weights.1": (4, 2),
        "weights.2": (2, 3),
        "biases.0": (4,),
        "biases.1": (2,),
        "biases.2": (3,),
    }
    hidden = arrays["weights.0"]
    assert hidden.tolist() == network().model.coefs(network().theta)[0].tolist()


def test_the_same_model_gives_the_same_bytes_in_another_process(saved):
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from test_models import network, save\n"
        "save(sys.argv[2], network())\n"
    )
    again = saved.with_name("again")
    command = [sys.executable, "-c", script, str(Path(__file__).parent), str(again)]
    subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": "1"}, check=True)
    assert again.read_bytes() == saved.read_bytes()


def test_an_activation_of_the_users_own_cannot_be_saved(tmp_path):
    @activation
    def relu_(z):
        a = np.maximum(z, 0)
        return a, np.sign(a)

    @activation
    def tanh(z):  # the name of a built-in one is not enough
        a = np.maximum(z, 0)
        return a, np.sign(a)

    check_savable(Network((3, 4, 1), (relu,)))
    for own in (relu_, tanh):
        with pytest.raises(SettingError, match=f"'{own.name}' is a formula of your own") as caught:
            check_savable(Network((3, 4, 1), (own,)))
        assert caught.value.code == "MODEL-FORMULA"


# What is damaged does not


def raw(header: bytes | dict[str, Any], data: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def entry(start: int, stop: int, shape: list[Any] | None = None, dtype: Any = "F64") -> dict[str, Any]:
    return {"dtype": dtype, "shape": [(stop - start) // 8] if shape is None else shape, "data_offsets": [start, stop]}


def zipped(name: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, bytes(1 << 20))
    return content.getvalue()


def numpy_bytes(save_array: Any, value: Any) -> bytes:
    content = io.BytesIO()
    save_array(content, value)
    return content.getvalue()


class Harmful:
    def __reduce__(self):
        return os.system, ("true",)


EIGHT = bytes(8)
RAW = {
    "BM01-empty": (b"", "MODEL-SHORT"),
    "BM01-seven": (bytes(7), "MODEL-SHORT"),
    "BM02-2^63": (raw({}, length=1 << 63), "MODEL-HEADER"),
    "BM02-200MB": (raw({}, length=200 << 20), "MODEL-HEADER"),
    "BM02-past-end": (raw({}, length=3), "MODEL-HEADER"),
    "BM03-not-utf8": (raw(b'{"\xff": 1}'), "MODEL-HEADER"),
    "BM03-not-json": (raw(b"{weights}"), "MODEL-HEADER"),
    "BM03-nan": (raw(b'{"a": NaN}'), "MODEL-HEADER"),
    "BM03-leading-space": (raw(b" {}"), "MODEL-HEADER"),
    "BM03-nested": (raw(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), "MODEL-HEADER"),
    "BM03-long-integer": (raw(b'{"a":' + b"9" * 10_000 + b"}"), "MODEL-HEADER"),
    "BM03-no-tensor": (raw({"a": [1]}), "MODEL-HEADER"),
    "BM03-more-keys": (raw({"a": {**entry(0, 8), "code": "x"}}, EIGHT), "MODEL-HEADER"),
    "BM04-cut": (raw({"a": entry(0, 8)}, bytes(7)), "MODEL-SIZE"),
    "BM04-after-the-end": (raw({"a": entry(0, 8)}, bytes(9)), "MODEL-SIZE"),
    "BM05-overlap": (raw({"a": entry(0, 16), "b": entry(8, 24)}, bytes(24)), "MODEL-LAYOUT"),
    "BM05-hole": (raw({"a": entry(0, 8), "b": entry(16, 24)}, bytes(24)), "MODEL-LAYOUT"),
    "BM05-hole-at-start": (raw({"a": entry(8, 16)}, bytes(16)), "MODEL-LAYOUT"),
    "BM06-negative": (raw({"a": entry(-8, 0)}, EIGHT), "MODEL-LAYOUT"),
    "BM06-overflow": (raw({"a": entry(0, 8, [1 << 40, 1 << 40])}, EIGHT), "MODEL-LAYOUT"),
    "BM06-overflow-to-fit": (raw({"a": entry(0, 8, [(1 << 64) + 1])}, EIGHT), "MODEL-LAYOUT"),
    "BM06-mismatch": (raw({"a": entry(0, 8, [2])}, EIGHT), "MODEL-LAYOUT"),
    "BM06-fraction": (raw({"a": entry(0, 8, [1.0])}, EIGHT), "MODEL-LAYOUT"),
    "BM06-bool": (raw({"a": entry(0, 8, [True])}, EIGHT), "MODEL-LAYOUT"),
    "BM06-text": (raw({"a": entry(0, 8, "1")}, EIGHT), "MODEL-LAYOUT"),  # type: ignore[arg-type]
    "BM07-unknown": (raw({"a": entry(0, 8, dtype="C64")}, EIGHT), "MODEL-DTYPE"),
    "BM07-integer": (raw({"a": entry(0, 8, dtype="I64")}, EIGHT), "MODEL-DTYPE"),
    "BM07-no-text": (raw({"a": entry(0, 8, dtype=["F64"])}, EIGHT), "MODEL-DTYPE"),
    "BM08-duplicate": (
        raw(f'{{"a": {json.dumps(entry(0, 8))}, "a": {json.dumps(entry(0, 8))}}}'.encode(), EIGHT),
        "MODEL-DUPLICATE",
    ),
    "BM11-missing": (raw({"a": entry(0, 8)}, EIGHT), "MODEL-META"),
    "BM11-another-kind": (raw({"__metadata__": {"format": "pt"}, "a": entry(0, 8)}, EIGHT), "MODEL-META"),
    "BM11-not-text": (raw({"__metadata__": {"thalweg": {"format": 1}}}), "MODEL-META"),
    "BM11-not-json": (raw({"__metadata__": {"thalweg": "{"}}), "MODEL-META"),
    "BM11-nested": (raw({"__metadata__": {"thalweg": "[" * 100_000}}), "MODEL-META"),
    "BM11-list": (raw({"__metadata__": {"thalweg": "[]"}}), "MODEL-META"),
    "BM11-more": (raw({"__metadata__": {"thalweg": "{}", "more": ""}}), "MODEL-META"),
    "BM15-pickle": (pickle.dumps(Harmful()), "MODEL-FORMAT"),
    "BM15-old-pickle": (pickle.dumps(Harmful(), protocol=0), "MODEL-FORMAT"),
    "BM15-npy": (numpy_bytes(np.save, np.array([Harmful()], object)), "MODEL-FORMAT"),
    "BM15-npz": (numpy_bytes(np.savez, np.array([Harmful()], object)), "MODEL-FORMAT"),
    "BM15-joblib": (b"x\x9c" + bytes(100), "MODEL-FORMAT"),
    "BM16-bomb": (zipped("data.pkl"), "MODEL-FORMAT"),
    "BM16-path": (zipped("../data.pkl"), "MODEL-FORMAT"),
    "a-table": (b"x,y\n1,2\n3,4\n", "MODEL-FORMAT"),
}


@pytest.mark.parametrize(("content", "code"), RAW.values(), ids=RAW.keys())
def test_a_file_that_is_damaged_or_of_another_kind_is_refused(tmp_path, content, code):
    (tmp_path / "model.thalweg").write_bytes(content)
    with pytest.raises(ModelFileError) as caught:
        load(tmp_path / "model.thalweg")
    message = str(caught.value)
    assert (caught.value.code, caught.value.exit_status) == (code, 7)
    assert str(tmp_path / "model.thalweg") in message
    assert len(message.splitlines()) <= 5
    assert all(line.isprintable() for line in message.splitlines())


def altered(change: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return description and arrays of a good model after a change, for a file whose checksum fits."""
    kept: dict[str, Any] = {}
    original = tensors.write
    tensors.write = lambda path, description, arrays: kept.update(d=description, a=arrays)  # type: ignore[assignment]
    try:
        save("unused", network())
    finally:
        tensors.write = original
    description, arrays = copy.deepcopy(kept["d"]), {key: value.copy() for key, value in kept["a"].items()}
    change(description, arrays)
    return description, arrays


def put(*path: str, value: Any) -> Any:
    def change(description, arrays):
        place = description
        for key in path[:-1]:
            place = place[key]
        if value is ...:
            del place[path[-1]]
        else:
            place[path[-1]] = value

    return change


def put_array(name: str, value: Any) -> Any:
    def change(description, arrays):
        if value is ...:
            del arrays[name]
        else:
            arrays[name] = value

    return change


SOUND_BUT_WRONG = {
    "BM09-nan": (put_array("biases.1", np.array([0.0, np.nan])), "MODEL-NONFINITE"),
    "BM09-inf": (put_array("weights.1", np.full((4, 2), -np.inf)), "MODEL-NONFINITE"),
    "BM11-no-outputs": (put("outputs", value=...), "MODEL-META"),
    "BM11-target": (put("target", value=3), "MODEL-META"),
    "BM11-training": (put("training", value="adam"), "MODEL-META"),
    "BM11-kind": (put("model", "kind", value="forest"), "MODEL-META"),
    "BM11-activation": (put("model", "activations", value=[{"name": "os.system", "numbers": {}}] * 2), "MODEL-META"),
    "BM11-slope": (put("model", "activations", value=[{"name": "relu", "numbers": {"a": 1}}] * 2), "MODEL-META"),
    "BM11-fewer-activations": (put("model", "activations", value=[{"name": "relu", "numbers": {}}]), "MODEL-META"),
    "BM11-columns": (put("columns", value="size"), "MODEL-META"),
    "BM11-link": (put("outputs", "link", value="probit"), "MODEL-META"),
    "BM11-scale": (put("outputs", "scale", value=0.0), "MODEL-META"),
    "BM11-scale-text": (put("outputs", "scale", value="1"), "MODEL-META"),
    "BM12-chain": (put_array("weights.1", np.ones((5, 2))), "MODEL-SHAPE"),
    "BM12-bias": (put_array("biases.0", np.ones(5)), "MODEL-SHAPE"),
    "BM12-vector": (put_array("weights.0", np.ones(12)), "MODEL-SHAPE"),
    "BM12-missing": (put_array("biases.0", ...), "MODEL-META"),
    "BM12-more": (put_array("weights.9", np.ones((2, 2))), "MODEL-META"),
    "BM12-types": (put_array("biases.0", np.ones(4, np.float32)), "MODEL-META"),
    "BM12-sizes": (put("model", "layer_sizes", value=[3, 4, 5, 3]), "MODEL-META"),
    "BM12-huge": (put("model", "layer_sizes", value=[3, 1 << 31, 1 << 31, 3]), "MODEL-META"),
    "BM12-zero": (put("model", "layer_sizes", value=[3, 0, 2, 3]), "MODEL-META"),
    "BM13-classes": (put("outputs", "classes", value=["a", "b"]), "MODEL-META"),
    "BM13-order": (put("outputs", "classes", value=["c", "b", "a"]), "MODEL-META"),
    "BM13-mixed": (put("outputs", "classes", value=["a", 1.0, "c"]), "MODEL-META"),
    "BM13-one": (put("outputs", "classes", value=["a"]), "MODEL-META"),
    "BM13-features": (put("columns", value=[{"name": "a", "kind": "number", "mean": 0.0, "scale": 1.0}]), "MODEL-META"),
    "BM14-newer": (put("format", value=models.FORMAT + 1), "MODEL-VERSION"),
    "BM14-text": (put("format", value="1"), "MODEL-VERSION"),
}


@pytest.mark.parametrize(("change", "code"), SOUND_BUT_WRONG.values(), ids=SOUND_BUT_WRONG.keys())
def test_a_file_that_says_something_else_than_it_holds_is_refused(tmp_path, change, code):
    tensors.write(tmp_path / "model", *altered(change))
    with pytest.raises(ModelFileError) as caught:
        load(tmp_path / "model")
    assert caught.value.code == code
    assert len(str(caught.value).splitlines()) <= 5


def test_the_unchanged_description_is_accepted(tmp_path):
    tensors.write(tmp_path / "model", *altered(lambda description, arrays: None))
    assert load(tmp_path / "model").model == network().model


def test_a_newer_format_names_both(tmp_path):
    tensors.write(tmp_path / "model", *altered(put("format", value=models.FORMAT + 1)))
    with pytest.raises(
        ModelFileError, match=f"written in format {models.FORMAT + 1}, this version reads up to {models.FORMAT}"
    ):
        load(tmp_path / "model")


def accepts(path: Path, content: bytes) -> bool:
    path.write_bytes(content)
    try:
        load(path)
    except ModelFileError:
        return False
    return True


def flipped(content: bytes, position: int) -> bytes:
    byte, bit = divmod(position, 8)
    return content[:byte] + bytes([content[byte] ^ (1 << bit)]) + content[byte + 1 :]


@pytest.mark.parametrize("step", [23, pytest.param(1, marks=pytest.mark.deep)])
def test_every_flipped_bit_is_noticed(saved, step):
    """BM10, for the whole file: header, description and numbers."""
    content = saved.read_bytes()
    assert accepts(saved.with_name("damaged"), content)
    positions = range(0, len(content) * 8, step)
    assert [p for p in positions if accepts(saved.with_name("damaged"), flipped(content, p))] == []


@pytest.mark.parametrize("step", [16, pytest.param(1, marks=pytest.mark.deep)])
def test_every_cut_is_noticed(saved, step):
    content = saved.read_bytes()
    assert [n for n in range(0, len(content), step) if accepts(saved.with_name("damaged"), content[:n])] == []


def test_loading_runs_nothing(tmp_path):
    """Refused files raise no event of unpickling, compiling or starting a program."""
    for name, (content, _) in RAW.items():
        (tmp_path / name.replace("^", "")).write_bytes(content)
    save(tmp_path / "good", network())
    script = (
        "import sys, pathlib\n"
        "from thalweg.exchange.models import load\n"
        "from thalweg.errors import ModelFileError\n"
        "load(sys.argv[1] + '/good')\n"  # imports what loading imports
        "seen = set()\n"
        "sys.addaudithook(lambda event, arguments: seen.add(event))\n"
        "for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):\n"
        "    try: load(path)\n"
        "    except ModelFileError: pass\n"
        "bad = {'pickle.find_class', 'exec', 'compile', 'import', 'os.system', 'subprocess.Popen', 'os.exec'}\n"
        "print(sorted(bad & seen), 'open' in seen)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout == "[] True\n"


# Places


@pytest.mark.parametrize("kind", ["folder", "pipe", "device"])
def test_what_is_no_file_is_not_opened(tmp_path, kind):
    place = tmp_path / "model"
    if kind == "folder":
        place.mkdir()
    elif kind == "pipe":
        os.mkfifo(place)
    else:
        place.symlink_to(os.devnull)
    with pytest.raises(ModelFileError, match="not a file") as caught:
        load(place)
    assert caught.value.code == "MODEL-OPEN"


def test_a_file_that_is_not_there_is_a_matter_of_storage(tmp_path):
    with pytest.raises(StorageError, match="there is no such file") as caught:
        load(tmp_path / "model")
    assert (caught.value.code, caught.value.exit_status) == ("MODEL-OPEN", 6)


def test_a_file_larger_than_memory_is_not_read(saved, monkeypatch):
    monkeypatch.setattr(tensors, "free_memory", lambda: 100)
    with pytest.raises(LimitError, match="more than half of the free memory"):
        load(saved)
