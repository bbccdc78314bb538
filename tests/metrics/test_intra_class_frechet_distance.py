"""The distance within classes against the same formula in scipy, class by class."""

import numpy as np
import pytest
import scipy.linalg

from gan_jax.errors import UsageError
from gan_jax.metrics.intra_class_frechet_distance import intra_class_frechet_distance

RANDOM = np.random.default_rng(41)
REAL_LABELS, FAKE_LABELS = np.repeat([0, 2, 7], [20, 30, 25]), np.tile([7, 0, 2], 22)
REAL = RANDOM.normal(size=(75, 4)) + REAL_LABELS[:, None]
FAKE = RANDOM.normal(size=(66, 4)) * (1.0 + FAKE_LABELS[:, None] / 7.0) + FAKE_LABELS[:, None]


def distance(real, fake):
    left, right = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    root = scipy.linalg.sqrtm(left @ right)
    return np.sum((real.mean(0) - fake.mean(0)) ** 2) + np.trace(left + right - 2.0 * root.real)


def test_mean_and_worst_class():
    distances = [distance(REAL[REAL_LABELS == c], FAKE[FAKE_LABELS == c]) for c in (0, 2, 7)]
    actual = intra_class_frechet_distance(REAL, FAKE, REAL_LABELS, FAKE_LABELS)
    assert list(actual) == ["intra_class_frechet_distance", "worst_class_frechet_distance"]
    np.testing.assert_allclose(list(actual.values()), [np.mean(distances), max(distances)], rtol=1e-9)


def test_sees_what_the_classes_hide():
    # Exchanged classes have the same features as a whole.
    exchanged = np.select([REAL_LABELS == 0, REAL_LABELS == 2], [2, 7], 0)
    assert intra_class_frechet_distance(REAL, REAL, REAL_LABELS, REAL_LABELS)[
        "worst_class_frechet_distance"
    ] == pytest.approx(0.0, abs=1e-12)
    assert (
        intra_class_frechet_distance(REAL, REAL, REAL_LABELS, exchanged)["intra_class_frechet_distance"]
        > 10.0
    )


def test_two_samples_of_a_class_do():
    real, fake = [[0.0, 0.0], [2.0, 0.0]], [[-1.0, 3.0], [3.0, 3.0]]
    actual = intra_class_frechet_distance(real, fake, [4, 4], [4, 4])
    assert actual["intra_class_frechet_distance"] == pytest.approx(11.0, rel=1e-14)


def test_a_class_with_fewer_than_two_samples_is_named():
    real_labels, fake_labels = REAL_LABELS.copy(), FAKE_LABELS.copy()
    real_labels[0] = 5
    with pytest.raises(
        UsageError, match="real_features: expected .* 2 samples of each class, got 1 of class 5"
    ):
        intra_class_frechet_distance(REAL, FAKE, real_labels, FAKE_LABELS)
    fake_labels[fake_labels == 2] = 0
    with pytest.raises(
        UsageError, match="fake_features: expected .* 2 samples of each class, got 0 of class 2"
    ):
        intra_class_frechet_distance(REAL, FAKE, REAL_LABELS, fake_labels)
    fake_labels[:3] = 9
    with pytest.raises(
        UsageError, match="real_features: expected .* 2 samples of each class, got 0 of class 9"
    ):
        intra_class_frechet_distance(REAL[REAL_LABELS != 2], FAKE, REAL_LABELS[REAL_LABELS != 2], fake_labels)
    with pytest.raises(UsageError, match=r"fake_labels: expected one label per sample, \[66\]"):
        intra_class_frechet_distance(REAL, FAKE, REAL_LABELS, FAKE_LABELS[1:])
