"""A line through ten points, found by five rules.

One sees the same valley crossed in five ways. Gradient descent goes down the steep side and then along the bottom.
Momentum swings over it. RMSprop and Adam move both parameters by steps of about the same size, whatever the slope, so
that they start in a straight line. Stochastic descent sees one point at a time and does not come to rest.
"""

from __future__ import annotations

import drawing
import numpy as np

import thalweg
from thalweg.exchange import datasets

EPOCHS = 100
# The rule, and the rows it sees at each step: None for all ten.
RULES = {
    "gradient descent": (thalweg.gradient_descent(learning_rate=0.1), None),
    "SGD, one point a step": (thalweg.gradient_descent(learning_rate=0.02), 1),
    "momentum (average)": (thalweg.ema_momentum(learning_rate=0.1, momentum=0.9), None),
    "RMSprop": (thalweg.rmsprop(learning_rate=0.05, rho=0.9), None),
    "Adam": (thalweg.adam(learning_rate=0.2), None),
}


def main() -> None:
    """Fit, print, draw."""
    folder, kind = drawing.output_folder(__doc__)
    table, y = datasets.load("ten-points").split_target()
    X = np.column_stack(table.columns)
    loss = thalweg.Objective(thalweg.Linear(1), thalweg.Rows.of(X, y), thalweg.losses.squared)
    best = np.linalg.lstsq(np.column_stack([X, np.ones(10)]), y)[0]
    print(f"Least squares: y = {best[0]:.4f} x + {best[1]:.4f}, half the mean of squares {loss(best):.6f}\n")
    print(f"{'rule':24}{'w':>9}{'b':>9}{'loss':>12}{'epochs to 0.02':>16}")

    figure, ((curves, valley, fit),) = drawing.new_figure(3)
    w, b = np.meshgrid(np.linspace(-0.2, 3.6, 120), np.linspace(-0.35, 2.3, 120))
    heights = [loss(np.array(point)) for point in zip(w.ravel(), b.ravel(), strict=True)]
    valley.contour(w, b, np.reshape(heights, w.shape), levels=np.geomspace(0.02, 12, 14), colors="0.8", linewidths=0.8)
    for k, (name, (rule, batch_size)) in enumerate(RULES.items()):
        path = [np.zeros(2)]
        thalweg.LinearRegressor(
            optimizer=rule, batch_size=batch_size, max_iter=EPOCHS, tol=None, random_state=0,
            callbacks=lambda run, path=path: path.append(run.theta.copy()),
        ).fit(X, y)  # fmt: skip
        losses = np.array([loss(theta) for theta in path])
        below = f"{np.argmax(losses <= 0.02)}" if (losses <= 0.02).any() else "-"
        print(f"{name:24}{path[-1][0]:9.4f}{path[-1][1]:9.4f}{losses[-1]:12.6f}{below:>16}")
        curves.semilogy(losses - loss(best), label=name, **drawing.style(k))
        thin = drawing.style(k) | {"linewidth": 1, "marker": drawing.MARKERS[k], "markersize": 3.5}
        valley.plot(*np.transpose(path), markevery=slice(0, 20), **thin)
        after = path[5]
        fit.plot([0, 3.1], after[0] * np.array([0, 3.1]) + after[1], label=name, **drawing.style(k))
    valley.plot(*best, marker="*", markersize=13, color="black")
    fit.plot(X[:, 0], y, "o", color="black", markersize=5, zorder=0)
    curves.set(title="Loss above its minimum", xlabel="epoch", ylabel="half the mean of squares, minus minimum")
    curves.set_ylim(1e-7, 30)
    valley.set(title="Way through the valley (star: least squares)", xlabel="w", ylabel="b")
    fit.set(title="The line after 5 epochs", xlabel="x", ylabel="y")
    fit.legend(fontsize=8, frameon=False, loc="upper left")
    drawing.save(figure, folder, "ten_points", kind)


if __name__ == "__main__":
    main()
