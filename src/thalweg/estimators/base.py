"""What the four estimators share: read the data once, resolve the settings, make one run, keep what it leaves."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from thalweg.check.differentiable import Differentiable, GradientProblem
from thalweg.descent.averaging import Mean
from thalweg.descent.blocks import Blocks
from thalweg.descent.models import Model
from thalweg.descent.record import DIVERGED, FINISHED
from thalweg.descent.run import Run
from thalweg.descent.settings import Settings, check_count
from thalweg.descent.stream import Stream
from thalweg.errors import DivergedError, SettingError
from thalweg.estimators import settings as told
from thalweg.estimators.contract import (
    ConvergenceWarning,
    _check_sample_weight,
    check_is_fitted,
    validate_data,
)
from thalweg.estimators.leaving import Leaving
from thalweg.estimators.parameters import Parameters, parameters_checked
from thalweg.estimators.plan import Plan
from thalweg.estimators.rates import rated
from thalweg.estimators.reading import check_numbers
from thalweg.estimators.streaming import read_stream, stream_scores
from thalweg.estimators.table import Table
from thalweg.estimators.validation import Validation, read_apart, set_aside
from thalweg.formulas.formula import Loss, Rule

Array = NDArray[Any]


class DescentEstimator(Leaving, Parameters, Differentiable):
    """A model that one run of descent fits.

    Parameters
    ----------
    l1_ratio : float in [0, 1], optional
        Share of l1 in the elastic net; replaces its own (0.15).
    optimizer : str or Rule
        ``"nesterov"``, ``"adam"``, ``"gradient_descent"``, any other rule of this library, or one of your own.
    learning_rate : float > 0, "auto", "range_test" or None
        None is the rule's own. "auto" finds one on the rows of the first fit, unless the rule was given numbers of its
        own: from the curvature of the loss for linear models under gradient descent, momentum, Nesterov's and their
        like, at the price of about one epoch; elsewhere by a short range test, at that of several. "range_test" always
        makes the test, see ``range_test_``. ``partial_fit`` finds none.
    schedule : str or Schedule, "auto" or None
        Factor on the learning rate over the epochs. "auto" is a straight fall to zero where the rate was found, which
        is what such rates are meant for, and none elsewhere.
    batch_size : int, "auto" or None
        Rows per update; None for all of them (full batch). "auto" takes a 32nd of the rows, at most 200.
    accumulate : int
        Batches whose gradients add up to one update: that of so many times the rows, in the memory of one batch.
    max_iter : int or None
        Epochs at most. None makes 15 where the learning rate is found, which then falls to zero, and 1000 elsewhere.
    tol : float >= 0 or None
        Stop when the loss has not fallen by ``tol`` below its best for ``n_iter_no_change`` epochs. None makes all
        ``max_iter`` epochs, as does a rate that "auto" makes fall to zero.
    n_iter_no_change : int
        Epochs to wait for a fall.
    shuffle : bool
        A new order of the rows each epoch.
    clip_value : float > 0, optional
        Bound on every entry of the gradient, before the penalty.
    clip_norm : float > 0, optional
        Bound on the Euclidean norm of the gradient, before the penalty; not together with ``clip_value``.
    average : bool, "polyak", "ema", int >= 1 or float in (0, 1)
        Predict with a mean of the parameters after each update (Polyak and Juditsky 1992): of all alike (True,
        "polyak"), from so many updates on (an integer), or each weighing so much less than the one after it (a decay;
        "ema" is 0.999).
    gradient_norm : bool
        Keep ``gradient_norm_curve_``.
    early_stopping : bool
        Watch the loss on validation rows instead, and go back to the epoch where it was lowest. The rows are those
        that ``fit`` is given as ``X_val`` and ``y_val``, or some of the others set aside.
    validation_fraction : float in (0, 1)
        Share of the rows set aside; classes keep their shares.
    scoring : str or callable, optional
        What to watch on validation rows in the place of the loss: a name of scikit-learn's scorers, or
        ``scorer(estimator, X, y)``. The greater the better.
    random_state : int, Generator, RandomState, SeedSequence or None
        Source of all that is drawn: first weights, orders, dropout, rows set aside. The same number gives the same
        bits.
    warm_start : bool
        Go on from the last fit; see :meth:`fit`.
    verbose : int
        1 prints the loss of every epoch.
    callbacks : callable or sequence of callable, optional
        Called after every epoch with the :class:`~thalweg.descent.run.Run`; a true answer stops it. Those of
        ``sklearn.callback`` are set by :meth:`set_callbacks`.

    Attributes
    ----------
    theta_ : ndarray (n_parameters,)
        All parameters as one flat vector; their mean, where iterates are averaged.
    last_iterate_ : ndarray (n_parameters,)
        Parameters after the last update, from which ``warm_start`` and ``partial_fit`` go on; ``theta_`` itself where
        nothing is averaged.
    state_ : ndarray (n_slots, n_parameters)
        Memory of the rule: moments, velocities.
    t_ : float
        Updates made since the parameters were drawn.
    learning_rate_ : float or None
        Learning rate of the last fit, before its schedule; None for a rule without one.
    range_test_ : dict or None
        The range test that found ``learning_rate_``, if one did: rates, losses and what they say, as of
        :func:`thalweg.learning_rate_range`.
    n_iter_ : int
        Epochs made by the last call of ``fit`` or ``partial_fit``.
    loss_curve_ : list of float
        Objective of every epoch since the parameters were drawn: mean loss plus penalty, each batch measured before
        its update.
    validation_curve_ : list of float
        With ``early_stopping``, the mean loss on the validation rows after each epoch, penalty apart, or what
        ``scoring`` says; else empty.
    learning_rate_curve_ : list of float
        Learning rate of every epoch, the mean over its updates; empty for a rule without one.
    gradient_norm_curve_ : list of float
        With ``gradient_norm``, of every epoch the root mean square over its updates of the Euclidean norm of the
        gradient of the mean loss: what ``clip_norm`` bounds, before it does and before the penalty. Else empty.
    best_epoch_ : int or None
        With ``early_stopping``, the epoch whose parameters were kept; else None.
    record_ : Record
        Account of the last run: settings, how it ended, where it ran.
    n_features_in_ : int
        Columns of ``X``.
    feature_names_in_ : ndarray of str
        Their names, where ``X`` has names.
    """

    _reads_x: ClassVar[dict[str, Any]] = {"accept_sparse": "csr", "order": "C"}
    _reads_y: ClassVar[dict[str, Any]]

    # What a fit leaves and the next one may go on from.
    theta_: Array
    state_: Array
    t_: float
    loss_curve_: list[float]
    validation_curve_: list[float]
    learning_rate_curve_: list[float]
    gradient_norm_curve_: list[float]
    learning_rate_: float | None
    range_test_: dict[str, Any] | None
    _iterate: Array | None
    _mean_values: Array | None
    _mean_since: float
    _model: Model
    _loss: Loss
    _rule: Rule
    _root: np.random.SeedSequence
    _epochs: int

    # -- what a kind of model and a kind of target have to say

    @abstractmethod
    def _make_model(self, n_features: int, n_outputs: int) -> Model:
        """Return the model that the parameters describe."""

    @abstractmethod
    def _encode(self, y: Array, dtype: np.dtype[Any], *, learn: bool) -> Array:
        """Return the targets as the loss takes them, (n, outputs); with ``learn``, of a kind not seen before."""

    def _settle(self, y: Any) -> Array:
        """Return the checked targets as one array, of one dimension where they are one column of labels."""
        return np.asarray(y)

    @abstractmethod
    def _fitting_loss(self) -> Loss:
        """Return the loss, once the targets are known."""

    def _weigh(self, y: Array, weights: Array | None, dtype: np.dtype[Any]) -> Array | None:  # noqa: ARG002
        """Return the weights of the rows; None for equal ones."""
        return weights

    def _softened(self, targets: Array, loss: Loss) -> Array:  # noqa: ARG002
        """Return the targets to learn from."""
        return targets

    def _strata(self, targets: Array) -> Array | None:  # noqa: ARG002
        """Return that of which a split keeps the shares."""
        return None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    # -- scikit-learn's callbacks

    def set_callbacks(self, *callbacks: Any) -> Self:
        """Set callbacks that follow scikit-learn's protocol, such as ``sklearn.callback.ProgressBar()``.

        A fit is a task, each of its epochs a task in it; a callback that answers true ends the fit. Functions of the
        run are the parameter ``callbacks``.

        Parameters
        ----------
        *callbacks : FitCallback
            None at all removes those that were set.

        Returns
        -------
        self
        """
        from sklearn.callback import CallbackSupportMixin

        CallbackSupportMixin.set_callbacks(self, *callbacks)
        return self

    # -- fitting

    @parameters_checked
    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Fit the model.

        With ``warm_start`` the parameters, the rule's memory, the mean of the iterates, the counts of updates and
        epochs, and the source of randomness go on from the last call: two fits of ``max_iter`` epochs make the updates
        of one fit of twice as many where neither ``tol`` nor ``early_stopping`` intervenes and no schedule looks at the
        total. Their bits agree too, unless full batches of squared error are so many that only the longer fit sums the
        rows up once. Another rule starts with an empty memory.

        Parameters
        ----------
        X : array-like of shape (n, n_features), or Stream
            float32 and float64 are kept, everything else becomes float64. A stream (:func:`thalweg.stream`) has targets
            and weights of its own, and is gone through anew for every epoch.
        y : array-like of shape (n,) or (n, n_outputs)
        sample_weight : array-like of shape (n,), optional
            Only their ratios matter. In full batches a weight of 2 is the row twice.
        X_val : array-like of shape (n_val, n_features), optional
            Rows for ``early_stopping``, which then sets none aside.
        y_val : array-like of shape (n_val,) or (n_val, n_outputs), optional
            Their targets.
        sample_weight_val : array-like of shape (n_val,), optional
            Their weights; ``class_weight`` does not touch them.

        Returns
        -------
        self

        Raises
        ------
        SettingError
            A parameter that cannot be used, or validation rows without ``early_stopping``.
        DivergedError
            The run left the finite numbers, or its loss stayed far above its first. All attributes are set before:
            ``theta_`` holds the last parameters whose loss was finite, ``record_`` says what went first.
        """
        given = (X, y, sample_weight), (X_val, y_val, sample_weight_val)
        if not vars(self).get("_skl_callbacks"):
            return self._fit(*given, observed=False)
        from sklearn.callback import with_callbacks

        fitted: Self = with_callbacks(DescentEstimator._fit)(self, *given, observed=True)
        return fitted

    def _fit(self, given: tuple[Any, Any, Any], apart: tuple[Any, Any, Any], *, observed: bool) -> Self:
        """Fit to rows and targets, with their weights; ``apart`` are those to validate on."""
        continuing = told.flag("warm_start", self.warm_start) and hasattr(self, "theta_")
        validated = told.flag("early_stopping", self.early_stopping)
        plan = Plan.of(self)
        if isinstance(given[0], Stream):
            table = read_stream(self, plan, *given, continuing=continuing, validated=validated and apart[0] is None)
        else:
            table = self._read(*given, continuing=continuing, learn=not continuing)
        with closing(table):
            return self._learn(table, plan, given, apart, continuing=continuing, observed=observed)

    def _learn(
        self,
        table: Table,
        plan: Plan,
        given: tuple[Any, Any, Any],
        apart: tuple[Any, Any, Any],
        *,
        continuing: bool,
        observed: bool,
    ) -> Self:
        """Descend on a table, and keep what was learned."""
        validated = told.flag("early_stopping", self.early_stopping)
        held = read_apart(self, *apart, table) if any(part is not None for part in apart) else None
        checkpoint = told.checkpoint(self.callbacks)
        kept = None
        if checkpoint is not None:
            from thalweg.exchange.checkpoints import read  # files are more to load than a small fit

            kept = read(checkpoint)
        root = None if kept is None or continuing or self.random_state is not None else kept.root
        run, aside = self._prepare(table, plan, held, root, continuing=continuing, validated=validated)
        if aside is not None and continuing:
            aside.begin(run)
        keeping: AbstractContextManager[object] = nullcontext()
        if checkpoint is not None:
            from thalweg.estimators.checkpoints import keeper

            keeping = keeper(checkpoint, kept, self, run, aside, continuing=continuing)
        observers = None
        if observed:
            from thalweg.estimators.observers import Observers

            observers = Observers(self, run.settings.max_iter - run.epoch, *given)
        with keeping:
            run.descend([*self._watchers(aside), *([] if observers is None else [observers])])
        if aside is not None:
            aside.restore(run)
        self._keep(run, aside, continuing=continuing)
        if observers is not None:
            observers.end(run)
        self._check(run)
        if run.status == FINISHED and not plan.ends_by_itself and (validated or self.tol is not None):
            what = f"the loss had not settled after max_iter={plan.epochs} epochs"
            warnings.warn(f"{what}; allow more, or set tol=None for a fixed number", ConvergenceWarning, stacklevel=5)
        return self

    def _make_pass(self, X: Any, y: Any, sample_weight: Any, *, learn: bool) -> Self:
        """Make one epoch over these rows."""
        continuing = hasattr(self, "theta_")
        plan = Plan.of(self, one_pass=True)
        if isinstance(X, Stream):
            table = read_stream(self, plan, X, y, sample_weight, continuing=continuing)
        else:
            table = self._read(X, y, sample_weight, continuing=continuing, learn=learn)
        with closing(table):
            run, _ = self._prepare(table, plan, continuing=continuing)
            run.descend()
        self._keep(run, None, continuing=continuing)
        self._check(run)
        return self

    def _read(self, X: Any, y: Any, sample_weight: Any, *, continuing: bool, learn: bool) -> Table:
        """Check the data, once."""
        dtype = [self.theta_.dtype] if continuing else [np.float64, np.float32]
        check_numbers(X)
        X, y = validate_data(self, X, y, reset=not continuing, dtype=dtype, **self._reads_x, **self._reads_y)
        y = self._settle(y)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=X.dtype, ensure_non_negative=True)
        targets = self._encode(y, X.dtype, learn=learn)
        return Table(X, targets, self._weigh(y, sample_weight, X.dtype), y, sample_weight)

    def _prepare(
        self,
        table: Table,
        plan: Plan,
        held: Table | None = None,
        root: np.random.SeedSequence | None = None,
        *,
        continuing: bool,
        validated: bool = False,
    ) -> tuple[Run, Validation | None]:
        """Return a run that is ready to start, and the validation: on ``held``, or else on rows set aside."""
        from thalweg.engine.streams import seed_sequence

        loss = self._fitting_loss()
        model = self._make_model(table.X.shape[1], table.targets.shape[1])
        if continuing and _layout(model) != _layout(self._model):
            what = f"continues a model of {self._model.size} parameters; the settings ask for one of {model.size} now"
            raise SettingError("SETTING-SHAPE", "warm_start", what, "Set warm_start=False to start anew.")
        root = self._root if continuing else root or seed_sequence(self.random_state)
        before = self._epochs if continuing else 0
        aside = None
        if validated:
            if held is None:
                table, held = set_aside(self, table, root)
            aside = Validation.of(self, held, model, loss)
        settings = self._settings(loss, plan, len(model.weights), table.length, before)
        if plan.one_pass:
            schedule = plan.schedule and plan.schedule.over(plan.epochs)
            settings = replace(settings, max_iter=before + 1, tol=None, schedule=schedule)
        elif validated:
            settings = replace(settings, tol=None)
        mean_weight = 1.0 if plan.one_pass else None  # that of rows yet to come is not known
        remembers = continuing and plan.rule.fingerprint == self._rule.fingerprint
        mean = None
        if remembers and self._mean_values is not None:
            mean = Mean(self._mean_values, self._mean_since)
        rows = table._replace(targets=self._softened(table.targets, loss)).laid_out(mean_weight)
        settings = rated(self, plan, model, rows, settings, root, continuing=continuing)
        schedule = None if plan.one_pass else settings.schedule
        told.warn_of_numbers(settings.optimizer, settings.penalty, schedule, settings.max_iter)
        run = Run(
            model,
            rows,
            settings,
            blocks=table.stream if isinstance(table.stream, Blocks) else None,
            theta=self.last_iterate_ if continuing else None,
            state=self.state_ if remembers else None,
            t=self.t_ if remembers else 0.0,
            mean=mean,
            epoch=before,
            random_state=root,
        )
        return run, aside

    def _settings(self, loss: Loss, plan: Plan, layers: int, rows: int, before: int = 0) -> Settings:
        """Return the checked settings of a run."""
        return Settings(
            optimizer=plan.rule,
            loss=loss,
            penalty=told.penalties(self.penalty, self.alpha, self.l1_ratio, layers),
            schedule=plan.schedule,
            batch_size=told.batch_size(self.batch_size, rows, warn=not plan.one_pass),
            accumulate=self.accumulate,
            max_iter=before + plan.epochs,
            shuffle=told.flag("shuffle", self.shuffle),
            clip_value=self.clip_value,
            clip_norm=self.clip_norm,
            tol=None if plan.ends_by_itself else self.tol,
            n_iter_no_change=self.n_iter_no_change,
            average=told.averaging(self.average),
            gradient_norm=told.flag("gradient_norm", self.gradient_norm),
        )

    def _watchers(self, aside: Validation | None) -> list[Callable[[Run], object]]:
        """Return what looks at the run after each epoch."""
        watchers: list[Callable[[Run], object]] = [] if aside is None else [aside]
        loud = self.verbose if isinstance(self.verbose, bool) else check_count("verbose", self.verbose, 0)
        if loud:
            watchers.append(_report)
        return [*watchers, *told.callbacks(self.callbacks)]

    # -- what the gradient doctor looks at

    @parameters_checked
    def _gradient_problem(self, X: Any, y: Any, rng: np.random.Generator) -> GradientProblem:
        from thalweg.estimators.problem import gradient_problem

        return gradient_problem(self, X, y, rng)

    # -- pickle, joblib and skops: the last takes no source of randomness, but what it was made of

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        if "_root" in state:
            state["_root"] = {"entropy": self._root.entropy, "spawn_key": tuple(self._root.spawn_key)}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "_root" in state:
            state = {**state, "_root": np.random.SeedSequence(**state["_root"])}
        super().__setstate__(state)

    # -- what is left

    def _keep(self, run: Run, aside: Validation | None, *, continuing: bool) -> None:
        """Store what the run leaves."""
        if not continuing:
            self.loss_curve_, self.validation_curve_ = [], []
            self.learning_rate_curve_, self.gradient_norm_curve_ = [], []
        self.loss_curve_ += run.loss_curve
        self.learning_rate_curve_ += run.learning_rate_curve
        self.gradient_norm_curve_ += run.gradient_norm_curve
        self.validation_curve_ += aside.curve if aside else []
        self.best_epoch_ = aside.best_epoch if aside else None
        self.n_iter_ = len(run.lane_curves)
        self.theta_, self.state_, self.t_ = run.parameters, run.state, run.t
        self._iterate, self._mean_values, self._mean_since = None, None, 0.0
        if run.mean is not None:
            self._iterate, self._mean_values, self._mean_since = run.theta, run.mean.values, run.mean.since
        self.record_ = run.record()
        self._model, self._loss, self._rule = run.model, run.settings.loss, run.settings.optimizer
        self._root, self._epochs = run.root, run.epoch

    @property
    def last_iterate_(self) -> Array:
        """Parameters after the last update, from which a fit goes on: ``theta_`` itself where nothing is averaged."""
        return self.theta_ if self._iterate is None else self._iterate

    def _check(self, run: Run) -> None:
        """Raise when the run diverged."""
        if run.status == DIVERGED and run.divergence is not None:
            from thalweg.descent.divergence import advice

            names = getattr(self, "feature_names_in_", None)
            what = f"{run.divergence.message}, with {run.settings.optimizer.name}"
            kept = f"The weights after update {run.t:.0f} are finite and kept in theta_."
            raise DivergedError("RUN-DIVERGED", type(self).__name__, what, f"{advice(run, names)}\n{kept}")

    # -- prediction

    def _scores(self, X: Any) -> Array:
        """Return the scores before the inverse link, (n, outputs)."""
        check_is_fitted(self)
        if isinstance(X, Stream):
            return stream_scores(self, X)
        check_numbers(X)
        X = validate_data(self, X, reset=False, dtype=[np.float64, np.float32], **self._reads_x)
        return self._model.scores(self.theta_, X)


def _layout(model: Model) -> tuple[Any, ...]:
    return type(model), model.size, model.weights, model.intercepts


def _report(run: Run) -> None:
    """Print the epoch and its loss."""
    print(f"epoch {run.epoch:>5}  loss {run.lane_curves[-1][0]:.6g}")  # noqa: T201 - what verbose asks for
