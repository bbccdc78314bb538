"""Errors of reconstructions against a loop in float64."""

import numpy as np
import pytest

from gan_jax.errors import UsageError
from gan_jax.metrics.reconstruction_error import reconstruction_error

RANDOM = np.random.default_rng(0)
# Rectangles.
HELDOUT = RANDOM.integers(0, 256, (11, 4, 6, 3), np.uint8)
REAL = RANDOM.integers(0, 256, (7, 4, 6, 3), np.uint8)


def _dull(images):
    """A reconstruction that halves the contrast."""
    return np.float32((images / 127.5 - 1.0) / 2)


def test_equals_a_loop():
    total, total_of_mean = 0.0, 0.0
    mean = sum(np.float64(image) for image in REAL) / len(REAL) / 127.5 - 1
    for image in HELDOUT:
        for place in np.ndindex(4, 6, 3):
            target = image[place] / 127.5 - 1
            total += (target / 2 - target) ** 2
            total_of_mean += (mean[place] - target) ** 2
    actual = reconstruction_error(_dull, HELDOUT, REAL, batch_size=4)
    assert list(actual) == ["reconstruction_error", "reconstruction_error_of_mean_image"]
    expected = [total / HELDOUT.size, total_of_mean / HELDOUT.size]
    np.testing.assert_allclose(list(actual.values()), expected, rtol=1e-6)


def test_perfect_is_zero_and_black_for_white_is_four():
    white = np.full((3, 2, 2, 1), 255, np.uint8)
    actual = reconstruction_error(lambda images: images / 127.5 - 1, white, white)
    assert set(actual.values()) == {0.0}
    actual = reconstruction_error(lambda images: -np.ones(images.shape), white, 255 - white)
    assert set(actual.values()) == {4.0}


@pytest.mark.parametrize(
    "reconstruct, heldout, message",
    [
        (_dull, HELDOUT[:0], "heldout_images: expected at least 1 images, got 0"),
        (lambda images: images[:1], HELDOUT, r"expected the shape \(11, 4, 6, 3\), got \(1, 4, 6, 3\)"),
        (lambda images: _dull(images) * np.nan, HELDOUT, "11 of 11 images are NaN or infinite"),
    ],
)
def test_mistakes(reconstruct, heldout, message):
    with pytest.raises(UsageError, match=message):
        reconstruction_error(reconstruct, heldout, REAL)
