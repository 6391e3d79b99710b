"""Whole comparisons: a plan of rules, rates and seeds on a table, beside the loops that one would write for it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice, pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.case import Case, Run, Side
from benchmarks.cases.full_batch import airfoil_table

# All but those that a name with fewer words stands for, and rprop, which has no learning rate.
RULES = (
    "adabelief adadelta adagrad adam adamax adamw adan ademamix aggmo amsgrad ftrl gradient_descent laprop lion "
    "momentum nadam nesterov qhm radam rmsprop rmsprop_centered signsgd signum yogi"
).split()
COMMAND = "import sys; from thalweg.cli import main; sys.exit(main())"


@dataclass(frozen=True)
class Planned:
    """A table and a plan.

    Parameters
    ----------
    X, y : ndarray of shape (rows, features) and (rows,)
        As they come; y is int64 where there are classes.
    classes : int
        0 for least squares.
    hidden : tuple of int
        Hidden layers; none for a linear model.
    rates, seeds, epochs, batch : int
    dtype : str
    timed : int or None
        Runs that a side makes of the plan; all without.
    """

    X: NDArray[Any]
    y: NDArray[Any]
    classes: int
    hidden: tuple[int, ...]
    rates: int
    seeds: int
    epochs: int
    batch: int
    dtype: str
    timed: int | None = None

    @property
    def runs(self) -> int:
        """Rules times rates times seeds."""
        return len(RULES) * self.rates * self.seeds

    @property
    def share(self) -> float:
        """Of the plan that is timed."""
        return 1 if self.timed is None else self.timed / self.runs

    def parts(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
        """X and y to learn from (60 % of the rows) and to choose with (20 %), shuffled, standardised."""
        order = np.random.default_rng(0).permutation(len(self.y))
        train, validation = np.split(order, [round(0.6 * len(order)), round(0.8 * len(order))])[:2]
        X = (self.X - self.X[train].mean(axis=0)) / (self.X[train].std(axis=0) + (self.X[train].std(axis=0) == 0))
        y = self.y if self.classes else (self.y - self.y[train].mean()) / self.y[train].std()
        y = y if self.classes else y.astype(self.dtype)
        X = X.astype(self.dtype)
        return X[train], y[train], X[validation], y[validation]


def airfoil() -> Planned:
    """24 rules x 16 rates x 5 seeds x 10 epochs, batch 16, on 1503 x 5."""
    values = airfoil_table()
    return Planned(values[:, :5], values[:, 5], 0, (), rates=16, seeds=5, epochs=10, batch=16, dtype="float64")


def digits() -> Planned:
    """24 rules x 8 rates x 3 seeds x 20 epochs, batch 64, networks 64-64-10 on 1797 x 64."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return Planned(X, y, 10, (64,), rates=8, seeds=3, epochs=20, batch=64, dtype="float32")


def some(runs: int, problem: Planned) -> Planned:
    """The same plan, of which only so many runs are timed."""
    return replace(problem, timed=runs)


def command(problem: Planned) -> Run:
    """``thalweg compare`` as a process, from the table as a file to the report, its store and its leaderboard."""
    kept = tempfile.TemporaryDirectory()  # compiled kernels: the first call fills it
    table = Path(kept.name) / "airfoil.csv"
    names = [f"x{k}" for k in range(problem.X.shape[1])]
    lines = (",".join(map(repr, row)) for row in np.column_stack([problem.X, problem.y]).tolist())
    table.write_text("\n".join([",".join([*names, "target"]), *lines]) + "\n")
    told = {
        "target": "target",
        "optimizers": ",".join(RULES),
        "learning-rates": problem.rates,
        "seeds": problem.seeds,
        "epochs": problem.epochs,
        "batch-size": problem.batch,
        "jobs": 2,
    }
    options = [f"--{name}={value}" for name, value in told.items()]

    def run(_: int) -> None:
        environment = os.environ | {"NUMBA_CACHE_DIR": kept.name}
        with tempfile.TemporaryDirectory() as fresh:  # without the runs of the round before
            folder, report = Path(fresh) / "compared", Path(fresh) / "report.html"
            places = [f"--output={folder}", f"--report={report}"]
            call = [sys.executable, "-W", "ignore", "-c", COMMAND, "compare", str(table), *options, *places]
            subprocess.run(call, check=True, capture_output=True, env=environment, timeout=600)
            made = (folder / "records.jsonl").read_text().count("\n") - 1
            if made < problem.runs or report.stat().st_size < 100_000:
                raise RuntimeError(f"{made} runs of {problem.runs}, or no report")

    return run


def script(store: bool, problem: Planned) -> Run:
    """The same as :func:`command` from Python, where a comparison can do without a store."""
    folder = tempfile.TemporaryDirectory()
    table = Path(folder.name) / "airfoil.npy"
    np.save(table, np.column_stack([problem.X, problem.y]))
    place = "f'{sys.argv[2]}/runs.sqlite'" if store else "None"
    code = (
        "import sys; import numpy as np; import thalweg; table = np.load(sys.argv[1]); "
        f"found = thalweg.compare(table[:, :-1], table[:, -1], optimizers={RULES}, learning_rates={problem.rates}, "
        f"seeds={problem.seeds}, budget={problem.epochs}, batch_size={problem.batch}, n_jobs=2, store={place}); "
        "found.report(f'{sys.argv[2]}/report.html')"
    )

    def run(_: int) -> None:
        with tempfile.TemporaryDirectory(dir=folder.name) as fresh:
            call = [sys.executable, "-W", "ignore", "-c", code, str(table), fresh]
            subprocess.run(call, check=True, capture_output=True, timeout=600)
            left = {file.name for file in Path(fresh).iterdir()}
            if "report.html" not in left or store != ("runs.sqlite" in left):
                raise RuntimeError(f"left {left}")

    return run


def executed(jobs: int, problem: Planned) -> Run:
    """The runs of the plan and their validation losses, on threads; no growing grid, no report."""
    import thalweg
    from thalweg.comparison.execution import Execution
    from thalweg.comparison.outcome import Problem
    from thalweg.comparison.plan import Plan
    from thalweg.formulas import catalog

    X, y, X_judged, y_judged = problem.parts()
    one_hot = np.eye(problem.classes, dtype=problem.dtype)
    rows = thalweg.Rows.of(X, one_hot[y], dtype=problem.dtype)
    network = thalweg.Network((X.shape[1], *problem.hidden, problem.classes), (thalweg.activations.relu,))
    shared = Problem(network, rows, X_judged, one_hot[y_judged])
    rules = catalog.rules()
    settings = thalweg.Settings(
        rules["adam"], thalweg.losses.softmax, batch_size=problem.batch, max_iter=problem.epochs
    )
    laid_out = Plan.of({name: rules[name] for name in RULES}, problem.rates, problem.seeds)
    plan = Plan(laid_out.arms, laid_out.seeds)  # without the grids, so that nothing grows

    def run(_: int) -> None:
        outcomes = Execution(shared, settings, jobs=jobs).carry_out(plan)[1]
        if len(outcomes) != problem.runs:
            raise RuntimeError(f"{len(outcomes)} runs of {problem.runs}")

    return run


def _torch_rules() -> list[Callable[[Any, float], Any]]:
    """What PyTorch has of the rules."""
    from torch import optim

    return [
        lambda theta, rate: optim.SGD(theta, lr=rate),
        lambda theta, rate: optim.SGD(theta, lr=rate, momentum=0.9),
        lambda theta, rate: optim.SGD(theta, lr=rate, momentum=0.9, nesterov=True),
        *(
            lambda theta, rate, rule=rule: rule(theta, lr=rate)
            for rule in (optim.Adagrad, optim.RMSprop, optim.Adam, optim.AdamW, optim.Adamax, optim.NAdam, optim.RAdam)
        ),
    ]


def _torch_training(problem: Planned) -> Callable[[Callable[[Any, float], Any], float, int], float]:
    """``train(rule, rate, seed)``: one run as a tutorial writes it; the last validation loss."""
    import torch

    torch.set_num_threads(1)  # two are slower on tensors as small as these
    X, y, X_judged, y_judged = (torch.from_numpy(np.ascontiguousarray(part)) for part in problem.parts())
    if not problem.classes:
        y, y_judged = y[:, None], y_judged[:, None]
    functional = torch.nn.functional
    loss_function: Any = functional.cross_entropy if problem.classes else functional.mse_loss
    sizes = (X.shape[1], *problem.hidden, problem.classes or 1)

    def train(rule: Callable[[Any, float], Any], rate: float, seed: int) -> float:
        torch.manual_seed(seed)
        layers: list[Any] = []
        for inputs, outputs in pairwise(sizes):
            layers += [torch.nn.Linear(inputs, outputs, dtype=X.dtype), torch.nn.ReLU()]
        model = torch.nn.Sequential(*layers[:-1])
        optimizer = rule(model.parameters(), rate)
        losses = []
        for _ in range(problem.epochs):
            for rows in torch.randperm(len(X)).split(problem.batch):
                optimizer.zero_grad()
                loss_function(model(X[rows]), y[rows]).backward()
                optimizer.step()
            with torch.no_grad():
                losses.append(float(loss_function(model(X_judged), y_judged)))
        return losses[-1]

    return train


def torch_loop(problem: Planned) -> Run:
    """Run after run; the rules that PyTorch has take turns."""
    train, rules = _torch_training(problem), _torch_rules()
    assert problem.timed is not None
    runs = list(islice(product(range(problem.seeds), np.geomspace(1e-3, 1e-2, 2), rules), problem.timed))

    def run(_: int) -> None:
        for seed, rate, rule in runs:
            train(rule, float(rate), seed)

    return run


def optuna_loop(problem: Planned) -> Run:
    """The same runs, with each rate suggested by Optuna's default sampler."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    train, rules = _torch_training(problem), _torch_rules()
    assert problem.timed is not None
    trials = problem.timed // len(rules)

    def run(_: int) -> None:
        for rule in rules:
            study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
            study.optimize(
                lambda trial, rule=rule: train(rule, trial.suggest_float("rate", 1e-4, 1e-1, log=True), 0),
                n_trials=trials,
            )

    return run


def sklearn_loop(problem: Planned) -> Run:
    """``SGDRegressor``, one epoch after the other, with the validation loss after each."""
    from sklearn.linear_model import SGDRegressor

    X, y, X_judged, y_judged = problem.parts()
    assert problem.timed is not None
    runs = list(islice(product(range(problem.seeds), np.geomspace(1e-5, 1e-2, problem.rates)), problem.timed))

    def run(_: int) -> None:
        for seed, rate in runs:
            model = SGDRegressor(penalty=None, learning_rate="constant", eta0=rate, random_state=seed)
            losses = []
            for _ in range(problem.epochs):
                model.partial_fit(X, y)
                losses.append(np.mean((model.predict(X_judged) - y_judged) ** 2) / 2)

    return run


# One plan after the other, on both processors.
_plan_case = partial(Case, unit="plan", steps=lambda problem: problem.share, threads=2)


def _store_case(clock: str) -> Case:
    return _plan_case(
        name=f"store-{clock}",
        work="the same plan by thalweg.compare, a process with its report, with and without a store, two threads, "
        + {"cpu": "processor seconds", "wall": "wall clock"}[clock],
        problem=airfoil,
        clock=clock,
        rounds_at_most=7,
        ours=Side("thalweg with a store", partial(script, True), note="a new file every time, on disk"),
        peers=(Side("thalweg without", partial(script, False), at_most=1.03),),
    )


CASES = (
    _plan_case(
        name="compare",
        work="compare on airfoil, 24 rules x 16 rates x 5 seeds x 10 epochs, batch 16, a process with its report, "
        "two threads",
        problem=airfoil,
        clock="wall",
        within=6.0,
        rounds_at_most=5,
        ours=Side("thalweg", command, note="from starting Python to the end, with reading the file, store and page"),
        peers=(
            Side(
                "scikit-learn SGDRegressor, a loop",
                sklearn_loop,
                needs=("sklearn",),
                part=partial(some, 80),
                note="80 of the 1,920 runs timed; plain SGD, one sample a step, stands for every rule; "
                "no start-up, no report",
            ),
            Side(
                "PyTorch, a loop",
                torch_loop,
                needs=("torch",),
                part=partial(some, 10),
                note="10 of the 1,920 runs timed, by the ten rules of torch.optim; no start-up, no report",
            ),
            Side(
                "PyTorch driven by Optuna",
                optuna_loop,
                needs=("torch", "optuna"),
                part=partial(some, 20),
                note="20 of the 1,920 runs timed, two trials of each of the ten rules; no start-up, no report",
            ),
        ),
    ),
    _store_case("cpu"),
    _store_case("wall"),
    _plan_case(
        name="compare-networks",
        work="24 rules x 8 rates x 3 seeds of networks 64-64-10 on digits, 20 epochs, batch 64, float32, two threads",
        problem=digits,
        clock="wall",
        rounds_at_most=5,
        ours=Side("thalweg", partial(executed, 2)),
        peers=(
            Side("thalweg, one thread", partial(executed, 1), at_most=1 / 1.8),
            Side(
                "PyTorch, a loop",
                torch_loop,
                needs=("torch", "sklearn"),
                at_most=0.1,
                part=partial(some, 10),
                note="10 of the 576 runs timed, by the ten rules of torch.optim; one thread, faster than two here",
            ),
        ),
    ),
)
