"""A net with 25 sigmoid units learns 20 sin(2 pi x).

One sees gradient descent at the edge of stability: at this rate the loss rises in many of its steps, and falls all the
same. Adam is slower at first and passes it later; near the end it jumps up now and then and comes back. The right
picture shows how the wave grows out of a nearly straight line.
"""

from __future__ import annotations

import drawing
import numpy as np

import thalweg
from thalweg.exchange import datasets

ITERATIONS = 4000
SHOWN = (20, 100, 400, 4000)
RULES = {
    "gradient descent": thalweg.gradient_descent(learning_rate=0.3),
    "Adam": thalweg.adam(learning_rate=0.1),
}


def main() -> None:
    """Fit, print, draw."""
    folder, kind = drawing.output_folder(__doc__)
    table, y = datasets.load("sine").split_target()
    X = np.column_stack(table.columns)
    print(f"{'rule':20}" + "".join(f"{f'loss at {k}':>15}" for k in SHOWN) + f"{'steps uphill':>15}")

    figure, ((curves, fit),) = drawing.new_figure(2)
    fit.plot(X[:, 0], y, color="0.75", linewidth=5, label="20 sin(2πx)")
    for k, (name, rule) in enumerate(RULES.items()):
        waves = {}

        def keep(run, waves=waves):
            if run.epoch in SHOWN:
                waves[run.epoch] = run.model.scores(run.theta, X)[:, 0]

        model = thalweg.MLPRegressor(
            25, activation="logistic", initialisation="uniform", optimizer=rule, batch_size=None,
            max_iter=ITERATIONS, tol=None, random_state=0, callbacks=keep,
        ).fit(X, y)  # fmt: skip
        # The objective is half the mean of squares, measured before each step.
        losses = 2 * np.array(model.loss_curve_)
        uphill = float(np.mean(np.diff(losses) > 0))
        print(f"{name:20}" + "".join(f"{losses[k - 1]:15.4f}" for k in SHOWN) + f"{uphill:15.0%}")
        curves.loglog(np.arange(1, ITERATIONS + 1), losses, label=name, **drawing.style(k) | {"linewidth": 1})
        if k == 0:
            for j, (epoch, wave) in enumerate(waves.items()):
                fit.plot(X[:, 0], wave, label=f"after {epoch} steps", **drawing.style(j))
    curves.set(title="Loss", xlabel="step", ylabel="mean of squares")
    curves.legend(fontsize=9, frameon=False, loc="lower left")
    fit.set(title="The net under gradient descent", xlabel="x", ylabel="y")
    fit.legend(fontsize=9, frameon=False)
    drawing.save(figure, folder, "sine", kind)


if __name__ == "__main__":
    main()
