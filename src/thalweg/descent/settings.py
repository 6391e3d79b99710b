"""What a run is told: formulas with their numbers, batches, and when to stop. Checked where it enters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, final

from thalweg.errors import SettingError
from thalweg.formulas.formula import Formula, Loss, Penalty, Rule, Schedule
from thalweg.formulas.ranges import check_number


@final
@dataclass(frozen=True)
class Averaging:
    r"""Averaging of iterates: the parameters handed out are a mean of those after the last updates.

    .. math:: \bar\theta_n = \frac{1}{n} \sum_{k=1}^{n} \theta_k \qquad \text{or} \qquad
              \bar\theta_n = \frac{1 - d}{1 - d^n} \sum_{k=1}^{n} d^{n-k} \theta_k

    Parameters
    ----------
    decay : float in (0, 1), optional
        d: each iterate weighs so much less than the one after it (an exponential moving average, EMA). None weighs all
        alike (Polyak and Ruppert).
    start : int >= 1
        The first update whose outcome counts; before it, the last iterate is handed out.

    Conventions
    -----------
    The exponential average is of the iterates alone, its weights add up to 1 (as the bias correction of Adam makes
    them). PyTorch's and timm's start from a copy of the first weights, which here weigh nothing.

    References
    ----------
    Polyak and Juditsky (1992), Acceleration of stochastic approximation by averaging, SIAM Journal on Control and
    Optimization 30(4), 838-855, equation 3. Morales-Brotons, Vogels and Hendrikx (2024), Exponential moving average of
    weights in deep learning: dynamics and benefits, arXiv:2411.18704.

    Examples
    --------
    >>> Averaging(decay=0.99).decay
    0.99
    """

    decay: float | None = None
    start: int = 1

    def __post_init__(self) -> None:
        if self.decay is not None:
            check_number("decay of average", self.decay, "(0, 1)")
        check_count("start of average", self.start)


@dataclass(frozen=True)
class Settings:
    """Settings of one run.

    Parameters
    ----------
    optimizer : Rule
    loss : Loss
        The objective is its mean over rows, plus the penalty.
    penalty : Penalty or sequence of Penalty or None
        On the weights, not on intercepts and biases; a sequence gives one per layer (None for none), all of one
        formula.
    schedule : Schedule, optional
        Factor on the learning rate over time in epochs.
    batch_size : int, optional
        Rows per update; the last batch of an epoch may be smaller. None for all rows (full batch).
    accumulate : int
        Batches of ``batch_size`` rows whose gradients add up to one update, that of a batch so many times as large: the
        memory is that of one. Dropout draws other masks than that batch would.
    max_iter : int
        Epochs at most, those before a continued run included.
    shuffle : bool
        A new order of rows each epoch.
    clip_value, clip_norm : float, optional
        Bound on every entry, or on the Euclidean norm, of the gradient of the mean loss (before the penalty).
    tol, n_iter_no_change : float, int
        Stop when the epoch's loss has not fallen by ``tol`` below the best for that many epochs; no such stop
        when ``tol`` is None.
    average : Averaging, optional
        Hand out a mean of the iterates.
    gradient_norm : bool
        Take the norm of every gradient of the mean loss, before it is bound and before the penalty.
    target_loss : float, optional
        Stop when an epoch's loss reaches it.
    time_limit : float, optional
        Stop after the first epoch that ends later than this many seconds.

    Raises
    ------
    SettingError
        A value of another type or outside its range, both bounds on the gradient, penalties of different formulas, a
        schedule for a rule without ``learning_rate``, or full batches to accumulate.

    Examples
    --------
    >>> from thalweg.formulas import losses, penalties, rules
    >>> settings = Settings(rules.adam(learning_rate=0.01), losses.squared, penalties.l2(alpha=1e-3), batch_size=32)
    >>> settings.as_dict()["penalty"]["alpha"]
    0.001
    """

    optimizer: Rule
    loss: Loss
    penalty: Penalty | Sequence[Penalty | None] | None = None
    schedule: Schedule | None = None
    batch_size: int | None = None
    accumulate: int = 1
    max_iter: int = 100
    shuffle: bool = True
    clip_value: float | None = None
    clip_norm: float | None = None
    tol: float | None = None
    n_iter_no_change: int = 10
    average: Averaging | None = None
    gradient_norm: bool = False
    target_loss: float | None = None
    time_limit: float | None = None

    def __post_init__(self) -> None:
        check_formula("optimizer", self.optimizer, Rule)
        check_formula("loss", self.loss, Loss)
        if self.schedule is not None:
            check_formula("schedule", self.schedule, Schedule)
        if self.batch_size is not None:
            check_count("batch_size", self.batch_size)
        if check_count("accumulate", self.accumulate) > 1 and self.batch_size is None:
            what = f"is {self.accumulate} with full batches, which are one update each"
            raise SettingError("SETTING-BATCH", "accumulate", what, "Give the rows of a part as batch_size.")
        check_count("max_iter", self.max_iter)
        check_count("n_iter_no_change", self.n_iter_no_change)
        if self.tol is not None:
            check_number("tol", self.tol, "[0, inf)")
        for name in ("clip_value", "clip_norm", "time_limit"):
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name), "(0, inf)")
        if self.clip_value is not None and self.clip_norm is not None:
            raise SettingError("SETTING-CLIP", "clip_value, clip_norm", "only one of the two can be given")
        if self.target_loss is not None:
            check_number("target_loss", self.target_loss)
        if self.schedule is not None and not self.optimizer.has_learning_rate:
            raise SettingError(
                "SETTING-SCHEDULE", "schedule", f"{self.optimizer.name} has no learning_rate for a schedule to act on"
            )
        self.layer_penalties()

    @property
    def update_rows(self) -> int | None:
        """Rows per update, those of all its accumulated batches; None for all rows."""
        return None if self.batch_size is None else self.batch_size * self.accumulate

    def layer_penalties(self, layers: int | None = None) -> list[Penalty | None]:
        """Return one penalty, or None, per layer; for as many layers as the penalty names when not told how many."""
        return layer_penalties(self.penalty, layers)

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as plain data: formulas by name and numbers."""
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self)}


def layer_penalties(
    penalty: Penalty | Sequence[Penalty | None] | None, layers: int | None = None
) -> list[Penalty | None]:
    """Return one penalty, or None, per layer, as :meth:`Settings.layer_penalties` does."""
    for one in penalty if isinstance(penalty, list | tuple) else [penalty]:
        if one is not None:
            check_formula("penalty", one, Penalty)
    if penalty is None or isinstance(penalty, Penalty):
        return [penalty] * (layers or 1)
    if layers is not None and len(penalty) != layers:
        raise SettingError("SETTING-LAYERS", "penalty", f"names {len(penalty)} layers, the model has {layers}")
    chosen = [p for p in penalty if p is not None]
    if len({p.fingerprint for p in chosen}) > 1:
        names = ", ".join(p.name for p in chosen)
        what = f"layers can differ in numbers, not in formula; got {names}"
        hint = "elastic_net with l1_ratio=0 and l1_ratio=1 gives l2 and l1."
        raise SettingError("SETTING-PENALTY", "penalty", what, hint)
    return list(penalty)


def schedule_doubts(schedule: Schedule | None, epochs: int) -> list[str]:
    """Return a sentence for each number of a schedule that is allowed and hardly meant in so many epochs.

    Examples
    --------
    >>> from thalweg.formulas.schedules import multi_step
    >>> schedule_doubts(multi_step(milestones=(20, 10)), 30)
    ['the milestones 20, 10 are not in order']
    """
    if schedule is None:
        return []
    numbers, found = schedule.hyperparameters, []
    milestones = list(numbers.get("milestones", ()))
    listed = ", ".join(f"{each:g}" for each in milestones)[:60]
    late = [each for each in milestones if each >= epochs]
    if late:
        found.append(f"the milestone {late[0]:g} is not reached in {epochs} epochs")
    if milestones != sorted(milestones):
        found.append(f"the milestones {listed} are not in order")
    if len(set(milestones)) < len(milestones):
        found.append(f"of the milestones {listed} one stands twice: there the rate falls twice")
    warmup, total = float(numbers.get("warmup", 0.0)), numbers.get("total")
    if total is not None and warmup >= float(total):
        found.append(f"the warm-up of {warmup:g} epochs outlasts the {float(total):g} of the schedule")
    elif warmup >= epochs:
        found.append(f"the warm-up of {warmup:g} epochs outlasts the {epochs} of the run")
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Formula):
        return {"name": value.name, **{name: _plain(number) for name, number in value.hyperparameters.items()}}
    if isinstance(value, Averaging):
        return asdict(value)
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value


def check_formula(where: str, value: object, kind: type[Formula]) -> None:
    """Refuse what is no formula of this kind: a name is looked up further up."""
    if not isinstance(value, kind):
        shown = repr(value)
        what = f"must be of kind {kind.__name__}, got {type(value).__name__} {shown[:40]}"
        raise SettingError("SETTING-TYPE", where, what)


def check_count(where: str, value: object, least: int = 1) -> int:
    """Return ``value`` when it is an integer of at least ``least``."""
    number = value.item() if hasattr(value, "item") and getattr(value, "ndim", 1) == 0 else value
    if isinstance(number, bool) or not isinstance(number, int):
        shown = repr(value)
        raise SettingError(
            "SETTING-TYPE", where, f"must be an integer >= {least}, got {type(value).__name__} {shown[:40]}"
        )
    if number < least:
        raise SettingError("SETTING-RANGE", where, f"must be an integer >= {least}, got {number}")
    return number
