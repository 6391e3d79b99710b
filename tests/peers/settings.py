"""Optimizers of the libraries at random settings, each with the rule of ours that it is; None where we have none."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Settings = dict[str, Any]
Maker = Callable[["Draw"], tuple[Any, str | None]]


@dataclass(frozen=True)
class Draw:
    """Hyperparameters over the ranges in which they are used."""

    generator: random.Random

    def rate(self) -> float:
        return self.power(-4, 0)

    def epsilon(self) -> float:
        return self.power(-12, -3)

    def fast(self) -> float:
        """A share as of first moments and momentum, now and then none."""
        return 0.0 if self.sometimes(0.1) else 1 - self.power(-2.5, -0.2)

    def moving(self) -> float:
        return 1 - self.power(-2.5, -0.2)

    def slow(self) -> float:
        """A share as of second moments."""
        return 1 - self.power(-4, -0.5)

    def decay(self) -> float:
        return self.power(-4, -1)

    def power(self, low: float, high: float) -> float:
        """A number whose logarithm is uniform, with as few digits as somebody would write; or with all of them."""
        x = 10 ** self.generator.uniform(low, high)
        return float(f"{x:.2g}") if self.sometimes(0.7) else x

    def sometimes(self, share: float = 0.5) -> bool:
        return self.generator.random() < share

    def one_of(self, *choices: Any) -> Any:
        return self.generator.choice(choices)

    def some(self, **settings: Callable[[], Any]) -> Settings:
        """Draw each setting, or leave it out."""
        return {name: draw() for name, draw in settings.items() if self.sometimes(0.4)}


def _parameters() -> list[Any]:
    import torch

    return [torch.nn.Parameter(torch.zeros(2))]


def _torch() -> Iterator[Maker]:
    import torch

    def adams(d: Draw) -> Settings:
        return {"lr": d.rate(), "betas": (d.fast(), d.slow()), "eps": d.epsilon()}

    def sgd(d: Draw) -> tuple[Any, str]:
        settings: Settings = {"lr": d.rate(), **d.some(weight_decay=d.decay)}
        if d.sometimes(0.2):
            return torch.optim.SGD(_parameters(), **settings), "gradient_descent"
        settings["momentum"] = d.moving()
        if d.sometimes():
            return torch.optim.SGD(_parameters(), **settings, nesterov=True), "nesterov"
        return torch.optim.SGD(_parameters(), **settings, **d.some(dampening=d.fast)), "momentum"

    def rmsprop(d: Draw) -> tuple[Any, str]:
        centered, more = d.sometimes(), d.some(momentum=d.moving, weight_decay=d.decay)
        made = torch.optim.RMSprop(
            _parameters(), lr=d.rate(), alpha=d.slow(), eps=d.epsilon(), centered=centered, **more
        )
        return made, "rmsprop" + "_centered" * centered + "_momentum" * ("momentum" in more)

    def adagrad(d: Draw) -> tuple[Any, str]:
        more = d.some(lr_decay=d.decay, weight_decay=d.decay, initial_accumulator_value=lambda: d.power(-3, 1))
        return torch.optim.Adagrad(_parameters(), lr=d.rate(), eps=d.epsilon(), **more), "adagrad"

    def adadelta(d: Draw) -> tuple[Any, str]:
        more = d.some(weight_decay=d.decay)
        return torch.optim.Adadelta(_parameters(), lr=d.rate(), rho=d.slow(), eps=d.epsilon(), **more), "adadelta"

    def adam(d: Draw) -> tuple[Any, str]:
        amsgrad, more = d.sometimes(), d.some(weight_decay=d.decay)
        return torch.optim.Adam(_parameters(), **adams(d), **more, amsgrad=amsgrad), "amsgrad" if amsgrad else "adam"

    def adamw(d: Draw) -> tuple[Any, str]:
        amsgrad = d.sometimes(0.2)
        made = torch.optim.AdamW(_parameters(), **adams(d), weight_decay=d.decay(), amsgrad=amsgrad)
        return made, "amsgrad" if amsgrad else "adamw"

    def decayed(d: Draw, name: str, **more: Any) -> tuple[Any, str]:
        decay = d.some(weight_decay=d.decay)
        if decay and name in ("NAdam", "RAdam"):
            decay["decoupled_weight_decay"] = d.sometimes()
        shares = {"betas": (d.moving(), d.slow())}  # without momentum NAdam is AdamW
        return getattr(torch.optim, name)(_parameters(), **(adams(d) | shares), **decay, **more), name.lower()

    def rprop(d: Draw) -> tuple[Any, str]:
        etas, sizes = (0.9 - d.power(-2, -0.3), 1 + d.power(-2, 0)), (d.power(-7, -5), d.power(-1, 2))
        return torch.optim.Rprop(_parameters(), lr=d.power(-4, -1), etas=etas, step_sizes=sizes), "rprop"

    yield from (sgd, sgd, rmsprop, rmsprop, adagrad, adadelta, adam, adam, adamw, rprop)
    yield lambda d: decayed(d, "Adamax")
    yield lambda d: decayed(d, "NAdam", momentum_decay=d.power(-4, -1))
    yield lambda d: decayed(d, "RAdam")


def _optax() -> Iterator[Maker]:
    import optax

    def adams(d: Draw) -> Settings:
        return {"learning_rate": d.rate(), "b1": d.fast(), "b2": d.slow(), "eps": d.epsilon()}

    def sgd(d: Draw) -> tuple[Any, str]:
        if d.sometimes(0.3):
            return optax.sgd(d.rate()), "gradient_descent"
        nesterov = d.sometimes()
        made = optax.sgd(d.rate(), momentum=d.moving(), nesterov=nesterov)
        if d.sometimes(0.3):
            made = optax.chain(optax.add_decayed_weights(d.decay()), made)
        if d.sometimes(0.3):
            made = optax.chain(optax.clip_by_global_norm(1.0), made)
        return made, "nesterov" if nesterov else "momentum"

    def average(d: Draw) -> tuple[Any, str]:
        pieces = optax.ema(d.moving(), debias=d.sometimes()), optax.scale_by_learning_rate(d.rate())
        return optax.chain(*pieces), "ema_momentum"

    def rmsprop(d: Draw) -> tuple[Any, str]:
        # Centred and corrected, its first step divides by the rounding of a variance of nothing.
        centered, corrected, more = *d.one_of((True, False), (False, False), (False, True)), d.some(momentum=d.moving)
        made = optax.rmsprop(
            d.rate(), decay=d.slow(), eps=d.epsilon(), centered=centered, eps_in_sqrt=d.sometimes(),
            bias_correction=corrected, **more,
        )  # fmt: skip
        return made, "rmsprop" + "_centered" * centered + "_momentum" * bool(more)

    def adagrad(d: Draw) -> tuple[Any, str]:
        return optax.adagrad(d.rate(), initial_accumulator_value=d.power(-3, 1), eps=d.epsilon()), "adagrad"

    def adadelta(d: Draw) -> tuple[Any, str]:
        return optax.adadelta(d.rate(), rho=d.slow(), eps=d.epsilon()), "adadelta"

    def adam(d: Draw) -> tuple[Any, str]:
        if d.sometimes(0.3):
            return optax.inject_hyperparams(optax.adam)(**adams(d)), "adam"
        return optax.adam(**adams(d), **d.some(eps_root=d.epsilon)), "adam"

    def scheduled(d: Draw) -> tuple[Any, str]:
        settings = adams(d)
        rate = optax.exponential_decay(settings.pop("learning_rate"), 10, 0.5)
        return optax.adam(rate, **settings), "adam"

    def adamw(d: Draw) -> tuple[Any, str]:
        nesterov = d.sometimes(0.3)
        made = optax.adamw(**adams(d), weight_decay=d.decay(), nesterov=nesterov)
        return made, "nadam" if nesterov else "adamw"

    yield from (sgd, sgd, average, rmsprop, rmsprop, adagrad, adadelta, adam, scheduled, adamw)
    for name in ("adamax", "amsgrad", "nadam", "radam", "yogi"):
        yield lambda d, name=name: (getattr(optax, name)(**(adams(d) | {"b1": d.moving()})), name)
    yield lambda d: (optax.adabelief(**adams(d), **d.some(eps_root=d.epsilon)), "adabelief")
    yield lambda d: (optax.adamaxw(**adams(d), weight_decay=d.decay()), "adamax")
    yield from _optax_beyond()


def _optax_beyond() -> Iterator[Maker]:
    """Adam's distant relatives, and rules that go by signs."""
    import optax

    def lion(d: Draw) -> tuple[Any, str]:
        return optax.lion(d.rate(), b1=d.moving(), b2=d.slow(), weight_decay=d.one_of(0.0, d.decay())), "lion"

    def adan(d: Draw) -> tuple[Any, str]:
        shares = {"b1": d.moving(), "b2": d.moving(), "b3": d.slow()}
        more = {"eps": d.epsilon(), "weight_decay": d.one_of(0.0, d.decay())}
        return optax.adan(d.rate(), **shares, **more), "adan"

    def ademamix(d: Draw) -> tuple[Any, str]:
        more = {
            "b1": d.moving(),
            "b2": d.slow(),
            "b3": d.slow(),
            "eps": d.epsilon(),
            "alpha": d.power(0, 1),
            "weight_decay": d.one_of(0.0, d.decay()),
        }
        return optax.contrib.ademamix(d.rate(), **more), "ademamix"

    def laprop(d: Draw) -> tuple[Any, str]:
        scaled = optax.scale_by_rms(decay=d.slow(), eps=d.epsilon(), eps_in_sqrt=False, bias_correction=True)
        return optax.chain(scaled, optax.ema(d.moving()), optax.scale_by_learning_rate(d.rate())), "laprop"

    def rprop(d: Draw) -> tuple[Any, str]:
        etas = {"eta_minus": 0.9 - d.power(-2, -0.3), "eta_plus": 1 + d.power(-2, 0)}
        return optax.rprop(d.power(-4, -1), **etas, max_step_size=d.power(-1, 2)), "rprop"

    yield from (lion, adan, ademamix, laprop, rprop)
    yield lambda d: (optax.sign_sgd(d.rate()), "signsgd")
    yield lambda d: (optax.signum(d.rate(), beta=d.moving()), "signum")


def _keras() -> Iterator[Maker]:
    import keras

    k = keras.optimizers

    def adams(d: Draw) -> Settings:
        return {"learning_rate": d.rate(), "beta_1": d.fast(), "beta_2": d.slow(), "epsilon": d.epsilon()}

    def sgd(d: Draw) -> tuple[Any, str]:
        more = d.some(weight_decay=d.decay, clipnorm=lambda: 1.0)
        if d.sometimes(0.3):
            return k.SGD(d.rate(), **more), "gradient_descent"
        nesterov = d.sometimes()
        return k.SGD(d.rate(), momentum=d.moving(), nesterov=nesterov, **more), "nesterov" if nesterov else "momentum"

    def rmsprop(d: Draw) -> tuple[Any, str]:
        centered, more = d.sometimes(), d.some(momentum=d.moving, weight_decay=d.decay)
        made = k.RMSprop(d.rate(), rho=d.slow(), epsilon=d.epsilon(), centered=centered, **more)
        return made, "rmsprop" + "_centered" * centered + "_momentum" * ("momentum" in more)

    def adagrad(d: Draw) -> tuple[Any, str]:
        start = d.power(-3, 1)
        made = k.Adagrad(d.rate(), initial_accumulator_value=start, epsilon=d.epsilon(), **d.some(weight_decay=d.decay))
        return made, "adagrad"

    def adadelta(d: Draw) -> tuple[Any, str]:
        return k.Adadelta(d.rate(), rho=d.slow(), epsilon=d.epsilon(), **d.some(weight_decay=d.decay)), "adadelta"

    def adam(d: Draw) -> tuple[Any, str]:
        amsgrad, more = d.sometimes(0.4), d.some(weight_decay=d.decay)
        name = "amsgrad" if amsgrad else "adamw" if more else "adam"
        return k.Adam(**adams(d), **more, amsgrad=amsgrad), name

    def scheduled(d: Draw) -> tuple[Any, str]:
        settings = adams(d)
        rate = k.schedules.ExponentialDecay(settings.pop("learning_rate"), 10, 0.5)
        return k.Adam(rate, **settings, global_clipnorm=1.0), "adam"

    def ftrl(d: Draw) -> tuple[Any, str]:
        more = d.some(
            beta=lambda: d.power(-1, 0.5), learning_rate_power=lambda: -d.power(-1, 0),
            l1_regularization_strength=d.decay, l2_regularization_strength=d.decay,
            l2_shrinkage_regularization_strength=d.decay,
        )  # fmt: skip
        return k.Ftrl(d.rate(), initial_accumulator_value=d.power(-3, 1), **more), "ftrl"

    def lion(d: Draw) -> tuple[Any, str]:
        return k.Lion(d.rate(), beta_1=d.moving(), beta_2=d.slow(), **d.some(weight_decay=d.decay)), "lion"

    yield from (sgd, sgd, rmsprop, rmsprop, adagrad, adadelta, adam, adam, scheduled, ftrl, lion)
    yield lambda d: (k.AdamW(**adams(d), weight_decay=d.decay()), "adamw")
    yield lambda d: (k.Adamax(**adams(d), **d.some(weight_decay=d.decay)), "adamax")
    yield lambda d: (k.Nadam(**(adams(d) | {"beta_1": d.moving()}), **d.some(weight_decay=d.decay)), "nadam")


def _river() -> Iterator[Maker]:
    import river.optim as o

    def adams(d: Draw) -> Settings:
        return {"lr": d.rate(), "beta_1": d.fast(), "beta_2": d.slow(), "eps": d.epsilon()}

    yield lambda d: (o.SGD(d.rate()), "gradient_descent")
    yield lambda d: (o.SGD(o.schedulers.InverseScaling(d.rate())), "gradient_descent")
    yield lambda d: (o.Momentum(d.rate(), rho=d.moving()), "momentum")
    yield lambda d: (o.NesterovMomentum(d.rate(), rho=d.moving()), "momentum")  # once its look_ahead is taken back
    yield lambda d: (o.AdaGrad(d.rate(), eps=d.epsilon()), "adagrad")
    yield lambda d: (o.AdaDelta(rho=d.slow(), eps=d.epsilon()), "adadelta")
    yield lambda d: (o.RMSProp(d.rate(), rho=d.slow(), eps=d.epsilon()), "rmsprop")
    yield lambda d: (o.FTRLProximal(d.rate(), beta=d.power(-1, 0.5), l1=d.one_of(0.0, d.decay()), l2=d.decay()), "ftrl")
    for name in ("Adam", "AdaMax", "AMSGrad", "Nadam"):
        yield lambda d, name=name: (getattr(o, name)(**(adams(d) | {"beta_1": d.moving()})), name.lower())


def _sklearn() -> Iterator[Maker]:
    from sklearn.linear_model import SGDClassifier, SGDRegressor
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    def sgd(d: Draw) -> tuple[Any, str]:
        nesterov = d.sometimes()
        made = MLPClassifier(
            solver="sgd", learning_rate_init=d.rate(), momentum=d.moving(), nesterovs_momentum=nesterov
        )
        return made, "nesterov" if nesterov else "momentum"

    def adam(d: Draw) -> tuple[Any, str]:
        betas = {"beta_1": d.fast(), "beta_2": d.slow()}
        return MLPRegressor(learning_rate_init=d.rate(), epsilon=d.epsilon(), **betas), "adam"

    def linear(d: Draw) -> tuple[Any, str]:
        kind, penalty = d.one_of(SGDRegressor, SGDClassifier), d.one_of("l2", None)
        return kind(penalty=penalty, alpha=d.decay(), eta0=d.rate(), learning_rate="constant"), "gradient_descent"

    yield from (sgd, adam, linear)


LIBRARIES: dict[str, Callable[[], Iterator[Maker]]] = {
    "torch": _torch, "optax": _optax, "keras": _keras, "river": _river, "sklearn": _sklearn,
}  # fmt: skip


def drawn(library: str, count: int, seed: int) -> Iterator[tuple[Any, str | None]]:
    """Optimizers of a library, each kind as often as the others, with the name of our rule."""
    draw = Draw(random.Random(seed))  # noqa: S311 - no secret
    makers = list(LIBRARIES[library]())
    for k in range(count):
        yield makers[k % len(makers)](draw)
