"""The seeds of a variant one after the other, each as a run of its own that `train` can resume."""

import time

import numpy as np

from gan_jax.checkpoints import checkpoint
from gan_jax.errors import Divergence, UsageError
from gan_jax.recipe import Recipe
from gan_jax.sampling import samples
from gan_jax.study.trials import Outcome
from gan_jax.training import report, train


def trained(recipe: Recipe, workdir: str, data_dir: str | None = None) -> Outcome | None:
    """Trains one run, or resumes it.

    Args:
        recipe: From `definition.trial`.
        workdir: Folder of the run; it keeps its checkpoints.
        data_dir: Folder of prepared TFDS data; None for TFDS's own.

    Returns:
        The Outcome, or None if a signal asked to stop.

    Raises:
        UsageError: A mistake in the recipe, or a run whose last evaluation failed.
    """
    interrupted, _ = checkpoint.read_recipe(workdir)
    began, diverged, steps = time.monotonic(), False, 0
    try:
        steps = train.run(recipe, workdir, data_dir)
    except Divergence:
        diverged = True
    evaluations = report.evaluations(workdir)
    finished = bool(evaluations) and evaluations[-1]["step"] == recipe.steps
    if not finished and not diverged:
        if steps == recipe.steps:
            raise UsageError(
                f"{workdir}: the last evaluation failed, so there is nothing to compare; see its log"
            )
        return None
    return Outcome(
        evaluations=[{"step": record["step"], "values": record["values"]} for record in evaluations],
        protocol=evaluations[-1]["protocol"] if evaluations else {},
        samples=None if diverged else _samples(workdir, recipe.grid_size),
        diverged=diverged,
        # The time of earlier starts is not recorded.
        seconds=None if interrupted else time.monotonic() - began,
    )


def _samples(workdir, count):
    """Samples of the last checkpoint."""
    with np.load(samples.run(workdir, num_images=count, trust=True)) as stored:
        return stored[stored.files[0]]  # Samples come before their conditions.
