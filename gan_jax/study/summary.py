"""What came of a variant's runs, over its seeds."""

import math
from typing import NamedTuple

import numpy as np

from gan_jax.collapse import collapse_step
from gan_jax.errors import unknown
from gan_jax.metrics import HIGHER_IS_BETTER


class Spread(NamedTuple):
    """Numbers of several seeds.

    Attributes:
        mean: Their mean; None without any.
        deviation: Their standard deviation, of a sample (n - 1); None with fewer than two.
        seeds: How many.
    """

    mean: float | None
    deviation: float | None
    seeds: int


class Summary(NamedTuple):
    """A variant.

    Attributes:
        seeds: Runs that are finished.
        diverged: How many of them were not finite at the end.
        curves: By measure, one list a seed of pairs of step and value.
        final: Spread by measure, at the last step.
        best: Spread by measure, of each run's best value, wherever it was.
        floors: By measure, what a perfect sampler has.
        collapsed: How many runs lost half of their modes for good: see `collapse.collapse_step`.
        collapse_step: Spread of the steps at which they did.
        seconds: That a run took, on average.
    """

    seeds: int
    diverged: int
    curves: dict
    final: dict
    best: dict
    floors: dict
    collapsed: int
    collapse_step: Spread
    seconds: float


def spread(values):
    """Mean and deviation of numbers.

    Args:
        values: Numbers; None stands for a seed that has none.

    Returns:
        The Spread.
    """
    known = np.array([value for value in values if value is not None], float)
    mean = float(known.mean()) if known.size else None
    deviation = float(known.std(ddof=1)) if known.size > 1 else None
    return Spread(mean, deviation, known.size)


def standard_errors(spread, other):
    """How far a mean is above another, in standard errors of the difference.

    Welch 1947, Biometrika 34: its t, for deviations that need not be equal. With eight seeds each, chance
    alone comes to 2.2 or more, one way or the other, once in twenty times.

    Args:
        spread: A Spread.
        other: Another.

    Returns:
        The number; None where a deviation is not known or neither spreads.
    """
    if spread.deviation is None or other.deviation is None:
        return None
    variance = spread.deviation**2 / spread.seeds + other.deviation**2 / other.seeds
    return (spread.mean - other.mean) / math.sqrt(variance) if variance else None


def due(recipe):
    """The steps at which a recipe is evaluated.

    Args:
        recipe: The Recipe.

    Returns:
        List of steps, the last one among them.
    """
    return [*range(recipe.eval_every, recipe.steps, recipe.eval_every), recipe.steps]


def curve(outcome, measure, steps):
    """A measure over the steps of a run.

    Once a run is not finite it draws nothing: a measure of which more is better is 0 from there on, and
    another one is left out.

    Args:
        outcome: The Outcome.
        measure: Name of a value.
        steps: Steps at which it was due.

    Returns:
        List of pairs of step and value.
    """
    seen = {record["step"]: record["values"] for record in outcome.evaluations}
    for values in seen.values():
        if measure not in values:
            raise unknown("measures", measure, values)
    known = {step: float(values[measure]["value"]) for step, values in seen.items()}
    absent = 0.0 if measure in HIGHER_IS_BETTER else None
    pairs = [(step, known.get(step, absent)) for step in steps]
    return [(step, value) for step, value in pairs if value is not None]


def floors(outcome, measures):
    """What a perfect sampler has: what it is expected to, where a metric says so, else what real data have.

    Args:
        outcome: The Outcome.
        measures: Names of values.

    Returns:
        Dict of floors by measure, of those that have one.
    """
    values = outcome.evaluations[-1]["values"] if outcome.evaluations else {}
    expected = {
        name: values[f"{name}_of_perfect"]["value"] for name in measures if f"{name}_of_perfect" in values
    }
    real = {name: values[name]["floor"] for name in measures if "floor" in values.get(name, {})}
    return {**real, **expected}


def summarised(recipe, outcomes, measures):
    """A variant's runs as one.

    Args:
        recipe: The variant's Recipe.
        outcomes: Its Outcomes, at least one.
        measures: Names of values, the first of which counts modes.

    Returns:
        The Summary.

    Raises:
        UsageError: The recipe's metrics have no value of a measure's name.
    """
    steps = due(recipe)
    curves = {name: [curve(outcome, name, steps) for outcome in outcomes] for name in measures}
    collapses = [collapse_step(pairs) for pairs in curves[measures[0]]]
    return Summary(
        seeds=len(outcomes),
        diverged=sum(not o.evaluations or o.evaluations[-1]["step"] < recipe.steps for o in outcomes),
        curves=curves,
        final={name: spread(_last(pairs, recipe.steps) for pairs in curves[name]) for name in measures},
        best={name: spread(_best(pairs, name) for pairs in curves[name]) for name in measures},
        floors=floors(max(outcomes, key=lambda outcome: len(outcome.evaluations)), measures),
        collapsed=sum(step is not None for step in collapses),
        collapse_step=spread(collapses),
        seconds=float(np.mean([outcome.seconds for outcome in outcomes])),
    )


def _last(pairs, step):
    """The value at a step, None without one."""
    return dict(pairs).get(step)


def _best(pairs, measure):
    """The best value of a run, None without any."""
    choose = max if measure in HIGHER_IS_BETTER else min
    return choose((value for _, value in pairs), default=None)
