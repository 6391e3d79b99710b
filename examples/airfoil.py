"""Linear regression on the airfoil table: full-batch descent, and six rules on one row a step.

One sees what a pass over the data buys. Gradient descent makes one step a pass, the others 1,202. They are at the
least-squares fit after a few passes; then those with a constant rate go on moving at random around it, the lower the
closer, while AdaGrad, whose steps shrink, settles.

The table is downloaded once, or found in the folder that the environment variable THALWEG_DATA names.
"""

from __future__ import annotations

import drawing
import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import thalweg
from thalweg.exchange import datasets

EPOCHS = 30
# The rule, and the rows it sees at each step: None for all of them.
RULES = {
    "GD, full batch": (thalweg.gradient_descent(learning_rate=0.4), None),
    "SGD": (thalweg.gradient_descent(learning_rate=0.001), 1),
    "momentum": (thalweg.momentum(learning_rate=0.0005, momentum=0.8), 1),
    "AdaGrad": (thalweg.adagrad(learning_rate=0.1), 1),
    "RMSprop": (thalweg.rmsprop(learning_rate=0.002, rho=0.99), 1),
    "AdaDelta": (thalweg.adadelta(rho=0.95), 1),
    "Adam": (thalweg.adam(learning_rate=0.002), 1),
}


def main() -> None:
    """Fit, print, draw."""
    folder, kind = drawing.output_folder(__doc__)
    table, y = datasets.load("airfoil").split_target()
    X, X_test, y, y_test = train_test_split(np.column_stack(table.columns), y, test_size=0.2, random_state=0)
    scaler, mean, deviation = StandardScaler().fit(X), y.mean(), y.std()  # the target's own unit is dB
    X, X_test, target = scaler.transform(X), scaler.transform(X_test), (y - mean) / deviation

    loss = thalweg.Objective(thalweg.Linear(5), thalweg.Rows.of(X, target), thalweg.losses.squared)
    best = np.linalg.lstsq(np.column_stack([X, np.ones(len(X))]), target)[0]
    print(f"{len(X)} rows to train on, {len(X_test)} to test with\n")
    print(f"{'rule':18}{'rate':>9}{'loss above minimum':>21}{'test error (RMS)':>19}")

    figure, ((curves, fit),) = drawing.new_figure(2)
    for k, (name, (rule, batch_size)) in enumerate(RULES.items()):
        losses = [loss(np.zeros(6))]
        model = thalweg.LinearRegressor(
            optimizer=rule, batch_size=batch_size, max_iter=EPOCHS, tol=None, random_state=0,
            callbacks=lambda run, losses=losses: losses.append(loss(run.theta)),
        ).fit(X, target)  # fmt: skip
        error = np.sqrt(np.mean((mean + deviation * model.predict(X_test) - y_test) ** 2))
        above = np.array(losses) - loss(best)
        rate = rule.hyperparameters.get("learning_rate", "-")
        print(f"{name:18}{rate:>9}{above[-1]:21.2e}{error:16.2f} dB")
        curves.semilogy(above, label=name, **drawing.style(k))
    fit.plot(y_test, mean + deviation * model.predict(X_test), "o", markersize=3, alpha=0.6, color=drawing.COLOURS[0])
    ends = [y_test.min(), y_test.max()]
    fit.plot(ends, ends, color="black", linewidth=0.8)
    curves.set(
        title="Loss on all training rows, above its minimum",
        xlabel="pass over the data",
        ylabel="half the mean of squares, minus minimum",
    )
    curves.legend(fontsize=9, frameon=False, ncols=2)
    fit.set(title=f"Test rows as {name} predicts them", xlabel="measured sound pressure [dB]", ylabel="predicted [dB]")
    drawing.save(figure, folder, "airfoil", kind)


if __name__ == "__main__":
    main()
