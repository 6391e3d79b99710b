"""Optimizers of the libraries, as live objects at random settings, before the doctor: none is called wrong.

`make test-peers` installs the libraries and runs this; River is among those of the benchmarks only, and is left out
where it is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.peers.settings import drawn

import thalweg

pytestmark = [
    pytest.mark.peers,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras' numpy backend
]

CASES = {"torch": 169, "optax": 161, "keras": 140, "river": 36, "sklearn": 15}


@pytest.fixture
def keras() -> Iterator[Any]:
    """Keras on its numpy backend, which counts in float64 where its table of types is told so."""
    import keras
    from keras.src.backend.common import dtypes

    narrowed = dtypes.BIT64_TO_BIT32_DTYPE["float64"]
    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"
    yield keras
    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = narrowed


def mistaken(library: str, seed: int) -> list[str]:
    """Diagnose a library's optimizers at random settings; return what is not called by its name."""
    found = []
    for optimizer, rule in drawn(library, CASES[library], seed):
        told = thalweg.diagnose(optimizer)
        if told.kind not in ("right", "same") or told.verdict.rule != rule:
            found.append(f"{told.name} is {rule}: {told.kind} {told.verdict.rule} {dict(told.verdict.numbers)}")
    return found


def test_there_are_five_hundred_cases() -> None:
    assert sum(CASES[library] for library in ("torch", "optax", "keras", "sklearn")) + CASES["river"] >= 500


@pytest.mark.parametrize("library", ["torch", "optax", "sklearn"])
def test_every_rule_of_a_library_is_called_by_its_name(library: str) -> None:
    assert mistaken(library, seed=1) == []


@pytest.mark.usefixtures("keras")
def test_every_rule_of_keras_is_called_by_its_name() -> None:
    assert mistaken("keras", seed=1) == []


def test_every_rule_of_river_is_called_by_its_name() -> None:
    pytest.importorskip("river", reason="installed by `make bench`")
    assert mistaken("river", seed=1) == []


def test_rules_of_keras_in_float32_are_not_called_wrong() -> None:
    told = [(thalweg.diagnose(optimizer), rule) for optimizer, rule in drawn("keras", 28, 2)]
    assert [one.name for one, _ in told if one.kind == "wrong"] == []
    assert sum(one.kind in ("right", "same") and one.verdict.rule == rule for one, rule in told) >= 24


def test_rules_that_are_not_ours_are_not_guessed() -> None:
    import optax
    import torch

    weights = [torch.nn.Parameter(torch.zeros(2, 2))]
    outside = [
        torch.optim.Adafactor(weights), torch.optim.ASGD(weights), torch.optim.LBFGS(weights),
        torch.optim.SparseAdam(weights), torch.optim.Muon(weights), optax.lamb(0.01), optax.lars(0.01),
        optax.sm3(0.01), optax.novograd(0.01), optax.adafactor(0.01), optax.lbfgs(),
        optax.contrib.simplified_ademamix(0.01),
    ]  # fmt: skip
    told = [thalweg.diagnose(optimizer) for optimizer in outside]
    assert [(one.name, one.kind) for one in told if one.kind not in ("unknown", "cannot_run")] == []
    assert told[2].verdict.note.startswith("TypeError: LBFGS.step()")


def test_what_surrounds_a_rule_is_left_out_and_said() -> None:
    import optax

    chain = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(optax.exponential_decay(0.1, 10, 0.5)))
    told = thalweg.diagnose(chain)
    assert (told.kind, told.verdict.rule) == ("right", "adam")
    assert told.verdict.note == "played without clip_by_global_norm and its schedule"
    assert told.verdict.numbers["learning_rate"] == pytest.approx(0.1)


def test_a_direction_without_a_rate_is_no_ascent_and_a_forgotten_minus_is() -> None:
    import optax

    direction = thalweg.diagnose(optax.scale_by_adam())
    uphill = thalweg.diagnose(optax.chain(optax.scale_by_adam(), optax.scale(0.01)))
    assert (direction.kind, direction.verdict.note) == ("right", "it has no learning rate and is played at 1")
    assert [finding.code for finding in uphill.verdict.mistakes] == ["uphill"]


def test_an_own_subclass_of_an_optimizer_is_diagnosed_and_its_text_is_kept() -> None:
    import torch

    class Adam(torch.optim.Optimizer):
        def __init__(self, params: Any, lr: float = 0.01, betas: Any = (0.9, 0.999), eps: float = 1e-8) -> None:
            super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

        @torch.no_grad()
        def step(self) -> None:  # type: ignore[override]
            for group in self.param_groups:
                beta1, beta2 = group["betas"]
                for p in group["params"]:
                    state = self.state[p]
                    if not state:
                        state.update(t=0, m=torch.zeros_like(p), v=torch.zeros_like(p))
                    state["t"] += 1
                    state["m"].mul_(beta1).add_(p.grad, alpha=1 - beta1)
                    state["v"].mul_(beta2).addcmul_(p.grad, p.grad, value=1 - beta2)
                    m_hat, v_hat = state["m"] / (1 - beta1 ** state["t"]), state["v"] / (1 - beta1 ** state["t"])
                    p.sub_(group["lr"] * m_hat / (v_hat.sqrt() + group["eps"]))

    told = thalweg.diagnose(Adam([torch.nn.Parameter(torch.zeros(2))], lr=0.3))
    assert told.verdict.codes == {"second-corrected-with-beta1"}
    assert told.verdict.numbers["learning_rate"] == 0.3
    assert told.source is not None
    assert "v_hat = state" in told.source.text
