"""The reports of a run: log lines, metrics.jsonl, TensorBoard, grids of samples, loss curves."""

import contextlib
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from gan_jax import images
from gan_jax import recipe as recipe_lib
from gan_jax.runtime.files import write_atomically

log = logging.getLogger("gan_jax")

METRICS = "metrics.jsonl"
EVALUATIONS = "evaluations.jsonl"
ALERTS = "alerts.jsonl"


class Report:
    """The files of a workdir that people read.

    Attributes:
        workdir: Folder of the run.
        recipe: Its Recipe.
        writer: The Events, for TensorBoard.
        bar: A progress bar; does nothing if stderr is not a terminal.
    """

    def __init__(self, workdir: str, recipe: recipe_lib.Recipe, unit: str, first: int) -> None:
        from tqdm import tqdm

        from gan_jax.training.tensorboard import Events

        self.workdir, self.recipe, self.unit = workdir, recipe, unit
        for name in (METRICS, EVALUATIONS, ALERTS):
            _drop_after(os.path.join(workdir, name), first)
        # The suffix keeps apart two event files of the same second.
        self.writer = Events(workdir, purge_step=first + 1, suffix=f".{os.getpid()}.{first}")
        terminal = sys.stderr.isatty()
        self.bar = tqdm(total=recipe.steps, initial=first, unit="step", disable=not terminal, leave=False)
        if first == 0:
            self._hyperparameters()

    @property
    def _metrics(self):
        return os.path.join(self.workdir, METRICS)

    def _hyperparameters(self):
        """Writes the recipe for TensorBoard's HPARAMS tab, into the run's own event file."""
        from tensorboardX import summary

        flat = recipe_lib.flatten(recipe_lib.to_dict(self.recipe))
        kept = {k: v if isinstance(v, (int, float, str, bool)) else json.dumps(v) for k, v in flat.items()}
        for record in summary.hparams(kept, {}):
            self.writer.add_summary(record)

    def advance(self, steps: int) -> None:
        """Moves the progress bar."""
        self.bar.update(steps)

    def scalars(
        self, step: int, values: Mapping[str, float], samples_per_second: float, seconds_left: float
    ) -> None:
        """Writes the mean of each scalar since the last call.

        Args:
            step: Finished training steps.
            values: Means by name.
            samples_per_second: Real samples per second since the last call.
            seconds_left: Time until the end of the run at this speed.
        """
        record = {"step": step, **values, "samples_per_second": round(samples_per_second, 1)}
        with open(self._metrics, "a") as file:
            file.write(json.dumps(record) + "\n")
        for name, value in [*values.items(), ("samples_per_second", samples_per_second)]:
            self.writer.add_scalar(name, value, step)
        self.writer.flush()
        terms = "  ".join(f"{name} {value:.4f}" for name, value in values.items())
        minutes, seconds = divmod(round(seconds_left), 60)
        speed = f"{samples_per_second:,.0f} {self.unit}/s  {minutes}:{seconds:02d} left"
        log.info("step %d/%d  %s  %s", step, self.recipe.steps, terms, speed)

    def evaluation(
        self, step: int, judged: Mapping[str, Mapping[str, float]], protocol: Mapping[str, Any]
    ) -> None:
        """Writes the metrics of the samples at a step.

        Args:
            step: Finished training steps.
            judged: By name of a value, a dict of `value` and perhaps `real_baseline`.
            protocol: How the values were computed; stored beside them.
        """
        with open(os.path.join(self.workdir, EVALUATIONS), "a") as file:
            file.write(json.dumps({"step": step, "values": judged, "protocol": protocol}) + "\n")
        for name, value in judged.items():
            self.writer.add_scalar(f"evaluation/{name}", value["value"], step)
        real_baselines = {
            name: f" (real baseline {value['real_baseline']:.4g})" if "real_baseline" in value else ""
            for name, value in judged.items()
        }
        values = "  ".join(
            f"{name} {value['value']:.4g}{real_baselines[name]}" for name, value in judged.items()
        )
        log.info("step %d/%d  evaluation: %s", step, self.recipe.steps, values)

    def alerts(self, step: int, numbers: Mapping[str, Mapping[str, float]], lines: list[str]) -> None:
        """Writes diagnostics and alerts.

        Args:
            step: Finished training steps.
            numbers: Numbers by subject and name.
            lines: New alerts.
        """
        with open(os.path.join(self.workdir, ALERTS), "a") as file:
            file.write(json.dumps({"step": step, **numbers, "lines": lines}) + "\n")
        for subject, values in numbers.items():
            for name, value in values.items():
                self.writer.add_scalar(f"diagnostics/{subject}/{name}", value, step)
        for number, line in enumerate(lines):
            log.warning("step %d/%d  alert: %s", step, self.recipe.steps, line)
            self.writer.add_text(f"diagnostics/{number}", line, step)

    def grid(self, step: int, make: Callable[[], np.ndarray]) -> None:
        """Writes a picture of samples as PNG and to TensorBoard.

        Args:
            step: Finished training steps.
            make: Function without arguments that returns the picture, uint8 [H, W, C].
        """
        picture = make()
        images.save(os.path.join(self.workdir, "grids", f"step_{step:07d}.png"), picture)
        self.writer.add_image("samples", picture, step)

    def close(self) -> None:
        """Draws the loss curves and closes the event file."""
        self.bar.close()
        self.writer.close()
        curves(self._metrics, evaluations(self.workdir), os.path.join(self.workdir, "curves.png"))


class Silence:
    """The Report of all processes except the first: it makes and writes nothing."""

    def _ignore(self, *arguments):
        pass

    advance = scalars = evaluation = alerts = grid = _ignore


@contextlib.contextmanager
def opened(workdir: str, recipe: recipe_lib.Recipe, unit: str, first: int) -> Iterator[Report]:
    """A Report that is closed on leaving, also after an exception.

    Args:
        workdir: Folder of the run; it exists.
        recipe: The Recipe.
        first: Training steps finished before this start; records of later steps are dropped.

    Yields:
        The Report.
    """
    from tqdm.contrib.logging import logging_redirect_tqdm

    report = Report(workdir, recipe, unit, first)
    redirected = logging_redirect_tqdm([log]) if sys.stderr.isatty() else contextlib.nullcontext()
    with redirected:
        try:
            yield report
        except BaseException:
            with contextlib.suppress(OSError):  # The first error matters.
                report.close()
            raise
        report.close()


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
    figure.savefig(path, dpi=100)


def _draw_evaluations(axes, judged):
    """Draws the first value over the steps, and its real baseline."""
    name = next(iter(judged[0]["values"]))
    values = [record["values"][name] for record in judged]
    axes.plot([record["step"] for record in judged], [v["value"] for v in values], marker=".", label=name)
    if "real_baseline" in values[0]:
        axes.axhline(values[0]["real_baseline"], linestyle="--", color="grey", label="real_baseline")
    axes.set(title="evaluation", xlabel="step", ylim=(0, None))
    axes.legend()
