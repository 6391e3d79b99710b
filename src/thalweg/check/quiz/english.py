"""What the trainer says in English."""

from __future__ import annotations

from collections.abc import Mapping

from thalweg.check.quiz.phrases import Phrases
from thalweg.check.quiz.question import Text

TEXTS: Mapping[str, Text] = {
    "mean-missing": Text(
        "the errors are not divided by the number of examples",
        "The loss is a mean, so its slope has the same 1/m. Without it every gradient is m times too long, and the "
        "rate that works depends on the batch.",
    ),
    "mean-missing-once": Text(
        "one gradient is not divided by the number of examples",
        "The loss is a mean, and every gradient has its 1/m. One layer then learns m times as fast as the others.",
    ),
    "mean-twice": Text(
        "the errors are divided by the number of examples twice",
        "1/m belongs into the errors or into each gradient, not into both. All gradients are m times too short and "
        "training looks as if it had stopped.",
    ),
    "sign-turned": Text(
        "the errors have the wrong sign",
        "The slope of the loss in the scores is prediction minus target. Turned round, every step goes uphill.",
    ),
    "factor-two": Text(
        "the errors carry a factor of two that the loss has not",
        "Half a square has the slope of the difference itself. The 1/2 of the loss has cancelled the 2 already.",
    ),
    "penalty-forgotten": Text(
        "one layer's gradient has no penalty",
        "The loss holds lam / 2 * W**2 for both layers, so both gradients hold lam * W. The weights of this layer are "
        "never pulled to zero although the loss says so.",
    ),
    "penalty-doubled": Text(
        "the penalty is counted twice in one gradient",
        "The slope of lam / 2 * W**2 is lam * W: the 2 of the square cancels the 1/2. These weights are pulled to "
        "zero twice as hard as the loss asks.",
    ),
    "penalty-on-bias": Text(
        "the gradient of a bias has a penalty",
        "The loss penalises the weights alone. A bias that is pulled to zero cannot follow the mean of the targets.",
    ),
    "bias-over-units": Text(
        "the errors are summed over the units as well",
        "Each unit has a bias of its own: the sum goes over the examples alone. One number for all units moves all "
        "biases alike.",
    ),
    "bias-one-example": Text(
        "a bias takes the errors of one example alone",
        "The gradient of a bias is the sum of its errors over all examples. The last one alone is a noisy fraction of "
        "it.",
    ),
    "transposed": Text(
        "a gradient is transposed",
        "The gradient of W has the shape of W, row by row. Where W is square the transposed fits as well, and nothing "
        "complains.",
    ),
    "slope-forgotten": Text(
        "the slope of the activation is missing on the way back",
        "The chain rule multiplies the errors by the activation's slope at each layer. Without it saturated or "
        "sleeping units learn as if they were linear.",
    ),
    "slope-of-scores": Text(
        "the slope is computed from the scores where the activations belong",
        "1 - a**2 is the slope of tanh in terms of its value a. With the score z in its place it even turns negative.",
    ),
    "slope-at-activation": Text(
        "the activation is applied once too often in its slope",
        "A1 is tanh(Z1) already, so the slope is 1 - A1**2. tanh of tanh is too small and the slope too large.",
    ),
    "slope-of-another": Text(
        "the slope is that of another activation",
        "Each activation has a slope of its own: 1 - a**2 of tanh, a * (1 - a) of the sigmoid, 1 or 0 of ReLU. "
        "Another one bends the errors of all layers below.",
    ),
    "slope-left-out-of-weights": Text(
        "the weights' gradient takes the errors before the activation's slope",
        "The weights meet dZ, which is dA times the activation's slope. The bias below is right and the weights beside "
        "it are not.",
    ),
    "output-slope-twice": Text(
        "the slope of the output is multiplied in where it has cancelled",
        "For a sigmoid under cross-entropy the slope in the scores is a - y: a * (1 - a) has cancelled. Multiplied in "
        "again, confident mistakes are hardly corrected.",
    ),
    "output-slope-forgotten": Text(
        "the slope of the output's activation is missing",
        "Under squared error nothing cancels: the errors are (a - y) * a * (1 - a). Without the slope all gradients "
        "are several times too long.",
    ),
    "input-for-activation": Text(
        "the second layer's weights meet the input of the first",
        "A layer's gradient is what came into it times its errors. Into the second layer came A1, not X.",
    ),
    "scores-for-activation": Text(
        "the second layer's weights meet scores instead of activations",
        "What came into the second layer is A1, after the activation. With Z1 the units that ReLU has put to sleep "
        "count as well.",
    ),
    "weights-not-transposed": Text(
        "the errors go back through the weights untransposed",
        "Forward is Z = A @ W, so back is dA = dZ @ W.T. Where W is square the other product fits as well, and "
        "nothing complains.",
    ),
    "weights-of-other-layer": Text(
        "the errors go back through the weights of another layer",
        "The errors of layer 2 go back through the weights of layer 2, through which its scores came.",
    ),
}

ENGLISH = Phrases(
    of_optimizer="Question {number} of {count}: {rule}, with one mistake in it.",
    of_network="Question {number} of {count}: a network, with one mistake in its backward pass.",
    which="Which is it? A letter, or the number of the line.",
    which_line="In which line is it?",
    prompt="Answer (? shows it, q leaves): ",
    right="Right: {solution}.",
    wrong="No. It is {solution}.",
    finding="{letter}, ",
    line="line {line}",
    lines="any of the lines {lines}",
    not_understood="That is neither a letter nor the number of a line.",
    told="{title}. {explanation}",
    effect="Effect: {effect}.",
    off="Gradients are off by a share of their length: {effect}.",
    score="{right} of {count} right.",
    again="The same questions again: {command}",
    look_again="To look at again:",
    no_more="There are no more questions of this kind: {count} in all.",
    texts=TEXTS,
)
