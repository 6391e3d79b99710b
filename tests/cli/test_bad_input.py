"""What cannot be used is answered in one form, with the exit status of its kind, before any work, and leaves nothing.

The tables are those of the catalogue (rows BF01 to BF51), the settings rows BH01 to BH27 as far as a command has them.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from tests.exchange.catalogue import ACCEPTED, REFUSED


def in_form(err: str) -> bool:
    """Tell whether the last answer is ``error[CODE] where: what`` and at most four lines more, fit to print."""
    lines = err.splitlines()
    start = max((k for k, line in enumerate(lines) if line.startswith("error[")), default=-1)
    answer = lines[start:]
    return start >= 0 and len(answer) <= 5 and all(line.isprintable() for line in answer) and "Traceback" not in err


def reading(options: dict[str, Any]) -> list[str]:
    """Return the options of the reader as they are told on the command line."""
    told: list[str] = []
    for name, value in options.items():
        if name == "header":
            told.append("--no-header")
        elif name == "kinds":
            told += [part for column in value for part in ("--text", column)]
        elif name == "drop":
            told += [part for column in value for part in ("--drop", column)]
        else:
            told += [f"--{name}", ",".join(value) if isinstance(value, list) else value]
    return told


@pytest.mark.parametrize(
    "row", [row for row in REFUSED if row.options.get("missing") != "mean"], ids=lambda row: row.row
)
def test_a_table_that_cannot_be_read_is_answered(thalweg, folder, row):
    content = row.content if isinstance(row.content, bytes) else row.content.encode()
    (folder / row.name).write_bytes(content)
    said = thalweg("train", row.name, *reading(row.options))
    assert (said.status, said.out) == (row.kind.exit_status, "")
    assert said.err.startswith(f"error[{row.code}]")
    assert in_form(said.err)
    assert [f.name for f in folder.iterdir()] == [row.name]


@pytest.mark.parametrize(
    "row", [row for row in ACCEPTED if row.options.get("missing") in {None, "drop"}], ids=lambda row: row.row
)
def test_a_table_that_can_be_read_is_read_with_the_same_options(thalweg, folder, row):
    """The rows are too few to learn from, which is said only after they are read."""
    content = row.content if isinstance(row.content, bytes) else row.content.encode()
    (folder / row.name).write_bytes(content)
    said = thalweg("train", row.name, *reading(row.options))
    assert said.err.startswith("error[OPTION-TARGET] --target: which column is to be predicted?")
    assert in_form(said.err)


def table(folder, lines: list[str]) -> None:
    (folder / "t.csv").write_text("\n".join(lines) + "\n")


TARGETS = {
    "BF25": (["a,b,Y", "1,2,3"], ["--target", "y"], 3, "FILE-NO-TARGET", "Did you mean 'Y'?"),
    "BF35": (["a,y", *["1,spam"] * 50], ["--target", "y"], 3, "DATA-ONE-CLASS", "'spam' in all 50 rows"),
    "BF36": (
        ["a,y", *[f"{k},{k + 0.5}" for k in range(50)]],
        ["--target", "y", "--task", "classification"], 3, "DATA-TARGET-TYPE", "50 distinct of 50 values",
    ),
    "text-for-regression": (
        ["a,y", *[f"{k},{'ab'[k % 2]}" for k in range(50)]],
        ["--target", "y", "--task", "regression"], 3, "DATA-TARGET-TYPE", "regression needs numbers",
    ),
    "only-column": (["y", "1", "2", "3"], ["--target", "y"], 3, "FILE-NO-FEATURES", "the only column"),
    "few-rows": (["a,y", "1,2", "3,4"], ["--target", "y", "--task", "regression"], 3, "DATA-FEW-ROWS", "2 rows leave"),
    "one-row-to-learn-from": (
        ["a,y", "1,2", "3,4", "5,7"], ["--target", "y"], 3, "DATA-FEW-ROWS", "3 rows leave 1 to learn from",
    ),
    "counts": (
        ["a,y", *[f"{k},{k - 1.5}" for k in range(50)]],
        ["--target", "y", "--loss", "poisson"], 3, "DATA-TARGET-RANGE", ">= 0, the target has -1.5",
    ),
    "loss-of-classes": (
        ["a,y", *[f"{k},{k - 1.5}" for k in range(50)]],
        ["--target", "y", "--loss", "hinge"], 4, "SETTING-LOSS", "hinge is a loss for classes",
    ),
    "loss-of-numbers": (
        ["a,y", *[f"{k},{'ab'[k % 2]}" for k in range(50)]],
        ["--target", "y", "--loss", "huber"], 4, "SETTING-LOSS", "huber is a loss for numbers",
    ),
    "id": (
        ["a,id,y", *[f"{k},row {k},{k % 7}.5" for k in range(50)]],
        ["--target", "y"], 3, "DATA-TEXT", "--drop id",
    ),
}  # fmt: skip


@pytest.mark.parametrize("command", ["train", "compare"])
@pytest.mark.parametrize(("lines", "options", "status", "code", "words"), TARGETS.values(), ids=TARGETS.keys())
def test_a_target_that_cannot_be_learned_is_answered(thalweg, folder, command, lines, options, status, code, words):
    table(folder, lines)
    said = thalweg(command, "t.csv", *options)
    assert (said.status, said.out) == (status, "")
    assert f"error[{code}]" in said.err
    assert words in said.err
    assert in_form(said.err)
    assert [f.name for f in folder.iterdir()] == ["t.csv"]


PLACES = {
    "BF47-missing": ("no.csv", 6, "FILE-OPEN"),
    "BF47-folder": ("sub", 6, "FILE-OPEN"),
    "BF47-pipe": ("pipe.csv", 6, "FILE-OPEN"),
    "BF51": ("t.xlsx", 3, "FILE-FORMAT"),
    "BF52": ("https://example.org/t.csv", 2, "FILE-OPEN"),
    "dataset": ("dataset:diabetis", 2, "DATASET-UNKNOWN"),
    "dataset-option": ("dataset:line:rows=0", 2, "DATASET-OPTION"),
}


@pytest.mark.parametrize("command", ["train", "compare", "predict"])
@pytest.mark.parametrize(("place", "status", "code"), PLACES.values(), ids=PLACES.keys())
def test_a_place_without_a_table_is_answered(thalweg, folder, command, place, status, code):
    thalweg("train", "dataset:line", "--epochs", "1")
    (folder / "sub").mkdir()
    (folder / "t.xlsx").write_bytes(b"PK\x03\x04\0\0xl/workbook")
    os.mkfifo(folder / "pipe.csv")
    said = thalweg(command, *(["model.thalweg"] if command == "predict" else []), place)
    assert (said.status, said.err.split("]")[0]) == (status, f"error[{code}"), said.err
    assert in_form(said.err)


def test_warnings_of_the_table_are_shown(thalweg, folder):
    """BF22, BF30, BF37, BF38."""
    lines = ["a,b,c,id,y"] + [f"{k},7,{k * 1.5},{2**53 + 2 * k + 1},{k * 1.5}" for k in range(50)]
    table(folder, [*lines[:5], "", *lines[5:]])
    said = thalweg("train", "t.csv", "--target", "y", "--epochs", "1")
    assert said.status == 0, said.err
    for code in ("FILE-BLANK", "FILE-DIGITS", "DATA-CONSTANT", "DATA-LEAK"):
        assert f"warning[{code}] " in said.err


@pytest.mark.parametrize("command", [["train"], ["compare", "--optimizers", "adam", "--seeds", "1"]])
def test_few_rows_are_learned_from_with_a_warning(thalweg, folder, command):
    table(folder, ["a,y", "1,2", "3,4", "5,7", "2,3.5"])
    said = thalweg(*command, "t.csv", "--target", "y", "--task", "regression", "--epochs", "1")
    assert said.status == 0, said.err
    assert "warning[DATA-FEW-ROWS] only 1 row in the test part: scores of so few are mostly chance" in said.err


def test_names_that_would_move_the_cursor_are_shown_escaped(thalweg, folder):
    """BF50: in what is printed, in the record, in the picture's title."""
    names = ["\x1b[2J", "<script>", "\u202ey$x$"]
    table(folder, [",".join(names), *[f"{k},{k % 3},{k * 1.5}" for k in range(40)]])
    said = thalweg("train", "t.csv", "--target", names[2], "--epochs", "1")
    assert said.status == 0, said.err
    both = said.out + said.err
    assert all(sign.isprintable() or sign == "\n" for sign in both)
    assert (
        thalweg(
            "compare", "t.csv", "--target", names[2], "--optimizers", "adam", "--epochs", "1", "--output", "c"
        ).status
        == 0
    )


SETTINGS = {
    "BH01-zero": (["--lr", "0"], "must be > 0, got 0"),
    "BH01-negative": (["--lr", "-0.1"], "must be > 0, got -0.1"),
    "BH01-in-rule": (["--optimizer", "adam:learning_rate=0"], "must be > 0, got 0"),
    "BH02-nan": (["--lr", "nan"], "must be finite, got nan"),
    "BH02-inf": (["--lr", "inf"], "must be finite, got inf"),
    "BH02-overflow": (["--lr", "1e400"], "must be"),
    "BH03-word": (["--lr", "fast"], "must be a real number, got 'fast'"),
    "BH03-comma": (["--lr", "0,1"], "must be a real number, got '0,1'"),
    "BH03-underscore": (["--lr", "1_0"], "must be a real number, got '1_0'"),
    "BH03-true": (["--lr", "True"], "must be a real number, got 'True'"),
    "BH03-complex": (["--lr", "1j"], "must be a real number, got '1j'"),
    "BH05-one": (["--optimizer", "adam:beta1=1.0"], "in [0, 1), got 1.0"),
    "BH05-negative": (["--optimizer", "adam:beta1=-0.1"], "in [0, 1), got -0.1"),
    "BH05-above": (["--optimizer", "adam:beta2=1.5"], "in [0, 1), got 1.5"),
    "BH06": (["--optimizer", "adam:epsilon=-1e-8"], "must be >= 0, got -1e-08"),
    "BH07": (["--optimizer", "momentum:momentum=1"], "in [0, 1), got 1"),
    "BH08": (["--optimizer", "adamw:weight_decay=-1"], "must be >= 0, got -1"),
    "BH09": (["--penalty", "l2", "--alpha", "-1"], "must be >= 0, got -1"),
    "BH10-zero": (["--epochs", "0"], "must be an integer >= 1, got 0"),
    "BH10-negative": (["--epochs", "-1"], "must be an integer >= 1, got -1"),
    "BH10-fraction": (["--epochs", "1.5"], "must be an integer >= 1, got '1.5'"),
    "BH10-exponent": (["--epochs", "1e3"], "must be an integer >= 1, got '1e3'"),
    "BH10-true": (["--epochs", "True"], "must be an integer >= 1, got 'True'"),
    "BH11-zero": (["--batch-size", "0"], "must be an integer >= 1, got 0"),
    "BH11-all": (["--batch-size", "all"], "must be an integer >= 1 or 'full', got 'all'"),
    "BH12-negative": (["--tol", "-1"], "must be >= 0, got -1"),
    "BH12-nan": (["--tol", "nan"], "must be finite, got nan"),
    "BH13-none": (["--model", "mlp:"], "integers >= 1, got ''"),
    "BH13-zero": (["--model", "mlp:0"], "integers >= 1, got '0'"),
    "BH13-negative": (["--model", "mlp:-3"], "integers >= 1, got '-3'"),
    "BH13-word": (["--model", "forest"], "'forest'\n  Write linear, or mlp: and the sizes of the hidden layers, as in"),
    "BH14-rule": (["--optimizer", "adm"], "unknown 'adm'; did you mean 'adam'?"),
    "BH14-loss": (["--loss", "squard"], "unknown 'squard'; did you mean 'squared'?"),
    "BH14-activation": (["--model", "mlp:4", "--activation", "rleu"], "did you mean 'relu'?"),
    "BH14-schedule": (["--schedule", "cosin"], "did you mean 'cosine'?"),
    "BH15": (["--optimizer", "sgd:amsgrad=1"], "'amsgrad' is not one of its hyperparameters"),
    "BH15-says": (["--optimizer", "sgd:amsgrad=1"], "It has: learning_rate."),
    "BH15-option": (["--optimizer", "adam:foo=2"], "] --optimizer: adam: 'foo' is not one of its hyperparameters"),
    "BH05-option": (["--optimizer", "adam:beta1=2"], "] --optimizer: beta1 of adam: must be in [0, 1), got 2"),
    "BH27-option": (["--penalty", "l1", "--l1-ratio", "0"], "] --l1-ratio: l1: 'l1_ratio' is not one of"),
    "BH15-lr": (["--optimizer", "rprop", "--lr", "0.1"], "'learning_rate' is not one of its hyperparameters"),
    "BH15-schedule": (["--optimizer", "rprop", "--schedule", "cosine"], "has no learning_rate for a schedule"),
    "BH17-negative": (["--seed", "-1"], "must be an integer >= 0, got -1"),
    "BH17-fraction": (["--seed", "1.5"], "must be an integer >= 0, got '1.5'"),
    "BH17-word": (["--seed", "x"], "must be an integer >= 0, got 'x'"),
    "BH18-decay": (["--schedule", "exponential:gamma=1.5"], "got 1.5"),
    "BH18-zero": (["--schedule", "step:step_size=0"], "must be > 0, got 0"),
    "BH26": (["--dtype", "float16"], "float64, float32"),
    "BH19-zero": (["--clip-norm", "0"], "must be > 0, got 0"),
    "BH19-negative": (["--clip-value", "-1"], "must be > 0, got -1"),
    "BH19-both": (["--clip-norm", "1", "--clip-value", "1"], "only one of the two"),
    "BH23-zero": (["--validation-fraction", "0"], "in (0, 1), got 0"),
    "BH23-one": (["--validation-fraction", "1"], "in (0, 1), got 1"),
    "BH23-nan": (["--test-fraction", "nan"], "must be finite, got nan"),
    "BH23-sum": (["--validation-fraction", "0.5", "--test-fraction", "0.5"], "leave nothing to learn from"),
    "BH26-float16": (["--dtype", "float16"], "unknown 'float16'; allowed: float64, float32"),
    "BH26-int32": (["--dtype", "int32"], "allowed: float64, float32"),
    "BH27-range": (["--penalty", "elastic_net", "--l1-ratio", "1.2"], "in [0, 1], got 1.2"),
    "BH27-typo": (["--penalty", "elasticnet_"], "did you mean 'elastic_net' (elasticnet)?"),
    "BH27-alone": (["--penalty", "l2", "--l1-ratio", "0.5"], "'l1_ratio' is not one of its hyperparameters"),
    "BH27-no-penalty": (["--alpha", "0.1"], "--alpha: needs a --penalty"),
    "dropout": (["--model", "mlp:4", "--dropout", "1"], "in [0, 1), got 1"),
    "dropout-layers": (["--model", "mlp:4,4", "--dropout", "0.1,0.2,0.3"], "3 given for 2 layers"),
    "dropout-linear": (["--dropout", "0.3"], "SETTING-LAYERS] --dropout: needs hidden layers"),
    "activation-linear": (["--activation", "relu"], "SETTING-LAYERS] --activation: needs hidden layers"),
    "rate-twice": (["--optimizer", "adam:learning_rate=0.1", "--lr", "0.1"], "stands in --optimizer already"),
    "number-twice": (["--optimizer", "adam:beta1=0.1,beta1=0.2"], "'beta1' is given twice"),
    "number-word": (["--optimizer", "adam:beta1=big"], "is not a hyperparameter with its number"),
}


@pytest.mark.parametrize(("options", "words"), SETTINGS.values(), ids=SETTINGS.keys())
def test_a_setting_that_cannot_be_used_is_answered_before_the_table_is_read(thalweg, folder, options, words):
    said = thalweg("train", "dataset:diabetes" if "BH15-schedule" in str(options) else "no such table.csv", *options)
    if said.status == 6:  # what depends on several settings at once is looked at with the table
        said = thalweg("train", "dataset:diabetes", *options)
    assert (said.status, said.out) == (4, ""), said.err
    assert words in said.err
    assert in_form(said.err)
    assert list(folder.iterdir()) == []


DOUBTS = {
    "BH04": (["--lr", "1e30"], "warning[SETTING-LARGE] learning_rate 1e+30 is far above the usual 0.00100 of adam"),
    "BH07": (["--optimizer", "nesterov:momentum=0"], "warning[SETTING-IDLE] momentum 0 has no effect"),
    "BH08": (
        ["--optimizer", "adamw:weight_decay=10", "--lr", "0.2"],
        "warning[SETTING-LARGE] learning_rate x weight_decay",
    ),
    "BH09": (
        ["--penalty", "l2", "--alpha", "20", "--lr", "0.1"],
        "warning[SETTING-LARGE] learning_rate x alpha is above 1",
    ),
    "BH11": (["--batch-size", "5000"], "warning[SETTING-BATCH] a batch of 5000 is more than the 266 rows"),
    "BH18-milestone": (
        ["--schedule", "multi_step:milestones=1/50"],
        "warning[SETTING-IDLE] the milestone 50 is not reached",
    ),
    "BH18-warmup": (
        ["--schedule", "linear_warmup:warmup=50"],
        "warning[SETTING-IDLE] the warm-up of 50 epochs outlasts the 3",
    ),
    "alpha-0": (["--penalty", "l1", "--alpha", "0"], "warning[SETTING-IDLE] alpha 0: the penalty l1 has no effect"),
}


@pytest.mark.parametrize(("options", "words"), DOUBTS.values(), ids=DOUBTS.keys())
def test_a_doubtful_setting_is_accepted_with_a_warning(thalweg, options, words):
    said = thalweg("train", "dataset:diabetes", "--epochs", "3", *options)
    assert said.status in {0, 5}, said.err
    assert words in said.err


def test_a_usual_setting_is_accepted_without_a_word(thalweg):
    said = thalweg("train", "dataset:diabetes", "--epochs", "3", "--seed", str(2**200), "--lr", "0.1")
    assert said.status == 0
    assert "warning" not in said.err


def test_a_network_beyond_memory_is_refused_with_an_estimate(thalweg, folder):
    """BH13."""
    said = thalweg("train", "dataset:diabetes", "--model", "mlp:1000000000")
    assert (said.status, said.out) == (8, "")
    assert "error[SETTING-TOO-LARGE] --model: 12000000001 parameters with adam need about" in said.err
    assert in_form(said.err)
    assert list(folder.iterdir()) == []


COMPARISONS = {
    "BH20-rates-empty": (["--learning-rates", ","], 4, "there is no rate to try"),
    "BH20-rules-empty": (["--optimizers", ","], 4, "there is no rule to compare"),
    "BH20-too-many": (["--seeds", "1000000"], 8, "244000000 runs"),
    "BH01": (["--learning-rates", "0.1,0"], 4, "must be > 0, got 0"),
    "BH03": (["--learning-rates", "0.1,x"], 4, "must be a real number, got 'x'"),
    "BH10": (["--seeds", "0"], 4, "must be an integer >= 1, got 0"),
    "BH14": (["--optimizers", "adam,lyon"], 4, "unknown 'lyon'; did you mean 'lion'?"),
    "BH15": (["--optimizers", "adam,rprop", "--schedule", "cosine"], 4, "rprop has no learning_rate for a schedule"),
}


@pytest.mark.parametrize(("options", "status", "words"), COMPARISONS.values(), ids=COMPARISONS.keys())
def test_a_comparison_that_cannot_be_made_is_answered(thalweg, folder, options, status, words):
    said = thalweg("compare", "dataset:diabetes", *options, "--output", "c")
    assert (said.status, said.out) == (status, "")
    assert words in said.err
    assert in_form(said.err)
    assert list(folder.iterdir()) == []


def test_what_is_named_twice_is_tried_once_and_said(thalweg):
    said = thalweg(
        "compare",
        "dataset:line",
        "--optimizers",
        "adam,lion,adam",
        "--learning-rates",
        "0.1,0.1",
        "--epochs",
        "1",
        "--seeds",
        "1",
    )
    assert said.status == 0
    assert "2 rules x 1 rate x 1 seed: 2 runs" in said.err
    assert "--optimizers names a rule twice" in said.err
    assert "--learning-rates has a rate twice" in said.err
