"""What a run tells people: log lines, metrics.jsonl, TensorBoard, image grids, loss curves."""

import contextlib
import json
import logging
import os
import sys

import numpy as np

from gan_jax import images
from gan_jax import recipe as recipe_lib

log = logging.getLogger("gan_jax")

EVALUATIONS = "evaluations.jsonl"
ALERTS = "alerts.jsonl"


class Report:
    """The files of a workdir that people read.

    Attributes:
        workdir: Folder of the run.
        recipe: Its Recipe.
        writer: The Events, for TensorBoard.
        bar: A progress bar; does nothing where stderr is no terminal.
    """

    def __init__(self, workdir, recipe, first):
        from tqdm import tqdm

        from gan_jax.training.tensorboard import Events

        self.workdir, self.recipe = workdir, recipe
        for name in ("metrics.jsonl", EVALUATIONS, ALERTS):
            _forget_after(os.path.join(workdir, name), first)
        # Two event files of one second would destroy each other but for the suffix.
        self.writer = Events(workdir, purge_step=first + 1, suffix=f".{os.getpid()}.{first}")
        terminal = sys.stderr.isatty()
        self.bar = tqdm(total=recipe.steps, initial=first, unit="step", disable=not terminal, leave=False)
        if first == 0:
            self._hyperparameters()

    @property
    def _metrics(self):
        return os.path.join(self.workdir, "metrics.jsonl")

    def _hyperparameters(self):
        """The recipe's numbers and names for TensorBoard's HPARAMS tab, in the run's own event file."""
        from tensorboardX import summary

        flat = recipe_lib.flatten(recipe_lib.to_dict(self.recipe))
        kept = {k: v if isinstance(v, (int, float, str, bool)) else json.dumps(v) for k, v in flat.items()}
        for record in summary.hparams(kept, {}):
            self.writer.add_summary(record)

    def advance(self):
        """Moves the progress bar on by a round."""
        self.bar.update()

    def scalars(self, step, values, images_per_second, seconds_left):
        """Writes the mean of each scalar since the last call.

        Args:
            step: Rounds played.
            values: Dict of float.
            images_per_second: Real images a second since the last call.
            seconds_left: Until the end of the run, at this speed.
        """
        record = {"step": step, **values, "images_per_second": round(images_per_second, 1)}
        with open(self._metrics, "a") as file:
            file.write(json.dumps(record) + "\n")
        for name, value in [*values.items(), ("images_per_second", images_per_second)]:
            self.writer.add_scalar(name, value, step)
        self.writer.flush()
        terms = "  ".join(f"{name} {value:.4f}" for name, value in values.items())
        minutes, seconds = divmod(round(seconds_left), 60)
        speed = f"{images_per_second:,.0f} images/s  {minutes}:{seconds:02d} left"
        log.info("step %d/%d  %s  %s", step, self.recipe.steps, terms, speed)

    def evaluation(self, step, judged, protocol):
        """Writes what metrics say of the images at a step.

        Args:
            step: Rounds played.
            judged: By name of a value, a dict of `value` and perhaps `real_baseline`.
            protocol: What belongs beside these values.
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

    def alerts(self, step, numbers, said):
        """Writes how the run is doing.

        Args:
            step: Rounds played.
            numbers: Dict of float by subject and name.
            said: Lines that people should read now.
        """
        with open(os.path.join(self.workdir, ALERTS), "a") as file:
            file.write(json.dumps({"step": step, **numbers, "said": said}) + "\n")
        for subject, values in numbers.items():
            for name, value in values.items():
                self.writer.add_scalar(f"diagnostics/{subject}/{name}", value, step)
        for number, line in enumerate(said):
            log.warning("step %d/%d  alert: %s", step, self.recipe.steps, line)
            self.writer.add_text(f"diagnostics/{number}", line, step)

    def grid(self, step, make):
        """Writes a picture of generated images as PNG and to TensorBoard.

        Args:
            step: Rounds played.
            make: Function of nothing to the picture, uint8 [H, W, C].
        """
        picture = make()
        images.save(os.path.join(self.workdir, "grids", f"step_{step:07d}.png"), picture)
        self.writer.add_image("samples", picture, step)

    def close(self):
        """Draws the loss curves and closes the event file."""
        self.bar.close()
        self.writer.close()
        curves(self._metrics, evaluations(self.workdir), os.path.join(self.workdir, "curves.png"))


class Silence:
    """The Report of every process but the first: nothing is made and nothing written."""

    def _nothing(self, *said):
        pass

    advance = scalars = evaluation = alerts = grid = _nothing


@contextlib.contextmanager
def opened(workdir, recipe, first):
    """A Report that is closed on leaving, also by an exception.

    Args:
        workdir: Folder of the run; it exists.
        recipe: The Recipe.
        first: Rounds played before this start; what earlier starts wrote about later rounds is dropped.

    Yields:
        The Report.
    """
    from tqdm.contrib.logging import logging_redirect_tqdm

    report = Report(workdir, recipe, first)
    redirected = logging_redirect_tqdm([log]) if sys.stderr.isatty() else contextlib.nullcontext()
    with redirected:
        try:
            yield report
        except BaseException:
            with contextlib.suppress(OSError):  # What went wrong first is what people must know.
                report.close()
            raise
        report.close()


def _forget_after(path, step):
    """Drops what metrics.jsonl says of later steps, and a last line that a kill has cut short."""
    if os.path.exists(path):
        kept = [record for record in read_metrics(path) if record["step"] <= step]
        with open(f"{path}.tmp", "w") as file:
            file.writelines(json.dumps(record) + "\n" for record in kept)
        os.replace(f"{path}.tmp", path)


def read_metrics(path):
    """Records of a metrics.jsonl, without a last line that was cut short, and others that are no records.

    Args:
        path: The file.

    Returns:
        List of dicts, each with `step` and scalars.
    """
    records = []
    with open(path, errors="replace") as file:
        for line in file:
            with contextlib.suppress(json.JSONDecodeError):
                records.append(json.loads(line))
    return [record for record in records if isinstance(record, dict) and "step" in record]


def evaluations(workdir):
    """What `Report.evaluation` wrote, in earlier starts too.

    Args:
        workdir: Folder of a run.

    Returns:
        List of dicts of `step`, `protocol`, and `values`: by name, dicts of `value` and perhaps `real_baseline`.
    """
    path = os.path.join(workdir, EVALUATIONS)
    return read_metrics(path) if os.path.exists(path) else []


def curves(metrics, judged, path):
    """Draws every loss term over the steps, one panel a player, and the first value of evaluations.

    Args:
        metrics: A metrics.jsonl; nothing is drawn without two records.
        judged: Records, as `evaluations` reads them.
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
    """The first value over the steps, and its floor."""
    name = next(iter(judged[0]["values"]))
    values = [record["values"][name] for record in judged]
    axes.plot([record["step"] for record in judged], [v["value"] for v in values], marker=".", label=name)
    if "real_baseline" in values[0]:
        axes.axhline(values[0]["real_baseline"], linestyle="--", color="grey", label="real_baseline")
    axes.set(title="evaluation", xlabel="step", ylim=(0, None))
    axes.legend()
