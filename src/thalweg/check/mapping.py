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
    if codes == {"dampened"} and not nesterov and share == 1.0:  # PyTorch allows the two together in no other form
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


def _torch(call: str, *settings: str) -> dict[str, str]:
    return {"torch": f"torch.optim.{call}({', '.join(settings)})"}


def _decayed(n: Numbers, codes: frozenset[str]) -> tuple[frozenset[str], str]:
    """Return the codes without an L2 in the gradient, and PyTorch's setting for it."""
    rest = codes - {"l2-in-gradient"}
    return rest, f"weight_decay={_n(n['weight_decay'])}" if rest != codes else ""


def _moments(n: Numbers, decay: str, *, torch: str, more: str = "") -> str:
    """Write PyTorch's call of a rule of Adam's family."""
    betas = f"({_n(n['beta1'])}, {_n(n['beta2'])})"
    settings = (f"lr={_n(n['learning_rate'])}", f"betas={betas}", f"eps={_n(n['epsilon'])}", more, decay)
    return f"torch.optim.{torch}({', '.join(s for s in settings if s)})"


def _optax_moments(n: Numbers, name: str, more: str = "") -> str:
    shares = f"b1={_n(n['beta1'])}, b2={_n(n['beta2'])}, eps={_n(n['epsilon'])}"
    return f"optax.{name}({_n(n['learning_rate'])}, {shares}{more})"


def _keras_moments(n: Numbers, name: str, more: str = "") -> str:
    shares = f"beta_1={_n(n['beta1'])}, beta_2={_n(n['beta2'])}, epsilon={_n(n['epsilon'])}"
    return f"keras.optimizers.{name}(learning_rate={_n(n['learning_rate'])}, {shares}{more})"


def _adamax(n: Numbers, codes: frozenset[str]) -> dict[str, str]:
    rest, decay = _decayed(n, codes)
    if rest == {"epsilon-beside-maximum"} and not decay:
        return {"keras": _keras_moments(n, "Adamax")}
    if rest:
        return {}
    told = {"torch": _moments(n, decay, torch="Adamax")}
    return told if decay else told | {"optax": _optax_moments(n, "adamax")}


def _amsgrad(n: Numbers, codes: frozenset[str]) -> dict[str, str]:
    rest, decay = _decayed(n, codes)
    if rest == {"maximum-of-corrected"} and not decay:
        return {"optax": _optax_moments(n, "amsgrad")}
    if rest == {"epsilon-hat"} and not decay:
        return {"keras": _keras_moments(n, "Adam", ", amsgrad=True")}
    if rest == {"decoupled-decay"} and not decay:
        return {"torch": _moments(n, f"weight_decay={_n(n['weight_decay'])}", torch="AdamW", more="amsgrad=True")}
    return {} if rest else {"torch": _moments(n, decay, torch="Adam", more="amsgrad=True")}


def _nadam(n: Numbers, codes: frozenset[str]) -> dict[str, str]:
    rest, decay = _decayed(n, codes)
    if rest == {"constant-look-ahead"} and not decay:
        return {"optax": _optax_moments(n, "nadam")}
    if rest == {"decoupled-decay"} and not decay:
        rest, decay = frozenset(), f"weight_decay={_n(n['weight_decay'])}, decoupled_weight_decay=True"
    if rest:
        return {}
    told = {"torch": _moments(n, decay, torch="NAdam", more=f"momentum_decay={_n(n['momentum_decay'])}")}
    return told | ({"keras": _keras_moments(n, "Nadam")} if n["momentum_decay"] == 1 and not decay else {})


def _radam(n: Numbers, codes: frozenset[str]) -> dict[str, str]:
    rest, decay = _decayed(n, codes)
    if rest == {"epsilon-in-rectified"} and not decay:
        return {"optax": _optax_moments(n, "radam")}
    if rest == {"decoupled-decay"} and not decay:
        rest, decay = frozenset(), f"weight_decay={_n(n['weight_decay'])}, decoupled_weight_decay=True"
    return {} if rest else {"torch": _moments(n, decay, torch="RAdam")}


def _adabelief(n: Numbers, codes: frozenset[str]) -> dict[str, str]:
    if codes == {"epsilon-root-remembered"}:
        return {"optax": _optax_moments(n, "adabelief", f", eps_root={_n(n['epsilon_root'])}")}
    return {} if codes else {"optax": _optax_moments(n, "adabelief", f", eps_root={_n(n['epsilon'])}")}


def _yogi(n: Numbers, codes: frozenset[str]) -> dict[str, str]:
    if codes or n["initial_accumulator"] != 1e-6:  # the alias has no word for another start
        return {}
    return {"optax": _optax_moments(n, "yogi")}


def _lion(n: Numbers, codes: frozenset[str]) -> dict[str, str]:
    if codes:
        return {}
    rate, beta1, beta2, decay = (_n(n[k]) for k in ("learning_rate", "beta1", "beta2", "weight_decay"))
    return {
        "keras": f"keras.optimizers.Lion(learning_rate={rate}, beta_1={beta1}, beta_2={beta2}, weight_decay={decay})",
        "optax": f"optax.lion({rate}, b1={beta1}, b2={beta2}, weight_decay={decay})",
    }


def _signum(n: Numbers, codes: frozenset[str]) -> dict[str, str]:
    return {} if codes else {"optax": f"optax.signum({_n(n['learning_rate'])}, beta={_n(n['momentum'])})"}


def _signsgd(n: Numbers, codes: frozenset[str]) -> dict[str, str]:
    return {} if codes else {"optax": f"optax.sign_sgd({_n(n['learning_rate'])})"}


def _rprop(n: Numbers, codes: frozenset[str]) -> dict[str, str]:
    start, minus, plus, least, most = (
        _n(n[k]) for k in ("initial_step", "eta_minus", "eta_plus", "min_step", "max_step")
    )
    if codes == {"one-step-late"}:
        sizes = f"min_step_size={least}, max_step_size={most}"
        return {"optax": f"optax.rprop({start}, eta_minus={minus}, eta_plus={plus}, {sizes})"}
    return {} if codes else _torch("Rprop", f"lr={start}", f"etas=({minus}, {plus})", f"step_sizes=({least}, {most})")


def _squares(n: Numbers, codes: frozenset[str], *, centered: bool, momentum: bool) -> dict[str, str]:
    """Write RMSprop with a velocity, centred or both."""
    rest, decay = _decayed(n, codes)
    rate, rho, epsilon = (_n(n[k]) for k in ("learning_rate", "rho", "epsilon"))
    moving = f"momentum={_n(n['momentum'])}" if momentum else ""
    flag = "centered=True" if centered else ""
    late = "" if "rate-in-velocity" in rest or not momentum else "  # while the rate is constant"
    early = "  # while the rate is constant" if "rate-in-velocity" in rest else ""
    rest -= {"rate-in-velocity"}
    tail = "".join(f", {part}" for part in (moving, flag) if part)
    if rest == {"epsilon-inside-root"} and not decay:
        call = f"learning_rate={rate}, rho={rho}, epsilon={epsilon}{tail}"
        return {
            "keras": f"keras.optimizers.RMSprop({call}){late}",
            "optax": f"optax.rmsprop({rate}, decay={rho}, eps={epsilon}{tail}){late}",
        }
    if rest:
        return {}
    told = f"lr={rate}, alpha={rho}, eps={epsilon}{tail}" + (f", {decay}" if decay else "")
    words = {"torch": f"torch.optim.RMSprop({told}){early}"}
    if decay:
        return words
    return words | {"optax": f"optax.rmsprop({rate}, decay={rho}, eps={epsilon}, eps_in_sqrt=False{tail}){late}"}


def _rmsprop_momentum(n: Numbers, codes: frozenset[str]) -> dict[str, str]:
    return _squares(n, codes, centered=False, momentum=True)


def _rmsprop_centered(n: Numbers, codes: frozenset[str]) -> dict[str, str]:
    return _squares(n, codes, centered=True, momentum=False)


def _rmsprop_centered_momentum(n: Numbers, codes: frozenset[str]) -> dict[str, str]:
    return _squares(n, codes, centered=True, momentum=True)


def _ftrl(n: Numbers, codes: frozenset[str]) -> dict[str, str]:
    if codes - {"power-for-root", "shrinkage"}:
        return {}
    power = n["power"] if "power-for-root" in codes else 0.5
    half = n["l2"] if "shrinkage" in codes else n["l2"] / 2
    more = f", l2_shrinkage_regularization_strength={_n(n['shrinkage'])}" if "shrinkage" in codes else ""
    return {
        "keras": f"keras.optimizers.Ftrl(learning_rate={_n(n['learning_rate'])}, learning_rate_power={_n(-power)}, "
        f"initial_accumulator_value={_n(n['initial_accumulator'])}, l1_regularization_strength={_n(n['l1'])}, "
        f"l2_regularization_strength={_n(half)}, beta={_n(n['beta'])}{more})"
    }


def _laprop(n: Numbers, codes: frozenset[str]) -> dict[str, str]:
    if codes:
        return {}
    scaled = f"optax.scale_by_rms(decay={_n(n['beta2'])}, eps={_n(n['epsilon'])}, eps_in_sqrt=False, "
    averaged = f"optax.ema({_n(n['beta1'])}), optax.scale_by_learning_rate({_n(n['learning_rate'])})"
    return {"optax": f"optax.chain({scaled}bias_correction=True), {averaged})"}


def _ademamix(n: Numbers, codes: frozenset[str]) -> dict[str, str]:
    if codes or n["warmup"]:  # Optax takes schedules of its own there
        return {}
    more = f", b3={_n(n['beta3'])}, alpha={_n(n['alpha'])}, weight_decay={_n(n['weight_decay'])}"
    return {"optax": _optax_moments(n, "contrib.ademamix", more)}


def _adan(n: Numbers, codes: frozenset[str]) -> dict[str, str]:
    root = n["epsilon_root"] if codes == {"change-weighted-otherwise"} else 0.0
    if codes - {"change-weighted-otherwise"} or (not codes and n["beta2"] != 0.5):
        return {}
    more = f", b3={_n(n['beta3'])}, eps_root={_n(root)}, weight_decay={_n(n['weight_decay'])}"
    return {"optax": _optax_moments(n, "adan", more)}


_RULES: dict[str, _Words] = {
    "signsgd": _signsgd,
    "signum": _signum,
    "lion": _lion,
    "rprop": _rprop,
    "adamax": _adamax,
    "amsgrad": _amsgrad,
    "nadam": _nadam,
    "radam": _radam,
    "adabelief": _adabelief,
    "yogi": _yogi,
    "laprop": _laprop,
    "ademamix": _ademamix,
    "adan": _adan,
    "ftrl": _ftrl,
    "rmsprop_momentum": _rmsprop_momentum,
    "rmsprop_centered": _rmsprop_centered,
    "rmsprop_centered_momentum": _rmsprop_centered_momentum,
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
