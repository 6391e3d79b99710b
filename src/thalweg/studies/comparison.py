"""A finished comparison: what it found, what it says, and what can be made of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.comparison.audit import Stamp, audit
from thalweg.comparison.choice import choose
from thalweg.comparison.confirming import Judge
from thalweg.comparison.execution import Execution
from thalweg.comparison.plan import Arm, Plan
from thalweg.comparison.progress import Progress
from thalweg.comparison.results import Facts, Results, Whole
from thalweg.comparison.scores import scores
from thalweg.comparison.summary import Standing, Summary
from thalweg.comparison.variant import Variant, deciding, without_rule
from thalweg.comparison.verdict import Verdict, verdict
from thalweg.comparison.wording import counted
from thalweg.descent.batches import Rows
from thalweg.descent.models import Linear, Model
from thalweg.descent.outputs import mean_loss
from thalweg.descent.record import machine_information, plain
from thalweg.descent.settings import Settings
from thalweg.descent.stability import Limit, limits
from thalweg.errors import SettingError
from thalweg.studies.study import Study

Array = NDArray[Any]

_NOTICED = 5  # lines about the rows that stand below a verdict


@final
@dataclass(frozen=True)
class Comparison:
    """Every rule at every learning rate on one table, judged. Made by :func:`thalweg.compare`.

    Attributes
    ----------
    results : Results
        All runs, and what they were made of.
    summary : Summary
        The numbers: each rule at its best rate, best first; ties; differences.
    stamp : Stamp
        Whether it is a ranking, and if not, why, with the command that mends it.
    verdict : Verdict
        What it says, in words.
    limits : tuple of Limit
        Theory's largest stable learning rates, for linear models.
    study : Study
        The table, divided and prepared.
    settings : Settings
        What all runs shared that brought nothing of their own.
    """

    results: Results
    summary: Summary
    stamp: Stamp
    verdict: Verdict
    limits: tuple[Limit, ...]
    study: Study
    settings: Settings

    @property
    def best(self) -> Standing:
        """The rule with the lowest median of the final losses, at its best rate."""
        return self.summary.best

    @property
    def best_arm(self) -> Arm:
        """The best rule with its learning rate set."""
        best = self.best
        arms = self.results.plan.arms
        return next(arm for arm in arms if (arm.name, arm.learning_rate) == (best.name, best.learning_rate))

    def table(self, backend: str | None = None) -> Any:
        """Return a row per rule, best first, as a data frame.

        Parameters
        ----------
        backend : {"pandas", "polars", "pyarrow"}, optional
            The first of these that is installed, without.

        Raises
        ------
        SettingError
            SETTING-UNKNOWN: another backend, or one that is not installed.
        """
        import importlib.util

        import narwhals as nw

        known = ("pandas", "polars", "pyarrow")
        installed = [name for name in known if importlib.util.find_spec(name) is not None]
        if backend is not None and backend not in installed:
            raise SettingError("SETTING-UNKNOWN", "backend", f"{backend!r:.40} is not one of {', '.join(installed)}")
        if not installed:
            raise SettingError("SETTING-UNKNOWN", "backend", "no data frame library is installed", "summary.table() "
                               "gives a list of dicts.")  # fmt: skip
        rows = self.summary.table()
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        chosen: Any = backend or installed[0]
        return nw.from_dict(columns, backend=chosen).to_native()

    def curves(self, names: Sequence[str] | None = None) -> dict[str, Array]:
        """Return validation losses at each rule's best rate.

        Parameters
        ----------
        names : str or sequence of str, optional
            Of the rules; all without.

        Returns
        -------
        dict of str to ndarray (seeds, epochs + 1)
            Before the first epoch and after each; nan after a run diverged.
        """
        places = {arm: k for k, arm in enumerate(self.results.plan.arms)}
        chosen = choose(self.results.plan, self.results.outcomes)
        wanted = list(chosen) if names is None else [names] if isinstance(names, str) else list(names)
        unknown = [name for name in wanted if name not in chosen]
        if unknown:
            raise SettingError("SETTING-UNKNOWN", "names", f"{unknown[0]!r:.40} is none of {', '.join(chosen)}")
        seeds, epochs = len(self.results.plan.seeds), self.results.facts.epochs
        found = {}
        for name in wanted:
            first = places[chosen[name].arm] * seeds
            table = np.full((seeds, epochs + 1), np.nan)
            for k, outcome in enumerate(self.results.outcomes[first : first + seeds]):
                table[k, : len(outcome.losses)] = outcome.losses
            found[name] = table
        return found

    def report(self, path: str | os.PathLike[str]) -> Path:
        """Write the whole comparison as one self-contained HTML page. Needs the extra ``report``.

        Raises
        ------
        UsageError
            REPORT-EXTRA: Bokeh or Jinja2 is not installed.
        StorageError
            The file cannot be written.
        """
        from thalweg.exchange.files import atomic_write

        atomic_write(Path(path), self.html().encode())
        return Path(path)

    def html(self) -> str:
        """Return the page that :meth:`report` writes."""
        from thalweg.report.page import page

        return page(self.results, self.summary, self.stamp, self.verdict, self.limits, self._paths)

    def picture(self, kind: str = "png") -> bytes:
        """Return curves and sensitivity to the rate as one picture, ``"png"`` or ``"svg"``. Needs matplotlib."""
        from thalweg.comparison.picture import picture

        if kind not in ("png", "svg"):
            raise SettingError("SETTING-UNKNOWN", "kind", f"unknown {kind!r:.40}; allowed: png, svg")
        return picture(self.results, self.summary, kind)

    @cached_property
    def _paths(self) -> Any:
        """Descents of a model with two parameters, to be drawn on one contour."""
        from thalweg.comparison.two_parameters import can_be_drawn, descend_problem

        problem = self.study.problem
        if self.results.facts.wholes or not can_be_drawn(problem):  # several objectives are no one contour
            return None
        return descend_problem(problem, self.results.plan, self.settings, names=self.study.features)

    def best_estimator(self) -> Any:
        """Return the best rule at its best rate as a scikit-learn estimator, fitted on training and validation part.

        What the comparison did to the columns and to the target is part of it: it takes rows as they came. For a table
        these are data frames, whose columns are taken by name, or arrays with the table's columns in their order. Where
        the rows to choose with were the caller's own, it is fitted on the training part alone.

        Raises
        ------
        SettingError
            SETTING-LABELS: classes that scikit-learn takes for numbers, such as 0.5.
        DivergedError
            No rate of any rule held, or the best does not hold on both parts together.
        """
        from thalweg.studies.refit import best_estimator

        return best_estimator(self)

    def __repr__(self) -> str:
        plan = self.results.plan
        what = counted(len(plan.names), self.summary.noun)
        return f"<Comparison of {what}, {len(plan)} runs, {self.stamp}: best {self.best.name}>"

    def __str__(self) -> str:
        return "\n".join([str(self.verdict), *self.noticed()])

    def noticed(self) -> list[str]:
        """Return what was noticed about the rows, a line each: gaps that were filled, columns that never change.

        After the fifth the others are counted.
        """
        told = [f"noticed: {line}" for line in self.results.facts.warnings]
        return told if len(told) <= _NOTICED else [*told[:_NOTICED], f"noticed: {len(told) - _NOTICED} more"]

    def _repr_html_(self) -> str:
        """Words, table and, with matplotlib, the picture, for a notebook."""
        from thalweg.studies.notebook import notebook_html

        return notebook_html(self)


def key_of(study: Study, settings: Settings) -> str:
    """Return the digest of all that decides the numbers of runs, arms and seeds apart."""
    from thalweg import __version__
    from thalweg.comparison.store import digest_of, digest_of_arrays

    problem = study.problem
    rows = [
        (part.X, part.values, part.indices, part.indptr, part.targets, part.weights)
        for part in (problem.train, problem.judged)
    ]
    test = Rows.of(study.part_features("test"), study.parts["test"].targets, dtype=study.dtype)
    seen = (test.X, test.values, test.indices, test.indptr, test.targets)
    outputs = study.outputs
    data = {
        "version": __version__,
        "data": digest_of_arrays(*(array for part in rows for array in part)),
        "test": digest_of_arrays(*seen),
        "outputs": [outputs.link, [str(label) for label in outputs.classes], outputs.mean, outputs.scale],
        "dtype": study.dtype,
        **deciding(study.model, settings),
    }
    return str(digest_of(data))


def carry_out(
    study: Study,
    plan: Plan,
    settings: Settings,
    *,
    command: str,
    jobs: int | None = None,
    store: str | os.PathLike[str] | None = None,
    watch: Callable[[Progress], None] | None = None,
    tell: Callable[[str], None] | None = None,
    target_loss: float | None = None,
) -> Comparison:
    """Make the runs of a plan on a study, confirm the chosen on the test part, and judge.

    Parameters
    ----------
    study : Study
    plan : Plan
    settings : Settings
        What all runs share; its optimizer counts for nothing.
    command : str
        What makes the comparison again.
    jobs : int, optional
        Threads.
    store : path-like, optional
        File that keeps finished runs, and has those of an earlier, interrupted comparison.
    watch : callable, optional
        Called with a :class:`~thalweg.comparison.progress.Progress` as the work goes on.
    tell : callable, optional
        Takes lines about damaged records of the store.
    target_loss : float, optional
        Loss to count epochs to.
    """
    problem = study.problem
    facts = facts_of(study, settings, plan, command)
    with _kept(study, settings, facts, store, tell) as kept:
        execution = Execution(problem, settings, jobs=jobs, kept=kept, watch=watch)
        plan, outcomes = execution.carry_out(plan)
        confirmations = execution.confirm(plan, outcomes, _judge(study, settings))
    results = Results(plan, tuple(outcomes), tuple(confirmations), facts)
    return judged(study, settings, results, target_loss)


def judged(study: Study, settings: Settings, results: Results, target_loss: float | None = None) -> Comparison:
    """Judge finished runs."""
    summary = Summary.of(results, target_loss)
    stamp = audit(results, summary)
    known = _limits(study, settings, results.plan)
    return Comparison(results, summary, stamp, verdict(results, summary, stamp, known), known, study, settings)


def _limits(study: Study, settings: Settings, plan: Plan) -> tuple[Limit, ...]:
    """Return theory's limits of all arms, each with its own model, penalty and batches."""
    alike: dict[Variant | None, dict[str, Arm]] = {}
    for arm in plan.arms:
        if arm.learning_rate is not None:
            alike.setdefault(arm.variant, {})[arm.name] = arm
    found: dict[str, Limit] = {}
    for arms in alike.values():
        model, own = next(iter(arms.values())).told(study.model, settings)
        rules = {name: arm.rule for name, arm in arms.items()}
        known = limits(model, study.train, own.loss, own.penalty, own.update_rows, study.features, rules)
        found |= {limit.name: limit for limit in known}
    return tuple(found[name] for name in plan.names if name in found)


def facts_of(study: Study, settings: Settings, plan: Plan, command: str) -> Facts:
    """Return what a reader needs to judge the numbers."""
    rows = study.train.count
    arms = {arm.name: arm for arm in plan.arms}
    each = {name: arm.told(study.model, settings) for name, arm in arms.items()}
    wholes = {}
    if any(arm.variant is not None for arm in arms.values()):
        wholes = {
            name: Whole(arms[name].rule.name, describe(model), own.batch_size, updates(own, rows), without_rule(own))
            for name, (model, own) in each.items()
        }
    return Facts(
        table=study.name,
        target=study.target,
        task=study.outputs.task,
        classes=len(study.outputs.classes),
        features=study.features,
        model="; ".join(dict.fromkeys(describe(model) for model, _ in each.values())),
        loss=study.loss.name,
        scaled=study.outputs.scale != 1.0,
        rows={name: len(part.y) for name, part in study.parts.items()},
        batch_size=settings.batch_size,
        epochs=settings.max_iter,
        steps=updates(settings, rows),
        paired=len({own.shuffle for _, own in each.values()}) == 1,
        dtype=study.dtype,
        settings=without_rule(settings),
        command=command,
        warnings=study.warnings,
        machine=machine_information(),
        wholes=wholes,
        validation=_own_validation(study),
    )


def _own_validation(study: Study) -> str:
    """Return whose the rows to choose with are, where they are the caller's."""
    weighted = ", weighted" if study.parts["validation"].weights is not None else ""
    return f"of your own{weighted}" if study.own_validation else ""


def describe(model: Model) -> str:
    """Return a model in words: ``linear model``, ``network 64-32, tanh, dropout 0.5``."""
    if isinstance(model, Linear):
        return "linear model" if model.fit_intercept else "linear model without intercept"
    parts = [f"network {'-'.join(map(str, model.layer_sizes[1:-1]))}"]
    for values, usual, word in (
        ([one.name for one in model.hidden_activations], "relu", ""),
        ([f"{rate:g}" for rate in model.dropout], "0", "dropout "),
        ([model.initialisation], "he", "start "),
    ):
        if set(values) - {usual}:
            parts.append(f"{word}{'-'.join(values if len(set(values)) > 1 else values[:1])}")
    return ", ".join(parts)


def updates(settings: Settings, rows: int) -> int:
    """Return how many updates a run makes."""
    return settings.max_iter * -(-rows // min(settings.update_rows or rows, rows))


def _judge(study: Study, settings: Settings) -> Judge:
    """Return what scores parameters on the test part."""
    part, X = study.parts["test"], study.part_features("test")

    def judge(model: Model, theta: Array) -> tuple[float, dict[str, float]]:
        z = model.scores(theta, X)
        loss = mean_loss(settings.loss, part.targets, z)
        if not np.isfinite(z).all():
            return float("inf"), {}
        return loss if np.isfinite(loss) else float("inf"), scores(study.outputs, part.y, z)

    return judge


@contextmanager
def _kept(
    study: Study,
    settings: Settings,
    facts: Facts,
    store: str | os.PathLike[str] | None,
    tell: Callable[[str], None] | None,
) -> Iterator[Any]:
    """Open the store, if there is to be one, and the comparison in it."""
    if store is None:
        yield None
        return
    from thalweg.comparison.store import Store

    description = {name: value for name, value in asdict(facts).items() if name != "machine"}
    with Store.open(store, tell=tell) as opened:
        yield opened.comparison(key_of(study, settings), plain(description))
