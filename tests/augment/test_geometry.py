"""ADA's geometry: the wavelet, the resampling against NumPy and SciPy, and the random matrices."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage

from gan_jax.augment import geometry

COUNT = 4000

# Compiling is most of this file's time; its programs are tiny.
jit = functools.partial(
    jax.jit, compiler_options={"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
)
resample = jit(geometry.resample)
blit = jit(geometry.blit, static_argnums=1)
transform = jit(geometry.transform, static_argnums=1)


def test_sym6_is_orthonormal_with_six_vanishing_moments():
    # Symlets are the filters of 12 taps that satisfy both and are the least asymmetric.
    taps = geometry.SYM6
    products = [np.dot(taps[2 * k :], taps[: len(taps) - 2 * k]) for k in range(6)]
    np.testing.assert_allclose(products, [1, 0, 0, 0, 0, 0], atol=1e-12)
    np.testing.assert_allclose(taps.sum(), np.sqrt(2), rtol=1e-12)
    k = np.arange(12)
    np.testing.assert_allclose([np.sum((-1.0) ** k * (k / 11) ** m * taps) for m in range(6)], 0, atol=1e-10)


def _resampled(image, inverse, pad=24):
    """The same in float64: reflect by padding, insert zeros, convolve, sample, correlate, decimate."""
    height, width, _ = image.shape
    taps = geometry.SYM6 / np.sqrt(2)
    padded = np.pad(image.astype(np.float64), ((pad, pad), (pad, pad), (0, 0)), "reflect")
    fine = np.zeros((2 * padded.shape[0], 2 * padded.shape[1], image.shape[2]))
    fine[::2, ::2] = padded
    for axis in (0, 1):
        # np.convolve's tap 5 on the pixel itself.
        full = np.apply_along_axis(np.convolve, axis, fine, 2 * taps)
        fine = np.take(full, np.arange(5, 5 + fine.shape[axis]), axis)
    margin = 8
    i, j = np.mgrid[-margin : 2 * height + margin, -margin : 2 * width + margin]
    target = np.stack([j / 2 - (width - 1) / 2, i / 2 - (height - 1) / 2, np.ones(i.shape)], -1)
    source = target @ inverse.astype(np.float64).T
    x, y = 2 * (source[..., 0] + (width - 1) / 2 + pad), 2 * (source[..., 1] + (height - 1) / 2 + pad)
    sampled = np.stack(
        [ndimage.map_coordinates(fine[..., c], [y, x], order=1) for c in range(image.shape[2])], -1
    )
    for axis in (0, 1):
        full = np.apply_along_axis(np.convolve, axis, sampled, taps[::-1])
        # Reversed, the tap on the pixel itself is 11 - 5.
        sampled = np.take(full, margin + 6 + 2 * np.arange((height, width)[axis]), axis)
    return sampled


def test_resample_equals_the_filters_step_by_step():
    rng = np.random.default_rng(0)
    images = rng.uniform(-1, 1, (6, 9, 7, 2)).astype(np.float32)
    inverse = np.tile(np.eye(3, dtype=np.float32), (6, 1, 1))
    inverse[:, :2] += rng.normal(0, 0.3, (6, 2, 3)).astype(np.float32)
    expected = [_resampled(image, matrix) for image, matrix in zip(images, inverse, strict=True)]
    np.testing.assert_allclose(resample(images, jnp.array(inverse)), expected, atol=2e-5)


def test_resample_by_whole_pixels_is_exact_and_reflects():
    image = np.random.default_rng(1).uniform(-1, 1, (1, 8, 6, 3)).astype(np.float32)
    identity = jnp.eye(3)[None]
    np.testing.assert_allclose(resample(image, identity), image, atol=1e-6)
    translation = resample(image, identity.at[0, 0, 2].set(-2).at[0, 1, 2].set(3))
    padded = np.pad(image[0], ((3, 3), (3, 3), (0, 0)), "reflect")
    np.testing.assert_allclose(translation[0], padded[6:14, 1:7], atol=1e-6)


def test_resample_flips_and_turns_smooth_images():
    y, x = np.mgrid[-1:1:32j, -1:1:32j]
    image = np.float32(np.exp(-((x - 0.2) ** 2 + (y + 0.3) ** 2) * 8))[None, ..., None]
    flip = jnp.diag(jnp.array([-1.0, 1, 1]))[None]
    # sym6's centre is 0.1 fine pixels beside its tap 5, so that a flip moves the image by 0.1 pixels, times a
    # slope of at most 0.16 a pixel.
    np.testing.assert_allclose(resample(image, flip), image[:, :, ::-1], atol=0.02)
    turn = jnp.array([[[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]]])
    np.testing.assert_allclose(resample(image, turn)[0], np.rot90(image[0], -1), atol=0.02)


def test_a_quarter_turn_of_a_rectangle_keeps_the_aspect_and_fills_up_with_its_reflection():
    # Slopes are 0 at the borders, so that the reflection is as smooth as the image.
    y, x = np.mgrid[0 : np.pi : 24j, 0 : 2 * np.pi : 40j]
    image = np.float32(0.6 * np.cos(x) + 0.4 * np.cos(y))[None, ..., None]
    # 24 rows and 8 reflected ones on either side make a square of 40; its turn is cut to 24 rows again.
    square = np.pad(image[0], ((8, 8), (0, 0), (0, 0)), "reflect")
    quarter = jnp.array([[[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]]])
    np.testing.assert_allclose(resample(image, quarter)[0], np.rot90(square, -1)[8:32], atol=0.02)
    half = jnp.diag(jnp.array([-1.0, -1, 1]))[None]
    np.testing.assert_allclose(resample(image, half)[0], np.rot90(image[0], 2), atol=0.02)


def test_blit_draws_flips_quarter_turns_and_whole_pixels():
    matrices = np.asarray(blit(jax.random.key(0), (COUNT, 16, 24, 3), 1.0))
    np.testing.assert_allclose(matrices, np.round(matrices), atol=1e-6)
    np.testing.assert_allclose(np.abs(matrices[:, :2, :2]).sum((1, 2)), 2, atol=1e-6)
    kinds = np.unique(np.round(matrices[:, :2, :2].reshape(COUNT, 4)), axis=0, return_counts=True)[1]
    assert len(kinds) == 8  # All symmetries of the square, about equally often.
    np.testing.assert_allclose(kinds / COUNT, 1 / 8, atol=0.03)
    # Moves come last: the image of the centre under the inverse is the offset.
    offset = np.linalg.inv(matrices)[:, :2, 2]
    np.testing.assert_allclose(np.abs(offset).max(0), [3, 2], atol=1e-5)


@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_blit_changes_each_with_probability_p(p):
    matrices = np.asarray(blit(jax.random.key(1), (COUNT, 64, 64, 3), p))
    # A chosen flip flips in a half, a chosen turn turns in three quarters, a chosen move moves in 288/289.
    unflipped, straight = 1 - p / 2, 1 - 3 * p / 4
    flipped = np.linalg.det(matrices) < 0
    np.testing.assert_allclose(np.mean(flipped), 1 - unflipped, atol=0.03)
    np.testing.assert_allclose(np.mean(np.any(matrices[:, :2, 2] != 0, 1)), p * 288 / 289, atol=0.03)
    unchanged = np.all(np.abs(matrices - np.eye(3)) < 1e-6, axis=(1, 2))
    np.testing.assert_allclose(np.mean(unchanged), unflipped * straight * (1 - p * 288 / 289), atol=0.03)


@pytest.mark.parametrize("p", [0.0, 0.36, 1.0])
def test_transform_rotates_with_probability_p(p):
    matrices = transform(jax.random.key(2), (COUNT, 8, 8, 3), p, scale=0.0, anisotropy=0.0, translate=0.0)
    matrices = np.asarray(matrices)
    np.testing.assert_allclose(
        matrices @ matrices.swapaxes(1, 2), np.tile(np.eye(3), (COUNT, 1, 1)), atol=1e-5
    )
    changed = np.abs(matrices - np.eye(3)).max((1, 2)) > 1e-6
    np.testing.assert_allclose(changed.mean(), p, atol=0.03)


def test_transform_has_the_papers_strengths():
    shape, key = (COUNT, 32, 16, 3), jax.random.key(3)
    only = dict.fromkeys(("scale", "rotate", "anisotropy", "translate"), 0.0)
    for name, sign in (("scale", 1), ("anisotropy", -1)):
        matrices = np.asarray(transform(key, shape, 1.0, **{**only, name: 0.2}))
        x, y = np.log2(matrices[:, 0, 0]), np.log2(matrices[:, 1, 1])
        np.testing.assert_allclose(x, sign * y, atol=1e-6)
        np.testing.assert_allclose(x.std(), 0.2, rtol=0.05)
    translation = np.asarray(transform(key, shape, 1.0, **{**only, "translate": 0.125}))[:, :2, 2]
    np.testing.assert_allclose(translation.std(0), [2, 4], rtol=0.05)


def test_transform_is_the_product_in_the_papers_order():
    # Each factor alone, from the same key, then their product; moves last in the augmented image.
    key, shape = jax.random.key(4), (5, 8, 8, 1)
    only = dict.fromkeys(("scale", "rotate", "anisotropy", "translate"), 0.0)
    whole = np.asarray(transform(key, shape, 1.0))
    scaling, rotation, translation = (
        np.float64(transform(key, shape, 1.0, **{**only, name: value}))
        for name, value in (("scale", 0.2), ("rotate", 1.0), ("translate", 0.125))
    )
    stretch = np.float64(transform(key, shape, 1.0, **{**only, "anisotropy": 0.2}))
    # At p = 1 both rotations happen; undo scale and move, and a rotation on either side of the stretch is
    # left.
    middle = np.linalg.inv(scaling) @ whole @ np.linalg.inv(translation)
    singular = np.linalg.svd(middle[:, :2, :2], compute_uv=False)
    expected = np.sort(np.stack([stretch[:, 0, 0], stretch[:, 1, 1]], 1))[:, ::-1]
    np.testing.assert_allclose(singular, expected, rtol=1e-5)
    np.testing.assert_allclose(middle[:, :2, 2], 0, atol=1e-5)
    np.testing.assert_allclose(np.linalg.det(rotation), 1, rtol=1e-5)
