"""Cycles of known gain."""

import jax
import numpy as np
import pytest

from gan_jax.errors import UsageError
from gan_jax.images import to_float
from gan_jax.metrics.cycle_error import cycle_error, disturbed

IMAGES = np.random.default_rng(0).integers(40, 215, (5, 16, 16, 3), np.uint8)


@pytest.mark.parametrize("gain", [1.0, 0.25])
def test_noise_and_rounding_between_are_amplified_by_the_way_back(gain):
    """With rounding alone the mean error is a quarter of a level: roundings are uniform in half a level."""
    values = cycle_error(
        lambda images: gain * to_float(images) + 0.01,
        lambda made: (made - 0.01) / gain,
        IMAGES,
        0,
        batch_size=2,
    )
    assert values["cycle_error"] < 1e-6
    expected = np.sqrt((4 + 1 / 12) * 2 / np.pi) / 127.5 / gain
    np.testing.assert_allclose(values["cycle_error_after_rounding"], expected, rtol=0.05)


def test_the_error_without_noise_and_rounding_alone():
    values = cycle_error(to_float, lambda made: made - 0.1, IMAGES, 3, deviation=0.0)
    np.testing.assert_allclose(list(values.values()), [0.1, 0.1], rtol=1e-5)
    made = np.float32(np.random.default_rng(1).uniform(-0.9, 0.9, (2, 50, 50, 1)))
    change = np.abs(np.asarray(disturbed(made, jax.random.key(0), 0.0)) - made) * 127.5
    assert change.max() < 0.501
    np.testing.assert_allclose(change.mean(), 0.25, rtol=0.03)


def test_no_images():
    with pytest.raises(UsageError, match="source_images: expected uint8"):
        cycle_error(to_float, to_float, np.zeros((2, 3)), 0)
