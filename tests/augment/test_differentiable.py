"""DiffAugment against NumPy: what was drawn is read off the result, then its range is checked."""

import jax
import numpy as np
import pytest

from gan_jax import augment
from gan_jax.augment import differentiable

COUNT = 300


def _images(seed=0, shape=(COUNT, 8, 8, 3)):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def _found(function, images, seed=0):
    return np.asarray(function(jax.random.key(seed), images))


def test_brightness_adds_up_to_a_half():
    images = _images()
    added = _found(differentiable.brightness, images) - images
    np.testing.assert_allclose(added, np.broadcast_to(added[:, :1, :1, :1], added.shape), atol=1e-6)
    drawn = added[:, 0, 0, 0]
    assert -0.5 <= drawn.min() < -0.45 and 0.45 < drawn.max() <= 0.5
    assert abs(drawn.mean()) < 0.07


@pytest.mark.parametrize(
    ("name", "axes", "low", "high"), [("saturation", 3, 0, 2), ("contrast", (1, 2, 3), 0.5, 1.5)]
)
def test_scales_the_distance_to_a_mean(name, axes, low, high):
    images = _images()
    mean = images.mean(axis=axes, keepdims=True, dtype=np.float64)
    found = _found(getattr(differentiable, name), images)
    factor = ((found - mean) * (images - mean)).sum((1, 2, 3)) / ((images - mean) ** 2).sum((1, 2, 3))
    np.testing.assert_allclose(found, mean + factor[:, None, None, None] * (images - mean), atol=1e-5)
    width = high - low
    assert (
        low - 1e-5 <= factor.min() < low + 0.05 * width and high - 0.05 * width < factor.max() <= high + 1e-5
    )


def test_saturation_leaves_gray_images():
    images = _images(shape=(20, 6, 6, 1))
    np.testing.assert_allclose(_found(differentiable.saturation, images), images, atol=1e-6)


def _moved(image, down, right):
    """np.roll with zeros in place of what comes around."""
    found = np.roll(image, (down, right), (0, 1))
    found[: max(down, 0)] = 0
    found[image.shape[0] + min(down, 0) :] = 0
    found[:, : max(right, 0)] = 0
    found[:, image.shape[1] + min(right, 0) :] = 0
    return found


def test_translation_is_a_roll_filled_with_zeros():
    images = _images(shape=(COUNT, 16, 8, 2))  # An eighth: two pixels down, one to the right.
    moves = [(down, right) for down in range(-2, 3) for right in range(-1, 2)]
    seen = set()
    for image, found in zip(images, _found(differentiable.translation, images), strict=True):
        matching = [move for move in moves if np.array_equal(_moved(image, *move), found)]
        assert len(matching) == 1
        seen.update(matching)
    assert seen == set(moves)


@pytest.mark.parametrize("pixels", [8, 9])
def test_cutout_zeroes_a_square_cut_at_the_border(pixels):
    images = 2 + _images(shape=(COUNT, pixels, pixels, 3))
    size = int(pixels / 2 + 0.5)
    centres = range(pixels + 1 - size % 2)
    seen = set()
    for image, found in zip(images, _found(differentiable.cutout, images), strict=True):
        covered = np.all(found == 0, axis=2)
        np.testing.assert_array_equal(found[~covered], image[~covered])
        rows, columns = (np.flatnonzero(covered.any(axis)) for axis in (1, 0))
        assert covered.sum() == len(rows) * len(columns)
        windows = [
            np.arange(max(c - size // 2, 0), min(c - size // 2 + size, pixels)).tolist() for c in centres
        ]
        assert rows.tolist() in windows and columns.tolist() in windows
        seen.add((windows.index(rows.tolist()), windows.index(columns.tolist())))
    assert len(seen) > 0.9 * len(centres) ** 2


def test_a_policy_is_its_transforms_in_order():
    key, images = jax.random.key(5), _images(shape=(4, 8, 8, 3))
    made = augment.diffaugment(policy=("cutout", "contrast"))
    expected = differentiable.cutout(jax.random.fold_in(key, 0), images)
    expected = differentiable.contrast(jax.random.fold_in(key, 1), expected)
    np.testing.assert_array_equal(made.apply((), key, images, 0), expected)
    split = augment.diffaugment(policy=("brightness", "saturation", "contrast"))
    whole = augment.diffaugment(policy=("color",))
    np.testing.assert_array_equal(split.apply((), key, images, 0), whole.apply((), key, images, 0))
    np.testing.assert_array_equal(augment.diffaugment(policy=()).apply((), key, images, 0), images)
