"""What is to be compared, as a caller names it: rules by name or with numbers, the caller's own, whole estimators."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from thalweg.comparison.variant import Variant
from thalweg.descent.models import Linear, Network, check_rows
from thalweg.errors import SettingError
from thalweg.formulas import catalog
from thalweg.formulas.formula import Formula, Rule
from thalweg.formulas.rules import gradient_descent

if TYPE_CHECKING:
    from thalweg.comparison.plan import Arm, Plan
    from thalweg.descent.settings import Settings
    from thalweg.estimators.base import DescentEstimator
    from thalweg.studies.study import Study

# What an estimator brings along, by the keywords that say it for rules.
_BROUGHT = (
    "model", "activation", "dropout", "fit_intercept", "penalty", "schedule", "batch_size", "clip_value", "clip_norm",
)  # fmt: skip
# Parameters of an estimator that its name does not tell as NAME VALUE.
_RULE = ("optimizer", "learning_rate")
_WORDS = {"batch_size": "batch"}


class Asked(NamedTuple):
    """What is to be compared, by the names that tables show.

    Attributes
    ----------
    rules : dict of str to Rule
        Of all, also of estimators.
    estimators : dict of str to estimator
        Those that bring a model and settings of their own.
    """

    rules: dict[str, Rule]
    estimators: dict[str, DescentEstimator]

    @property
    def whole(self) -> bool:
        """Whether there are estimators alone."""
        return len(self.estimators) == len(self.rules)


def asked_of(optimizers: Any) -> Asked:
    """Read what a caller wants compared.

    Parameters
    ----------
    optimizers : str, Rule, estimator, iterable of them or of (name, one of them), or mapping of names to them
        ``"all"`` for every built-in rule.

    Raises
    ------
    SettingError
        What is neither the name of a rule, nor a rule, nor an estimator of this library; one name for two.
    """
    if isinstance(optimizers, str) and optimizers == "all":
        return Asked(catalog.rules(), {})
    if isinstance(optimizers, Mapping):
        return _named([(str(name), one) for name, one in optimizers.items()])
    single = isinstance(optimizers, str | Formula) or not isinstance(optimizers, Iterable)
    given = [optimizers] if single else list(optimizers)
    return _named([one if _is_named(one) else ("", one) for one in given])


def _is_named(one: Any) -> bool:
    """Tell whether something is a name with what it names."""
    return isinstance(one, tuple) and len(one) == 2 and isinstance(one[0], str)


def _named(given: list[tuple[str, Any]]) -> Asked:
    """Return arms by their names; those without get one."""
    known = [rule_of(one) for _, one in given]
    estimators = [one for _, one in given if _is_estimator(one)]
    alike = len(estimators) == len(given) and len({repr(_described(one, _RULE)) for one in estimators}) == 1
    rules: dict[str, Rule] = {}
    found: dict[str, Any] = {}
    for (told, one), rule in zip(given, known, strict=True):
        whole = _is_estimator(one)
        name = told or (_name_of(one, rule, estimators) if whole and not alike else _plain_name(rule, rules))
        same = rules.get(name) == rule and (_is_alike(found.get(name), one) if whole else name not in found)
        if name in rules and not same:
            hint = "Name them: optimizers={'one': ..., 'other': ...}."
            raise SettingError("SETTING-TWICE", "optimizers", f"two different ones are called {name!r:.60}", hint)
        rules[name] = rule
        if whole:
            found[name] = one
    return Asked(rules, found)


def _is_estimator(one: Any) -> bool:
    return not isinstance(one, str | Rule) and hasattr(one, "get_params")


def _is_alike(one: Any, other: Any) -> bool:
    return one is not None and type(one) is type(other) and repr(_described(one)) == repr(_described(other))


def rule_of(given: Any) -> Rule:
    """Return a rule by its name, itself, or out of an estimator of this library.

    Raises
    ------
    SettingError
        Anything else.
    """
    if not _is_estimator(given):
        found: Rule = catalog.resolve("rule", given, "optimizers")
        return found
    from thalweg.estimators.base import DescentEstimator

    if not isinstance(given, DescentEstimator):
        named = f"the class {given.__name__}" if isinstance(given, type) else type(given).__name__
        what = f"{named} is no estimator of this library"
        hint = "Give a rule, or LinearRegressor, MLPClassifier ...; the comparison itself standardises the columns."
        raise SettingError("SETTING-TYPE", "optimizers", what, hint)
    rule: Rule = catalog.resolve("rule", given.optimizer, "optimizers")
    if given.learning_rate in (None, "auto", "range_test") or not rule.has_learning_rate:
        return rule
    return rule(learning_rate=given.learning_rate)


# -- names


def _described(estimator: Any, leave: Iterable[str] = ()) -> dict[str, Any]:
    """Return the parameters that say what is fitted, and the kind of estimator."""
    from thalweg.estimators.blueprint import APART

    told = estimator.get_params(deep=False)
    return {"": type(estimator).__name__} | {k: v for k, v in told.items() if k not in (*APART, *leave)}


def _name_of(estimator: Any, rule: Rule, others: list[Any]) -> str:
    """Return the kind of an estimator, its layers and rule, and what else tells it from the usual and from others."""
    usual = type(estimator)().get_params(deep=False)
    told = _described(estimator, (*_RULE, "loss"))
    kind = told.pop("")
    known = [_described(other) for other in others]
    parts = [_layers(told.pop("hidden_layer_sizes"))] if "hidden_layer_sizes" in told else []
    parts.append(_short(rule))
    for name, value in told.items():
        shared = len(known) > 1 and len({repr(other.get(name)) for other in known}) == 1
        if repr(value) != repr(usual[name]) and not shared:
            parts.append(_part(name, value))
    return f"{kind}({', '.join(parts)})"


def _layers(sizes: Any) -> str:
    return "-".join(map(str, sizes)) if isinstance(sizes, Iterable) else str(sizes)


def _part(name: str, value: Any) -> str:
    """Return a parameter as the name of an estimator tells it."""
    if name == "batch_size" and value is None:
        return "full batch"
    if name == "fit_intercept":
        return "no intercept"
    if isinstance(value, list | tuple):
        return f"{name.replace('_', ' ')} {' '.join(_worded(each) for each in value)}"
    return f"{_WORDS.get(name, name.replace('_', ' '))} {_worded(value)}"


def _worded(value: Any) -> str:
    return _short(value) if isinstance(value, Formula) else f"{value:g}" if isinstance(value, float) else str(value)


def _short(formula: Formula) -> str:
    """Return the name of a formula, with the numbers that are not its own; a learning rate is tried anyway."""
    try:
        usual = catalog.resolve(type(formula).__name__.lower(), formula.name, "").hyperparameters
    except SettingError:  # the caller's own
        usual = formula.hyperparameters
    other = [
        f"{name}={value:g}"
        for name, value in formula.hyperparameters.items()
        if value != usual.get(name) and name != "learning_rate"
    ]
    return f"{formula.name}({', '.join(other)})" if other else formula.name


def _plain_name(rule: Rule, others: Mapping[str, Rule]) -> str:
    return rule.name if others.get(rule.name, rule) == rule else repr(rule)


# -- estimators as wholes


def told_with(told: Mapping[str, Any], asked: Asked, usual: Mapping[str, Any]) -> dict[str, Any]:
    """Return keywords with the task and the loss that the estimators ask for.

    Parameters
    ----------
    told : mapping
        The keywords of :func:`thalweg.compare`.
    asked : Asked
    usual : mapping
        What they are by themselves.

    Raises
    ------
    SettingError
        SETTING-LOSS: arms of different losses, which could not be compared. SETTING-TASK: a classifier beside a
        regressor, or one of them for the other task. SETTING-ARM: keywords that count for nothing, since every arm is
        an estimator with its own.
    """
    if not asked.estimators:
        return dict(told)
    if asked.whole:
        idle = [name for name in _BROUGHT if name in told and repr(told[name]) != repr(usual[name])]
        if idle:
            what = "counts for rules; here every arm is an estimator, which brings its own"
            raise SettingError("SETTING-ARM", idle[0], what, f"Leave {idle[0]} out, and set it in the estimators.")
    return {**told, "task": _task(told["task"], asked), "loss": _loss(told["loss"], asked)}


def _task(told: str, asked: Asked) -> str:
    from thalweg.estimators.targets import Classification

    tasks = {
        name: "classification" if isinstance(one, Classification) else "regression"
        for name, one in asked.estimators.items()
    }
    if told != "auto":
        tasks = {"task": told, **tasks}
    first = next(iter(tasks))
    other = next((name for name in tasks if tasks[name] != tasks[first]), None)
    if other is not None:
        what = f"{first} is for {tasks[first]}, {other} for {tasks[other]}"
        raise SettingError("SETTING-TASK", "optimizers", what, "All arms must learn the same task.")
    return tasks[first]


def _loss(told: Any, asked: Asked) -> Any:
    losses = {name: one.loss for name, one in asked.estimators.items()}
    if not (isinstance(told, str) and told == "auto"):
        losses = {"loss": told, **losses}
    known = {name: _resolved(loss) for name, loss in losses.items()}
    first = next(iter(known))
    other = next((name for name in known if known[name] != known[first]), None)
    if other is not None:
        what = f"{first} has the loss {_loss_name(losses[first])}, {other} {_loss_name(losses[other])}"
        hint = "Losses of different kinds cannot be compared: give all arms the same loss."
        raise SettingError("SETTING-LOSS", "optimizers", what, hint)
    return losses[first]


def _resolved(loss: Any) -> Any:
    """Return a loss, and whether it is scikit-learn's ``log_loss``, which is softmax for more than two classes."""
    return catalog.resolve("loss", loss, "loss"), isinstance(loss, str) and loss == "log_loss"


def _loss_name(loss: Any) -> str:
    return loss if isinstance(loss, str) else _short(loss)


def variants_of(asked: Asked, study: Study, budget: int) -> dict[str, Variant]:
    """Return what the estimators bring along, by their names.

    Parameters
    ----------
    asked : Asked
    study : Study
    budget : int
        Epochs, which are everyone's.

    Raises
    ------
    SettingError
        A parameter of an estimator that cannot be used, or that a comparison has no place for.
    """
    from thalweg.estimators.blueprint import blueprint

    found = {}
    for name, estimator in asked.estimators.items():
        features, outputs = study.model.n_features, study.model.n_outputs
        try:
            model, own = blueprint(estimator, features, outputs, study.train.count, study.loss)
        except SettingError as error:  # several have the parameter that is wrong in one
            raise SettingError(error.code, f"{name:.60}, {error.where}", error.what, error.hint) from None
        if isinstance(model, Network) and not any(model.dropout):
            model = replace(model, dropout=())
        found[name] = Variant(model, _levelled(own, study.train.count, budget))
    return found


def _levelled(settings: Settings, rows: int, budget: int) -> Settings:
    """Return settings of an estimator with what counts for nothing in a comparison made alike."""
    batch = settings.batch_size
    whole = batch is None or batch >= rows
    return replace(
        settings,
        optimizer=gradient_descent,  # no arm's own, so that arms that differ in their rules alone go together
        penalty=tuple(settings.penalty) if isinstance(settings.penalty, list) else settings.penalty,
        batch_size=None if whole else batch,
        accumulate=1 if whole else settings.accumulate,
        gradient_norm=False,
        max_iter=budget,
        tol=None,
        n_iter_no_change=10,
    )


def shared_of(asked: Asked, study: Study, settings: Settings) -> tuple[Study, Settings, dict[str, Variant]]:
    """Return what all arms share, and what estimators bring along beside it.

    Where all are estimators that differ in their rules alone, their model and settings are what is shared.

    Parameters
    ----------
    asked : Asked
    study : Study
    settings : Settings
        Of arms that are rules.
    """
    variants = variants_of(asked, study, settings.max_iter)
    different = set(variants.values())
    if asked.whole and len(different) == 1:
        (shared,) = different
        return replace(study, model=shared.model), shared.settings, {}
    usual = Variant(study.model, _levelled(settings, study.train.count, settings.max_iter))
    return study, settings, {name: one for name, one in variants.items() if one != usual}


def check_plan(plan: Plan, study: Study, settings: Settings) -> None:
    """Raise before any run where an arm cannot be run: a schedule that its rule cannot follow, too little memory.

    Parameters
    ----------
    plan : Plan
    study : Study
    settings : Settings
        What all runs share that bring nothing of their own.
    """
    lanes: dict[Variant | None, list[Arm]] = {}
    for arm in {arm.name: arm for arm in plan.arms}.values():  # the rate makes no difference
        arm.told(study.model, settings)
    for arm in plan.arms:
        lanes.setdefault(arm.variant, []).append(arm)
    for arms in lanes.values():
        model, own = arms[0].told(study.model, settings)
        check_rows(model, study.loss, study.train)
        widest = max((arm.rule for arm in arms), key=lambda rule: len(rule.slots))
        study.check_size(widest, own.batch_size, len(arms) if isinstance(model, Linear) else 1, model=model)
