"""A study's plots: a measure over the steps, one panel per variant."""

import math
import os
from collections.abc import Mapping

import numpy as np

from gan_jax.runtime.files import write_atomically
from gan_jax.study.summary import Summary

COLUMNS = 5


def over_time(summaries: Mapping[str, Summary], measure: str, path: str | os.PathLike[str]) -> None:
    """Draws a measure over the steps: mean and range over seeds, one panel per variant, the first one in all.

    Args:
        summaries: Summaries by variant, at least one; the others are compared with the first.
        measure: Name of a value.
        path: The PNG.
    """
    from matplotlib.figure import Figure

    across = min(COLUMNS, len(summaries))
    down = math.ceil(len(summaries) / across)
    figure = Figure(figsize=(2.4 * across + 0.6, 1.8 * down + 0.4), layout="constrained")
    panels = np.ravel(figure.subplots(down, across, sharex=True, sharey=True, squeeze=False))
    first, *_ = summaries
    for axes, (variant, summary) in zip(panels, summaries.items()):
        _draw(axes, summaries[first].curves[measure], "grey")
        if variant != first:
            _draw(axes, summary.curves[measure], "tab:red")
        if measure in summary.real_baselines:
            axes.axhline(summary.real_baselines[measure], linestyle="--", linewidth=0.8, color="black")
        axes.set_title(variant.replace("_", " "), fontsize=9)
        axes.tick_params(labelsize=7)
    for axes in panels[len(summaries) :]:
        axes.set_axis_off()
    panels[0].set_ylim(bottom=0)
    figure.supxlabel("step", fontsize=9)
    figure.supylabel(measure.replace("_", " "), fontsize=9)
    with write_atomically(path, "wb") as file:
        figure.savefig(file, format="png", dpi=100)


def _draw(axes, runs, colour):
    """Draws mean and range at every step, of the runs that have a value there."""
    values = [dict(pairs) for pairs in runs]
    steps = sorted(set().union(*values))
    at = [[of_run[step] for of_run in values if step in of_run] for step in steps]
    axes.fill_between(steps, [*map(min, at)], [*map(max, at)], color=colour, alpha=0.25, linewidth=0)
    axes.plot(steps, [*map(np.mean, at)], color=colour, linewidth=1.5)
