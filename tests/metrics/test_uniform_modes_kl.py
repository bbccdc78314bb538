"""Divergence from equal shares: closed forms, and the expectation of a perfect sampler by enumeration."""

import itertools
import math

import numpy as np
import pytest

from gan_jax.errors import UsageError
from gan_jax.metrics.uniform_modes_kl import uniform_modes_kl


def _found(predicted, classes):
    random = np.random.default_rng(0)
    return uniform_modes_kl(random.uniform(size=(len(predicted), classes)) + 2.0 * np.eye(classes)[predicted])


def test_by_hand():
    # Shares 3/4, 0, 1/4 of three classes.
    expected = 0.75 * math.log(2.25) + 0.25 * math.log(0.75)
    assert _found([0, 0, 2, 0], 3)["uniform_modes_kl"] == pytest.approx(expected, rel=1e-12)
    assert _found(np.arange(50) % 25, 25)["uniform_modes_kl"] == pytest.approx(0.0, abs=1e-12)
    assert _found([7] * 9, 25)["uniform_modes_kl"] == pytest.approx(math.log(25), rel=1e-12)


def test_missing_three_of_25_modes_costs_the_logarithm_of_their_ratio():
    kept = np.delete(np.arange(25), [0, 12, 24])
    assert _found(np.tile(kept, 100), 25)["uniform_modes_kl"] == pytest.approx(math.log(25 / 22), rel=1e-12)


@pytest.mark.parametrize("count, classes", [(1, 4), (3, 2), (4, 3)])
def test_expectation_is_the_mean_over_all_draws(count, classes):
    values = []
    for draws in itertools.product(range(classes), repeat=count):
        shares = np.bincount(draws, minlength=classes) / count
        values.append(sum(share * math.log(share * classes) for share in shares if share))
    actual = _found([0] * count, classes)["uniform_modes_kl_of_perfect"]
    assert actual == pytest.approx(np.mean(values), rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("count, classes, near", [(2_500, 8, 0.0014), (2_500, 25, 0.0048)])
def test_expectation_of_the_protocols(count, classes, near):
    """(K - 1) / (2 N) to first order; the next order is a few per cent of that here."""
    random = np.random.default_rng(1)
    actual = [_found(random.integers(0, classes, count), classes) for _ in range(40)]
    expected = actual[0]["uniform_modes_kl_of_perfect"]
    assert expected == pytest.approx(near, rel=0.01)
    # Twice N KL is chi-squared of K - 1 degrees: its standard error over 40 draws, five times.
    error = 5 * math.sqrt(2 * (classes - 1) / 40) / (2 * count)
    assert np.mean([f["uniform_modes_kl"] for f in actual]) == pytest.approx(expected, abs=error)


def test_stacked_mnist_has_the_known_floor():
    logits = np.zeros((26_000, 1000), np.float32)
    actual = uniform_modes_kl(logits)
    assert actual["uniform_modes_kl_of_perfect"] == pytest.approx(0.0192, rel=0.02)
    assert actual["uniform_modes_kl"] == pytest.approx(math.log(1000), rel=1e-12)


def test_mistakes():
    with pytest.raises(UsageError, match="fake_label_logits: expected one row per sample"):
        uniform_modes_kl(np.zeros(3))
