"""DiffAugment against NumPy: tests infer the random numbers from the result and check their range."""

import jax
import numpy as np
import pytest

from gan_jax import augment
from gan_jax.augment import differentiable

COUNT = 300


def _images(seed=0, shape=(COUNT, 8, 8, 3)):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def _actual(function, images, seed=0):
    return np.asarray(function(jax.random.key(seed), images))


def test_brightness_adds_up_to_a_half():
    images = _images()
    added = _actual(differentiable.brightness, images) - images
    np.testing.assert_allclose(added, np.broadcast_to(added[:, :1, :1, :1], added.shape), atol=1e-6)
    values = added[:, 0, 0, 0]
    assert -0.5 <= values.min() < -0.45 and 0.45 < values.max() <= 0.5
    assert abs(values.mean()) < 0.07


@pytest.mark.parametrize(
    ("name", "axes", "low", "high"), [("saturation", 3, 0, 2), ("contrast", (1, 2, 3), 0.5, 1.5)]
)
def test_scales_the_distance_to_a_mean(name, axes, low, high):
    images = _images()
    mean = images.mean(axis=axes, keepdims=True, dtype=np.float64)
    actual = _actual(getattr(differentiable, name), images)
    factor = ((actual - mean) * (images - mean)).sum((1, 2, 3)) / ((images - mean) ** 2).sum((1, 2, 3))
    np.testing.assert_allclose(actual, mean + factor[:, None, None, None] * (images - mean), atol=1e-5)
    width = high - low
    assert (
        low - 1e-5 <= factor.min() < low + 0.05 * width and high - 0.05 * width < factor.max() <= high + 1e-5
    )


def test_saturation_leaves_gray_images():
    images = _images(shape=(20, 6, 6, 1))
    np.testing.assert_allclose(_actual(differentiable.saturation, images), images, atol=1e-6)


def _moved(image, down, right):
    """np.roll with zeros in place of what comes around."""
    output = np.roll(image, (down, right), (0, 1))
    output[: max(down, 0)] = 0
    output[image.shape[0] + min(down, 0) :] = 0
    output[:, : max(right, 0)] = 0
    output[:, image.shape[1] + min(right, 0) :] = 0
    return output


def test_translation_is_a_roll_filled_with_zeros():
    images = _images(shape=(COUNT, 16, 8, 2))  # An eighth: two pixels down, one to the right.
    moves = [(down, right) for down in range(-2, 3) for right in range(-1, 2)]
    places = set()
    for image, actual in zip(images, _actual(differentiable.translation, images), strict=True):
        matching = [move for move in moves if np.array_equal(_moved(image, *move), actual)]
        assert len(matching) == 1
        places.update(matching)
    assert places == set(moves)


@pytest.mark.parametrize("shape", [(8, 8), (9, 9), (9, 4)])
def test_cutout_zeroes_half_of_each_side_cut_at_the_border(shape):
    images = 2 + _images(shape=(COUNT, *shape, 3))
    # The windows of each side: half of its pixels, rounded up, around any centre.
    windows = []
    for pixels in shape:
        size = int(pixels / 2 + 0.5)
        starts = [centre - size // 2 for centre in range(pixels + 1 - size % 2)]
        windows.append([list(range(max(at, 0), min(at + size, pixels))) for at in starts])
    places = set()
    for image, actual in zip(images, _actual(differentiable.cutout, images), strict=True):
        covered = np.all(actual == 0, axis=2)
        np.testing.assert_array_equal(actual[~covered], image[~covered])
        rows, columns = (np.flatnonzero(covered.any(axis)) for axis in (1, 0))
        assert covered.sum() == len(rows) * len(columns)
        places.add((windows[0].index(rows.tolist()), windows[1].index(columns.tolist())))
    assert len(places) > 0.9 * len(windows[0]) * len(windows[1])


def test_a_policy_is_its_transforms_in_order():
    key, images = jax.random.key(5), _images(shape=(4, 8, 8, 3))
    augmentation = augment.diffaugment(policy=("cutout", "contrast"))
    expected = differentiable.cutout(jax.random.fold_in(key, 0), images)
    expected = differentiable.contrast(jax.random.fold_in(key, 1), expected)
    np.testing.assert_array_equal(augmentation.apply((), key, images, 0), expected)
    split = augment.diffaugment(policy=("brightness", "saturation", "contrast"))
    whole = augment.diffaugment(policy=("color",))
    np.testing.assert_array_equal(split.apply((), key, images, 0), whole.apply((), key, images, 0))
    np.testing.assert_array_equal(augment.diffaugment(policy=()).apply((), key, images, 0), images)
