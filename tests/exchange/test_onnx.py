"""Models of tables as ONNX graphs: columns go in as they are in the table (promise M4)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from thalweg.descent.models import Linear, Network
from thalweg.descent.outputs import Outputs
from thalweg.errors import LimitError, SettingError, StorageError
from thalweg.exchange import onnx as graphs
from thalweg.exchange.models import TrainedModel, load
from thalweg.exchange.onnx import of_table, write
from thalweg.exchange.preparation import Preparation
from thalweg.exchange.tables import Table
from thalweg.formulas.activations import relu
from thalweg.formulas.losses import log, softmax, squared

WRITTEN = Path(__file__).parent / "written"
DRAW = np.random.default_rng(0)
ROWS = 10_000
TOWNS = np.array(["Oslo", "Rome", "", "=1+1", "São Paulo"], object)


def table(*names: str) -> Table:
    """Columns of numbers with gaps, and of text, with names of one's choice."""
    first, second, text = names
    numbers = DRAW.normal(1000, 30, ROWS)
    gaps = np.where(DRAW.random(ROWS) < 0.1, np.nan, DRAW.exponential(1e-3, ROWS))
    return Table([first, text, second], [numbers, TOWNS[DRAW.integers(0, 5, ROWS)], gaps])


def feed(model: onnx.ModelProto, rows: Table) -> dict[str, np.ndarray]:
    """Columns by name, as another program would hand them over."""
    types = {each.name: each.type.tensor_type.elem_type for each in model.graph.input}
    of = {onnx.TensorProto.DOUBLE: np.float64, onnx.TensorProto.FLOAT: np.float32, onnx.TensorProto.STRING: object}
    return {name: rows[name].astype(of[kind]).reshape(-1, 1) for name, kind in types.items()}


def run(model: onnx.ModelProto, rows: Table) -> list[Any]:
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return list(session.run(None, feed(model, rows)))


def trained(rows: Table, outputs: Outputs, *, network: bool = False, dtype: str = "float64") -> TrainedModel:
    preparation = Preparation.fit(rows)
    features = len(preparation.feature_names)
    model = Network((features, 6, outputs.count), (relu,)) if network else Linear(features, outputs.count)
    return TrainedModel(model, DRAW.normal(0, 1, model.size).astype(dtype), outputs, preparation, "y")


OUTPUTS = {
    "numbers": Outputs.regression(squared, 250.0, 1e4),
    "two": Outputs.classification(log, ["no", "yes"]),
    "numbers-as-classes": Outputs.classification(softmax, [0.0, 1.0, 7.0]),
    "half-classes": Outputs.classification(softmax, [0.0, 0.5, 7.0]),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("network", [False, True], ids=["linear", "network"])
@pytest.mark.parametrize("kind", OUTPUTS)
def test_columns_go_in_and_predictions_come_out(kind, network, dtype):
    rows = table("area", "floor", "town")
    model = trained(rows, OUTPUTS[kind], network=network, dtype=dtype)
    if dtype == "float32":  # what the graph is given
        rows = Table(rows.names, [c.astype(dtype).astype(float) if c.dtype == float else c for c in rows.columns])
    found, wanted = run(of_table(model), rows), model.predictions(rows)
    exact = 1e-12 if dtype == "float64" else 1e-5
    if wanted.probabilities is None:
        np.testing.assert_allclose(found[0][:, 0], wanted.values, rtol=exact, atol=exact * np.abs(wanted.values).max())
        return
    assert found[0].tolist() == wanted.values.tolist()
    np.testing.assert_allclose(found[1], wanted.probabilities, rtol=10 * exact, atol=exact)


def test_text_that_was_not_in_training_is_none_of_the_categories():
    model = load(WRITTEN / "regression-2.thalweg")
    rows = Table(["town", "area", "rooms"], [["Paris", "Rome"], [60.0, np.nan], [np.nan, np.nan]])
    np.testing.assert_allclose(run(of_table(model), rows)[0][:, 0], model.predict(rows), rtol=1e-12)


@pytest.mark.parametrize(
    "names",
    [("label", "probabilities", "variable"), ("X", "matmul", "weights.0"), ("a b", "ü=1", "concat"), ("_1", "1", "/")],
    ids=["outputs", "inside", "signs", "odd"],
)
def test_any_name_of_a_column_will_do(names):
    rows = table(*names)
    model = trained(rows, OUTPUTS["two"])
    made = of_table(model)
    assert [each.name for each in made.graph.input] == [names[0], names[2], names[1]]
    label, likely = (each.name for each in made.graph.output)
    assert not {label, likely} & set(names)
    assert run(made, rows)[0].tolist() == model.predict(rows).tolist()


def test_a_column_without_a_name_is_refused():
    model = trained(table("", "floor", "town"), OUTPUTS["two"])
    with pytest.raises(SettingError, match="one has no name"):
        of_table(model)


def test_numbers_that_overflow_float32_are_scaled_first():
    """The columns are standardised in float64, so a mean that float32 cannot hold does no harm."""
    rows = Table(["mass", "town"], [DRAW.normal(1e39, 1e38, 50), TOWNS[DRAW.integers(0, 5, 50)]])
    model = trained(rows, OUTPUTS["numbers"])
    np.testing.assert_allclose(run(of_table(model), rows)[0][:, 0], model.predict(rows), rtol=1e-12)


def test_what_it_is_about_stands_in_the_file():
    told = {
        each.key: json.loads(each.value) for each in of_table(load(WRITTEN / "regression-2.thalweg")).metadata_props
    }
    assert told == {"target": "rent", "features": ["town=Bonn", "town=Oslo", "town=Rome", "area", "rooms"]}


def test_the_file_is_there_as_a_whole(tmp_path):
    made = of_table(load(WRITTEN / "classification-1.thalweg"))
    write(tmp_path / "model.onnx", made)
    write(tmp_path / "again.onnx", made)
    assert onnx.load(tmp_path / "model.onnx") == made
    assert (tmp_path / "again.onnx").read_bytes() == (tmp_path / "model.onnx").read_bytes()
    with pytest.raises(StorageError, match="there is no such folder"):
        write(tmp_path / "no" / "model.onnx", made)


def test_without_the_package_its_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(SettingError, match=r"pip install 'thalweg\[onnx\]'"):
        of_table(load(WRITTEN / "regression-2.thalweg"))


def test_what_no_file_can_hold_is_refused(monkeypatch):
    monkeypatch.setattr(graphs, "_LARGEST", 39)  # five weights take 40 bytes
    with pytest.raises(LimitError, match="an ONNX file holds less than 2") as caught:
        of_table(load(WRITTEN / "regression-2.thalweg"))
    assert (caught.value.code, caught.value.exit_status) == ("ONNX-TOO-LARGE", 8)
