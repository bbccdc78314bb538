"""Memorisation against full matrices of distances, scipy's Mann-Whitney test, and its meaning."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from gan_jax.errors import UsageError
from gan_jax.metrics.memorisation import memorisation, probability_below

RANDOM = np.random.default_rng(31)
REAL, FAKE, HELDOUT = (RANDOM.normal(size=(count, 5)) for count in (120, 60, 45))


@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_equals_full_matrices(offset):
    fake, heldout = cdist(FAKE, REAL).min(axis=1), cdist(HELDOUT, REAL).min(axis=1)
    actual = memorisation(REAL + offset, FAKE + offset, HELDOUT + offset)
    np.testing.assert_allclose(actual.pop("nearest_training_distance"), fake.mean(), rtol=1e-9)
    np.testing.assert_allclose(actual.pop("nearest_training_distance_heldout"), heldout.mean(), rtol=1e-9)
    nearer = sum(float(a < b) for a in fake for b in heldout) / (60 * 45)
    assert actual == {"closer_than_heldout": pytest.approx(nearer, rel=1e-12)}


def test_copies_and_strangers():
    copies = memorisation(REAL, REAL[::3], HELDOUT)
    assert copies["nearest_training_distance"] == 0.0 and copies["closer_than_heldout"] == 1.0
    assert memorisation(REAL, FAKE + 50.0, HELDOUT)["closer_than_heldout"] == 0.0


def test_near_copies_among_large_features():
    # Closer than float32 can tell from the product of 1000 by 1000: still measured exactly.
    real, step = np.eye(5) * 1000.0, 1e-4
    actual = memorisation(real, real + step, real + 2.0 * step)
    np.testing.assert_allclose(actual["nearest_training_distance"], step * 5**0.5, rtol=1e-6)
    assert actual["closer_than_heldout"] == 1.0


def test_the_floor_is_one_half():
    actual = memorisation(REAL, HELDOUT, HELDOUT)
    assert actual["closer_than_heldout"] == 0.5
    assert actual["nearest_training_distance"] == actual["nearest_training_distance_heldout"]
    # Also where held-out images are copies of training images themselves: all are equally near.
    assert memorisation(REAL, REAL[:20], REAL[20:]) == {
        "nearest_training_distance": 0.0,
        "nearest_training_distance_heldout": 0.0,
        "closer_than_heldout": 0.5,
    }


def test_unseen_samples_are_around_one_half():
    random = np.random.default_rng(0)
    real, fake, heldout = random.normal(size=(3, 400, 5))
    deviation = np.sqrt(801 / (12 * 400 * 400))
    assert abs(memorisation(real, fake, heldout)["closer_than_heldout"] - 0.5) < 3.0 * deviation


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=9), st.lists(st.integers(0, 6), min_size=1, max_size=9)
)
def test_probability_below_is_mann_whitneys(left, right):
    u = scipy.stats.mannwhitneyu(right, left).statistic
    assert probability_below(left, right) == pytest.approx(u / (len(left) * len(right)), abs=1e-12)
    assert probability_below(left, right) + probability_below(right, left) == pytest.approx(1.0)


def test_mistakes_are_one_line():
    with pytest.raises(UsageError, match="heldout_features: expected at least 1 samples, got 0"):
        memorisation(REAL, FAKE, HELDOUT[:0])
