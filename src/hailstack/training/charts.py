"""Pictures of a run: its curves, precision over recall, and which classes are taken for which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hailstack.files import replacing
from hailstack.profiling.charts import check_charts
from hailstack.training.confusion import confusion
from hailstack.training.folder import Row, RunFolder
from hailstack.training.validation import Measured

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOTS_PER_INCH = 110
MOST_NAMED = 12
"""Classes that get a colour and a name of their own in a chart of curves."""


def save_charts(folder: RunFolder, rows: Sequence[Row], measured: Measured, names: Sequence[str]) -> None:
    """Draw all pictures of a run into its folder.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    check_charts()
    counts = confusion(measured.found, measured.truth, len(names))
    _save(curves(rows), folder.curves)
    _save(precision_recall(measured.accuracy.precision, names), folder.precision)
    _save(confusion_matrix(counts, names), folder.confusion)


def _save(figure: Figure, path: Path) -> None:
    with replacing(path) as partial:
        figure.savefig(partial, format="png", dpi=DOTS_PER_INCH)


def curves(rows: Sequence[Row]) -> Figure:
    """Losses on both sets and precision, epoch by epoch."""
    figure = _figure(11, 6)
    plots = figure.subplots(2, 2).ravel()
    epochs = [row["epoch"] for row in rows]
    marker = "o" if len(rows) == 1 else ""
    for plot, part, told in zip(plots, ("box", "cls", "dfl"), ("boxes", "classes", "distances"), strict=False):
        for split in ("train", "val"):
            plot.plot(epochs, [row[f"{split}/{part}"] for row in rows], label=split, marker=marker)
        plot.set_title(f"loss: {told}", loc="left", fontsize=10)
        plot.set_ylim(bottom=0)
        plot.legend(frameon=False)
    for name in ("mAP50", "mAP50-95"):
        plots[3].plot(epochs, [row[name] for row in rows], label=name, marker=marker)
    best = max(rows, key=lambda row: row["mAP50-95"])
    told = f"best: epoch {best['epoch']:.0f}, mAP50 {best['mAP50']:.3f}, mAP50-95 {best['mAP50-95']:.3f}"
    plots[3].axvline(best["epoch"], color="black", linewidth=0.8, linestyle=":")
    plots[3].set_title(told, loc="left", fontsize=10)
    plots[3].set_ylim(0, 1)
    plots[3].legend(frameon=False, loc="lower right")
    for plot in plots:
        plot.set_xlabel("epoch")
    return figure


def precision_recall(precision: Mapping[int, NDArray[np.float64]], names: Sequence[str]) -> Figure:
    """Precision over recall at an IoU of 0.5, for each class and their mean."""
    figure = _figure(7, 5.5)
    plot = figure.subplots()
    known = {class_id: one for class_id, one in precision.items() if (one > -1).all()}
    recall = np.linspace(0, 1, 101)
    for class_id, one in known.items():
        named = len(known) <= MOST_NAMED
        label = f"{names[class_id]}: {one.mean():.3f}" if named else None
        plot.plot(recall, one, linewidth=1, color=None if named else "#bbbbbb", label=label)
    if known:
        mean = np.mean(list(known.values()), axis=0)
        plot.plot(recall, mean, color="black", linewidth=2, label=f"all: {mean.mean():.3f}")
        plot.legend(title="average precision", frameon=False, loc="lower left")
    plot.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
    plot.set_title("at an IoU of 0.5, validation pictures", loc="left", fontsize=10)
    return figure


def confusion_matrix(counts: NDArray[np.int64], names: Sequence[str]) -> Figure:
    """What was found (rows) for what is there (columns); colours are shares of the column."""
    labels = [*names, "nothing"]
    side = max(5.0, 2.2 + 0.55 * len(labels))
    figure = _figure(side + 1, side)
    plot = figure.subplots()
    shares = counts / np.maximum(counts.sum(0, keepdims=True), 1)
    shown = plot.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(shown, ax=plot, label="share of what is there", shrink=0.8)
    if len(labels) <= 30:
        for row, column in np.argwhere(counts).tolist():
            colour = "white" if shares[row, column] > 0.5 else "black"
            plot.text(column, row, str(counts[row, column]), ha="center", va="center", color=colour, fontsize=9)
    plot.set_xticks(range(len(labels)), labels, rotation=45, ha="right")
    plot.set_yticks(range(len(labels)), labels)
    plot.set(xlabel="there", ylabel="found, from a score of 0.25 on")
    return figure


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")
