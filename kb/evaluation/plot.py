"""The reliability diagram: confidence against the share that was right, as a PNG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kb.errors import BadInputError, NekbError, install
from kb.evaluation.metrics import Bin


def reliability_diagram(bins: Sequence[Bin], target: Path) -> None:
    """Write the diagram.

    Raises `NekbError` where matplotlib is not installed, `BadInputError` where the file cannot be written.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise NekbError("Plots need matplotlib.", f"Install it with {install('eval')}.", code="extra") from error
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], linestyle="--", color="grey", label="perfectly calibrated")
    axes.scatter(
        [b.confidence for b in bins], [b.right for b in bins], s=[12 + 6 * b.count for b in bins], label="nekb"
    )
    for b in bins:
        axes.annotate(str(b.count), (b.confidence, b.right), textcoords="offset points", xytext=(8, -4), fontsize=8)
    axes.set(xlabel="confidence", ylabel="share of first cards that were right", xlim=(0, 1.02), ylim=(0, 1.05))
    axes.legend(loc="lower right")
    try:
        FigureCanvasAgg(figure).print_png(str(target))
    except OSError as error:
        raise BadInputError(f"The plot cannot be written to {target}: {error}.", "Name a file in a folder.") from error
