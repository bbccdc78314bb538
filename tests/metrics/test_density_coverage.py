"""Density and coverage against full matrices of distances in float64: exact counts."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from gan_jax.errors import UsageError
from gan_jax.metrics.density_coverage import density_coverage

RANDOM = np.random.default_rng(22)
REAL, FAKE = RANDOM.normal(size=(190, 6)), 0.7 * RANDOM.normal(size=(140, 6)) + 0.3


def expected(real, fake, k):
    radii = [sorted(row)[k] for row in cdist(real, real)]
    across = cdist(real, fake)
    balls = sum(int((row <= radius).sum()) for row, radius in zip(across, radii))
    covered = sum(bool((row <= radius).any()) for row, radius in zip(across, radii))
    return {"density": balls / (k * len(fake)), "coverage": covered / len(real)}


@pytest.mark.parametrize("offset", [0.0, 1000.0])
@pytest.mark.parametrize("k", [1, 5, 12])
def test_equals_full_matrices(k, offset):
    actual = density_coverage(REAL + offset, FAKE + offset, neighbours=k)
    wanted = expected(REAL, FAKE, k)
    assert list(actual) == ["density", "coverage"]
    np.testing.assert_allclose(list(actual.values()), list(wanted.values()), rtol=1e-12)
    assert 0.0 < actual["coverage"] < 1.0


def test_the_default_is_five_neighbours():
    assert density_coverage(REAL, FAKE) == density_coverage(REAL, FAKE, neighbours=5)
    assert density_coverage(REAL, FAKE) != density_coverage(REAL, FAKE, neighbours=4)


def test_by_hand():
    # Balls with k = 1: reals 0, 1, 5 reach 1, 1, 4; the fake at 1.5 is in two of them, that at 9 in one.
    actual = density_coverage([[0.0], [1.0], [5.0]], [[1.5], [9.0], [30.0]], neighbours=1)
    assert actual == {"density": 1.0, "coverage": 2 / 3}


@pytest.mark.parametrize("features", [REAL, REAL + 1000.0])
def test_a_set_with_itself(features):
    actual = density_coverage(features, features[::-1])
    assert actual == {"density": pytest.approx(1.2, rel=1e-12), "coverage": 1.0}


def test_identical_samples():
    same = np.full((30, 4), 0.3)
    assert density_coverage(same, same) == {"density": 6.0, "coverage": 1.0}
    assert density_coverage(same, same[:1]) == {"density": 6.0, "coverage": 1.0}
    assert density_coverage(same, same + 1.0) == {"density": 0.0, "coverage": 0.0}


def test_expectation_of_sets_of_one_distribution():
    # Of N reals and N fakes in random order of distance: the nearest k are all real with probability 2^-k.
    actual = []
    for seed in range(10):
        real, fake = np.random.default_rng(seed).normal(size=(2, 250, 4))
        actual.append(list(density_coverage(real, fake, neighbours=2).values()))
    np.testing.assert_allclose(np.mean(actual, axis=0), [1.0, 0.75], atol=0.03)


def test_too_few_samples():
    with pytest.raises(UsageError, match="real_features: expected at least 6 samples, got 5"):
        density_coverage(REAL[:5], FAKE)
    with pytest.raises(UsageError, match="got real_features 6, fake_features 5"):
        density_coverage(REAL, FAKE[:, 1:])
