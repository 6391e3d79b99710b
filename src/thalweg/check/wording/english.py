"""English."""

from __future__ import annotations

from thalweg.check.wording.phrases import Phrases

ENGLISH = Phrases(
    right="right: {name} in {file} is {rule}",
    same="right, in another form: {name} in {file} is {rule}",
    wrong="wrong: {name} in {file} is {rule} with a mistake",
    wrong_more="wrong: {name} in {file} is {rule} with {count} mistakes",
    unknown="unknown: {name} in {file} is no rule of the catalogue",
    cannot_run="cannot run: {name} in {file}: {reason}",
    cannot_examine="cannot run: {where} {reason}",
    kinds={
        "right": "right",
        "same": "other form",
        "wrong": "wrong",
        "unknown": "unknown",
        "cannot_run": "cannot run",
    },
    convention="convention",
    in_words="in the formula:",
    effect="effect",
    parts="parts",
    parts_at="from the right rule at step {step} of {steps}",
    residual="residual",
    residual_of="{value}, the largest relative difference between the code's steps and this explanation's",
    next_best="next best",
    next_best_of="{rule}: residual {value}",
    numbers="numbers",
    elsewhere="elsewhere",
    alike="alike",
    has="it has",
    has_not="it has not",
    note="note",
    properties={
        "finite": ("only finite numbers", "only finite numbers: some steps are infinite or no numbers"),
        "fixed_point": ("rest where the gradient is zero from the start", "rest where the gradient is zero"),
        "memory": ("memory: it moves on when the gradient has become zero", "memory"),
        "scale_invariant": ("scale invariance: gradients 100 times larger make the same steps", "scale invariance"),
        "proportional": ("steps in proportion to the gradient", "steps in proportion to the gradient"),
        "sign_symmetric": ("sign symmetry: opposite gradients make opposite steps", "sign symmetry"),
        "per_coordinate": ("the same steps for the same gradients in all arrays", "the same steps in all arrays"),
    },
    table_head=("file", "name", "verdict", "rule", "mistakes"),
    histogram="Mistakes in {files} files",
    counted="{files} files: {right} right, {wrong} wrong, {unknown} unknown, {stopped} cannot run",
    nothing_wrong="No mistakes were found.",
    titles={},
    explanations={},
    sentences={},
    page={},
)
