"""The results of a variant's runs, over its seeds."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from gan_jax.errors import unknown
from gan_jax.metrics.direction import is_higher_better
from gan_jax.recipe import Recipe
from gan_jax.study.collapse import collapse_step
from gan_jax.study.trials import Outcome
from gan_jax.training import evaluating


class Spread(NamedTuple):
    """Numbers of several seeds.

    Attributes:
        mean: Their mean; None without any number.
        deviation: Their sample standard deviation (n - 1); None with fewer than two numbers.
        seeds: Count of the numbers.
    """

    mean: float | None
    deviation: float | None
    seeds: int


class Summary(NamedTuple):
    """The results of a variant.

    Attributes:
        seeds: Number of finished runs.
        diverged: Number of runs that were not finite at the end.
        curves: By measure, one list per seed of pairs of step and value.
        final: Spread by measure, at the last step.
        best: Spread by measure, of each run's best value at any step.
        real_baselines: By measure, the value of a perfect sampler.
        collapsed: Number of runs that lost half of their modes for good, see `collapse.collapse_step`; None
            if lower is better for the first measure.
        collapse_step: Spread of the steps at which they collapsed.
        seconds: Mean duration of a run; None if all runs were interrupted.
    """

    seeds: int
    diverged: int
    curves: dict[str, list[list[tuple[int, float]]]]
    final: dict[str, Spread]
    best: dict[str, Spread]
    real_baselines: dict[str, float]
    collapsed: int | None
    collapse_step: Spread
    seconds: float | None


class Difference(NamedTuple):
    """The difference of two means.

    Attributes:
        errors: The first minus the second, in standard errors of that difference.
        chance: Probability of a difference at least as large, in either direction, if there is none.
    """

    errors: float
    chance: float


def spread(values: Iterable[float | None]) -> Spread:
    """Mean and deviation of numbers.

    Args:
        values: Numbers; None for a seed without one.

    Returns:
        The Spread.
    """
    known = np.array([value for value in values if value is not None], float)
    mean = float(known.mean()) if known.size else None
    deviation = float(known.std(ddof=1)) if known.size > 1 else None
    return Spread(mean, deviation, known.size)


def difference(spread: Spread, other: Spread) -> Difference | None:
    """How far a mean is above another, and how surely.

    Welch's test (1947, Biometrika 34), for deviations that need not be equal.

    Args:
        spread: A Spread.
        other: Another.

    Returns:
        The Difference; None if a deviation is unknown or both are 0.
    """
    from scipy.stats import (
        ttest_ind_from_stats,
    )  # Imported here: it takes a second, which training need not wait.

    deviations = spread.deviation, other.deviation
    if None in deviations or not any(deviations):
        return None
    return Difference(*map(float, ttest_ind_from_stats(*spread, *other, equal_var=False)))


def due(recipe: Recipe) -> list[int]:
    """The steps at which a recipe is evaluated.

    Args:
        recipe: The Recipe.

    Returns:
        List of steps, including the last one.
    """
    return [step for step in range(1, recipe.steps + 1) if evaluating.due(recipe, step)]


def curve(outcome: Outcome, measure: str, steps: Sequence[int]) -> list[tuple[int, float]]:
    """A measure over the steps of a run.

    Once a run has diverged it draws nothing: a measure for which higher is better is 0 from there on; other
    measures have no value there.

    Args:
        outcome: The Outcome.
        measure: Name of a value.
        steps: Steps at which an evaluation was due.

    Returns:
        List of pairs of step and value.

    Raises:
        UsageError: The metrics have no value of that name.
    """
    check([measure], outcome)
    known = {record["step"]: float(record["values"][measure]["value"]) for record in outcome.evaluations}
    absent = 0.0 if outcome.diverged and is_higher_better(measure) else None
    pairs = [(step, known.get(step, absent)) for step in steps]
    return [(step, value) for step, value in pairs if value is not None]


def check(measures: Iterable[str], outcome: Outcome) -> None:
    """Makes sure that a run's evaluations have the measures.

    Args:
        measures: Names of values.
        outcome: The Outcome.

    Raises:
        UsageError: The metrics have no value of a measure's name.
    """
    for record in outcome.evaluations:
        for measure in measures:
            if measure not in record["values"]:
                raise unknown("measures", measure, record["values"])


def real_baselines(outcome: Outcome, measures: Iterable[str]) -> dict[str, float]:
    """The values of a perfect sampler: the expectation, if a metric computes it, else the value of real data.

    Args:
        outcome: The Outcome.
        measures: Names of values.

    Returns:
        Values by measure, for measures that have one.
    """
    values = outcome.evaluations[-1]["values"] if outcome.evaluations else {}
    expected = {
        name: values[f"{name}_of_perfect"]["value"] for name in measures if f"{name}_of_perfect" in values
    }
    real = {
        name: values[name]["real_baseline"] for name in measures if "real_baseline" in values.get(name, {})
    }
    return {**real, **expected}


def summarised(recipe: Recipe, outcomes: Sequence[Outcome], measures: Sequence[str]) -> Summary:
    """Summarises the runs of a variant.

    Args:
        recipe: The variant's Recipe.
        outcomes: Its Outcomes, at least one.
        measures: Names of values. The first one detects a collapse, if higher is better.

    Returns:
        The Summary.

    Raises:
        UsageError: The recipe's metrics have no value of a measure's name.
    """
    steps = due(recipe)
    curves = {name: [curve(outcome, name, steps) for outcome in outcomes] for name in measures}
    first, counts = measures[0], is_higher_better(measures[0])
    collapses = [collapse_step(pairs) if counts else None for pairs in curves[first]]
    return Summary(
        seeds=len(outcomes),
        diverged=sum(outcome.diverged for outcome in outcomes),
        curves=curves,
        final={name: spread(_last(pairs, recipe.steps) for pairs in curves[name]) for name in measures},
        best={name: spread(_best(pairs, name) for pairs in curves[name]) for name in measures},
        real_baselines=real_baselines(max(outcomes, key=lambda outcome: len(outcome.evaluations)), measures),
        collapsed=sum(step is not None for step in collapses) if counts else None,
        collapse_step=spread(collapses),
        seconds=spread(outcome.seconds for outcome in outcomes).mean,
    )


def _last(pairs, step):
    """The value at a step; None without one."""
    return dict(pairs).get(step)


def _best(pairs, measure):
    """The best value of a run; None without any."""
    choose = max if is_higher_better(measure) else min
    return choose((value for _, value in pairs), default=None)
