"""Kernel distance against explicit double loops."""

import inspect

import numpy as np
import pytest

from gan_jax.errors import UsageError
from gan_jax.metrics.kernel_distance import kernel_distance

RANDOM = np.random.default_rng(8)
REAL, FAKE = RANDOM.normal(size=(14, 5)), RANDOM.normal(size=(11, 5)) + 0.4


def discrepancy(real, fake, degree=3, gamma=1 / 5, coefficient=1.0):
    def mean(left, right, same):
        pairs = [
            (gamma * sum(a * b for a, b in zip(x, y)) + coefficient) ** degree
            for i, x in enumerate(left)
            for j, y in enumerate(right)
            if not (same and i == j)
        ]
        return sum(pairs) / len(pairs)

    return mean(real, real, True) + mean(fake, fake, True) - 2.0 * mean(real, fake, False)


def test_all_samples_of_equal_sets():
    actual = kernel_distance(REAL[:11], FAKE, 0, subsets=3)
    assert list(actual) == ["kernel_distance", "kernel_distance_spread"]
    np.testing.assert_allclose(actual["kernel_distance"], discrepancy(REAL[:11], FAKE), rtol=1e-10)
    assert actual["kernel_distance_spread"] < 1e-12


def test_kernel_options():
    options = dict(degree=2, gamma=0.3, coefficient=0.5)
    actual = kernel_distance(REAL[:11], FAKE, 0, subsets=1, **options)
    np.testing.assert_allclose(actual["kernel_distance"], discrepancy(REAL[:11], FAKE, **options), rtol=1e-10)


@pytest.mark.parametrize("subset_size, count", [(6, 6), (1000, 11)])
def test_documented_subsets(subset_size, count):
    values = []
    for subset in range(4):
        random = np.random.default_rng([9, subset])
        real = REAL[random.choice(14, count, replace=False)]
        values.append(discrepancy(real, FAKE[random.choice(11, count, replace=False)]))
    actual = kernel_distance(REAL, FAKE, 9, subsets=4, subset_size=subset_size)
    np.testing.assert_allclose(actual["kernel_distance"], sum(values) / 4, rtol=1e-10)
    mean = sum(values) / 4
    spread = (sum((value - mean) ** 2 for value in values) / 4) ** 0.5
    np.testing.assert_allclose(actual["kernel_distance_spread"], spread, rtol=1e-9)


def test_the_defaults_are_the_papers():
    parameters = inspect.signature(kernel_distance).parameters.values()
    defaults = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
    assert defaults == dict(subsets=100, subset_size=1000, degree=3, gamma=None, coefficient=1.0)


def test_two_samples_by_hand():
    # k(x, y) = (x y + 1)^3: within 0 and 1 is 1, within 2 and -1 is -1, across 1, 1, 27 and 0.
    actual = kernel_distance([[0.0], [1.0]], [[2.0], [-1.0]], 0, subsets=1)
    assert actual["kernel_distance"] == pytest.approx(1.0 - 1.0 - 2.0 * 29.0 / 4.0, rel=1e-14)


def test_is_unbiased_for_sets_of_one_distribution():
    values = []
    for seed in range(200):
        random = np.random.default_rng(seed)
        real, fake = random.normal(size=(2, 8, 3))
        values.append(kernel_distance(real, fake, 0, subsets=1)["kernel_distance"])
    assert min(values) < 0.0
    assert abs(np.mean(values)) < 3.0 * np.std(values) / np.sqrt(200)


def test_is_finite_for_identical_samples():
    same = np.full((7, 3), 0.5)
    actual = kernel_distance(same, same, 0, subsets=2)
    assert abs(actual["kernel_distance"]) < 1e-14 and actual["kernel_distance_spread"] < 1e-14


def test_mistakes_are_one_line():
    with pytest.raises(UsageError, match="got 3 subsets of 1"):
        kernel_distance(REAL, FAKE, 0, subsets=3, subset_size=1)
    with pytest.raises(UsageError, match="fake_features: expected at least 2 samples, got 1"):
        kernel_distance(REAL, FAKE[:1], 0)
