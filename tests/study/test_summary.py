"""Means, spreads, best and final values, and collapses, by hand."""

import pytest

from gan_jax.errors import UsageError
from gan_jax.study import summary
from gan_jax.study.cells import Outcome
from gan_jax.study.summary import Spread

MEASURES = ("captured_modes", "uniform_modes_kl")


def _outcome(modes, divergences):
    evaluations = [
        {
            "step": 10 * (number + 1),
            "values": {
                "captured_modes": {"value": captured, "floor": 8.0},
                "uniform_modes_kl": {"value": divergence, "floor": 0.5},
                "uniform_modes_kl_of_perfect": {"value": 0.25, "floor": 0.25},
            },
        }
        for number, (captured, divergence) in enumerate(zip(modes, divergences))
    ]
    return Outcome(evaluations, {}, None, 2.0)


@pytest.fixture
def recipe(tiny):
    return tiny(steps=35, eval_every=10)


def test_spread_by_hand():
    # Deviations -1, -1, 2 of the mean 3: the root of 6 over 2.
    assert summary.spread([2, 2, None, 5]) == Spread(3.0, pytest.approx(3**0.5), 3)
    assert summary.spread([7.0]) == Spread(7.0, None, 1)
    assert summary.spread([None]) == Spread(None, None, 0)


def test_standard_errors_by_hand():
    # A difference of 2, and a variance of 1 / 4 + 4 / 4.
    errors = summary.standard_errors(Spread(3.0, 1.0, 4), Spread(1.0, 2.0, 4))
    assert errors == pytest.approx(2 / 1.25**0.5)
    assert summary.standard_errors(Spread(1.0, 2.0, 4), Spread(3.0, 1.0, 4)) == -errors
    assert summary.standard_errors(Spread(3.0, 0.0, 4), Spread(1.0, 0.0, 4)) is None
    assert summary.standard_errors(Spread(3.0, None, 1), Spread(1.0, 2.0, 4)) is None


def test_due(tiny, recipe):
    assert summary.due(recipe) == [10, 20, 30, 35]
    assert summary.due(tiny(steps=20, eval_every=10)) == [10, 20]
    assert summary.due(tiny(steps=5, eval_every=10)) == [5]


def test_a_perfect_one_a_collapsed_one_and_a_diverged_one(tiny):
    recipe = tiny(steps=40, eval_every=10)
    outcomes = [
        _outcome([8, 8, 8, 8], [1.0, 0.5, 0.25, 0.75]),
        _outcome([8, 7, 3, 2], [1.0, 2.0, 3.0, 4.0]),
        _outcome([6], [1.5]),
    ]
    found = summary.summarised(recipe, outcomes, MEASURES)
    assert (found.seeds, found.diverged, found.collapsed) == (3, 1, 2)
    # Lost at 30 and, with the run itself, at 20.
    assert found.collapse_step == Spread(25.0, pytest.approx(50**0.5), 2)
    assert found.curves["captured_modes"][2] == [(10, 6.0), (20, 0.0), (30, 0.0), (40, 0.0)]
    assert found.curves["uniform_modes_kl"][2] == [(10, 1.5)]
    # Of 8, 2 and 0; of 8, 8 and 6.
    assert found.final["captured_modes"] == Spread(pytest.approx(10 / 3), pytest.approx((52 / 3) ** 0.5), 3)
    assert found.best["captured_modes"] == Spread(pytest.approx(22 / 3), pytest.approx((4 / 3) ** 0.5), 3)
    # Of 0.75 and 4, the diverged one having none; less is better.
    assert found.final["uniform_modes_kl"] == Spread(2.375, pytest.approx(3.25 / 2**0.5), 2)
    assert found.best["uniform_modes_kl"].mean == pytest.approx((0.25 + 1.0 + 1.5) / 3)
    # The expectation goes before the divergence of held-out points.
    assert found.floors == {"captured_modes": 8.0, "uniform_modes_kl": 0.25}
    assert found.seconds == 2.0


def test_none_is_finite(tiny):
    found = summary.summarised(tiny(steps=10, eval_every=10), [Outcome([], {}, None, 1.0)], MEASURES)
    assert (found.diverged, found.collapsed, found.floors) == (1, 0, {})
    assert found.final["captured_modes"] == Spread(0.0, None, 1)
    assert found.final["uniform_modes_kl"] == found.best["uniform_modes_kl"] == Spread(None, None, 0)


def test_unknown_measure(recipe):
    with pytest.raises(UsageError, match="measures: unknown name 'captured'; did you mean captured_modes"):
        summary.summarised(recipe, [_outcome([8], [1.0])], ("captured",))
