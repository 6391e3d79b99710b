"""A ReLU net of three layers with nothing, with L2 and with dropout.

Without regularisation the net bends around single points that it has seen, which says nothing about the others.
L2 keeps the weights small and the border smooth. Dropout hides units at random, so that none can rely on one other.
There are 200 points to validate with: one per cent is two of them.

The points are those of ``football_2d.csv`` (columns x1, x2, y, split) where that file is in the folder that the
environment variable THALWEG_DATA names; else points of the same kind are drawn.
"""

from __future__ import annotations

import os
from pathlib import Path

import drawing
import numpy as np

import thalweg
from thalweg.exchange.tables import read_table

RATE, EPOCHS, LAMBDA, DROPPED = 0.3, 30_000, 0.7, 0.14


def points() -> tuple[str, dict]:
    """Return where the points are from, and those to train on and those to validate with: X (n, 2), y (n,)."""
    given = Path(os.environ.get("THALWEG_DATA") or ".", "football_2d.csv")
    if given.is_file():
        table = read_table(given)
        X, y = np.column_stack([table["x1"], table["x2"]]), np.asarray(table["y"], dtype=float)
        return "football_2d.csv", {
            part: (X[table["split"] == part], y[table["split"] == part]) for part in ("train", "val")
        }
    drawn = np.random.default_rng(5)
    X = drawn.normal([-0.1, -0.05], [0.2, 0.3], (411, 2))
    y = (X[:, 1] - 2 * X[:, 0] - 0.15 + drawn.normal(0, 0.15, 411) > 0).astype(float)
    return "drawn points", {"train": (X[:211], y[:211]), "val": (X[211:], y[211:])}


def main() -> None:
    """Fit, print, draw."""
    folder, kind = drawing.output_folder(__doc__)
    source, parts = points()
    X, y = parts["train"]
    kinds = {
        "nothing": {},
        "L2": {"penalty": "l2", "alpha": LAMBDA / len(y)},  # the penalty is alpha / 2 times the sum of squares
        "dropout": {"dropout": DROPPED},
    }
    print(f"{source}: {len(y)} to train on, {len(parts['val'][1])} to validate with\n")
    print(f"{'regularisation':18}{'train':>9}{'validation':>13}{'sum of squared weights':>26}")

    figure, panels = drawing.new_figure(2, 2)
    curves, *planes = panels.flat
    for k, ((name, given), plane) in enumerate(zip(kinds.items(), planes, strict=True)):
        model = thalweg.MLPClassifier(
            (20, 3), activation="relu", initialisation="lecun", optimizer=thalweg.gradient_descent(learning_rate=RATE),
            batch_size=None, max_iter=EPOCHS, tol=None, random_state=1, **given,
        ).fit(X, y)  # fmt: skip
        train, validation = model.score(X, y), model.score(*parts["val"])
        squares = sum(float((weights**2).sum()) for weights in model.coefs_)
        print(f"{name:18}{train:9.1%}{validation:13.1%}{squares:26.1f}")
        losses = np.reshape(model.loss_curve_, (-1, 100)).mean(axis=1)  # dropout's loss is noisy: means of 100 epochs
        curves.plot(100 * np.arange(len(losses)), losses, label=name, **drawing.style(k))
        drawing.boundary(plane, model.predict, X, y)
        plane.set_title(f"{name}: {train:.1%} of train, {validation:.1%} of validation", fontsize=11)
    planes[0].legend(fontsize=9, frameon=False, loc="lower right")
    curves.set(title="Objective while training (L2 includes the penalty)", xlabel="epoch", ylabel="cross-entropy")
    curves.set_ylim(bottom=0)
    curves.legend(fontsize=9, frameon=False)
    drawing.save(figure, folder, "regularisation", kind)


if __name__ == "__main__":
    main()
