"""What the pictures of the examples share: colours, a decision boundary, the command line, the file."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

# Okabe and Ito's colours, which the colour-blind can tell apart; each has dashes of its own as well.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("-", (0, (6, 2)), (0, (6, 2, 1.5, 2)), (0, (1.5, 1.5)), (0, (10, 3)), (0, (3, 1.5)), (0, (8, 2, 1, 2, 1, 2)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X")


def style(k: int) -> dict[str, Any]:
    """Return the colour and dashes of the k-th curve."""
    return {"color": COLOURS[k], "linestyle": DASHES[k], "linewidth": 1.6}


def output_folder(description: str | None) -> tuple[Path, str]:
    """Read ``--output`` and ``--format`` from the command line."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("pictures"), help="folder for the picture (made if needed)")
    parser.add_argument("--format", choices=["png", "svg"], default="png")
    told = parser.parse_args()
    told.output.mkdir(parents=True, exist_ok=True)
    return told.output, told.format


def new_figure(columns: int, rows: int = 1) -> tuple[Figure, Any]:
    """Return a figure with panels of one size, and the panels."""
    figure = Figure(figsize=(4.6 * columns, 4.0 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False)
    for panel in panels.flat:
        panel.spines[["top", "right"]].set_visible(False)
        panel.tick_params(labelsize=9)
    return figure, panels


def boundary(axes: Axes, predict: Callable[[NDArray[Any]], NDArray[Any]], X: NDArray[Any], y: NDArray[Any]) -> None:
    """Shade what a classifier says about the plane, draw where it changes its mind, and the points on top."""
    (x1_low, x2_low), (x1_high, x2_high) = X.min(axis=0) - 0.15, X.max(axis=0) + 0.15
    x1, x2 = np.meshgrid(np.linspace(x1_low, x1_high, 250), np.linspace(x2_low, x2_high, 250))
    said = predict(np.column_stack([x1.ravel(), x2.ravel()])).reshape(x1.shape)
    axes.contourf(x1, x2, said, levels=[0, 0.5, 1], colors=[COLOURS[0], COLOURS[1]], alpha=0.18)
    axes.contour(x1, x2, said, levels=[0.5], colors="black", linewidths=1.2)
    for label in (0, 1):
        points = X[y == label]
        axes.scatter(
            *points.T, s=16, marker=MARKERS[label], color=COLOURS[label], edgecolor="white", linewidth=0.4,
            label=f"class {label}",
        )  # fmt: skip
    axes.set(xlabel="x1", ylabel="x2")


def save(figure: Figure, folder: Path, name: str, kind: str) -> None:
    """Write the picture and say where."""
    path = folder / f"{name}.{kind}"
    figure.savefig(path, dpi=140)
    print(f"\npicture: {path}")
