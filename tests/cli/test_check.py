from __future__ import annotations

import json

import pytest

GOOD = "def step(w, g, lr=0.1):\n    return w - lr * g\n"
UPHILL = "def climb(w, g, lr=0.1):\n    return w + lr * g\n"
ENDLESS = "def stuck(w, g):\n    while True:\n        pass\n"


@pytest.fixture
def written(folder):
    """Write files by name into the folder."""

    def write(**texts):
        for name, text in texts.items():
            (folder / f"{name}.py").write_text(text, encoding="utf-8")

    return write


def test_a_right_rule_is_told_in_one_line_with_its_evidence(thalweg, written):
    written(sgd=GOOD)
    said = thalweg("check", "sgd.py")
    assert (said.status, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[0] == "right: step in sgd.py is gradient_descent"
    assert "numbers    learning_rate = 0.1" in lines
    assert "elsewhere  PyTorch: torch.optim.SGD(lr=0.1)" in lines
    assert any(line.startswith("residual   0, ") for line in lines)
    assert max(map(len, lines)) <= 80
    assert not any(line.endswith(" ") or "\x1b" in line for line in lines)


def test_a_mistake_is_named_with_its_line_and_its_effect(thalweg, written):
    written(sgd=UPHILL)
    said = thalweg("check", "sgd.py")
    assert said.status == 1
    assert said.out.startswith("wrong: climb in sgd.py is gradient_descent with a mistake\n")
    assert "[uphill]" in said.out
    told = [" ".join(line.split()) for line in said.out.splitlines()]
    assert "effect steps go uphill" in told
    assert "parts from the right rule at step 1 of 24" in told


def test_a_folder_gives_a_table_and_counts_mistakes(thalweg, folder, written):
    written(a_good=GOOD, b_up=UPHILL, c_both=GOOD + UPHILL, d_old="print 1\n", e_stuck=ENDLESS)
    (folder / "notes.txt").write_text("no code")
    (folder / ".hidden.py").write_text("raise SystemExit")
    said = thalweg("check", ".", "--time-limit", "1")
    assert said.status == 1
    rows = [line.split() for line in said.out.splitlines()]
    assert ["a_good.py", "step", "right", "gradient_descent"] in rows
    assert any(row[:5] == ["d_old.py", "-", "cannot", "run", "-"] and row[5] == "1:" for row in rows if row)
    assert any(row[:5] == ["e_stuck.py", "-", "cannot", "run", "-"] for row in rows if row)
    assert "   2 ##  the step is added, not subtracted\n" in said.out
    assert said.out.endswith("5 files: 1 right, 2 wrong, 0 unknown, 2 cannot run\n")
    assert ".hidden" not in said.out
    assert max(map(len, said.out.splitlines())) <= 80


def test_long_names_leave_room_for_the_rest(thalweg, written):
    name = "homework_seven_of_a_student_with_a_long_name_final"
    written(**{f"{name}_1": GOOD, f"{name}_2": "print 1\n"})
    lines = thalweg("check", ".").out.splitlines()
    assert lines[2].split() == ["homework_seve\N{HORIZONTAL ELLIPSIS}e_final_1.py", "right", "gradient_descent"]
    assert "cannot run" in lines[3]
    assert "1: is Python 2" in lines[3]


def test_json_has_a_line_for_each_file(thalweg, folder, written):
    (folder / "class").mkdir()
    for name, text in {"good": GOOD, "up": UPHILL, "old": "print 1\n"}.items():
        (folder / "class" / f"{name}.py").write_text(text)
    said = thalweg("check", "class", "--format", "json")
    told = [json.loads(line) for line in said.out.splitlines()]
    assert [(one["file"], one["verdict"]) for one in told] == [
        ("good.py", "right"), ("old.py", "cannot_run"), ("up.py", "wrong")
    ]  # fmt: skip
    assert told[1]["where"] == "old.py:1"
    assert [mistake["code"] for mistake in told[2]["diagnoses"][0]["mistakes"]] == ["uphill"]
    again = thalweg("check", "class/up.py", "--format", "json")
    assert json.loads(again.out) == told[2]


def test_a_name_in_a_file_is_examined_alone(thalweg, written):
    written(both=GOOD + UPHILL)
    assert thalweg("check", "both.py:step").status == 0
    assert thalweg("check", "both.py:climb").status == 1
    said = thalweg("check", "both.py:other")
    assert (said.status, said.out[:48]) == (2, "cannot run: both.py: there is no 'other' in it; ")


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ([], 2, "which file?"),
        (["nothing.py"], 6, "there is no such file"),
        (["notes.txt"], 2, "neither a .py nor a .ipynb file"),
        (["empty"], 2, "holds no .py and no .ipynb files"),
        (["https://example.org/adam.py"], 2, "network addresses are not read"),
        (["sgd.py", "--as", "adm"], 4, "did you mean 'adam'?"),
        (["sgd.py", "--number", "beta1"], 4, "is not a hyperparameter with its number"),
        (["sgd.py", "--number", "beta_1=0.9"], 4, "did you mean 'beta1'?"),
        (["sgd.py", "--time-limit", "0"], 4, "--time-limit"),
        (["--explain", "uphil"], 4, "did you mean 'uphill'?"),
    ],
    ids=["nothing", "missing", "text", "folder", "address", "rule", "number", "name", "limit", "code"],
)
def test_a_wrong_use_is_answered(thalweg, folder, written, arguments, status, words):
    written(sgd=GOOD)
    (folder / "notes.txt").write_text("no code")
    (folder / "empty").mkdir()
    said = thalweg("check", *arguments)
    assert (said.status, said.out) == (status, "")
    assert words in said.err
    assert len(said.err.splitlines()) <= 5


def test_what_a_file_says_cannot_reach_the_terminal(thalweg, written):
    written(evil="def step(w, g):\n    raise ValueError('\\x1b[2J' + 'x' * 5000)\n")
    said = thalweg("check", "evil.py")
    assert said.status == 2
    assert "\x1b" not in said.out
    assert len(said.out) < 500


def test_the_catalogue_is_listed_and_explained(thalweg):
    said = thalweg("check", "--list")
    assert said.status == 0
    assert max(map(len, said.out.splitlines())) <= 80
    entry = thalweg("check", "--explain", "second-corrected-with-beta1").out
    assert "-v_hat = v / (1 - beta1 ** t)" in entry
    assert f"  t = 1   10            {' ' * 24}|##########\n" in entry
    assert "t = 1   -" not in thalweg("check", "--explain", "uphill").out
