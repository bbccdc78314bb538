"""Extrapolation against a line fitted by hand, and against the distance it is to find."""

import numpy as np
import pytest
import scipy.linalg

from gan_jax.errors import UsageError
from gan_jax.metrics.frechet_distance_infinity import frechet_distance_infinity, subset_sizes

RANDOM = np.random.default_rng(5)
REAL, FAKE = RANDOM.normal(size=(150, 4)), 1.2 * RANDOM.normal(size=(120, 4)) + 0.2


def distance(real, fake):
    left, right = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    root = scipy.linalg.sqrtm(left @ right)
    return np.sum((real.mean(0) - fake.mean(0)) ** 2) + np.trace(left + right - 2.0 * root.real)


def test_is_the_line_through_the_documented_sets_at_zero():
    sizes = [30, 60, 90, 120]
    distances = []
    for point, size in enumerate(sizes):
        distances.append(distance(REAL, FAKE[np.random.default_rng([7, point]).permutation(120)[:size]]))
    x, y = 1.0 / np.array(sizes), np.array(distances)
    slope = np.sum((x - x.mean()) * (y - y.mean())) / np.sum((x - x.mean()) ** 2)
    actual = frechet_distance_infinity(REAL, FAKE, 7, points=4, smallest=30)
    assert list(actual) == ["frechet_distance_infinity"]
    np.testing.assert_allclose(actual["frechet_distance_infinity"], y.mean() - slope * x.mean(), rtol=1e-9)


def test_removes_the_bias():
    # Reals and fakes of one distribution: the distance is all bias, and as the reals are many, the fakes'.
    biased, extrapolated = [], []
    for seed in range(6):
        random = np.random.default_rng(seed)
        real, fake = random.normal(size=(20_000, 24)), random.normal(size=(1000, 24))
        biased.append(distance(real, fake))
        extrapolated.append(frechet_distance_infinity(real, fake, seed)["frechet_distance_infinity"])
    assert min(biased) > 0.15
    assert abs(np.mean(extrapolated)) < 3.0 * np.std(extrapolated) / np.sqrt(6) < 0.3 * np.mean(biased)


@pytest.mark.parametrize(
    "count, width, first",
    [(50_000, 2048, 5000), (10_000, 2048, 4096), (1000, 2048, 500), (10_000, 64, 1000), (3, 8, 2)],
)
def test_smallest_set(count, width, first):
    sizes = subset_sizes(count, width, 15, None)
    assert sizes[0] == first and sizes[-1] == count and len(sizes) == 15
    assert np.all(np.diff(sizes) >= 0)


def test_sizes_are_those_of_the_paper():
    expected = [5000 + point * 45_000 // 14 for point in range(15)]
    assert subset_sizes(50_000, 2048, 15, None).tolist() == expected


def test_the_seed_decides_alone():
    first, again, other = (frechet_distance_infinity(REAL, FAKE, seed, points=5) for seed in (1, 1, 2))
    assert first == again != other


def test_the_default_is_fifteen_sets():
    assert frechet_distance_infinity(REAL, FAKE, 0) == frechet_distance_infinity(REAL, FAKE, 0, points=15)


@pytest.mark.parametrize("options", [dict(points=1), dict(smallest=120), dict(smallest=1)])
def test_sizes_that_give_no_line(options):
    with pytest.raises(UsageError, match="expected at least 2 sizes that grow from 2 on"):
        frechet_distance_infinity(REAL, FAKE, 0, **options)
