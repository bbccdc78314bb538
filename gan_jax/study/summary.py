"""What came of a variant's runs, over its seeds."""

from typing import NamedTuple

import numpy as np

from gan_jax.errors import unknown
from gan_jax.metrics import HIGHER_IS_BETTER
from gan_jax.study.collapse import collapse_step
from gan_jax.training import evaluating


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
        collapsed: How many runs lost half of their modes for good, see `collapse.collapse_step`; None if less
            of the first measure is better.
        collapse_step: Spread of the steps at which they did.
        seconds: That a run took, on average; None where all were interrupted.
    """

    seeds: int
    diverged: int
    curves: dict
    final: dict
    best: dict
    real_baselines: dict
    collapsed: int | None
    collapse_step: Spread
    seconds: float | None


class Difference(NamedTuple):
    """Of two means.

    Attributes:
        errors: The one minus the other, in standard errors of that difference.
        chance: Of so large a difference, one way or the other, where there is none.
    """

    errors: float
    chance: float


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


def difference(spread, other):
    """How far a mean is above another, and how surely.

    Welch's test (1947, Biometrika 34), for deviations that need not be equal.

    Args:
        spread: A Spread.
        other: Another.

    Returns:
        The Difference; None where a deviation is not known or neither spreads.
    """
    from scipy.stats import ttest_ind_from_stats  # Here, since it takes a second that training need not wait.

    deviations = spread.deviation, other.deviation
    if None in deviations or not any(deviations):
        return None
    return Difference(*map(float, ttest_ind_from_stats(*spread, *other, equal_var=False)))


def due(recipe):
    """The steps at which a recipe is evaluated.

    Args:
        recipe: The Recipe.

    Returns:
        List of steps, the last one among them.
    """
    return [step for step in range(1, recipe.steps + 1) if evaluating.due(recipe, step)]


def curve(outcome, measure, steps):
    """A measure over the steps of a run.

    Once a run has diverged it draws nothing: a measure of which more is better is 0 from there on, and
    another one is left out.

    Args:
        outcome: The Outcome.
        measure: Name of a value.
        steps: Steps at which it was due.

    Returns:
        List of pairs of step and value.

    Raises:
        UsageError: Its metrics have no value of that name.
    """
    check([measure], outcome)
    known = {record["step"]: float(record["values"][measure]["value"]) for record in outcome.evaluations}
    absent = 0.0 if outcome.diverged and measure in HIGHER_IS_BETTER else None
    pairs = [(step, known.get(step, absent)) for step in steps]
    return [(step, value) for step, value in pairs if value is not None]


def check(measures, outcome):
    """Makes sure that a run was evaluated by what is to be compared.

    Args:
        measures: Names of values.
        outcome: The Outcome.

    Raises:
        UsageError: Its metrics have no value of a measure's name.
    """
    for record in outcome.evaluations:
        for measure in measures:
            if measure not in record["values"]:
                raise unknown("measures", measure, record["values"])


def real_baselines(outcome, measures):
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
    real = {
        name: values[name]["real_baseline"] for name in measures if "real_baseline" in values.get(name, {})
    }
    return {**real, **expected}


def summarised(recipe, outcomes, measures):
    """A variant's runs as one.

    Args:
        recipe: The variant's Recipe.
        outcomes: Its Outcomes, at least one.
        measures: Names of values. A run that loses the first one, if more of it is better, has collapsed.

    Returns:
        The Summary.

    Raises:
        UsageError: The recipe's metrics have no value of a measure's name.
    """
    steps = due(recipe)
    curves = {name: [curve(outcome, name, steps) for outcome in outcomes] for name in measures}
    first, counts = measures[0], measures[0] in HIGHER_IS_BETTER
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
    """The value at a step, None without one."""
    return dict(pairs).get(step)


def _best(pairs, measure):
    """The best value of a run, None without any."""
    choose = max if measure in HIGHER_IS_BETTER else min
    return choose((value for _, value in pairs), default=None)
