"""Reports of a run: to its log, TensorBoard, trackers, and metrics.jsonl, grids and curves in its folder."""

import contextlib
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from gan_jax import images
from gan_jax import recipe as recipe_lib
from gan_jax.errors import UsageError
from gan_jax.runtime.files import write_atomically
from gan_jax.training.film import film
from gan_jax.training.lines import lines
from gan_jax.training.reporters import Reporter

log = logging.getLogger("gan_jax")

METRICS = "metrics.jsonl"
EVALUATIONS = "evaluations.jsonl"
ALERTS = "alerts.jsonl"
GRIDS = "grids"
FILM = "progress.webp"
CURVES = "curves.png"


class Report:
    """Tells what happens in a run to its files, its log, TensorBoard and trackers.

    Attributes:
        workdir: Folder of the run.
        reporters: One Reporter each.
    """

    def __init__(
        self,
        workdir: str,
        recipe: recipe_lib.Recipe,
        unit: str,
        first: int,
        eval_every: int = 0,
        trackers: Sequence[Reporter] = (),
    ) -> None:
        """Begins to report; the records of an earlier start are dropped where they are of later steps.

        Args:
            workdir: Folder of the run; it exists.
            recipe: The Recipe.
            unit: What a sample is, such as `images`.
            first: Training steps finished before this start.
            eval_every: Steps between evaluations; 0 if there are none.
            trackers: Further Reporters.
        """
        from gan_jax.training.tensorboard import tensorboard

        self.workdir = workdir
        self.reporters = (
            files(workdir, first),
            lines(recipe, unit, first, eval_every),
            tensorboard(workdir, recipe, first),
            *trackers,
        )

    def advance(self, steps: int = 1) -> None:
        """Says that steps are taken, or at least under way."""
        for reporter in self.reporters:
            reporter.advance(steps)

    def scalars(
        self, step: int, values: Mapping[str, float], samples_per_second: float, seconds_left: float
    ) -> None:
        """Reports the mean of each scalar since the last call.

        Args:
            step: Finished training steps.
            values: Means by name.
            samples_per_second: Real samples per second since the last call.
            seconds_left: Time until the end of the run at this speed.
        """
        for reporter in self.reporters:
            reporter.scalars(step, values, samples_per_second, seconds_left)

    def evaluation(
        self, step: int, judged: Mapping[str, Mapping[str, float]], protocol: Mapping[str, Any]
    ) -> None:
        """Reports the metrics of the samples at a step.

        Args:
            step: Finished training steps.
            judged: By name of a value, a dict of `value` and perhaps `real_baseline`.
            protocol: How the values were computed; stored beside them.
        """
        for reporter in self.reporters:
            reporter.evaluation(step, judged, protocol)

    def alerts(self, step: int, numbers: Mapping[str, Mapping[str, float]], lines: list[str]) -> None:
        """Reports diagnostics and alerts.

        Args:
            step: Finished training steps.
            numbers: Numbers by subject and name.
            lines: New alerts.
        """
        for reporter in self.reporters:
            reporter.alerts(step, numbers, lines)

    def grid(
        self, step: int, make: Callable[[], np.ndarray], real: Callable[[], np.ndarray] | None = None
    ) -> None:
        """Reports a picture of samples, and once in a run a picture of real ones.

        Args:
            step: Finished training steps.
            make: Function without arguments that returns the picture, uint8 [H, W, C].
            real: The same of real samples; None for no such picture.
        """
        if real is not None and not os.path.exists(_picture(self.workdir, step, "real")):
            try:
                self._show(step, "real", real())
            except UsageError as error:  # A file that training never reads.
                log.warning("no picture of real samples: %s", error)
        self._show(step, "samples", make())

    def _show(self, step, name, picture):
        for reporter in self.reporters:
            reporter.picture(step, name, picture)

    def close(self, failed: bool = False) -> None:
        """Draws the loss curves and the film, and closes the event file.

        Args:
            failed: Did the run end with an error?
        """
        with contextlib.ExitStack() as stack:  # Closes all, also if closing one of them fails.
            for reporter in self.reporters:
                stack.callback(reporter.close, failed)


def files(workdir: str, first: int) -> Reporter:
    """The files of a workdir that people read, as a Reporter; earlier records of later steps are dropped.

    Args:
        workdir: Folder of the run.
        first: Steps taken before this start.

    Returns:
        The Reporter. Its functions raise OSError if a file cannot be written.
    """
    for name in (METRICS, EVALUATIONS, ALERTS):
        _drop_after(os.path.join(workdir, name), first)
    last = first

    def write(name, record):
        with open(os.path.join(workdir, name), "a") as file:
            file.write(json.dumps(record) + "\n")

    def scalars(step, values, samples_per_second, seconds_left):
        write(METRICS, {"step": step, **values, "samples_per_second": round(samples_per_second, 1)})

    def picture(step, name, picture):
        nonlocal last
        last = step
        images.save(_picture(workdir, step, name), picture)

    def close(failed):
        curves(os.path.join(workdir, METRICS), evaluations(workdir), os.path.join(workdir, CURVES))
        if not failed:
            film(os.path.join(workdir, GRIDS), last, os.path.join(workdir, FILM))

    return Reporter(
        scalars=scalars,
        evaluation=lambda step, values, protocol: write(
            EVALUATIONS, {"step": step, "values": values, "protocol": protocol}
        ),
        alerts=lambda step, numbers, lines: write(ALERTS, {"step": step, **numbers, "lines": lines}),
        picture=picture,
        close=close,
    )


def _picture(workdir, step, name):
    """The file of a picture."""
    return os.path.join(workdir, GRIDS, f"step_{step:07d}.png" if name == "samples" else f"{name}.png")


class Silence:
    """The Report of all processes except the first: it makes and writes nothing."""

    def _ignore(self, *arguments):
        pass

    advance = scalars = evaluation = alerts = grid = _ignore


@contextlib.contextmanager
def opened(report: Report) -> Iterator[Report]:
    """Lets a bar and log lines share a terminal, and closes a Report on leaving, also after an exception.

    Args:
        report: The Report.

    Yields:
        The same.
    """
    from tqdm.contrib.logging import logging_redirect_tqdm

    redirected = logging_redirect_tqdm([log]) if sys.stderr.isatty() else contextlib.nullcontext()
    with redirected:
        try:
            yield report
        except BaseException:
            with contextlib.suppress(OSError):  # The first error matters.
                report.close(failed=True)
            raise
        report.close()


def contents(workdir: str) -> list[str]:
    """What a run has left in its folder for people.

    Args:
        workdir: Folder of the run.

    Returns:
        Names that exist there, of checkpoints, grids, metrics, curves and film.
    """
    names = ("checkpoints", GRIDS, METRICS, CURVES, FILM)
    return [name for name in names if os.path.exists(os.path.join(workdir, name))]


def _drop_after(path, step):
    """Drops the records of later steps, and lines that are no records."""
    if os.path.exists(path):
        kept = [record for record in read_metrics(path) if record["step"] <= step]
        with write_atomically(path) as file:
            file.writelines(json.dumps(record) + "\n" for record in kept)


def read_metrics(path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """The records of a metrics.jsonl; skips lines that are no records, such as one that a kill cut short.

    Args:
        path: The file.

    Returns:
        Dicts of `step` and scalars.
    """
    records: list[Any] = []
    with open(path, errors="replace") as file:
        for line in file:
            with contextlib.suppress(json.JSONDecodeError):
                records.append(json.loads(line))
    return [record for record in records if isinstance(record, dict) and "step" in record]


def evaluations(workdir: str) -> list[dict[str, Any]]:
    """The records that `Report.evaluation` wrote, also in earlier starts.

    Args:
        workdir: Folder of a run.

    Returns:
        Dicts of `step`, `protocol` and `values`: by name, dicts of `value` and perhaps `real_baseline`.
    """
    path = os.path.join(workdir, EVALUATIONS)
    return read_metrics(path) if os.path.exists(path) else []


def curves(metrics: str, judged: list[dict[str, Any]], path: str) -> None:
    """Draws every loss term over the steps, one panel per player, and the first value of evaluations.

    Args:
        metrics: A metrics.jsonl; with fewer than two records nothing is drawn.
        judged: Records from `evaluations`.
        path: The PNG.
    """
    records = read_metrics(metrics) if os.path.exists(metrics) else []
    if len(records) < 2:
        return
    from matplotlib.figure import Figure

    terms = [name for name in records[-1] if "/" in name]
    players = list(dict.fromkeys(name.split("/")[0] for name in terms))
    count = len(players) + bool(judged)
    figure = Figure(figsize=(7, 2.5 * count), layout="constrained")
    panels = np.ravel(figure.subplots(count, sharex=True))
    if judged:
        _draw_evaluations(panels[-1], judged)
    for axes, player in zip(panels, players):
        for name in (name for name in terms if name.startswith(f"{player}/")):
            points = [(record["step"], record[name]) for record in records if name in record]
            axes.plot(*zip(*points), label=name.split("/")[1])
        axes.set(title=player, xlabel="step")
        axes.legend()
        axes.label_outer()
    with write_atomically(path, "wb") as file:
        figure.savefig(file, format="png", dpi=100)


def _draw_evaluations(axes, judged):
    """Draws the first value over the steps, and its real baseline."""
    name = next(iter(judged[0]["values"]))
    values = [record["values"][name] for record in judged]
    axes.plot([record["step"] for record in judged], [v["value"] for v in values], marker=".", label=name)
    if "real_baseline" in values[0]:
        axes.axhline(values[0]["real_baseline"], linestyle="--", color="grey", label="real_baseline")
    axes.set(title="evaluation", xlabel="step", ylim=(0, None))
    axes.legend()
