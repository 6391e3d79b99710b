from __future__ import annotations

import ast
import codecs
import json
import sys
import warnings

import pytest

from thalweg.check.files import LARGEST, read
from thalweg.check.written import NotCodeError

STEP = "def step(w, g, lr=0.1):\n    return w - lr * g\n"


def notebook(*cells, **more):
    made = [{"cell_type": "code", "source": cell, "outputs": [], "metadata": {}} for cell in cells]
    return json.dumps({"nbformat": 4, "cells": made, **more})


@pytest.mark.parametrize(
    ("data", "words", "line"),
    [
        (b"", "is empty", None),
        (codecs.BOM_UTF8 + b"\n", "is empty", None),
        (b"\x89PNG\r\n\x1a\n", "starts like a picture", None),
        (b"PK\x03\x04" + bytes(40), "starts like a ZIP", None),
        (b"<!DOCTYPE html><html>", "starts like a web page", None),
        (b"w = 1\n\0\n", "NUL bytes", 2),
        (STEP.encode("utf-16"), "is UTF-16", None),
        ("lr = 0.1\n# 学习率\n".encode("gb18030"), "is not UTF-8 (GB18030, perhaps)", 2),
        (b"# -*- coding: klingon -*-\n", "unknown encoding", 1),
        (b"lr = 0.1\nprint lr\n", "is Python 2", 2),
        (b"try:\n    x = 1\nexcept ValueError, e:\n    pass\n", "is Python 2", 3),
        (b"def step(w, g):\n    return w -\n", "is not Python: invalid syntax", 2),
        (b"def step(w, g):\n  a = 1\n   return w\n", "unexpected indent", 3),
        (b"if True:\n\ta = 1\n        b = 2\n", "inconsistent use of tabs", 3),
        (b"x = " + b"(" * 5000 + b")" * 5000, "too many nested parentheses", 1),
        (b"x = " + b"-" * 200_000 + b"1", "nested too deeply", None),
        (b"#" * (LARGEST + 1), "more than 16 MiB", None),
    ],
    ids=["empty", "mark", "png", "zip", "html", "nul", "utf-16", "gb18030", "unknown", "print", "except", "syntax",
         "indent", "tabs", "brackets", "deep", "large"],
)  # fmt: skip
def test_a_file_that_is_no_python_is_answered_with_its_line(tmp_path, data, words, line):
    (tmp_path / "mine.py").write_bytes(data)
    with pytest.raises(NotCodeError) as raised:
        read(tmp_path / "mine.py")
    assert words in raised.value.what
    assert raised.value.line == line
    assert raised.value.where == ("mine.py" if line is None else f"mine.py:{line}")


@pytest.mark.parametrize(
    "data",
    [
        STEP.replace("\n", "\r\n").encode(),
        STEP.replace("\n", "\r").encode(),
        codecs.BOM_UTF8 + STEP.encode(),
        ("# -*- coding: gbk -*-\n" + STEP.replace("step", "更新")).encode("gbk"),
        b"s = '\\d'\n" + STEP.encode(),
    ],
    ids=["crlf", "cr", "bom", "gbk", "escape"],
)
def test_line_ends_marks_and_encodings_do_not_matter(tmp_path, data):
    (tmp_path / "mine.py").write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning if sys.version_info >= (3, 12) else DeprecationWarning)
        tree = ast.parse(read(tmp_path / "mine.py").text)
    assert isinstance(tree.body[-1], ast.FunctionDef)
    assert "\r" not in read(tmp_path / "mine.py").text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ('{"cells": [{"cell_type": "code"', "is a damaged notebook"),
        ("[]", "has no list of cells"),
        ('{"cells": 3}', "has no list of cells"),
        ('{"cells": [3]}', "a cell is no object"),
        ('{"cells": [{"cell_type": "code", "source": 3}]}', "the source of a cell is no text"),
        ('{"cells": []}', "has no code cells"),
        (notebook("x <- 3", metadata={"kernelspec": {"language": "R"}}), "is a notebook of r"),
        ("[" * 100_000, "is a damaged notebook"),
    ],
    ids=["empty", "cut", "list", "cells", "cell", "source", "none", "language", "deep"],
)
def test_a_damaged_notebook_is_answered(tmp_path, text, words):
    (tmp_path / "mine.ipynb").write_text(text, encoding="utf-8")
    with pytest.raises(NotCodeError) as raised:
        read(tmp_path / "mine.ipynb")
    assert words in raised.value.what


def test_cells_are_joined_and_lines_lead_back_to_them(tmp_path):
    cells = [
        "%matplotlib inline\nimport numpy as np\n!pip install nothing",
        ["%%time\n", "lr = 0.1\n", "\n", "beta = 0.9"],
        "%%bash\nls | wc",
        "def step(w, g):\n    %timeit 1\n    return w - lr * g",
        "this is no Python",
        "files = !ls\nnp.zeros?\nlast = 1",
    ]
    (tmp_path / "mine.ipynb").write_text(notebook(*cells), encoding="utf-8")
    written = read(tmp_path / "mine.ipynb")
    lines = written.text.split("\n")
    places = {line: written.where(number) for number, line in enumerate(lines, 1) if line}
    assert places["import numpy as np"] == "mine.ipynb, cell 1, line 2"
    assert places["beta = 0.9"] == "mine.ipynb, cell 2, line 4"
    assert places["    return w - lr * g"] == "mine.ipynb, cell 4, line 3"
    assert places["last = 1"] == "mine.ipynb, cell 6, line 3"
    assert list(written.left_out) == [5]
    assert not any(line.lstrip().startswith(("%", "!")) or line.endswith("?") for line in lines)


def test_what_looks_like_a_magic_inside_a_statement_stays(tmp_path):
    cell = 'text = """\n%s is kept\n"""\nrest = (7\n% 4)\n%time 1\nquoted = "it\'s (" # )\n!ls'
    (tmp_path / "mine.ipynb").write_text(notebook(cell), encoding="utf-8")
    scope: dict[str, object] = {}
    exec(read(tmp_path / "mine.ipynb").text, scope)  # noqa: S102 - the text above
    assert (scope["text"], scope["rest"]) == ("\n%s is kept\n", 3)


def test_notebooks_of_the_third_format_are_read(tmp_path):
    sheets = [{"cells": [{"cell_type": "code", "input": ["lr = 0.1\n", "eps = 1"]}]}]
    (tmp_path / "old.ipynb").write_text(json.dumps({"nbformat": 3, "worksheets": sheets}), encoding="utf-8")
    assert read(tmp_path / "old.ipynb").text == "lr = 0.1\neps = 1\n"
