"""Structural similarity to targets against a loop over windows in float64."""

import math

import numpy as np
import pytest

from gan_jax.metrics.multiscale_ssim import multiscale_structural_similarity
from gan_jax.metrics.ssim import multiscale_ssim_of_targets, ssim

RANDOM = np.random.default_rng(0)
TARGET = RANDOM.integers(0, 256, (2, 14, 13, 3), np.uint8)
FAKE = np.uint8(np.clip(TARGET + RANDOM.normal(0, 30, TARGET.shape), 0, 255))


def _similarity(left, right):
    """Wang et al. 2004, eq. 13, window by window, of one channel."""
    line = [math.exp(-((i - 5) ** 2) / (2 * 1.5**2)) for i in range(11)]
    weights = np.outer(line, line) / sum(line) ** 2
    values = []
    for row in range(left.shape[0] - 10):
        for column in range(left.shape[1] - 10):
            x, y = (side[row : row + 11, column : column + 11] for side in (left, right))
            m, n = (weights * x).sum(), (weights * y).sum()
            v, w = (weights * (x - m) ** 2).sum(), (weights * (y - n) ** 2).sum()
            both, c1, c2 = (weights * (x - m) * (y - n)).sum(), 2.55**2, 7.65**2
            values.append((2 * m * n + c1) * (2 * both + c2) / ((m * m + n * n + c1) * (v + w + c2)))
    return sum(values) / len(values)


def test_equals_a_loop_over_windows():
    channels = [(image, channel) for image in range(2) for channel in range(3)]
    expected = np.mean(
        [_similarity(np.float64(FAKE[i, ..., c]), np.float64(TARGET[i, ..., c])) for i, c in channels]
    )
    actual = ssim(FAKE, TARGET, FAKE, baselines={})
    assert actual == {"ssim_rgb": pytest.approx(expected, abs=2e-6)}


def test_luma_inside_a_border_equals_the_loop():
    luma = [
        16 + np.float64(x[:, 1:-1, 1:-1]) @ [65.481 / 255, 128.553 / 255, 24.966 / 255]
        for x in (FAKE, TARGET)
    ]
    expected = np.mean([_similarity(*pair) for pair in zip(*luma)])
    actual = ssim(FAKE, TARGET, FAKE, channels="y", border=1, baselines={})
    assert actual == {"ssim_y_border_1": pytest.approx(expected, abs=2e-6)}


def test_a_set_compared_with_itself_has_similarity_one_and_its_input_less():
    values = ssim(TARGET, TARGET, FAKE) | multiscale_ssim_of_targets(TARGET, TARGET, FAKE)
    assert values["ssim_rgb"] == pytest.approx(1, abs=1e-6)
    assert values["multiscale_ssim_of_targets"] == pytest.approx(1, abs=1e-6)
    assert values["ssim_rgb_of_bicubic"] < 0.99
    expected = np.mean(multiscale_structural_similarity(FAKE, TARGET))
    assert values["multiscale_ssim_of_targets_of_bicubic"] == pytest.approx(float(expected), abs=1e-6)
