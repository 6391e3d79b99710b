from __future__ import annotations

import pickle
import re

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from thalweg.errors import LimitError, SettingError
from thalweg.estimators import LinearClassifier, LinearRegressor, MLPClassifier, MLPRegressor
from thalweg.formulas import activations, losses, penalties, schedules
from thalweg.formulas.formula import rule
from thalweg.formulas.rules import adam, adamw, gradient_descent, momentum, nesterov

X = np.random.default_rng(0).normal(size=(40, 3))
Y = X @ [1.0, -2.0, 0.5] + 1
C = (Y > 1).astype(int)

ALL = [LinearRegressor, LinearClassifier, MLPRegressor, MLPClassifier]


@rule
def tenth(theta, g, t):
    return theta - 0.1 * g


def target(kind):
    return C if kind in (LinearClassifier, MLPClassifier) else Y


WRONG = [
    ({"optimizer": "adm"}, "SETTING-UNKNOWN", "optimizer: unknown 'adm'; did you mean 'adam'?"),
    ({"optimizer": losses.squared}, "SETTING-TYPE", "optimizer: must be a rule or its name, got the loss squared"),
    ({"optimizer": 3}, "SETTING-TYPE", "optimizer: must be a rule or its name, got int 3"),
    ({"loss": "logloss"}, "SETTING-UNKNOWN", "loss: unknown 'logloss'; did you mean 'log' (log_loss)?"),
    ({"penalty": "elastic"}, "SETTING-UNKNOWN", "penalty: unknown 'elastic'; did you mean 'elastic"),
    ({"schedule": "cosin"}, "SETTING-UNKNOWN", "schedule: unknown 'cosin'; did you mean 'cosine'?"),
    ({"learning_rate": 0}, "SETTING-RANGE", "learning_rate of adam: must be > 0, got 0"),
    ({"learning_rate": -0.1}, "SETTING-RANGE", "learning_rate of adam: must be > 0, got -0.1"),
    ({"learning_rate": np.nan}, "SETTING-FINITE", "learning_rate of adam: must be finite, got nan"),
    ({"learning_rate": np.inf}, "SETTING-FINITE", "learning_rate of adam: must be finite, got inf"),
    ({"learning_rate": "0.1"}, "SETTING-TYPE", "learning_rate of adam: must be a real number, got str '0.1'"),
    ({"learning_rate": True}, "SETTING-TYPE", "learning_rate of adam: must be a real number, got bool True"),
    ({"learning_rate": 1j}, "SETTING-TYPE", "learning_rate of adam: must be a real number, got complex 1j"),
    ({"optimizer": tenth, "learning_rate": 1.0}, "SETTING-UNKNOWN", "tenth: 'learning_rate' is not one of"),
    ({"optimizer": tenth, "schedule": "cosine"}, "SETTING-SCHEDULE", "tenth has no learning_rate"),
    ({"penalty": "l2", "alpha": -1.0}, "SETTING-RANGE", "alpha of l2: must be >= 0, got -1.0"),
    (
        {"penalty": "elasticnet", "l1_ratio": 1.2},
        "SETTING-RANGE",
        "l1_ratio of elastic_net: must be in [0, 1], got 1.2",
    ),
    ({"penalty": ["l2"] * 7}, "SETTING-LAYERS", "penalty: 7 given for"),
    ({"max_iter": 0}, "SETTING-RANGE", "max_iter: must be an integer >= 1, got 0"),
    ({"max_iter": -1}, "SETTING-RANGE", "max_iter: must be an integer >= 1, got -1"),
    ({"max_iter": 1.5}, "SETTING-TYPE", "max_iter: must be an integer >= 1, got float 1.5"),
    ({"max_iter": 1e3}, "SETTING-TYPE", "max_iter: must be an integer >= 1, got float 1000.0"),
    ({"max_iter": True}, "SETTING-TYPE", "max_iter: must be an integer >= 1, got bool True"),
    ({"batch_size": 0}, "SETTING-RANGE", "batch_size: must be an integer >= 1, got 0"),
    ({"batch_size": "all"}, "SETTING-UNKNOWN", "batch_size: must be an integer >= 1, None or 'auto', got 'all'"),
    ({"tol": -1e-3}, "SETTING-RANGE", "tol: must be >= 0, got -0.001"),
    ({"tol": np.nan}, "SETTING-FINITE", "tol: must be finite, got nan"),
    ({"tol": -1e-3, "early_stopping": True}, "SETTING-RANGE", "tol: must be >= 0, got -0.001"),
    ({"n_iter_no_change": 0}, "SETTING-RANGE", "n_iter_no_change: must be an integer >= 1, got 0"),
    ({"clip_norm": 0}, "SETTING-RANGE", "clip_norm: must be > 0, got 0"),
    ({"clip_value": -1}, "SETTING-RANGE", "clip_value: must be > 0, got -1"),
    ({"clip_value": 1, "clip_norm": 1}, "SETTING-CLIP", "only one of the two can be given"),
    ({"random_state": -1}, "SETTING-SEED", "random_state: must be None, an int >= 0, a Generator"),
    ({"random_state": 1.5}, "SETTING-SEED", "got float 1.5"),
    ({"random_state": "x"}, "SETTING-SEED", "got str 'x'"),
    (
        {"early_stopping": True, "validation_fraction": 0},
        "SETTING-RANGE",
        "validation_fraction: must be in (0, 1), got 0",
    ),
    ({"early_stopping": True, "validation_fraction": 1.0}, "SETTING-RANGE", "must be in (0, 1), got 1.0"),
    ({"early_stopping": True, "validation_fraction": np.nan}, "SETTING-FINITE", "must be finite, got nan"),
    ({"early_stopping": "yes"}, "SETTING-TYPE", "early_stopping: must be True or False, got str 'yes'"),
    ({"shuffle": 1}, "SETTING-TYPE", "shuffle: must be True or False, got int 1"),
    ({"warm_start": None}, "SETTING-TYPE", "warm_start: must be True or False, got NoneType None"),
    ({"verbose": -1}, "SETTING-RANGE", "verbose: must be an integer >= 0, got -1"),
    ({"callbacks": "print"}, "SETTING-TYPE", "callbacks: must be functions of the run, got str 'print'"),
    ({"callbacks": [print, 3]}, "SETTING-TYPE", "callbacks: must be functions of the run, got int 3"),
]


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize(("params", "code", "said"), WRONG, ids=[str(case[0])[:60] for case in WRONG])
def test_a_setting_that_cannot_be_used_is_a_value_error_that_names_it(kind, params, code, said):
    estimator = kind(**{"optimizer": "adam"} | params)
    with pytest.raises(ValueError, match=code) as caught:
        estimator.fit(X, target(kind))
    assert said in f"{caught.value.where}: {caught.value.what}"
    assert len(str(caught.value).splitlines()) <= 5


WRONG_NETWORKS = [
    ({"hidden_layer_sizes": ()}, SettingError, "hidden_layer_sizes: is empty"),
    ({"hidden_layer_sizes": (0,)}, SettingError, "hidden_layer_sizes: must be an integer >= 1, got 0"),
    ({"hidden_layer_sizes": (4, -3)}, SettingError, "hidden_layer_sizes: must be an integer >= 1, got -3"),
    ({"hidden_layer_sizes": 2.0}, SettingError, "hidden_layer_sizes: must be an integer >= 1, got float 2.0"),
    ({"hidden_layer_sizes": "64,32"}, SettingError, "must be an integer >= 1, got str '64,32'"),
    ({"hidden_layer_sizes": (10**9, 10**9)}, LimitError, "parameters under adam need"),
    ({"activation": "reul"}, SettingError, "activation: unknown 'reul'; did you mean 'relu'?"),
    ({"activation": ("relu",) * 3}, SettingError, "activation: 3 given for 1 layer"),
    ({"dropout": 1.0}, SettingError, "dropout: must be in [0, 1), got 1.0"),
    ({"dropout": (0.1, 0.2)}, SettingError, "dropout: 2 given for 1 layer"),
    ({"initialisation": "xavier"}, SettingError, "initialisation: unknown 'xavier'; allowed: he, glorot"),
    ({"penalty": "l2", "alpha": (0.1,)}, SettingError, "alpha: 1 given for 2 layers"),
    ({"penalty": ("l1", "l2")}, SettingError, "layers can differ in numbers, not in formula"),
]


@pytest.mark.parametrize("kind", [MLPRegressor, MLPClassifier])
@pytest.mark.parametrize(("params", "error", "said"), WRONG_NETWORKS, ids=[str(case[0]) for case in WRONG_NETWORKS])
def test_a_network_that_cannot_be_built_is_refused(kind, params, error, said):
    with pytest.raises(error) as caught:
        kind(**params).fit(X, target(kind))
    assert said in f"{caught.value.where}: {caught.value.what}"


@pytest.mark.parametrize("kind", [LinearRegressor, MLPRegressor])
@pytest.mark.parametrize("loss", ["log_loss", "hinge", losses.softmax])
def test_a_regressor_refuses_losses_for_classes(kind, loss):
    with pytest.raises(SettingError, match="is a loss for classes, this is a regressor"):
        kind(loss=loss).fit(X, Y)


@pytest.mark.parametrize("kind", [LinearClassifier, MLPClassifier])
def test_both_names_of_the_logistic_loss_are_one_loss_and_messages_say_both(kind):
    settings = {"max_iter": 2, "tol": None, "random_state": 0}
    two = X[:, 0] > 0
    ours, theirs = (kind(loss=name, **settings).fit(X, two).decision_function(X) for name in ("log", "log_loss"))
    assert (ours == theirs).all()
    with pytest.raises(SettingError, match=r"For classes there are log \(log_loss\), hinge"):
        kind(loss="poisson", **settings).fit(X, two)


@pytest.mark.parametrize("kind", [LinearClassifier, MLPClassifier])
def test_a_classifier_refuses_the_loss_for_counts(kind):
    with pytest.raises(SettingError, match="poisson is a loss for counts, this is a classifier"):
        kind(loss="poisson").fit(X, C)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"alpha": 0.1}, "alpha has no effect without a penalty"),
        ({"alpha": 0.1, "l1_ratio": 0.5}, "alpha and l1_ratio have no effect without a penalty"),
        ({"penalty": "l2", "l1_ratio": 0.5}, "l1_ratio has no effect with the penalty l2"),
        ({"batch_size": 41}, "batch_size=41 is more than there are rows; all 40 are used"),
        ({"learning_rate": 1e30}, r"learning_rate=1e\+30 is far beyond any that serves"),
        ({"optimizer": momentum(momentum=0)}, "momentum=0 has no effect: momentum is plain gradient descent then"),
        ({"optimizer": nesterov(momentum=0)}, "momentum=0 has no effect: nesterov is plain gradient descent then"),
        (
            {"optimizer": adamw(learning_rate=0.5, weight_decay=3.0)},
            r"weight_decay \* learning_rate = 1.5, which is not below 1: every update turns the signs",
        ),
        (
            {"optimizer": "gradient_descent", "learning_rate": 0.1, "penalty": "l2", "alpha": 15.0},
            r"alpha \* learning_rate = 1.5, which is above 1: the penalty alone turns the signs",
        ),
    ],
)
def test_a_setting_without_effect_is_warned_of(params, said):
    with pytest.warns(UserWarning, match=said):
        LinearRegressor(**{"optimizer": "adam", "tol": None, "max_iter": 2} | params).fit(X, Y)


# -- formulas as parameters


def test_a_name_is_resolved_in_fit_and_never_stored_back():
    told = {"optimizer": "adam", "loss": "huber", "penalty": "l2", "schedule": "cosine", "activation": "tanh"}
    net = MLPRegressor(3, max_iter=2, tol=None, **told).fit(X, Y)
    assert {name: getattr(net, name) for name in told} == told
    assert {name: net.get_params()[name] for name in told} == told


def test_numbers_replace_those_of_the_formula_for_this_fit_only():
    heavy = momentum(learning_rate=0.5, momentum=0.5)
    numbers = {"learning_rate": 0.01, "alpha": 0.25}
    line = LinearRegressor(optimizer=heavy, penalty=penalties.l2(alpha=3.0), **numbers, max_iter=2, tol=None).fit(X, Y)
    assert line.record_.settings["optimizer"] == {"name": "momentum", "learning_rate": 0.01, "momentum": 0.5}
    assert line.record_.settings["penalty"] == {"name": "l2", "alpha": 0.25}
    assert (line.optimizer, heavy.learning_rate, line.penalty.alpha) == (heavy, 0.5, 3.0)


def test_a_nested_parameter_changes_a_copy_and_never_the_declaration():
    first, second = LinearRegressor(optimizer=adam), LinearRegressor(optimizer=adam)
    first.set_params(optimizer__learning_rate=0.25, max_iter=7)
    assert (first.optimizer.learning_rate, first.max_iter) == (0.25, 7)
    assert (second.optimizer.learning_rate, adam.learning_rate) == (1e-3, 1e-3)


def test_a_nested_parameter_changes_nobody_else_who_holds_the_formula():
    shared = adam(beta1=0.5)
    first, second = LinearRegressor(optimizer=shared), LinearRegressor(optimizer=shared)
    first.set_params(optimizer__learning_rate=0.25)
    assert (first.optimizer.learning_rate, first.optimizer.beta1) == (0.25, 0.5)
    assert (second.optimizer.learning_rate, shared.learning_rate) == (1e-3, 1e-3)


def test_a_formula_and_its_number_can_be_set_together_in_any_order():
    for order in (("optimizer", "optimizer__momentum"), ("optimizer__momentum", "optimizer")):
        values = {"optimizer": momentum, "optimizer__momentum": 0.25}
        line = LinearRegressor().set_params(**{name: values[name] for name in order})
        assert (line.optimizer.name, line.optimizer.momentum) == ("momentum", 0.25)
    assert momentum.momentum == 0.9


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"optimizer__learning_rate": 1.0}, "optimizer is 'nesterov', which holds no numbers"),
        ({"loss__delta": 1.0}, "loss is 'squared_error', which holds no numbers"),
        ({"penalty__alpha": 1.0}, "penalty is None, which holds no numbers"),
        ({"optimizer": adam, "optimizer__learning_rat": 1.0}, "did you mean 'learning_rate'?"),
        ({"optimizer": adam, "optimizer__learning_rate": -1.0}, "learning_rate of adam: must be > 0, got -1.0"),
        ({"optimiser": adam}, "Invalid parameter 'optimiser'"),
    ],
)
def test_a_nested_parameter_that_does_not_exist_is_refused(params, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        LinearRegressor().set_params(**params)


EVERYTHING = {
    "loss": losses.huber(delta=2.0),
    "penalty": penalties.elastic_net(alpha=0.1),
    "optimizer": adam(learning_rate=0.2),
    "schedule": schedules.cosine(end_factor=0.1),
}


def test_get_params_lists_the_numbers_of_every_formula():
    params = LinearRegressor(**EVERYTHING).get_params()
    nested = {name: value for name, value in params.items() if "__" in name}
    assert nested.keys() >= {"optimizer__beta1", "loss__delta", "penalty__l1_ratio", "schedule__end_factor"}
    assert (nested["optimizer__learning_rate"], nested["loss__delta"]) == (0.2, 2.0)


def test_a_clone_is_equal_and_independent():
    net = MLPRegressor(4, activation=activations.leaky_relu(slope=0.2), **EVERYTHING)
    copy = clone(net)
    assert copy.get_params() == net.get_params()
    assert repr(copy) == repr(net)
    copy.set_params(optimizer__learning_rate=0.9, activation__slope=0.3)
    assert (net.optimizer.learning_rate, net.activation.slope) == (0.2, 0.2)


@pytest.mark.parametrize("kind", ALL)
def test_a_pickle_predicts_the_same_bits_and_goes_on_from_where_it_was(kind):
    told = {"penalty": penalties.l2(alpha=0.01), "optimizer": adam(learning_rate=0.02), "batch_size": 8}
    fitted = kind(**told, max_iter=5, tol=None, warm_start=True, random_state=0).fit(X, target(kind))
    copy = pickle.loads(pickle.dumps(fitted))  # noqa: S301 - of our own making
    np.testing.assert_array_equal(copy.predict(X), fitted.predict(X))
    again, copied = fitted.fit(X, target(kind)).theta_, copy.fit(X, target(kind)).theta_
    np.testing.assert_array_equal(copied, again)


def test_a_search_over_a_number_of_a_rule_in_two_processes():
    plain = gradient_descent(learning_rate=0.5)
    line = LinearRegressor(optimizer=plain, batch_size=None, max_iter=20, tol=None)
    rates = [1e-4, 0.3]
    search = GridSearchCV(line, {"optimizer__learning_rate": rates}, n_jobs=2, cv=2).fit(X, Y)
    assert search.best_params_ == {"optimizer__learning_rate": 0.3}
    assert search.best_score_ > 0.99
    assert search.best_estimator_.optimizer.learning_rate == 0.3
    assert plain.learning_rate == 0.5
    alone = GridSearchCV(line, {"optimizer__learning_rate": rates}, cv=2).fit(X, Y)
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"])


def test_a_search_over_whole_rules():
    rules = [adam(learning_rate=1e-6), gradient_descent(learning_rate=0.3)]
    line = LinearRegressor(batch_size=None, max_iter=20, tol=None)
    search = GridSearchCV(line, {"optimizer": rules, "penalty": [None, "l2"]}, cv=2).fit(X, Y)
    assert search.best_params_["optimizer"] == rules[1]


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        (schedules.multi_step(milestones=(2, 1)), "the milestones 2, 1 are not in order"),
        (schedules.multi_step(milestones=(1, 1)), "of the milestones 1, 1 one stands twice"),
        (schedules.multi_step(milestones=(1, 7)), "the milestone 7 is not reached in 3 epochs"),
        (schedules.warmup_cosine(warmup=4), "the warm-up of 4 epochs outlasts the 3 of the run"),
        (schedules.warmup_cosine(warmup=2, total=1.5), "the warm-up of 2 epochs outlasts the 1.5 of the schedule"),
    ],
    ids=["BH18 unsorted", "BH18 repeated", "BH18 beyond the end", "BH18 warm-up", "BH18 warm-up of total"],
)
def test_a_schedule_that_can_hardly_be_meant_is_told(schedule, said):
    line = LinearRegressor(schedule=schedule, learning_rate=0.1, max_iter=3, tol=None)
    with pytest.warns(UserWarning, match=said):
        line.fit([[0.0], [1.0]], [0.0, 1.0])
    line.partial_fit([[0.0], [1.0]], [0.0, 1.0])  # one of many passes, nobody knows how many
