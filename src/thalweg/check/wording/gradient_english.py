"""Gradients, in English."""

from __future__ import annotations

from thalweg.check.wording.gradient_phrases import GradientPhrases
from thalweg.check.wording.sentences import Sentences

GRADIENTS_IN_ENGLISH = GradientPhrases(
    right="right: the gradient is the slope of the function.",
    right_but_kinks="right: the gradient is the slope of the function, where it has one.",
    random="cannot say: the function gives another value each time at the same point.",
    unknown="cannot say: too little could be measured here.",
    wrong="wrong: the gradient is not the slope of the function in {names}.",
    wrong_everywhere="wrong: the gradient is not the slope of the function in any block.",
    is_right="right: {name} in {file} is the gradient of {of}",
    is_wrong="wrong: {name} in {file} is not the gradient of {of} in {blocks}",
    alone_right="right: {name} in {file} gives the gradient of its own value",
    alone_wrong="wrong: {name} in {file} does not give the gradient of its own value in {blocks}",
    asks_cost="unclear: {file} has no function that gives the cost of {name}; name it with --function",
    asks_which="unclear: is {name} in {file} the gradient of {choices}? Name it with --function",
    asks_argument="unclear: what {argument} in {file} takes could not be told; name a point with --at",
    cannot_run="cannot run: {name} in {file}: {reason}",
    cannot_examine="cannot run: {where} {reason}",
    differ="{name} ({shape}): {differing} of {tested} coordinates differ",
    remainder="; remainder falls as h^{order:.2f}, not h^2",
    a_number="a number",
    other_shape="came in shape {came}, the parameters have {shape}",
    worst="{where}: gradient {given:.9g}, slope {measured:.9g} +- {bound:.1g}",
    more_blocks="and {count} more blocks",
    cause="cause: {title} ({blocks}).",
    mend="mend: {mend}",
    no_cause="cause: none of the known mistakes gives these numbers.",
    right_blocks="right: {blocks}.",
    within_one="{name}: 1 coordinate within bounds (at most {bound:.1g}); {order}",
    within="{name}: {tested} coordinates within bounds (at most {bound:.1g}); {order}",
    straight="straight line",
    falls="remainder falls as h^{order:.2f}",
    not_measured="{name}: not measured",
    kink=(
        "kink at {where}: slope {left:.6g} on one side, {right:.6g} on the other, your gradient {given:.6g}. "
        "Not counted as wrong."
    ),
    more_kinks="and {count} more kinks",
    note="note: {note}",
    look="look at {where}",
    at="at: {given}.",
    of_file="{names} of the file",
    made="{names} made to fit",
    asked="{names} as asked",
    forms={
        "of_activation": "the derivative is written in terms of the activation: hand it the activation, not z.",
        "of_scores": "the derivative is the one in the scores: the slope of the activation is already in it.",
        "averaged": "gradients of parameters are means over the examples; the errors handed on are not.",
        "moved": "the gradient was read off what the update moves.",
        "known_loss": "the file gives no cost; {told} is the one that fits best.",
    },
    kinds={"right": "right", "wrong": "wrong", "unclear": "unclear", "cannot_run": "cannot run"},
    table_head=("file", "gradient", "verdict", "findings"),
    histogram="Causes in {files} files",
    counted="{files} files: {right} right, {wrong} wrong, {stopped} unclear or cannot run",
    nothing_wrong="No gradient is wrong.",
    between=", ",
    labelled="{label}: {text}",
    sentences=Sentences({}),
)
