"""ADA's colour transforms: each sample's affine map, read off four pixels, is rebuilt factor by factor."""

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.augment.color import color

COUNT = 3000
PIXELS = np.concatenate([np.zeros((1, 3)), np.eye(3)])  # Black-to-be and the three axes.
GRAY = np.ones(3) / np.sqrt(3)


def _maps(p, seed=0, **strengths):
    """Each sample's matrix [3, 3] and offset [3]."""
    images = jnp.broadcast_to(jnp.float32(PIXELS)[None, :, None], (COUNT, 4, 1, 3))
    actual = np.float64(color(jax.random.key(seed), images, p, **strengths))[:, :, 0]
    return (actual[:, 1:] - actual[:, :1]).swapaxes(1, 2), actual[:, 0]


def _factors(matrix, offset):
    """Brightness, contrast times saturation, signed contrast, and hue of one map."""
    luma = GRAY @ matrix @ GRAY
    axis = np.array([1.0, -1, 0]) / np.sqrt(2)
    across = np.cross(GRAY, axis)
    turned = matrix @ axis
    return offset.mean() / luma, np.linalg.norm(turned), luma, np.arctan2(turned @ across, turned @ axis)


def test_is_the_papers_product_of_four_by_four_matrices():
    for matrix, offset in zip(*(part[:20] for part in _maps(1.0)), strict=True):
        added, chroma, luma, angle = _factors(matrix, offset)
        brightness, contrast = np.eye(4), np.diag([abs(luma)] * 3 + [1])
        brightness[:3, 3] = added
        v = np.append(GRAY, 0)
        flip = np.eye(4) - 2 * np.outer(v, v) * (luma < 0)
        cross = np.zeros((4, 4))
        cross[:3, :3] = np.cross(GRAY, np.eye(3)).T
        hue = np.eye(4) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
        gray, last = np.outer(v, v), np.diag([0.0, 0, 0, 1])
        saturation = gray + last + (np.eye(4) - gray - last) * chroma / abs(luma)
        product = saturation @ hue @ flip @ contrast @ brightness
        np.testing.assert_allclose(matrix, product[:3, :3], atol=1e-5)
        np.testing.assert_allclose(offset, product[:3, 3], atol=1e-5)


def test_has_the_papers_strengths():
    added, chroma, luma, angle = np.array([_factors(*one) for one in zip(*_maps(1.0), strict=True)]).T
    np.testing.assert_allclose(added.std(), 0.2, rtol=0.06)
    np.testing.assert_allclose(np.log2(np.abs(luma)).std(), 0.5, rtol=0.06)
    np.testing.assert_allclose(np.log2(chroma / np.abs(luma)).std(), 1.0, rtol=0.06)
    np.testing.assert_allclose(np.mean(luma < 0), 0.5, atol=0.04)
    np.testing.assert_allclose(angle.std(), np.pi / np.sqrt(3), rtol=0.06)  # Uniform over a whole turn.


def test_each_happens_with_probability_p():
    added, chroma, luma, angle = np.array([_factors(*one) for one in zip(*_maps(0.4), strict=True)]).T
    for changed, expected in (
        (np.abs(added) > 1e-6, 0.4),
        (np.abs(np.abs(luma) - 1) > 1e-6, 0.4),
        (luma < 0, 0.2),
        (np.abs(angle) > 1e-6, 0.4),
        (np.abs(chroma / np.abs(luma) - 1) > 1e-5, 0.4),
    ):
        np.testing.assert_allclose(changed.mean(), expected, atol=0.04)


def test_one_channel_is_gray():
    images = np.random.default_rng(0).uniform(-1, 1, (50, 4, 4, 1)).astype(np.float32)
    key = jax.random.key(3)
    three = color(key, np.repeat(images, 3, axis=3), 1.0)
    np.testing.assert_allclose(color(key, images, 1.0), np.mean(three, axis=3, keepdims=True), atol=1e-5)
    np.testing.assert_allclose(three, np.repeat(three[..., :1], 3, axis=3), atol=1e-5)
