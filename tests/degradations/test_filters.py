"""Filters against SciPy's, at borders too."""

import jax
import numpy as np
import pytest
import scipy.ndimage

from gan_jax.degradations import edges, filters, gaussian_blur, grayscale

IMAGE = np.random.default_rng(0).uniform(-1, 1, (12, 17, 3)).astype(np.float32)


def test_a_kernel_equals_scipys():
    kernel = np.random.default_rng(1).normal(size=(7, 7)).astype(np.float32)
    expected = np.stack([scipy.ndimage.correlate(IMAGE[..., c], kernel, mode="mirror") for c in range(3)], -1)
    np.testing.assert_allclose(jax.jit(filters.filtered)(IMAGE, kernel), expected, atol=1e-4)


@pytest.mark.parametrize("deviation", [0.5, 1.25])
def test_gaussian_blur_equals_scipys(deviation):
    expected = scipy.ndimage.gaussian_filter(IMAGE, (deviation, deviation, 0), mode="mirror", truncate=4)
    found = jax.jit(gaussian_blur(deviation=deviation).apply)(jax.random.key(0), {"source": IMAGE})["source"]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_gaussian_sums_to_one():
    for deviation in (0.0, 0.3, 1.6, 7.0):
        weights = filters.gaussian(deviation)
        assert len(weights) % 2 and abs(weights.sum() - 1) < 1e-6 and weights.min() >= 0


def test_separable_kernels_may_differ_along_the_axes():
    down, across = np.array([1.0, 2, 3], np.float32), np.array([-1.0, 0, 1], np.float32)
    expected = np.stack(
        [scipy.ndimage.correlate(IMAGE[..., c], np.outer(down, across), mode="mirror") for c in range(3)], -1
    )
    np.testing.assert_allclose(jax.jit(filters.separable)(IMAGE, down, across), expected, atol=1e-5)


def test_grey_is_bt_601():
    found = grayscale()(jax.random.key(0), {"source": IMAGE})["source"]
    np.testing.assert_allclose(found[..., 0], IMAGE @ np.array([0.299, 0.587, 0.114]), atol=1e-6)
    grey = grayscale()(jax.random.key(0), {"source": IMAGE[..., :1]})["source"]
    np.testing.assert_array_equal(grey, IMAGE[..., :1])


def test_edges_are_dark_where_brightness_changes():
    step = np.where(np.arange(16)[None, :, None] < 8, -1, 1) * np.ones((10, 1, 3), np.float32)
    lines = np.asarray(
        jax.jit(edges(deviation=0.5, gain=4.0).apply)(jax.random.key(0), {"source": step})["source"]
    )
    assert lines.shape == (10, 16, 1)
    assert np.all(lines[:, 7:9] < -0.9) and np.all(lines[:, :4] > 0.99) and np.all(lines[:, 12:] > 0.99)
