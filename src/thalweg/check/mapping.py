"""The same method in the words of PyTorch, Keras, Optax and scikit-learn: exact or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from thalweg.check.hypothesis import Hypothesis

Numbers = Mapping[str, float]
_Words = Callable[[Numbers, frozenset[str]], dict[str, str]]


def elsewhere(hypothesis: Hypothesis, numbers: Numbers) -> dict[str, str]:
    """Return the calls that make the same steps, by library; a library that has no such rule is left out.

    Parameters
    ----------
    hypothesis : Hypothesis
        A rule with conventions only.
    numbers : mapping
        Its hyperparameters.

    Returns
    -------
    dict of str
        Keys among "torch", "keras", "optax", "sklearn".

    Examples
    --------
    >>> elsewhere(Hypothesis("ema_momentum"), {"learning_rate": 0.1, "momentum": 0.9})["torch"]
    'torch.optim.SGD(lr=0.01, momentum=0.9)'
    """
    if hypothesis.mistakes or hypothesis.rule not in _RULES:
        return {}
    return _RULES[hypothesis.rule](numbers, frozenset(hypothesis.codes))


def _n(value: float) -> str:
    return f"{value:.8g}"


def _gradient_descent(n: Numbers, codes: frozenset[str]) -> dict[str, str]:
    rate = _n(n["learning_rate"])
    if codes == {"l2-in-gradient"}:
        decay = _n(n["weight_decay"])
        return {
            "torch": f"torch.optim.SGD(lr={rate}, weight_decay={decay})",
            "optax": f"optax.chain(optax.add_decayed_weights({decay}), optax.sgd({rate}))",
            "sklearn": f"SGDRegressor(learning_rate='constant', eta0={rate}, alpha={decay})",
        }
    if codes == {"decoupled-decay"}:  # without memory both are the same
        return _gradient_descent(n, frozenset({"l2-in-gradient"}))
    if codes:
        return {}
    return {
        "torch": f"torch.optim.SGD(lr={rate})",
        "keras": f"keras.optimizers.SGD(learning_rate={rate})",
        "optax": f"optax.sgd({rate})",
        "sklearn": f"SGDRegressor(learning_rate='constant', eta0={rate}, penalty=None)",
    }


def _velocity(n: Numbers, codes: frozenset[str], *, nesterov: bool, share: float = 1.0) -> dict[str, str]:
    """Write heavy ball or Nesterov; ``share`` is what a gradient weighs in the velocity."""
    rate, mu = _n(n["learning_rate"] * share), _n(n["momentum"])
    flag = ", nesterov=True" if nesterov else ""
    inside = codes & {"rate-in-velocity", "rate-in-look-ahead"}
    if codes == {"l2-in-gradient"}:
        return {"torch": f"torch.optim.SGD(lr={rate}, momentum={mu}, weight_decay={_n(n['weight_decay'])}{flag})"}
    if codes == {"dampened"}:
        return {"torch": f"torch.optim.SGD(lr={rate}, momentum={mu}, dampening={_n(n['dampening'])})"}
    if codes - inside:
        return {}
    note = "  # while the rate is constant"
    return {
        "torch": f"torch.optim.SGD(lr={rate}, momentum={mu}{flag})" + (note if inside else ""),
        "keras": f"keras.optimizers.SGD(learning_rate={rate}, momentum={mu}{flag})" + ("" if inside else note),
        "optax": f"optax.sgd({rate}, momentum={mu}{flag})" + (note if inside else ""),
        "sklearn": f"MLPRegressor(solver='sgd', learning_rate_init={rate}, momentum={mu}, "
        f"nesterovs_momentum={nesterov})" + ("" if inside else note),
    }


def _momentum(n: Numbers, codes: frozenset[str]) -> dict[str, str]:
    return _velocity(n, codes, nesterov=False)


def _ema_momentum(n: Numbers, codes: frozenset[str]) -> dict[str, str]:
    return _velocity(n, codes, nesterov=False, share=1 - n["momentum"])


def _nesterov(n: Numbers, codes: frozenset[str]) -> dict[str, str]:
    average = "nesterov-of-average" in codes
    return _velocity(n, codes - {"nesterov-of-average"}, nesterov=True, share=1 - n["momentum"] if average else 1.0)


def _adagrad(n: Numbers, codes: frozenset[str]) -> dict[str, str]:
    rate, epsilon, start = (_n(n[k]) for k in ("learning_rate", "epsilon", "initial_accumulator"))
    if codes == {"epsilon-inside-root"}:
        return {
            "keras": f"keras.optimizers.Adagrad(learning_rate={rate}, initial_accumulator_value={start}, "
            f"epsilon={epsilon})",
            "optax": f"optax.adagrad({rate}, initial_accumulator_value={start}, eps={epsilon})",
        }
    if codes:
        return {}
    return {"torch": f"torch.optim.Adagrad(lr={rate}, initial_accumulator_value={start}, eps={epsilon})"}


def _rmsprop(n: Numbers, codes: frozenset[str]) -> dict[str, str]:
    rate, rho, epsilon = (_n(n[k]) for k in ("learning_rate", "rho", "epsilon"))
    if codes == {"epsilon-inside-root"}:
        return {
            "keras": f"keras.optimizers.RMSprop(learning_rate={rate}, rho={rho}, epsilon={epsilon})",
            "optax": f"optax.rmsprop({rate}, decay={rho}, eps={epsilon})",
        }
    if codes:
        return {}
    return {
        "torch": f"torch.optim.RMSprop(lr={rate}, alpha={rho}, eps={epsilon})",
        "optax": f"optax.rmsprop({rate}, decay={rho}, eps={epsilon}, eps_in_sqrt=False)",
    }


def _adadelta(n: Numbers, codes: frozenset[str]) -> dict[str, str]:
    rate, rho, epsilon = (_n(n[k]) for k in ("learning_rate", "rho", "epsilon"))
    if codes:
        return {}
    return {
        "torch": f"torch.optim.Adadelta(lr={rate}, rho={rho}, eps={epsilon})",
        "keras": f"keras.optimizers.Adadelta(learning_rate={rate}, rho={rho}, epsilon={epsilon})",
        "optax": f"optax.adadelta({rate}, rho={rho}, eps={epsilon})",
    }


def _adam(n: Numbers, codes: frozenset[str]) -> dict[str, str]:
    rate, beta1, beta2, epsilon = (_n(n[k]) for k in ("learning_rate", "beta1", "beta2", "epsilon"))
    if codes == {"epsilon-hat"}:
        return {
            "keras": f"keras.optimizers.Adam(learning_rate={rate}, beta_1={beta1}, beta_2={beta2}, epsilon={epsilon})",
            "sklearn": f"MLPRegressor(solver='adam', learning_rate_init={rate}, beta_1={beta1}, beta_2={beta2}, "
            f"epsilon={epsilon})",
        }
    if codes == {"epsilon-inside-root"}:
        return {"optax": f"optax.adam({rate}, b1={beta1}, b2={beta2}, eps=0.0, eps_root={epsilon})"}
    if codes == {"epsilon-twice"}:
        root = _n(n["epsilon_root"])
        return {"optax": f"optax.adam({rate}, b1={beta1}, b2={beta2}, eps={epsilon}, eps_root={root})"}
    if codes == {"l2-in-gradient"}:
        decay = _n(n["weight_decay"])
        return {"torch": f"torch.optim.Adam(lr={rate}, betas=({beta1}, {beta2}), eps={epsilon}, weight_decay={decay})"}
    if codes:
        return {}
    return {
        "torch": f"torch.optim.Adam(lr={rate}, betas=({beta1}, {beta2}), eps={epsilon})",
        "optax": f"optax.adam({rate}, b1={beta1}, b2={beta2}, eps={epsilon})",
    }


def _adamw(n: Numbers, codes: frozenset[str]) -> dict[str, str]:
    decay = n["weight_decay"] / (n["learning_rate"] if "decay-without-rate" in codes else 1.0)
    note = "  # while the rate is constant" if "decay-without-rate" in codes else ""
    rate, beta1, beta2, epsilon = (_n(n[k]) for k in ("learning_rate", "beta1", "beta2", "epsilon"))
    rest = codes - {"decay-without-rate"}
    if rest == {"epsilon-hat"}:
        return {
            "keras": f"keras.optimizers.AdamW(learning_rate={rate}, beta_1={beta1}, beta_2={beta2}, "
            f"epsilon={epsilon}, weight_decay={_n(decay)}){note}"
        }
    if rest:
        return {}
    shrink = f"weight_decay={_n(decay)}"
    return {
        "torch": f"torch.optim.AdamW(lr={rate}, betas=({beta1}, {beta2}), eps={epsilon}, {shrink}){note}",
        "optax": f"optax.adamw({rate}, b1={beta1}, b2={beta2}, eps={epsilon}, {shrink}){note}",
    }


_RULES: dict[str, _Words] = {
    "gradient_descent": _gradient_descent,
    "momentum": _momentum,
    "ema_momentum": _ema_momentum,
    "nesterov": _nesterov,
    "adagrad": _adagrad,
    "rmsprop": _rmsprop,
    "adadelta": _adadelta,
    "adam": _adam,
    "adamw": _adamw,
}
