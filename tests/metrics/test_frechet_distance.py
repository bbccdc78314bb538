"""Frechet distance against scipy.linalg.sqrtm, closed forms, and itself in other orders and parts."""

import functools
import itertools

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_jax.errors import UsageError
from gan_jax.metrics.frechet_distance import (
    Moments,
    frechet_distance,
    frechet_distance_of_moments,
    merge,
    moments,
)

RANDOM = np.random.default_rng(3)
MIX = RANDOM.normal(size=(12, 12))
REAL = RANDOM.normal(size=(90, 12)) @ MIX
FAKE = 0.8 * RANDOM.normal(size=(70, 12)) @ MIX[::-1] + 0.3
FLAT = REAL.copy()
FLAT[:, 3] = 2.0  # a dead feature


def value(real, fake):
    return frechet_distance(real, fake)["frechet_distance"]


def by_sqrtm(real, fake):
    """The formula as it stands, the root taken of the whole product."""
    left, right = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    root = scipy.linalg.sqrtm(left @ right)
    means = np.sum((real.mean(0) - fake.mean(0)) ** 2)
    return means + np.trace(left) + np.trace(right) - 2.0 * np.trace(root).real


def by_symmetric_roots(real, fake):
    """The same for singular covariances: trace of the root of R S R, with R the symmetric root."""
    left, right = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    values, vectors = np.linalg.eigh(left)
    values[values < 1e-12 * values.max()] = 0.0
    root = vectors @ np.diag(np.sqrt(values)) @ vectors.T
    inner = np.linalg.eigvalsh(root @ right @ root)
    trace = np.sqrt(inner[inner > 1e-12 * inner.max()]).sum()
    return np.sum((real.mean(0) - fake.mean(0)) ** 2) + np.trace(left) + np.trace(right) - 2.0 * trace


@pytest.mark.parametrize("real, fake", [(REAL, FAKE), (FAKE, REAL), (REAL, 3.0 * FAKE - 1.0)])
def test_equals_the_root_of_scipy(real, fake):
    np.testing.assert_allclose(value(real, fake), by_sqrtm(real, fake), rtol=1e-10)


@pytest.mark.parametrize(
    "real, fake",
    [
        (REAL[:5], FAKE[:8]),
        (REAL[:5], FAKE),
        (REAL, FAKE[:2]),
        (FLAT, FAKE),
        (FLAT, FLAT[::2]),
        (REAL[:12], FAKE),
    ],
    ids=["both_short", "real_short", "two_fakes", "dead", "dead_in_both", "as_many_as_features"],
)
def test_singular_covariances(real, fake):
    np.testing.assert_allclose(value(real, fake), by_symmetric_roots(real, fake), rtol=1e-9)


def test_two_samples_by_hand():
    # Means (1, 0) and (1, 3), covariances diag(2, 0) and diag(8, 0): 9 + 2 + 8 - 2 * 4.
    assert value([[0.0, 0.0], [2.0, 0.0]], [[-1.0, 3.0], [3.0, 3.0]]) == pytest.approx(11.0, rel=1e-14)


def test_normal_distributions_with_commuting_covariances():
    context = np.linalg.qr(MIX)[0]
    left, right = np.linspace(0.1, 3.0, 12), np.linspace(5.0, 0.2, 12)

    def of(mean, variances):
        return Moments(101, np.full(12, mean), 100.0 * context @ np.diag(variances) @ context.T)

    expected = 12 * 0.5**2 + np.sum((np.sqrt(left) - np.sqrt(right)) ** 2)
    np.testing.assert_allclose(
        frechet_distance_of_moments(of(1.0, left), of(1.5, right)), expected, rtol=1e-12
    )


@pytest.mark.parametrize("features", [REAL, REAL[:6], FLAT, np.full((20, 12), 0.3), np.full((4, 12), -7.1)])
def test_a_set_with_itself_is_zero(features):
    bound = 1e-13 * max(np.var(features, axis=0).sum(), 1e-13)
    assert 0.0 <= value(features, features[::-1]) <= bound


def test_rounding_never_makes_it_negative():
    sets = [np.random.default_rng(seed).normal(size=(40, 12)) for seed in range(30)]
    assert min(value(features, features[::-1]) for features in sets) == 0.0


def test_a_shift_adds_its_square():
    np.testing.assert_allclose(value(REAL, REAL + 0.01), 12 * 0.01**2, rtol=1e-9)


def test_a_large_offset_costs_no_precision():
    np.testing.assert_allclose(value(REAL + 1000.0, FAKE + 1000.0), value(REAL, FAKE), rtol=1e-10)


def test_takes_arrays_of_any_library_and_type():
    real, fake = np.float32(REAL), np.float32(FAKE)
    assert value(jnp.asarray(real), jnp.asarray(fake)) == value(real, fake)


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 20), st.integers(2, 20), st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_symmetric_permutable_and_not_negative(count, other, width, seed):
    random = np.random.default_rng(seed)
    real, fake = random.normal(size=(count, width)), random.normal(size=(other, width))
    distance = value(real, fake)
    assert distance >= 0.0
    np.testing.assert_allclose(value(fake, real), distance, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(value(real[::-1], random.permutation(fake)), distance, rtol=1e-9, atol=1e-12)


def test_moments_are_those_of_numpy():
    count, mean, scatter = moments(REAL)
    assert count == 90
    np.testing.assert_allclose(mean, REAL.mean(0), rtol=1e-13)
    np.testing.assert_allclose(scatter / 89, np.cov(REAL, rowvar=False), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_merged_parts_equal_one_pass(offset):
    features = REAL + offset
    parts = [moments(features[low:high]) for low, high in itertools.pairwise([0, 1, 8, 40, 90])]
    whole = moments(features)
    for order in (parts, parts[::-1], [parts[2], parts[0], parts[3], parts[1]]):
        merged = functools.reduce(merge, order)
        assert merged.count == whole.count
        np.testing.assert_allclose(merged.mean, whole.mean, rtol=1e-13)
        np.testing.assert_allclose(merged.scatter, whole.scatter, rtol=1e-10, atol=1e-9)


def test_distance_of_moments_equals_that_of_samples():
    for real, fake in ((REAL, FAKE), (REAL[:5], FAKE[:9]), (REAL[:2], FAKE)):
        streamed = frechet_distance_of_moments(merge(moments(real[:1]), moments(real[1:])), moments(fake))
        np.testing.assert_allclose(streamed, value(real, fake), rtol=1e-9)


def test_one_sample_has_no_covariance():
    with pytest.raises(UsageError, match="real_features: expected at least 2 samples, got 1"):
        frechet_distance(REAL[:1], FAKE)
    with pytest.raises(UsageError, match="at least 2 samples, got 1"):
        frechet_distance_of_moments(moments(REAL), moments(FAKE[:1]))


def test_other_mistakes_are_one_line():
    with pytest.raises(UsageError, match="got real_features 12, fake_features 11"):
        frechet_distance(REAL, FAKE[:, 1:])
    with pytest.raises(UsageError, match="fake_features: 1 of 70 samples are NaN"):
        frechet_distance(REAL, np.where(np.arange(70)[:, None] == 4, np.nan, FAKE))
