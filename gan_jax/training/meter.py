"""The scalars of a run on their way from the device to the report."""

import math
import time
from typing import Any

import jax
import numpy as np

from gan_jax.errors import Divergence
from gan_jax.recipe import Recipe


class Meter:
    """The scalars of the steps since the last log line, and the duration of these steps.

    The device runs ahead of the host, so scalars are read only when a line is due, and then all of them.
    """

    def __init__(self, recipe: Recipe, samples: int, reporter: Any) -> None:
        self.recipe, self.reporter = recipe, reporter
        self.pending: list[dict[str, jax.Array]] = []
        self.since, self.timed = 0.0, 0
        self.compiled: set[int] = set()
        self.samples = samples  # Per step.

    def add(self, count: int, scalars: dict[str, jax.Array]) -> None:
        """Takes the scalars [count] of the steps of one call, which are still on the device."""
        self.pending.append(scalars)
        self.reporter.advance(count)
        if count in self.compiled:
            self.timed += count
            return
        # The first call of so many steps compiles, so the clock starts after it.
        self.compiled.add(count)
        jax.block_until_ready(scalars)
        self.since, self.timed = time.perf_counter(), 0

    def flush(self, done: int) -> None:
        """Reports the mean of every scalar since the last flush.

        Args:
            done: Steps taken.

        Raises:
            Divergence: A scalar is not finite; names its step and term.
        """
        if not self.pending:
            return
        calls = jax.device_get(self.pending)
        values = {name: np.concatenate([scalars[name] for scalars in calls]) for name in calls[0]}
        _check_finite(values, done)
        now = time.perf_counter()
        per_second = self.timed / (now - self.since) if self.timed else 0.0
        left = (self.recipe.steps - done) / per_second if per_second else 0.0
        means = {name: float(np.mean(value, dtype=np.float64)) for name, value in values.items()}
        self.reporter.scalars(done, means, per_second * self.samples, left)
        self.pending, self.since, self.timed = [], now, 0


def _check_finite(values, done):
    """Raises a Divergence for the first step of the last ones that has a scalar which is not finite."""
    for place, scalars in enumerate(zip(*values.values())):
        for name, value in zip(values, scalars):
            if not math.isfinite(value):
                first = done - len(values[name]) + 1
                raise Divergence(f"step {first + place}: {name} is {value}")
