"""Modes and their divergence by hand, and against scipy."""

import math

import numpy as np
import pytest
import scipy.stats

from gan_jax.errors import UsageError
from gan_jax.metrics.modes import modes


def logits(predicted, classes):
    return np.random.default_rng(0).uniform(size=(len(predicted), classes)) + 2.0 * np.eye(classes)[predicted]


def test_by_hand():
    # Shares of fakes 3/4, 0, 1/4; of reals 1/2, 1/4, 1/4.
    actual = modes(logits([0, 0, 2, 0], 3), [0, 0, 1, 2])
    assert actual == {"modes": 2.0, "modes_kl": pytest.approx(0.75 * math.log(1.5), rel=1e-12)}


def test_equals_scipys_relative_entropy():
    random = np.random.default_rng(1)
    predicted, real = random.integers(0, 20, size=300), random.permutation(np.arange(500) % 20)
    expected = scipy.stats.entropy(np.bincount(predicted, minlength=20), np.bincount(real, minlength=20))
    actual = modes(logits(predicted, 20), real)
    assert actual["modes"] == 20.0
    np.testing.assert_allclose(actual["modes_kl"], expected, rtol=1e-10)


def test_equal_shares_are_zero_and_collapse_is_the_logarithm():
    real = np.arange(1000)
    assert modes(logits(real[::-1], 1000), real) == {"modes": 1000.0, "modes_kl": 0.0}
    collapsed = modes(logits([417] * 50, 1000), real)
    assert collapsed == {"modes": 1.0, "modes_kl": pytest.approx(math.log(1000.0), rel=1e-12)}


def test_a_class_that_the_data_lack_is_infinitely_far():
    assert modes(logits([0, 1, 3], 4), [0, 1, 2]) == {"modes": 3.0, "modes_kl": math.inf}


def test_perfect_samples_have_the_documented_divergence():
    actual = [
        modes(logits(np.random.default_rng(i).integers(0, 50, 2000), 50), np.arange(50))["modes_kl"]
        for i in range(20)
    ]
    assert np.mean(actual) == pytest.approx(49 / 4000, rel=0.15)


def test_labels_must_fit():
    with pytest.raises(UsageError, match="real_labels: expected labels below 3, the number of logits, got 3"):
        modes(logits([0, 1], 3), [0, 3])
