"""Ready tables: what their name promises, on every machine; downloads over a server on this machine only."""

from __future__ import annotations

import hashlib
import io
import os
import socket
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pooch
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.golden import check, find, load

from thalweg.errors import LimitError, StorageError, ThalwegError, UsageError
from thalweg.exchange import datasets
from thalweg.exchange.targets import check_target, infer_task, table_warnings

LOCAL = [name for name in datasets.names() if name != "airfoil"]


@pytest.mark.parametrize("name", LOCAL)
def test_every_table_is_whole_and_the_same_each_time(name):
    first, second = datasets.load(name), datasets.load(f"dataset:{name}")
    assert first.name == f"dataset:{name}"
    assert first.names == second.names
    for column, again in zip(first.columns, second.columns, strict=True):
        np.testing.assert_array_equal(column, again, strict=True)
    features, target = first.split_target()
    assert set(features.kinds.values()) == {"number"}
    assert all(np.isfinite(column).all() for column in features.columns)
    check_target(target, infer_task(target))


@pytest.mark.parametrize(
    ("name", "rows", "columns", "task"),
    [
        ("diabetes", 442, 10, "regression"),
        ("breast_cancer", 569, 30, "classification"),
        ("digits", 1797, 64, "classification"),
        ("wine", 178, 13, "classification"),
        ("iris", 150, 4, "classification"),
        ("line", 100, 1, "regression"),
        ("ten-points", 10, 1, "regression"),
        ("sine", 100, 1, "regression"),
        ("moons", 300, 2, "classification"),
        ("circles", 300, 2, "classification"),
        ("quadratic", 500, 10, "regression"),
    ],
)
def test_every_table_has_its_size_and_task(name, rows, columns, task):
    features, target = datasets.load(name).split_target()
    assert (features.n_rows, len(features.names), infer_task(target)) == (rows, columns, task)


def test_classes_appear_by_name():
    assert sorted(set(datasets.load("iris")["target"])) == ["setosa", "versicolor", "virginica"]
    assert sorted(set(datasets.load("breast_cancer")["target"])) == ["benign", "malignant"]


def test_features_of_diabetes_are_in_their_own_units():
    assert 18 <= datasets.load("diabetes")["age"].min() < datasets.load("diabetes")["age"].max() < 100


def test_the_ten_points_are_those_of_the_golden_loss():
    golden, table = load("s000_loss"), datasets.load("ten-points")
    assert table["x"].tolist() == golden["inputs"]["x"]
    assert table["y"].tolist() == golden["inputs"]["y"]
    check(find(golden, "loss_at_zero"), float((table["y"] ** 2).sum() / 20))


def test_the_moons_are_the_golden_points():
    inputs, table = load("s002_moons_points")["inputs"], datasets.load("moons")
    np.testing.assert_allclose(table["x1"], inputs["x1"], rtol=1e-15, atol=1e-15)
    np.testing.assert_allclose(table["x2"], inputs["x2"], rtol=1e-15, atol=1e-15)
    assert table["y"].tolist() == inputs["y"]


def test_the_sine_has_the_points_of_its_formula():
    table = datasets.load("sine")
    assert table["x"].tolist() == [k / 100 for k in range(100)]
    np.testing.assert_allclose(table["y"], 20 * np.sin(2 * np.pi * np.arange(100) / 100), rtol=0, atol=1e-13)


def test_the_line_is_straight_without_noise():
    table = datasets.load("line:rows=11,slope=-3,intercept=0.5,noise=0")
    np.testing.assert_allclose(table["y"], 0.5 - 3 * np.linspace(0, 1, 11), rtol=1e-15)


@settings(max_examples=30)
@given(
    condition=st.floats(1.0, 1e9),
    features=st.integers(2, 30),
    more=st.integers(1, 200),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_quadratic_has_its_condition_number_standardised_and_with_an_intercept(condition, features, more, seed):
    table = datasets.load("quadratic", condition=condition, features=features, rows=features + 1 + more, seed=seed)
    x = np.column_stack(table.split_target()[0].columns)
    standardised = (x - x.mean(axis=0)) / x.std(axis=0)
    ones = np.ones((len(x), 1))
    for design in (x, standardised, np.hstack([x, ones])):
        assert np.linalg.cond(design) ** 2 == pytest.approx(condition, rel=1e-5)
    weights, *_ = np.linalg.lstsq(x, table["y"], rcond=None)
    assert np.abs(x @ weights - table["y"]).max() < 1e-6 * max(1.0, np.abs(table["y"]).max())


def test_noise_and_seed_change_the_values_and_nothing_else():
    plain, noisy, other = (datasets.load(f"moons:{o}") for o in ("noise=0", "noise=0.2", "noise=0.2,seed=4"))
    assert plain["y"].tolist() != other["y"].tolist()
    assert len({table["x1"].tobytes() for table in (plain, noisy, other)}) == 3
    assert {table.n_rows for table in (plain, noisy, other)} == {300}


def test_options_come_from_the_name_or_by_keyword():
    written, spoken = (
        datasets.load("dataset:quadratic:condition=1e3, rows=50"),
        datasets.load("quadratic", condition=1000, rows=50),
    )
    assert [column.tolist() for column in written.columns] == [column.tolist() for column in spoken.columns]


@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        ("sin", "DATASET-UNKNOWN", "Did you mean 'sine'?"),
        ("Ten_Points", "DATASET-UNKNOWN", "Did you mean 'ten-points'?"),
        ("", "DATASET-UNKNOWN", "there are airfoil"),
        ("quadratic:cond=3", "DATASET-OPTION", "Did you mean 'condition'?"),
        ("iris:rows=3", "DATASET-OPTION", "'rows' is not an option of it; it has none"),
        ("airfoil:rows=3", "DATASET-OPTION", "it has none"),
        ("line:rows=2.5", "DATASET-OPTION", "rows must be a whole number from 2 to 1e+07, got 2.5"),
        ("line:rows=1", "DATASET-OPTION", "got 1"),
        ("line:rows=1e12", "DATASET-OPTION", "got 1000000000000.0"),
        ("line:noise=-1", "DATASET-OPTION", "noise must be a number from 0"),
        ("quadratic:condition=0.5", "DATASET-OPTION", "condition must be a number from 1"),
        ("quadratic:condition=nan", "DATASET-OPTION", "'condition=nan' is not an option with its number"),
        ("quadratic:rows=10", "DATASET-OPTION", "rows must be more than features"),
        ("circles:factor=1", "DATASET-OPTION", "factor must be"),
        ("moons:rows", "DATASET-OPTION", "'rows' is not an option with its number"),
        ("moons:rows=5,rows=6", "DATASET-OPTION", "'rows' is given twice"),
        ("\x1b[2J", "DATASET-UNKNOWN", "\\x1b[2J"),
    ],
)
def test_a_wrong_name_or_option_is_a_usage_error(name, code, says):
    with pytest.raises(UsageError) as caught:
        datasets.load(name)
    assert (caught.value.code, caught.value.exit_status) == (code, 2)
    assert says in str(caught.value)
    assert all(line.isprintable() for line in str(caught.value).splitlines())


@pytest.mark.parametrize("value", [True, float("inf"), "5", None])
def test_a_keyword_that_is_no_number_is_a_usage_error(value: Any):
    with pytest.raises(UsageError, match="rows must be a whole number"):
        datasets.load("line", rows=value)


def test_a_quadratic_that_would_fill_the_memory_is_refused():
    with pytest.raises(LimitError, match="1000000 rows x 1000 features"):
        datasets.load("quadratic:rows=1000000,features=1000")


def test_constant_pixels_of_the_digits_are_noted():
    features, target = datasets.load("digits").split_target()
    assert "DATA-CONSTANT: column pixel_0_0 never changes" in table_warnings(features, target)


def test_the_module_loads_without_the_libraries_behind_the_tables():
    code = "import sys, thalweg.exchange.datasets\nprint({'sklearn', 'scipy', 'pooch', 'pyarrow'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


# The table that is downloaded

COPY = b"".join(b"%d\t%d\t0.3048\t71.3\t0.00266337\t12%d.5\n" % (800 + k, k, k % 7) for k in range(30))


def archive(content: bytes, name: str = "airfoil_self_noise.dat") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, content)
    return packed.getvalue()


class Server:
    """A web server on this machine that gives one answer and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.answer: tuple[int, bytes, int] = (404, b"", 0)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(handler) -> None:  # noqa: N805  # `self` is the server here
                self.asked += 1
                status, body, claimed = self.answer
                handler.send_response(status)
                handler.send_header("Content-Length", str(claimed))
                handler.end_headers()
                handler.wfile.write(body)

            def log_message(handler, *arguments: object) -> None:  # noqa: N805  # the same
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}/airfoil.zip"

    def gives(self, body: bytes, status: int = 200, claimed: int | None = None) -> None:
        self.answer = (status, body, len(body) if claimed is None else claimed)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def server(tmp_path, monkeypatch) -> Iterator[Server]:
    """Serve in place of the real address, with a cache of its own and a small table in place of the real one."""
    server = Server()
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name == "THALWEG_DATA":
            monkeypatch.delenv(name)
    monkeypatch.setattr(datasets, "AIRFOIL_URL", server.address)
    monkeypatch.setattr(datasets, "AIRFOIL_SHA256", hashlib.sha256(COPY).hexdigest())
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache" / project)
    yield server
    server.stop()


@pytest.fixture
def cache(tmp_path) -> Path:
    return tmp_path / "cache" / "thalweg"


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
def test_a_download_is_made_once_and_checked(line_end, server, cache):
    server.gives(archive(COPY.replace(b"\n", line_end), "data/airfoil_self_noise.dat"))
    table = datasets.load("airfoil")
    assert (table.n_rows, table.default_target, table.name) == (30, "sound_pressure", "dataset:airfoil")
    assert table["frequency"].tolist() == [800.0 + k for k in range(30)]
    assert [path.name for path in cache.iterdir()] == ["airfoil_self_noise.tsv"]
    assert (cache / "airfoil_self_noise.tsv").read_bytes() == COPY
    datasets.load("airfoil")
    assert server.asked == 1


GOOD = archive(COPY)


@pytest.mark.parametrize(
    ("body", "status", "claimed", "code", "says"),
    [
        (archive(COPY.replace(b"800", b"801", 1)), 200, None, "DATASET-CHECKSUM", "wrong checksum"),
        (GOOD[:100], 200, len(GOOD), "DATASET-DOWNLOAD", ""),
        (GOOD[:100], 200, None, "DATASET-DOWNLOAD", "no archive"),
        (GOOD[:40] + b"\xff" * 20 + GOOD[60:], 200, None, "DATASET-DOWNLOAD", "no archive"),
        (archive(COPY, "other.dat"), 200, None, "DATASET-DOWNLOAD", "no archive with airfoil_self_noise.dat"),
        (archive(COPY + b"0" * (2 << 20)), 200, None, "DATASET-CHECKSUM", "wrong checksum"),
        (b"<html>moved</html>", 200, None, "DATASET-DOWNLOAD", "no archive"),
        (b"", 200, None, "DATASET-DOWNLOAD", "no archive"),
        (b"gone", 404, None, "DATASET-DOWNLOAD", "404"),
        (b"", 500, None, "DATASET-DOWNLOAD", "500"),
    ],
    ids=["wrong", "truncated", "cut", "damaged", "other file", "bomb", "page", "empty", "absent", "broken server"],
)
def test_a_bad_download_is_refused_and_leaves_nothing(body, status, claimed, code, says, server, cache):
    server.gives(body, status, claimed)
    with pytest.raises(StorageError) as caught:
        datasets.load("airfoil")
    assert (caught.value.code, caught.value.exit_status) == (code, 6)
    assert says in str(caught.value)
    assert "THALWEG_DATA" in caught.value.hint
    assert len(str(caught.value).splitlines()) <= 5
    assert not cache.exists() or list(cache.iterdir()) == []
    server.gives(GOOD)
    assert datasets.load("airfoil").n_rows == 30


def test_without_a_server_the_answer_names_the_way_out(server, monkeypatch):
    with socket.socket() as silent:  # it has the number for as long, and does not listen
        silent.bind(("127.0.0.1", 0))
        monkeypatch.setattr(datasets, "AIRFOIL_URL", f"http://127.0.0.1:{silent.getsockname()[1]}/airfoil.zip")
        with pytest.raises(StorageError, match="cannot be downloaded") as caught:
            datasets.load("airfoil")
    assert caught.value.code == "DATASET-DOWNLOAD"


def test_a_damaged_copy_in_the_cache_is_not_used(server, cache):
    server.gives(GOOD)
    datasets.load("airfoil")
    (cache / "airfoil_self_noise.tsv").write_bytes(COPY[:-1])
    with pytest.raises(StorageError, match="Delete the file") as caught:
        datasets.load("airfoil")
    assert caught.value.code == "DATASET-CHECKSUM"


def test_a_cache_that_cannot_be_written_is_answered(server, cache):
    server.gives(GOOD)
    cache.parent.mkdir()
    cache.write_text("a file where the folder should be")
    with pytest.raises(ThalwegError) as caught:
        datasets.load("airfoil")
    assert caught.value.exit_status == 6


@pytest.mark.parametrize("ending", [".tsv", ".dat"])
def test_a_copy_in_the_folder_of_thalweg_data_is_used_without_a_download(ending, server, cache, tmp_path, monkeypatch):
    monkeypatch.setenv("THALWEG_DATA", str(tmp_path))
    (tmp_path / f"airfoil_self_noise{ending}").write_bytes(COPY.replace(b"\n", b"\r\n"))
    assert datasets.load("airfoil").n_rows == 30
    assert (server.asked, cache.exists()) == (0, False)
    (tmp_path / f"airfoil_self_noise{ending}").write_bytes(COPY.replace(b"800", b"801", 1))
    with pytest.raises(StorageError, match="wrong checksum"):
        datasets.load("airfoil")


def data_folder() -> Path:
    """Return the folder that holds the real data files; skip where there is none."""
    given = [Path(os.environ["THALWEG_DATA"])] if "THALWEG_DATA" in os.environ else []
    for folder in [*given, Path(__file__).parents[3] / "shared" / "data"]:
        if (folder / "airfoil_self_noise.tsv").is_file():
            return folder
    pytest.skip("the airfoil table is neither in THALWEG_DATA nor in ../shared/data")


def test_the_real_airfoil_table_has_its_checksum_and_its_means(monkeypatch):
    folder = data_folder()
    monkeypatch.setenv("THALWEG_DATA", str(folder))
    features, target = datasets.load("airfoil").split_target()
    assert hashlib.sha256((folder / "airfoil_self_noise.tsv").read_bytes()).hexdigest() == datasets.AIRFOIL_SHA256
    assert features.names[0] == "frequency"
    assert (features.n_rows, len(features.names), infer_task(target)) == (1503, 5, "regression")
    means = [float(column.mean()) for column in (*features.columns, target)]
    check(find(load("s001_start"), "column_means"), means)
