"""Means, spreads, best and final values, and collapses, by hand."""

import numpy as np
import pytest
from scipy.stats import t

from gan_jax.errors import UsageError
from gan_jax.study import summary
from gan_jax.study.summary import Spread
from gan_jax.study.trials import Outcome

MEASURES = ("captured_modes", "uniform_modes_kl")


def _outcome(modes, divergences, diverged=False, seconds=2.0):
    evaluations = [
        {
            "step": 10 * (number + 1),
            "values": {
                "captured_modes": {"value": captured, "real_baseline": 8.0},
                "uniform_modes_kl": {"value": divergence, "real_baseline": 0.5},
                "uniform_modes_kl_of_perfect": {"value": 0.25, "real_baseline": 0.25},
            },
        }
        for number, (captured, divergence) in enumerate(zip(modes, divergences))
    ]
    return Outcome(evaluations, {}, None, diverged, seconds)


@pytest.fixture
def recipe(tiny):
    return tiny(steps=35, eval_every=10)


def test_spread_by_hand():
    # Deviations -1, -1, 2 of the mean 3: the root of 6 over 2.
    assert summary.spread([2, 2, None, 5]) == Spread(3.0, pytest.approx(3**0.5), 3)
    assert summary.spread([7.0]) == Spread(7.0, None, 1)
    assert summary.spread([None]) == Spread(None, None, 0)


def test_difference_by_hand():
    # A difference of 2, and a variance of 1 / 4 + 4 / 4; degrees of freedom are 1.25^2 / (0.25^2 / 3 + 1 / 3).
    result = summary.difference(Spread(3.0, 1.0, 4), Spread(1.0, 2.0, 4))
    assert result.errors == pytest.approx(2 / 1.25**0.5)
    assert result.chance == pytest.approx(2 * t.sf(2 / 1.25**0.5, 1.25**2 / (0.25**2 / 3 + 1 / 3)))
    reverse = summary.difference(Spread(1.0, 2.0, 4), Spread(3.0, 1.0, 4))
    assert (reverse.errors, reverse.chance) == pytest.approx((-result.errors, result.chance))
    # Only one has a deviation: the degrees of freedom are its own.
    certain = summary.difference(Spread(3.0, 0.0, 4), Spread(1.0, 2.0, 4))
    assert certain == pytest.approx((2.0, 2 * t.sf(2.0, 3)))
    assert summary.difference(Spread(3.0, 0.0, 4), Spread(1.0, 0.0, 4)) is None
    assert summary.difference(Spread(3.0, None, 1), Spread(1.0, 2.0, 4)) is None
    assert summary.difference(Spread(None, None, 0), Spread(None, None, 0)) is None


def test_chance_is_how_often_equal_means_differ_as_much():
    random, chances = np.random.default_rng(0), []
    for _ in range(2_000):
        one, other = random.normal(size=4), 3 * random.normal(size=4)
        chances.append(summary.difference(summary.spread(one), summary.spread(other)).chance)
    # Within five standard errors; Welch's degrees of freedom are an approximation.
    assert np.mean(np.array(chances) < 0.2) == pytest.approx(0.2, abs=0.045)


def test_due(tiny, recipe):
    assert summary.due(recipe) == [10, 20, 30, 35]
    assert summary.due(tiny(steps=20, eval_every=10)) == [10, 20]
    assert summary.due(tiny(steps=5, eval_every=10)) == [5]


def test_a_perfect_one_a_collapsed_one_and_a_diverged_one(tiny):
    recipe = tiny(steps=40, eval_every=10)
    outcomes = [
        _outcome([8, 8, 8, 8], [1.0, 0.5, 0.25, 0.75]),
        _outcome([8, 7, 3, 2], [1.0, 2.0, 3.0, 4.0]),
        _outcome([6], [1.5], diverged=True, seconds=None),
    ]
    result = summary.summarised(recipe, outcomes, MEASURES)
    assert (result.seeds, result.diverged, result.collapsed) == (3, 1, 2)
    # Lost at 30 and, with the run itself, at 20.
    assert result.collapse_step == Spread(25.0, pytest.approx(50**0.5), 2)
    assert result.curves["captured_modes"][2] == [(10, 6.0), (20, 0.0), (30, 0.0), (40, 0.0)]
    assert result.curves["uniform_modes_kl"][2] == [(10, 1.5)]
    # Of 8, 2 and 0; of 8, 8 and 6.
    assert result.final["captured_modes"] == Spread(pytest.approx(10 / 3), pytest.approx((52 / 3) ** 0.5), 3)
    assert result.best["captured_modes"] == Spread(pytest.approx(22 / 3), pytest.approx((4 / 3) ** 0.5), 3)
    # Of 0.75 and 4, the diverged one having none; less is better.
    assert result.final["uniform_modes_kl"] == Spread(2.375, pytest.approx(3.25 / 2**0.5), 2)
    assert result.best["uniform_modes_kl"].mean == pytest.approx((0.25 + 1.0 + 1.5) / 3)
    # The expectation takes precedence over the divergence of held-out points.
    assert result.real_baselines == {"captured_modes": 8.0, "uniform_modes_kl": 0.25}
    # The duration of the interrupted run is unknown.
    assert result.seconds == 2.0


def test_none_is_finite(tiny):
    result = summary.summarised(tiny(steps=10, eval_every=10), [Outcome([], {}, None, True, 1.0)], MEASURES)
    assert (result.diverged, result.collapsed, result.real_baselines) == (1, 0, {})
    assert result.final["captured_modes"] == Spread(0.0, None, 1)
    assert result.final["uniform_modes_kl"] == result.best["uniform_modes_kl"] == Spread(None, None, 0)


def test_less_of_a_divergence_is_no_collapse(tiny):
    outcome = _outcome([8, 8, 8], [4.0, 1.0, 1.0])
    result = summary.summarised(tiny(steps=30, eval_every=10), [outcome], ("uniform_modes_kl",))
    assert result.collapsed is None and result.collapse_step.mean is None


def test_an_evaluation_that_is_missing_is_not_filled_in():
    broken = _outcome([6, 7], [1.5, 1.0])
    assert summary.curve(broken, "captured_modes", [10, 15, 20]) == [(10, 6.0), (20, 7.0)]


def test_unknown_measure(recipe):
    with pytest.raises(UsageError, match="measures: unknown name 'captured'; did you mean captured_modes"):
        summary.summarised(recipe, [_outcome([8], [1.0])], ("captured",))
