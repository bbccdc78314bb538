"""The scalars of a run on their way from the device to the report."""

import math
import time
from typing import Any

import jax

from gan_jax.errors import Divergence
from gan_jax.recipe import Recipe


class Meter:
    """The scalars of the steps since the last log line, and the duration of these steps.

    The device runs ahead of the host, so scalars are read only when a line is due, and then all of them.
    """

    def __init__(self, recipe: Recipe, reporter: Any) -> None:
        self.recipe, self.reporter = recipe, reporter
        self.pending: list[tuple[int, dict[str, jax.Array]]] = []
        self.since: float | None = None
        self.timed = 0
        self.samples = recipe.samples_per_step

    def add(self, step: int, scalars: dict[str, jax.Array]) -> None:
        """Takes the scalars of one step, which are still on the device."""
        self.pending.append((step, scalars))
        self.reporter.advance()
        if self.since is None:
            # The first step compiles, so its time is not counted.
            jax.block_until_ready(scalars)
            self.since = time.perf_counter()
        else:
            self.timed += 1

    def flush(self) -> None:
        """Reports the mean of every scalar since the last flush.

        Raises:
            Divergence: A scalar is not finite; names its step and term.
        """
        if not self.pending or self.since is None:
            return
        values = jax.device_get([scalars for _, scalars in self.pending])
        for (step, _), scalars in zip(self.pending, values):
            for name, value in scalars.items():
                if not math.isfinite(value):
                    raise Divergence(f"step {step}: {name} is {value}")
        now = time.perf_counter()
        per_second = self.timed / (now - self.since) if self.timed else 0.0
        step = self.pending[-1][0]
        left = (self.recipe.steps - step) / per_second if per_second else 0.0
        means = {name: float(sum(s[name] for s in values) / len(values)) for name in values[0]}
        self.reporter.scalars(step, means, per_second * self.samples, left)
        self.pending, self.since, self.timed = [], now, 0
