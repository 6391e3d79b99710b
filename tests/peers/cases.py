"""The table of comparisons: a peer's optimizer with its settings, our rule with the same settings.

A block names the peer's words and ours once; a row gives the numbers. The first row of a block is near the peer's
defaults, the others are not. Where ours is one of `conventions`, the difference is said there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.peers import conventions

from thalweg.formulas import rules

if TYPE_CHECKING:
    from collections.abc import Mapping

    from thalweg.formulas.formula import Rule


@dataclass(frozen=True)
class Case:
    """One comparison."""

    peer: str
    optimizer: str
    settings: Mapping[str, Any]
    rule: Rule

    @property
    def file(self) -> str:
        """Name of the file that holds the peer's recorded trajectory."""
        return f"{self.peer}-{self.optimizer}.json"

    @property
    def theirs(self) -> str:
        """The peer's optimizer as a call: the name of its trajectory in the file."""
        return f"{self.optimizer}({', '.join(f'{name}={value!r}' for name, value in self.settings.items())})"

    def __str__(self) -> str:
        return f"{self.rule.name} as {self.peer} {self.theirs}"


Words = dict[str, str | tuple[str, ...]]


def _block(peer: str, optimizer: str, rule: Rule, words: Words, *rows: tuple[Any, ...], **flags: Any) -> list[Case]:
    """Give the peer and us the numbers of every row; flags are settings of the peer that are a rule's name here."""
    cases = []
    for row in rows:
        ours: dict[str, float] = {}
        for name, value in zip(words.values(), row, strict=True):
            ours |= {name: value} if isinstance(name, str) else dict(zip(name, value, strict=True))
        cases.append(Case(peer, optimizer, dict(zip(words, row, strict=True)) | flags, rule(**ours)))
    return cases


def torch(optimizer: str, rule: Rule, words: Words, *rows: tuple[Any, ...], **flags: Any) -> list[Case]:
    """Cases against an optimizer of PyTorch."""
    return _block("torch", optimizer, rule, words, *rows, **flags)


def optax(optimizer: str, rule: Rule, words: Words, *rows: tuple[Any, ...], **flags: Any) -> list[Case]:
    """Cases against an optimizer of Optax, or against transformations chained by ``+``."""
    return _block("optax", optimizer, rule, words, *rows, **flags)


def keras(optimizer: str, rule: Rule, words: Words, *rows: tuple[Any, ...], **flags: Any) -> list[Case]:
    """Cases against an optimizer of Keras 3."""
    return _block("keras", optimizer, rule, words, *rows, **flags)


# Words of the peers.
LR: Words = {"lr": "learning_rate"}
RATE: Words = {"learning_rate": "learning_rate"}
MOMENTUM: Words = {"momentum": "momentum"}
DECAY: Words = {"weight_decay": "weight_decay"}
O_RPROP: Words = {
    "learning_rate": "initial_step",
    "eta_minus": "eta_minus",
    "eta_plus": "eta_plus",
    "min_step_size": "min_step",
    "max_step_size": "max_step",
}
T_RPROP: Words = {
    "lr": "initial_step",
    "etas": ("eta_minus", "eta_plus"),
    "step_sizes": ("min_step", "max_step"),
}

T_EPS: Words = {"eps": "epsilon"}
T_ADAM = LR | {"betas": ("beta1", "beta2")} | T_EPS
T_RMS = LR | {"alpha": "rho"} | T_EPS
T_SUM: Words = {"initial_accumulator_value": "initial_accumulator"}

O_ADAM = RATE | {"b1": "beta1", "b2": "beta2"} | T_EPS
O_ADAM3 = RATE | {"b1": "beta1", "b2": "beta2", "b3": "beta3"} | T_EPS
O_RMS = RATE | {"decay": "rho"} | T_EPS
O_ROOT: Words = {"eps_root": "epsilon_root"}

K_EPS: Words = {"epsilon": "epsilon"}
K_BETAS = RATE | {"beta_1": "beta1", "beta_2": "beta2"}
K_ADAM = K_BETAS | K_EPS
K_RMS = RATE | {"rho": "rho"} | K_EPS
K_FTRL: Words = {
    "learning_rate": "learning_rate",
    "initial_accumulator_value": "initial_accumulator",
    "l1_regularization_strength": "l1",
    "beta": "beta",
}
K_FTRL2: Words = {"l2_regularization_strength": "l2", "l2_shrinkage_regularization_strength": "shrinkage"}

# Numbers that several blocks share.
STEPS = ((1e-3,), (3.3e-4,), (1e-4,), (3e-5,))
BALLS = ((1e-4, 0.9), (1e-4, 0.5), (3e-5, 0.99), (3e-5, 0.8))
DELTAS = ((1.0, 0.9, 1e-6), (0.1, 0.95, 1e-7), (2.5, 0.5, 1e-4), (0.7, 0.99, 1e-8))
SUMS = ((1e-2, 0.1, 1e-7), (5e-2, 3.0, 1e-3), (2e-2, 1e-4, 1e-2))
SQUARES = ((1e-3, 0.9, 1e-8), (3e-3, 0.99, 1e-6), (1e-3, 0.6, 1e-3), (2e-3, 0.95, 1e-2))
BALLS_OF_SQUARES = ((1e-3, 0.9, 1e-8, 0.9), (3e-4, 0.7, 1e-4, 0.5), (1e-4, 0.99, 1e-2, 0.98))
ADAMS = ((1e-3, 0.9, 0.999, 1e-8), (1e-2, 0.8, 0.99, 1e-6), (3e-3, 0.0, 0.9, 1e-3), (5e-3, 0.95, 0.95, 1e-10))
ADAMWS = tuple((*row, decay) for row, decay in zip(ADAMS, (1e-2, 0.1, 0.5, 0.3), strict=True))
RADAMS = ((1e-3, 0.9, 0.999, 1e-8), (5e-3, 0.8, 0.99, 1e-6), (1e-3, 0.95, 0.9, 1e-3))
LIONS = ((1e-3, 0.9, 0.99), (3e-3, 0.8, 0.95), (3e-4, 0.5, 0.98), (2e-3, 0.95, 0.6))
RPROPS = ((1e-2, 0.5, 1.2, 1e-6, 0.05), (1e-3, 0.7, 1.1, 1e-5, 1e-2), (3e-3, 0.4, 1.5, 1e-4, 2e-2))


def paired(rows: tuple[tuple[float, ...], ...]) -> list[tuple[Any, ...]]:
    """Rows whose second and third numbers PyTorch takes as one pair."""
    return [(first, (second, third), *rest) for first, second, third, *rest in rows]


# fmt: off
TORCH = [
    *torch("SGD", rules.gradient_descent, LR, *STEPS),
    *torch("SGD", rules.momentum, LR | MOMENTUM, *BALLS),
    *torch("SGD", rules.nesterov, LR | MOMENTUM, *BALLS, nesterov=True),
    *torch("SGD", conventions.gradient_descent_with_l2, LR | DECAY, (1e-3, 1e-2), (3e-4, 1.0), (1e-4, 5.0)),
    *torch("SGD", conventions.dampened_momentum, LR | MOMENTUM | {"dampening": "dampening"},
           (1e-3, 0.9, 0.9), (1e-4, 0.8, 0.1), (5e-5, 0.99, 0.5)),
    *torch("Adagrad", rules.adagrad, LR | T_SUM | T_EPS, (1e-2, 0.0, 1e-10), *SUMS),
    *torch("Adagrad", conventions.adagrad_with_falling_rate, LR | {"lr_decay": "lr_decay"} | T_EPS,
           (1e-2, 1e-3, 1e-10), (5e-2, 0.1, 1e-6), (8e-2, 1.0, 1e-3)),
    *torch("Adadelta", rules.adadelta, LR | {"rho": "rho"} | T_EPS, *DELTAS),
    *torch("RMSprop", rules.rmsprop, T_RMS, *SQUARES),
    *torch("RMSprop", rules.rmsprop_momentum, T_RMS | MOMENTUM, *BALLS_OF_SQUARES),
    *torch("RMSprop", rules.rmsprop_centered, T_RMS, *SQUARES, centered=True),
    *torch("RMSprop", rules.rmsprop_centered_momentum, T_RMS | MOMENTUM, *BALLS_OF_SQUARES, centered=True),
    *torch("Adam", rules.adam, T_ADAM, *paired(ADAMS)),
    *torch("Adam", rules.amsgrad, T_ADAM, *paired(ADAMS), amsgrad=True),
    *torch("Adam", conventions.adam_with_l2, T_ADAM | DECAY,
           (1e-3, (0.9, 0.999), 1e-8, 1e-2), (7e-4, (0.8, 0.99), 1e-6, 0.3), (3e-4, (0.0, 0.9), 1e-3, 2.0)),
    *torch("AdamW", rules.adamw, T_ADAM | DECAY, *paired(ADAMWS)),
    *torch("Adamax", rules.adamax, T_ADAM, *paired(ADAMS)),
    *torch("NAdam", rules.nadam, T_ADAM | {"momentum_decay": "momentum_decay"},
           *((*row, decay) for row, decay in zip(paired(ADAMS), (4e-3, 0.1, 1.0, 0.0), strict=True))),
    *torch("RAdam", rules.radam, T_ADAM, *paired(RADAMS)),
    *torch("Rprop", rules.rprop, T_RPROP,
           *((first, (minus, plus), (least, most)) for first, minus, plus, least, most in RPROPS)),
]

OPTAX = [
    *optax("sgd", rules.gradient_descent, RATE, *STEPS),
    *optax("sgd", rules.momentum, RATE | MOMENTUM, *BALLS),
    *optax("sgd", rules.nesterov, RATE | MOMENTUM, *BALLS, nesterov=True),
    *optax("ema+scale_by_learning_rate", rules.ema_momentum, RATE | {"decay": "momentum"},
           (1e-3, 0.9), (3e-3, 0.99), (7e-4, 0.35), debias=False),
    *optax("sign_sgd", rules.signsgd, RATE, (1e-3,), (5e-3,), (1e-2,)),
    *optax("signum", rules.signum, RATE | {"beta": "momentum"}, (1e-3, 0.9), (3e-3, 0.5), (5e-4, 0.99)),
    *optax("trace+scale_by_sign+scale_by_learning_rate", rules.signum, RATE | {"decay": "momentum"},
           (1e-3, 0.9), (3e-3, 0.5), (5e-4, 0.99)),
    *optax("lion", rules.lion, RATE | {"b1": "beta1", "b2": "beta2"} | DECAY,
           *((*row, decay) for row, decay in zip(LIONS, (1e-3, 0.1, 1.0, 0.0), strict=True))),
    *optax("rprop", conventions.rprop_one_step_late, O_RPROP, *RPROPS),
    *optax("adagrad", conventions.adagrad_epsilon_inside, RATE | T_SUM | T_EPS, *SUMS),
    *optax("adadelta", rules.adadelta, RATE | {"rho": "rho"} | T_EPS, *DELTAS),
    *optax("rmsprop", rules.rmsprop, O_RMS, *SQUARES, eps_in_sqrt=False),
    *optax("rmsprop", rules.rmsprop_momentum, O_RMS | MOMENTUM, *BALLS_OF_SQUARES, eps_in_sqrt=False),
    *optax("rmsprop", rules.rmsprop_centered, O_RMS, *SQUARES, eps_in_sqrt=False, centered=True),
    *optax("rmsprop", rules.rmsprop_centered_momentum, O_RMS | MOMENTUM, *BALLS_OF_SQUARES,
           eps_in_sqrt=False, centered=True),
    *optax("rmsprop", conventions.rmsprop_epsilon_inside, O_RMS, *SQUARES),
    *optax("rmsprop", conventions.rmsprop_momentum_epsilon_inside, O_RMS | MOMENTUM, *BALLS_OF_SQUARES),
    *optax("rmsprop", conventions.rmsprop_centered_epsilon_inside, O_RMS, *SQUARES, centered=True),
    *optax("adam", rules.adam, O_ADAM, *ADAMS),
    *optax("adam", conventions.adam_two_epsilons, O_ADAM | O_ROOT,
           *((*row, root) for row, root in zip(ADAMS, (1e-8, 1e-4, 1e-12, 1e-2), strict=True))),
    *optax("adamw", rules.adamw, O_ADAM | DECAY, *ADAMWS),
    *optax("adamax", rules.adamax, O_ADAM, *ADAMS),
    *optax("amsgrad", conventions.amsgrad_corrected_before_maximum, O_ADAM, *ADAMS),
    *optax("nadam", conventions.nadam_constant, O_ADAM, *ADAMS),
    *optax("radam", conventions.radam_epsilon_corrected, O_ADAM, *RADAMS),
    *(Case("optax", "adabelief", {"learning_rate": rate, "b1": beta1, "b2": beta2, "eps": epsilon, "eps_root": epsilon},
           rules.adabelief(learning_rate=rate, beta1=beta1, beta2=beta2, epsilon=epsilon))
      for rate, beta1, beta2, epsilon in ((1e-3, 0.9, 0.999, 1e-16), (3e-3, 0.8, 0.99, 1e-8), (1e-3, 0.5, 0.9, 1e-4))),
    *optax("adabelief", conventions.adabelief_two_epsilons, O_ADAM | O_ROOT,
           (1e-3, 0.9, 0.999, 1e-16, 1e-8), (3e-3, 0.8, 0.99, 1e-6, 1e-8), (1e-3, 0.5, 0.9, 1e-3, 1e-6)),
    *optax("yogi", rules.yogi, O_ADAM, (1e-3, 0.9, 0.999, 1e-3), (5e-3, 0.8, 0.99, 1e-6), (1e-2, 0.95, 0.9, 1e-2)),
    *optax("scale_by_yogi+scale_by_learning_rate", rules.yogi, O_ADAM | T_SUM,
           (1e-3, 0.9, 0.999, 1e-3, 0.1), (5e-3, 0.8, 0.99, 1e-2, 1e-3), (3e-3, 0.95, 0.9, 1e-4, 1e-5)),
    *optax("contrib.ademamix", rules.ademamix, O_ADAM3 | {"alpha": "alpha"} | DECAY,
           (1e-3, 0.9, 0.999, 0.9999, 1e-8, 5.0, 0.0), (3e-4, 0.8, 0.99, 0.995, 1e-6, 8.0, 0.1),
           (1e-3, 0.5, 0.9, 0.99, 1e-3, 2.0, 0.5)),
    # b2 and 1 - b2, in which Optax and the authors differ, are one number at 0.5.
    *optax("adan", rules.adan, O_ADAM3 | DECAY,
           (1e-3, 0.98, 0.5, 0.99, 1e-8, 0.0), (3e-3, 0.9, 0.5, 0.95, 1e-6, 0.1), (1e-3, 0.6, 0.5, 0.999, 1e-3, 0.5),
           eps_root=0.0),
    *optax("adan", conventions.adan_small_change, O_ADAM3 | O_ROOT | DECAY,
           (1e-3, 0.98, 0.92, 0.99, 1e-8, 1e-8, 0.0), (3e-3, 0.9, 0.8, 0.95, 1e-6, 0.0, 0.1),
           (1e-3, 0.5, 0.6, 0.999, 1e-3, 1e-4, 0.5)),
    # LaProp is none of Optax's names, but is made of three of its pieces.
    *optax("scale_by_rms+ema+scale_by_learning_rate", rules.laprop,
           RATE | {"ema.decay": "beta1", "scale_by_rms.decay": "beta2"} | T_EPS,
           (4e-4, 0.9, 0.999, 1e-15), (3e-3, 0.8, 0.99, 1e-6), (1e-3, 0.5, 0.9, 1e-3),
           eps_in_sqrt=False, bias_correction=True),
]

KERAS = [
    *keras("SGD", rules.gradient_descent, RATE, *STEPS),
    *keras("SGD", rules.momentum, RATE | MOMENTUM, *BALLS),
    *keras("SGD", rules.nesterov, RATE | MOMENTUM, *BALLS, nesterov=True),
    *keras("Lion", rules.lion, K_BETAS, *LIONS),
    *keras("Lion", rules.lion, K_BETAS | DECAY,
           *((*row, decay) for row, decay in zip(LIONS, (1e-3, 0.1, 1.0, 4e-3), strict=True))),
    *keras("Adagrad", conventions.adagrad_epsilon_inside, RATE | T_SUM | K_EPS, *SUMS),
    *keras("Adadelta", rules.adadelta, K_RMS, (1e-3, 0.95, 1e-7), *DELTAS),
    *keras("RMSprop", conventions.rmsprop_epsilon_inside, K_RMS, *SQUARES),
    *keras("RMSprop", conventions.rmsprop_momentum_epsilon_inside, K_RMS | MOMENTUM, *BALLS_OF_SQUARES),
    *keras("RMSprop", conventions.rmsprop_centered_epsilon_inside, K_RMS, *SQUARES, centered=True),
    *keras("RMSprop", conventions.rmsprop_centered_momentum_epsilon_inside, K_RMS | MOMENTUM, *BALLS_OF_SQUARES,
           centered=True),
    *keras("Adam", conventions.adam_epsilon_hat, K_ADAM, *ADAMS),
    *keras("Adam", conventions.amsgrad_epsilon_hat, K_ADAM, *ADAMS, amsgrad=True),
    *keras("AdamW", conventions.adamw_epsilon_hat, K_ADAM | DECAY, *ADAMWS),
    *keras("Adamax", conventions.adamax_epsilon_outside, K_ADAM, *ADAMS),
    *keras("Nadam", rules.nadam(momentum_decay=1.0), K_ADAM, *ADAMS),
    *keras("Ftrl", rules.ftrl, K_FTRL,
           (1e-2, 0.1, 0.0, 0.0), (0.1, 1.0, 0.01, 1.0), (0.3, 5.0, 0.1, 1.0), (1.0, 1e-3, 1.0, 0.5)),
    *(Case("keras", "Ftrl",
           {"learning_rate": 0.1, "l1_regularization_strength": 0.1, "l2_regularization_strength": half},
           rules.ftrl(learning_rate=0.1, beta=0.0, l1=0.1, l2=2 * half, initial_accumulator=0.1))
      for half in (0.01, 0.1, 3.0)),
    *keras("Ftrl", conventions.ftrl_with_shrinkage, K_FTRL | K_FTRL2,
           (1e-2, 0.1, 0.0, 0.0, 0.1, 0.01), (0.1, 1.0, 0.01, 1.0, 0.3, 0.02), (0.3, 5.0, 0.1, 1.0, 0.0, 0.1)),
    *(Case("keras", "Ftrl", {"learning_rate": 0.1, "learning_rate_power": -power, "l1_regularization_strength": 0.02},
           conventions.ftrl_with_shrinkage(learning_rate=0.1, power=power, l1=0.02)) for power in (0.3, 0.7)),
]

CASES = TORCH + OPTAX + KERAS


@dataclass(frozen=True)
class Mixture:
    """A rule that no peer has, whose path along a given tape is the mean of paths that a peer has, with weights."""

    rule: Rule
    parts: tuple[tuple[float, Case], ...]

    def __str__(self) -> str:
        return f"{self.rule.name} as {' + '.join(f'{weight:.3g} {part.theirs}' for weight, part in self.parts)}"


def _sgd(lr: float, momentum: float) -> Case:
    """PyTorch's heavy ball, without momentum where that is zero, from the table above."""
    settings = {"lr": lr} | ({"momentum": momentum} if momentum else {})
    return next(case for case in TORCH if case.optimizer == "SGD" and case.settings == settings)


MIXTURES = [
    # An average of gradients is a heavy ball at (1 - momentum) times the rate; nu weighs it against the plain step.
    *(Mixture(rules.qhm(learning_rate=1e-3, momentum=0.9, nu=nu), ((1 - nu, _sgd(1e-3, 0.0)), (nu, _sgd(1e-4, 0.9))))
      for nu in (0.0, 0.3, 0.7, 1.0)),
    # The mean of three velocities.
    *(Mixture(rules.aggmo(learning_rate=rate, beta1=0.0, beta2=beta2, beta3=beta3),
              ((1 / 3, _sgd(rate, 0.0)), (1 / 3, _sgd(rate, beta2)), (1 / 3, _sgd(rate, beta3))))
      for rate, beta2, beta3 in ((1e-4, 0.9, 0.5), (3e-5, 0.99, 0.8), (3e-5, 0.8, 0.99))),
]
# fmt: on
