"""Runs side by side: their files as one page of curves, samples and numbers."""

import glob
import math
import os
import tempfile
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from gan_jax import recipe as recipe_lib
from gan_jax.checkpoints import checkpoint
from gan_jax.errors import UsageError
from gan_jax.runtime.files import write_atomically
from gan_jax.study import page
from gan_jax.training import report

# Panels of a plot in one row.
_ACROSS = 3


class Run(NamedTuple):
    """What a workdir tells of a run.

    Attributes:
        name: Its folder, as it was given.
        recipe: The recipe as nested dicts.
        scalars: Records of metrics.jsonl.
        evaluations: Records of evaluations.jsonl.
        grid: Path of the newest grid of samples; empty without one.
        origin: What it took of another run at its start, as `recipe.json` has it; None for nothing.
    """

    name: str
    recipe: dict[str, Any]
    scalars: list[dict[str, Any]]
    evaluations: list[dict[str, Any]]
    grid: str
    origin: dict[str, Any] | None = None


def read(workdir: str) -> Run:
    """Reads the files of a run, which may still be training. No function that it names is looked up.

    Args:
        workdir: Its folder.

    Returns:
        The Run.

    Raises:
        UsageError: The folder holds no run.
    """
    recipe, _ = checkpoint.read_recipe(workdir)
    if recipe is None:
        raise UsageError(f"{workdir} holds no run: it has no recipe.json")
    metrics = os.path.join(workdir, "metrics.jsonl")
    grids = sorted(glob.glob(os.path.join(glob.escape(workdir), "grids", "step_*.png")))
    return Run(
        name=workdir,
        recipe=recipe,
        scalars=report.read_metrics(metrics) if os.path.exists(metrics) else [],
        evaluations=report.evaluations(workdir),
        grid=grids[-1] if grids else "",
        origin=checkpoint.read_origin(workdir),
    )


def compared(runs: Sequence[Run]) -> str:
    """Several runs as one HTML page that needs no other file.

    Args:
        runs: The Runs, with different names; changes are those from the first one.

    Returns:
        The page.
    """
    losses = _names(runs, lambda run: [record.keys() for record in run.scalars if "step" in record])
    losses = [name for name in losses if "/" in name]
    measures = _names(runs, lambda run: [record["values"].keys() for record in run.evaluations])
    with tempfile.TemporaryDirectory() as folder:
        plots: dict[str, str] = {}
        for caption, names, points in (
            ("Evaluations over the steps", measures, evaluated),
            ("Losses over the steps", losses, logged),
        ):
            if names:
                plots[caption] = os.path.join(folder, f"{len(plots)}.png")
                _draw(runs, names, points, plots[caption])
        content = page.Page(
            title="Runs side by side: " + ", ".join(run.name for run in runs),
            notes=["Values are those of the last evaluation. Samples are the newest grid of each run."],
            table=_table(runs, measures),
            plots=plots,
            changes={run.name: _changes(runs[0], run) for run in runs},
            pictures={run.name: run.grid for run in runs if run.grid},
            heading="Runs",
        )
        return page.written(content)


def _names(runs, of):
    """The names in the records of all runs, each once, in the order in which they come."""
    return list(dict.fromkeys(name for run in runs for names in of(run) for name in names))


def logged(run: Run, name: str) -> list[tuple[int, float]]:
    """The values of a scalar over the steps: pairs of a step and a value."""
    return [(record["step"], record[name]) for record in run.scalars if name in record]


def evaluated(run: Run, name: str) -> list[tuple[int, float]]:
    """The values of a metric over the steps: pairs of a step and a value."""
    return [
        (record["step"], record["values"][name]["value"])
        for record in run.evaluations
        if name in record["values"]
    ]


def _baseline(runs, name):
    """The last real baseline of a metric in any of the runs; None if there is none."""
    values = (record["values"].get(name, {}) for run in runs for record in run.evaluations)
    return next((value["real_baseline"] for value in values if "real_baseline" in value), None)


def _table(runs, measures):
    """Rows of text: a run each, and real data last."""

    def last(run, name):
        values = evaluated(run, name)
        return _number(values[-1][1]) if values else "-"

    rows = [[run.name, _step(run), _speed(run), *(last(run, name) for name in measures)] for run in runs]
    real = ["real data", "-", "-", *(_number(_baseline(runs, name)) for name in measures)]
    return [["run", "step", "samples/s", *measures], *rows, real]


def _number(value):
    return "-" if value is None else f"{value:.4g}"


def _step(run):
    return f"{run.scalars[-1]['step']:,}" if run.scalars else "-"


def _speed(run):
    """The median of the logged speeds."""
    speeds = sorted(value for _, value in logged(run, "samples_per_second"))
    return f"{speeds[len(speeds) // 2]:,.0f}" if speeds else "-"


def _changes(first, run):
    """What a run's recipe has other than that of the first run."""
    began = (
        [f"began with parameters of {run.origin['workdir']}, step {run.origin['step']}"] if run.origin else []
    )
    if run is first:
        return ["the first run, with which the others are compared", *began]
    lines = recipe_lib.differences(first.recipe, run.recipe)
    before, now = first.recipe["steps"], run.recipe["steps"]
    steps = [f"steps: {before} -> {now}"] if before != now else []
    return [*lines, *steps, *began] or ["the same recipe"]


def _draw(
    runs: Sequence[Run],
    names: Sequence[str],
    points: Callable[[Run, str], list[tuple[int, float]]],
    path: str,
) -> None:
    """Draws each name in a panel of its own, with a line for every run."""
    from matplotlib.figure import Figure

    across = min(_ACROSS, len(names))
    down = math.ceil(len(names) / across)
    figure = Figure(figsize=(4.2 * across, 2.6 * down + 0.4), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False).ravel()
    for axes, name in zip(panels, names):
        for number, run in enumerate(runs):
            if values := points(run, name):
                marker = "." if len(values) < 50 else ""
                axes.plot(*zip(*values), marker=marker, linewidth=1.2, color=f"C{number}", label=run.name)
        if points is evaluated and (baseline := _baseline(runs, name)) is not None:
            axes.axhline(baseline, linestyle="--", linewidth=0.8, color="black", label="real data")
        axes.set_title(name, fontsize=9)
        axes.tick_params(labelsize=7)
        axes.legend(fontsize=7)
    for axes in panels[len(names) :]:
        axes.set_axis_off()
    figure.supxlabel("step", fontsize=9)
    with write_atomically(path, "wb") as file:
        figure.savefig(file, format="png", dpi=100)
