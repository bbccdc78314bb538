"""Precision and recall against full matrices of distances in float64: exact counts."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.distance import cdist

from gan_jax.errors import UsageError
from gan_jax.metrics.precision_recall import precision_recall

RANDOM = np.random.default_rng(21)
REAL, FAKE = RANDOM.normal(size=(211, 6)), 0.7 * RANDOM.normal(size=(160, 6)) + 0.3


def share_covered(points, centres, k):
    radii = [sorted(row)[k] for row in cdist(centres, centres)]
    covered = 0
    for row in cdist(points, centres):
        covered += any(distance <= radius for distance, radius in zip(row, radii))
    return covered / len(points)


@pytest.mark.parametrize("offset", [0.0, 1000.0])
@pytest.mark.parametrize("k", [1, 3, 10])
def test_equals_full_matrices(k, offset):
    actual = precision_recall(REAL + offset, FAKE + offset, neighbours=k)
    assert actual == {"precision": share_covered(FAKE, REAL, k), "recall": share_covered(REAL, FAKE, k)}
    assert 0.0 < actual["recall"] < actual["precision"]


def test_the_default_is_three_neighbours():
    assert precision_recall(REAL, FAKE) == precision_recall(REAL, FAKE, neighbours=3)
    assert precision_recall(REAL, FAKE) != precision_recall(REAL, FAKE, neighbours=4)


def test_by_hand():
    # Balls with k = 1: reals 0, 1, 5 reach 1, 1, 4; fakes 4 and 20 reach 16.
    actual = precision_recall([[0.0], [1.0], [5.0]], [[4.0], [20.0]], neighbours=1)
    assert actual == {"precision": 0.5, "recall": 1.0}
    # Without the fake at 20 but one at 7.5: it reaches 3.5 and so does the one at 4.
    actual = precision_recall([[0.0], [1.0], [5.0]], [[4.0], [7.5]], neighbours=1)
    assert actual == {"precision": 1.0, "recall": 2 / 3}


@pytest.mark.parametrize(
    "features", [REAL, REAL + 1000.0, np.full((9, 6), 0.3), np.repeat(REAL[:9], 3, axis=0)]
)
def test_a_set_with_itself_is_perfect(features):
    assert precision_recall(features, features[::-1]) == {"precision": 1.0, "recall": 1.0}


def test_far_apart_and_collapsed():
    assert precision_recall(REAL, REAL + 100.0) == {"precision": 0.0, "recall": 0.0}
    collapsed = np.tile(REAL[:1], (50, 1))
    assert precision_recall(REAL, collapsed) == {"precision": 1.0, "recall": 1 / 211}


def test_order_and_roles():
    actual = precision_recall(REAL, FAKE)
    assert precision_recall(REAL[::-1], RANDOM.permutation(FAKE)) == actual
    swapped = precision_recall(FAKE, REAL)
    assert swapped == {"precision": actual["recall"], "recall": actual["precision"]}


def test_takes_jax_arrays():
    real, fake = np.float32(REAL), np.float32(FAKE)
    assert precision_recall(jnp.asarray(real), jnp.asarray(fake)) == precision_recall(real, fake)


def test_too_few_samples():
    with pytest.raises(UsageError, match="fake_features: expected at least 4 samples, got 3"):
        precision_recall(REAL, FAKE[:3])
