"""The scalars of a run between the device and its report."""

import math
import time

import jax

from gan_jax.errors import Divergence


class Meter:
    """Scalars of the steps since the last log line, and how long they took.

    The device runs ahead: scalars are looked at only when a line is due, and all of them then.
    """

    def __init__(self, recipe, reporter):
        self.recipe, self.reporter = recipe, reporter
        self.pending, self.since, self.timed = [], None, 0
        self.images = recipe.samples_per_step

    def add(self, step, scalars):
        """Takes the scalars of one step, still on the device."""
        self.pending.append((step, scalars))
        self.reporter.advance()
        if self.since is None:
            # The first step compiles; its time says nothing about the others.
            jax.block_until_ready(scalars)
            self.since = time.perf_counter()
        else:
            self.timed += 1

    def flush(self):
        """Reports the mean of every scalar since the last time.

        Raises:
            Divergence: Names the first step and term that is not finite.
        """
        if not self.pending:
            return
        seen = jax.device_get([scalars for _, scalars in self.pending])
        for (step, _), scalars in zip(self.pending, seen):
            for name, value in scalars.items():
                if not math.isfinite(value):
                    raise Divergence(f"step {step}: {name} is {value}")
        now = time.perf_counter()
        per_second = self.timed / (now - self.since) if self.timed else 0.0
        step = self.pending[-1][0]
        left = (self.recipe.steps - step) / per_second if per_second else 0.0
        means = {name: float(sum(s[name] for s in seen) / len(seen)) for name in seen[0]}
        self.reporter.scalars(step, means, per_second * self.images, left)
        self.pending, self.since, self.timed = [], now, 0
