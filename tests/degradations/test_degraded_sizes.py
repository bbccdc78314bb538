"""Resizes equal Pillow's on floats, and are Pillow's but for rounding on 8 bits."""

import jax
import numpy as np
import pytest
from PIL import Image

from gan_jax.degradations import chain, downscale, resampling
from gan_jax.errors import UsageError

PILLOW = {
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "area": Image.Resampling.BOX,
}


def _random(height, width, channels=1):
    return np.random.default_rng([height, width]).uniform(-1, 1, (height, width, channels)).astype(np.float32)


@pytest.mark.parametrize("method", PILLOW)
@pytest.mark.parametrize(
    "size, made", [((24, 36), (12, 18)), ((24, 36), (6, 9)), ((21, 9), (7, 3)), ((7, 9), (14, 27))]
)
def test_floats_equal_pillows(method, size, made):
    image = _random(*size)
    expected = np.asarray(Image.fromarray(image[..., 0]).resize(made[::-1], PILLOW[method]))
    found = jax.jit(resampling.resized, static_argnums=(1, 2, 3))(image, *made, method)
    np.testing.assert_allclose(found[..., 0], expected, atol=1e-5)


def test_bicubic_on_8_bits_is_pillows_but_for_rounding():
    levels = np.random.default_rng(0).integers(0, 256, (32, 48, 3), np.uint8)
    expected = np.asarray(Image.fromarray(levels).resize((12, 8), Image.Resampling.BICUBIC)).astype(int)
    entries = {"real": levels / np.float32(127.5) - 1}
    made = jax.jit(chain(downscale(factor=4)).apply)(jax.random.key(0), entries)
    found = np.round((np.asarray(made["source"]) + 1) * 127.5)
    # Pillow rounds the columns before the rows.
    assert np.abs(found - expected).max() <= 1 and np.mean(found != expected) < 0.2


def test_nearest_takes_the_pixel_under_the_centre():
    np.testing.assert_array_equal(resampling.matrix("nearest", 6, 2), np.eye(6)[[1, 4]])


@pytest.mark.parametrize("method", resampling.METHODS)
def test_part_of_a_canvas_becomes_part_of_another(method):
    """As the whole matrix for that part, whose last row is repeated; nothing beyond the part counts."""
    plain = np.asarray(jax.jit(lambda: resampling.matrix(method, 10, 7))())
    found = np.asarray(jax.jit(lambda n, m: resampling.matrix(method, 12, 9, n, m))(10, 7))
    np.testing.assert_allclose(found[:7, :10], plain, atol=1e-6)
    np.testing.assert_allclose(found[7:, :10], plain[[6, 6]], atol=1e-6)
    assert np.all(found[:, 10:] == 0)
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-6)


def test_downscale_says_its_factor_its_margin_and_what_does_not_fit():
    assert (downscale(factor=4).factor, downscale(factor=4).margin) == (4, 8)
    assert downscale(factor=3, method="area").margin == 0
    with pytest.raises(UsageError, match="data.degrade.downscale.method: unknown name 'lanczos'"):
        downscale(method="lanczos")
    with pytest.raises(UsageError, match="expected images whose sides are a multiple of it, got 7 x 8"):
        downscale(factor=2)(jax.random.key(0), {"source": _random(7, 8)})
