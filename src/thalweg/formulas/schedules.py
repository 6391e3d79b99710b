# A formula is written as on paper, without types: its decorator knows what the arguments are.
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs
r"""Schedules: the factor by which a run multiplies ``learning_rate`` as time passes.

Time ``t`` is counted in epochs, as a float: before the update ``k`` (from 0) of epoch ``e`` (from 0) with ``S`` updates
an epoch it is ``e + k / S``. All lengths of time below are in epochs too, and need not be whole. ``learning_rate`` is
the peak: no factor exceeds 1.

PyTorch's ``torch.optim.lr_scheduler`` classes, stepped once per epoch, give ``learning_rate * factor`` at whole ``t``;
where one of them differs, **Conventions** says how. Optax's schedules count updates, not epochs, and return the rate
itself.

A hyperparameter ``total`` is the length of the run; left at ``None``, the run fills it in.
"""

from __future__ import annotations

import numpy as np

from thalweg.formulas.formula import schedule

__all__ = [
    "constant",
    "cosine",
    "cosine_restarts",
    "cyclic",
    "exponential",
    "inverse_time",
    "linear_warmup",
    "multi_step",
    "one_cycle",
    "polynomial",
    "step",
    "warmup_cosine",
]

_TINY = 1e-300  # a length of 0 epochs, where it divides


def _share(t, length):
    """Share of ``length`` that has passed, from 0 to 1."""
    return np.clip(t / np.maximum(length, _TINY), 0.0, 1.0)


def _half_wave(share, first, last):
    """Go from ``first`` to ``last`` along half a period of the cosine."""
    return last + (first - last) * (1 + np.cos(np.pi * share)) / 2


@schedule
def constant(t):
    r"""No schedule: the learning rate stays as it is.

    .. math:: f(t) = 1

    Parameters
    ----------
    t : array of float, any shape
        Time in epochs.

    Conventions
    -----------
    Optax's ``constant_schedule``. PyTorch's ``ConstantLR`` is another thing: a lower rate for the first epochs.

    References
    ----------
    Nocedal and Wright (2006), Numerical Optimization, chapter 3 (a fixed step length).

    Examples
    --------
    >>> float(constant.factor(7.5))
    1.0
    """
    return np.ones_like(t)


@schedule(ranges={"step_size": "(0, inf)", "gamma": "(0, 1]"})
def step(t, *, step_size=10.0, gamma=0.1):
    r"""Step decay: multiply by ``gamma`` every ``step_size`` epochs.

    .. math:: f(t) = \gamma^{\lfloor t / \text{step_size} \rfloor}

    Parameters
    ----------
    t : array of float, any shape
        Time in epochs.
    step_size : float > 0
        Epochs from one drop to the next (a length of time, no rate).
    gamma : float in (0, 1]
        Factor of each drop.

    Conventions
    -----------
    ``StepLR`` in PyTorch, with its names.

    References
    ----------
    Szegedy et al. (2015), Going Deeper with Convolutions, arXiv:1409.4842, section 6.

    Examples
    --------
    >>> float(step(step_size=2, gamma=0.5).factor(5.0))
    0.25
    """
    return gamma ** np.floor(t / step_size)


@schedule(ranges={"milestones": "(0, inf)", "gamma": "(0, 1]"})
def multi_step(t, *, milestones=(30.0, 60.0, 90.0), gamma=0.1):
    r"""Multi-step decay: multiply by ``gamma`` at each milestone.

    .. math:: f(t) = \gamma^{\#\{m \in \text{milestones} : m \le t\}}

    Parameters
    ----------
    t : array of float, any shape
        Time in epochs.
    milestones : tuple of float > 0
        Times of the drops, in epochs, in any order; one named twice drops twice.
    gamma : float in (0, 1]
        Factor of each drop.

    Conventions
    -----------
    ``MultiStepLR`` in PyTorch, with its names. Optax's ``piecewise_constant_schedule`` takes a factor for each
    milestone.

    References
    ----------
    He, Zhang, Ren and Sun (2016), Deep Residual Learning for Image Recognition, arXiv:1512.03385, section 4.2.

    Examples
    --------
    >>> float(multi_step(milestones=(2, 4), gamma=0.5).factor(4.0))
    0.25
    """
    return gamma ** np.searchsorted(np.sort(milestones), t, side="right")


@schedule(ranges={"gamma": "(0, 1]"})
def exponential(t, *, gamma=0.95):
    r"""Exponential decay: multiply by ``gamma`` in the course of each epoch.

    .. math:: f(t) = \gamma^t

    Parameters
    ----------
    t : array of float, any shape
        Time in epochs.
    gamma : float in (0, 1]
        What is left of the rate after one epoch.

    Conventions
    -----------
    ``ExponentialLR`` in PyTorch at whole ``t``; here the rate falls within an epoch too.

    References
    ----------
    Li and Arora (2020), An Exponential Learning Rate Schedule for Deep Learning, arXiv:1910.07454.

    Examples
    --------
    >>> float(exponential(gamma=0.5).factor(3.0))
    0.125
    """
    return gamma**t


@schedule(ranges={"decay_rate": "[0, inf)", "power": "(0, inf)"})
def inverse_time(t, *, decay_rate=1.0, power=1.0):
    r"""Inverse time decay: as one over the time, the classic condition for stochastic descent to settle.

    .. math:: f(t) = (1 + \text{decay_rate} \cdot t)^{-\text{power}}

    Parameters
    ----------
    t : array of float, any shape
        Time in epochs.
    decay_rate : float >= 0
        Speed of the decay, per epoch: with ``power=1`` the rate has halved after ``1 / decay_rate`` epochs.
    power : float > 0
        Convergence of stochastic descent in theory asks for (0.5, 1].

    Conventions
    -----------
    Keras' ``InverseTimeDecay`` with ``power=1``. scikit-learn's ``"invscaling"`` is ``1 / t**power_t``, with ``t``
    counted in updates from 1. PyTorch has none.

    References
    ----------
    Robbins and Monro (1951), A Stochastic Approximation Method, Annals of Mathematical Statistics 22(3), 400-407. With
    the power: Bottou (2012), Stochastic Gradient Descent Tricks, section 5.2.

    Examples
    --------
    >>> float(inverse_time(decay_rate=0.5).factor(6.0))
    0.25
    """
    return (1 + decay_rate * t) ** -power


@schedule(ranges={"power": "(0, inf)", "end_factor": "[0, 1]"})
def polynomial(t, *, power=1.0, end_factor=0.0, total=None):
    r"""Polynomial decay, linear by default, to ``end_factor`` at the end of the run.

    .. math:: f(t) = e + (1 - e) \left(1 - \min(t / \text{total}, 1)\right)^{\text{power}}

    Parameters
    ----------
    t : array of float, any shape
        Time in epochs.
    power : float > 0
        1 is a line; larger falls early, smaller falls late.
    end_factor : float in [0, 1]
        Factor at the end, :math:`e`.
    total : float > 0, optional
        Epochs until the end; the length of the run if None.

    Conventions
    -----------
    ``PolynomialLR`` in PyTorch, where ``total`` is ``total_iters`` and the end is always 0. Optax's
    ``polynomial_schedule`` names the end by its rate, ``end_value``.

    References
    ----------
    Liu, Rabinovich and Berg (2015), ParseNet: Looking Wider to See Better, arXiv:1506.04579 (the "poly" policy).

    Examples
    --------
    >>> float(polynomial(power=2, total=10).factor(5.0))
    0.25
    """
    return end_factor + (1 - end_factor) * (1 - _share(t, total)) ** power


@schedule(ranges={"end_factor": "[0, 1]"})
def cosine(t, *, end_factor=0.0, total=None):
    r"""Cosine decay to ``end_factor`` at the end of the run: slow, fast, slow.

    .. math:: f(t) = e + \frac{1 - e}{2} \left(1 + \cos(\pi \min(t / \text{total}, 1))\right)

    Parameters
    ----------
    t : array of float, any shape
        Time in epochs.
    end_factor : float in [0, 1]
        Factor at the end, :math:`e`.
    total : float > 0, optional
        Epochs until the end; the length of the run if None.

    Conventions
    -----------
    ``CosineAnnealingLR`` in PyTorch up to ``total``, there ``T_max``; beyond, PyTorch's rises again. Its ``eta_min`` is
    a rate, ``learning_rate * end_factor``. Optax's ``cosine_decay_schedule`` calls ``end_factor`` ``alpha``.

    References
    ----------
    Loshchilov and Hutter (2017), SGDR: Stochastic Gradient Descent with Warm Restarts, arXiv:1608.03983, equation 5.

    Examples
    --------
    >>> round(float(cosine(total=10).factor(5.0)), 12)
    0.5
    """
    return _half_wave(_share(t, total), 1.0, end_factor)


def _geometric(count, ratio):
    """Sum ``1 + ratio + ... `` of ``count`` terms."""
    return count if ratio == 1 else (ratio**count - 1) / (ratio - 1)


def _restarts_before(cycles, ratio):
    """Count the restarts after a time given in lengths of the first cycle; a restart counts from its very moment."""
    if ratio == 1:
        return np.floor(cycles)
    # Rounded up, since the logarithm may fall to either side of a whole number at a restart; then put right.
    near = np.ceil(np.log1p(cycles * (ratio - 1)) / np.log(ratio))
    return near - (_geometric(near, ratio) > cycles)


@schedule(ranges={"t_0": "(0, inf)", "t_mult": "[1, inf)", "end_factor": "[0, 1]"})
def cosine_restarts(t, *, t_0=10.0, t_mult=1.0, end_factor=0.0):
    r"""Cosine decay with warm restarts (SGDR): back to the full rate at the end of each cycle.

    .. math:: f(t) = e + \frac{1 - e}{2} \left(1 + \cos\frac{\pi (t - s_i)}{T_i}\right), \qquad
              T_i = t_0 \, t_\text{mult}^i, \qquad s_i = \sum_{j < i} T_j \le t < s_{i + 1}

    Parameters
    ----------
    t : array of float, any shape
        Time in epochs.
    t_0 : float > 0
        Length of the first cycle, in epochs.
    t_mult : float >= 1
        Length of each cycle in lengths of the one before.
    end_factor : float in [0, 1]
        Factor that a cycle approaches at its end, :math:`e`.

    Conventions
    -----------
    ``CosineAnnealingWarmRestarts`` in PyTorch, where ``T_0`` and ``T_mult`` are whole and ``eta_min`` is a rate,
    ``learning_rate * end_factor``.

    References
    ----------
    Loshchilov and Hutter (2017), SGDR: Stochastic Gradient Descent with Warm Restarts, arXiv:1608.03983, equation 5.

    Examples
    --------
    >>> round(float(cosine_restarts(t_0=4, t_mult=2).factor(8.0)), 12)
    0.5
    """
    cycles = t / t_0
    restarts = _restarts_before(cycles, t_mult)
    return _half_wave((cycles - _geometric(restarts, t_mult)) / t_mult**restarts, 1.0, end_factor)


@schedule(ranges={"warmup": "[0, inf)", "start_factor": "[0, 1]"})
def linear_warmup(t, *, warmup=5.0, start_factor=1 / 3):
    r"""Linear warm-up: from ``start_factor`` to 1 within ``warmup`` epochs, then constant.

    .. math:: f(t) = s + (1 - s) \min(t / \text{warmup}, 1)

    Parameters
    ----------
    t : array of float, any shape
        Time in epochs.
    warmup : float >= 0
        Length of the warm-up, in epochs.
    start_factor : float in [0, 1]
        Factor of the first update, :math:`s`; with 0 that update changes nothing.

    Conventions
    -----------
    ``LinearLR`` in PyTorch, where ``warmup`` is ``total_iters``.

    References
    ----------
    Goyal et al. (2017), Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour, arXiv:1706.02677, section 2.2.

    Examples
    --------
    >>> float(linear_warmup(warmup=4, start_factor=0.5).factor(2.0))
    0.75
    """
    return np.where(t < warmup, start_factor + (1 - start_factor) * _share(t, warmup), 1.0)


@schedule(ranges={"warmup": "[0, inf)", "start_factor": "[0, 1]", "end_factor": "[0, 1]"})
def warmup_cosine(t, *, warmup=5.0, start_factor=0.0, end_factor=0.0, total=None):
    r"""Linear warm-up, then cosine decay to ``end_factor`` at the end of the run.

    .. math:: f(t) = \begin{cases} s + (1 - s) \, t / \text{warmup} & t < \text{warmup} \\
              e + \frac{1 - e}{2} \left(1 + \cos \pi \min\left(\frac{t - \text{warmup}}{\text{total} - \text{warmup}}, 1
              \right)\right) & \text{otherwise} \end{cases}

    Parameters
    ----------
    t : array of float, any shape
        Time in epochs.
    warmup : float >= 0
        Length of the warm-up, in epochs; a part of ``total``. A run shorter than that ends in its warm-up.
    start_factor : float in [0, 1]
        Factor of the first update, :math:`s`; with 0 that update changes nothing.
    end_factor : float in [0, 1]
        Factor at the end, :math:`e`.
    total : float > 0, optional
        Epochs until the end, warm-up included; the length of the run if None.

    Conventions
    -----------
    Optax's ``warmup_cosine_decay_schedule``, whose ``decay_steps`` includes the warm-up too. In PyTorch:
    ``SequentialLR`` of ``LinearLR`` and ``CosineAnnealingLR(T_max=total - warmup)``.

    References
    ----------
    Goyal et al. (2017), arXiv:1706.02677, section 2.2, and Loshchilov and Hutter (2017), arXiv:1608.03983, equation 5.

    Examples
    --------
    >>> round(float(warmup_cosine(warmup=2, total=10).factor(6.0)), 12)
    0.5
    """
    rise = start_factor + (1 - start_factor) * _share(t, warmup)
    return np.where(t < warmup, rise, _half_wave(_share(t - warmup, total - warmup), 1.0, end_factor))


@schedule(ranges={"pct_start": "(0, 1)", "div_factor": "[1, inf)", "final_div_factor": "[1, inf)"})
def one_cycle(t, *, pct_start=0.3, div_factor=25.0, final_div_factor=1e4, total=None):
    r"""One cycle: up to the full rate along a cosine, then down again to almost nothing.

    .. math:: f(t) = \begin{cases} c\left(\frac{1}{d}, 1, \frac{t}{p T}\right) & t < p T \\
              c\left(1, \frac{1}{d D}, \frac{t - p T}{T - p T}\right) & \text{otherwise} \end{cases} \qquad
              c(a, b, x) = b + \frac{a - b}{2} \left(1 + \cos \pi \min(x, 1)\right)

    Parameters
    ----------
    t : array of float, any shape
        Time in epochs.
    pct_start : float in (0, 1)
        Share of the run in which the rate rises, :math:`p` (a share, in spite of its name).
    div_factor : float >= 1
        The first rate is ``learning_rate / div_factor``, :math:`d`.
    final_div_factor : float >= 1
        The last rate is the first divided by ``final_div_factor``, :math:`D`.
    total : float > 0, optional
        Length of the cycle in epochs, :math:`T`; the length of the run if None.

    Conventions
    -----------
    ``OneCycleLR`` in PyTorch, with its names; ``learning_rate`` is its ``max_lr``, and momentum is left alone. PyTorch
    reaches the end at its last update, ``total_steps - 1``, and the peak at update ``pct_start * total_steps - 1``;
    here the end is that of the run, so its curve is this one with ``total = total_steps - 1`` and ``pct_start =
    (pct_start * total_steps - 1) / (total_steps - 1)``.

    References
    ----------
    Smith and Topin (2019), Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates,
    arXiv:1708.07120; in the two-phase cosine form of fastai.

    Examples
    --------
    >>> float(one_cycle(total=10).factor(3.0))
    1.0
    """
    peak = pct_start * total
    rise = _half_wave(_share(t, peak), 1 / div_factor, 1.0)
    fall = _half_wave(_share(t - peak, total - peak), 1.0, 1 / (div_factor * final_div_factor))
    return np.where(t < peak, rise, fall)


@schedule(
    ranges={
        "start_factor": "[0, 1]",
        "step_size_up": "(0, inf)",
        "step_size_down": "(0, inf)",
        "cycle_gamma": "(0, 1]",
        "gamma": "(0, 1]",
    }
)
def cyclic(t, *, start_factor=0.1, step_size_up=5.0, step_size_down=5.0, cycle_gamma=1.0, gamma=1.0):
    r"""Cyclic learning rate: up and down in straight lines, again and again.

    .. math:: f(t) = s + (1 - s) \, h(t) \, \text{cycle_gamma}^{\lfloor t / P \rfloor} \gamma^t, \qquad
              P = \text{step_size_up} + \text{step_size_down}

    where :math:`h` rises from 0 to 1 in ``step_size_up`` epochs and falls back in ``step_size_down``.

    Parameters
    ----------
    t : array of float, any shape
        Time in epochs.
    start_factor : float in [0, 1]
        Factor at the foot of each cycle, :math:`s`.
    step_size_up : float > 0
        Epochs from foot to peak.
    step_size_down : float > 0
        Epochs from peak to foot.
    cycle_gamma : float in (0, 1]
        Height of each cycle in heights of the one before; 0.5 is PyTorch's ``mode="triangular2"``.
    gamma : float in (0, 1]
        What is left of the height after one epoch; below 1 it is PyTorch's ``mode="exp_range"``.

    Conventions
    -----------
    ``CyclicLR`` in PyTorch, whose ``max_lr`` is ``learning_rate`` and whose ``base_lr`` is ``learning_rate *
    start_factor``; there ``step_size_down`` equals ``step_size_up`` unless given, and momentum is cycled too unless
    ``cycle_momentum=False``.

    References
    ----------
    Smith (2017), Cyclical Learning Rates for Training Neural Networks, arXiv:1506.01186, section 3.

    Examples
    --------
    >>> float(cyclic(start_factor=0.5, step_size_up=4, step_size_down=2).factor(2.0))
    0.75
    """
    period = step_size_up + step_size_down
    cycle = np.floor(t / period)
    since = t - cycle * period
    height = np.where(since < step_size_up, since / step_size_up, (period - since) / step_size_down)
    return start_factor + (1 - start_factor) * height * cycle_gamma**cycle * gamma**t
