# ruff: noqa: RUF001 - Chinese has signs of its own
from __future__ import annotations

import json

import pytest
from tests.check.subjects.gradient_files import FILES, SLIPS


@pytest.fixture
def files(folder):
    """Write a right file, a wrong one and one without gradients into the folder."""
    slip = SLIPS[0]
    text = FILES[slip.file].text
    (folder / "good.py").write_text(text, encoding="utf-8")
    (folder / "slip.py").write_text(text.replace(slip.right, slip.instead, 1), encoding="utf-8")
    (folder / "none.py").write_text("x = 1\n", encoding="utf-8")
    return folder


@pytest.mark.usefixtures("files")
def test_a_wrong_gradient_is_told_with_cause_line_and_data(thalweg):
    said = thalweg("check", "--gradient", "slip.py")
    assert (said.status, said.err) == (1, "")
    assert said.out.startswith("wrong: propagate in slip.py does not give the gradient of its own value in b\n")
    assert "  cause: 1/m is missing: there are 7 columns of X (b).\n" in said.out
    assert (
        "  slip.py:19, with which it is right:\n   -    db = np.sum(A - Y)\n   +    db = np.sum(A - Y) / m\n"
    ) in said.out
    assert "  at: w (4 x 1), b, X (4 x 7), Y (1 x 7) made to fit.\n" in said.out
    assert max(map(len, said.out.splitlines())) <= 80


@pytest.mark.usefixtures("files")
def test_a_folder_of_gradients_gives_a_table_and_json(thalweg):
    said = thalweg("check", "--gradient", ".")
    assert said.status == 1
    rows = [line.split() for line in said.out.splitlines()]
    assert ["good.py", "right"] in rows
    assert any(row[:4] == ["slip.py", "wrong", "b:", "1/m"] for row in rows)
    assert "Causes in 3 files\n   1 #  1/m is missing\n" in said.out
    assert said.out.endswith("3 files: 1 right, 1 wrong, 1 unclear or cannot run\n")
    data = [json.loads(line) for line in thalweg("check", "--gradient", ".", "--format", "json").out.splitlines()]
    assert [one["verdict"] for one in data] == ["right", "cannot_run", "wrong"]
    assert data[2]["gradients"][0]["codes"] == ["missing_1_m"]


@pytest.mark.usefixtures("files")
def test_a_class_of_gradients_has_a_page(thalweg, folder):
    said = thalweg("check", "--gradient", ".", "--report", "class.html", "--language", "zh")
    assert said.status == 1
    assert said.out.endswith("3 个文件：正确 1，错误 1，不明确或无法运行 1\n")
    page = (folder / "class.html").read_text(encoding="utf-8")
    assert "3 个文件的诊断" in page
    assert "thalweg check --gradient . --report class.html --language zh" in page


def test_where_no_cause_is_known_the_table_tells_the_line(thalweg, folder):
    (folder / "odd.py").write_text("def f(x):\n    return x**3\ndef df(x):\n    return 2 * x**2\n", encoding="utf-8")
    said = thalweg("check", "--gradient", ".")
    assert "odd.py wrong   x: look at odd.py:4" in said.out
    assert "No gradient is wrong." not in said.out


def test_options_of_gradients_ask_for_gradients(thalweg, files):
    said = thalweg("check", "--at", "w", "good.py")
    assert said.status == 2
    assert "Add --gradient." in said.err
