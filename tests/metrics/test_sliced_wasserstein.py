import importlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import convolve

from gan_jax.errors import UsageError
from gan_jax.metrics import image_checks
from gan_jax.metrics.sliced_wasserstein import sliced_wasserstein

FILTER = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]) / 256


def _images(seed, count, height, width=None, channels=3):
    """Smooth images with noise, so that levels differ."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, : width or height] / height
    phase = rng.uniform(0, 6, (count, 1, 1, channels))
    waves = 127 + 60 * np.sin(5 * rows[..., None] + phase) * np.cos(3 * columns[..., None])
    return np.clip(waves + rng.normal(0, 15, waves.shape), 0, 255).astype(np.uint8)


def _pyramid(image, levels):
    """Laplacian pyramid of one channel in float64, filtered in two dimensions at once."""
    pyramid = [image.astype(np.float64)]
    for _ in range(levels - 1):
        small = convolve(pyramid[-1], FILTER, mode="mirror")[::2, ::2]
        large = np.zeros(pyramid[-1].shape)
        large[::2, ::2] = small
        pyramid[-1] = pyramid[-1] - 4 * convolve(large, FILTER, mode="mirror")
        pyramid.append(small)
    return pyramid


def _descriptors(images, levels, level, corners):
    """Normalised patches of one level as rows, one patch after the other."""
    patches = []
    for image, places in zip(images, corners):
        channels = [_pyramid(image[..., c], levels)[level] for c in range(image.shape[-1])]
        pixels = np.stack(channels, axis=-1)
        patches += [pixels[y : y + 7, x : x + 7] for y, x in places]
    patches = np.stack(patches)
    for channel in range(patches.shape[-1]):
        values = patches[..., channel]
        patches[..., channel] = (values - values.mean()) / values.std()
    return patches.reshape(len(patches), -1)


def _expected(real, fake, seed, sizes, patches, directions):
    values = {}
    for level, (height, width) in enumerate(sizes):
        corners = np.random.default_rng([seed, level, 0]).integers(
            0, (height - 6, width - 6), (len(real), patches, 2), np.int32
        )
        slices = np.random.default_rng([seed, level, 1]).standard_normal((49 * real.shape[-1], directions))
        left, right = (_descriptors(images, len(sizes), level, corners) for images in (real, fake))
        distances = []
        for direction in slices.T:
            direction = direction / np.sqrt(np.sum(direction**2))
            distances.append(np.mean(np.abs(np.sort(left @ direction) - np.sort(right @ direction))))
        values[f"sliced_wasserstein_{min(height, width)}"] = 1000 * np.mean(distances)
    return {**values, "sliced_wasserstein": np.mean(list(values.values()))}


@pytest.mark.parametrize(
    "shape, sizes",
    [
        ((64, 64, 3), [(64, 64), (32, 32), (16, 16)]),
        ((33, 33, 1), [(33, 33), (17, 17)]),
        ((32, 37, 1), [(32, 37), (16, 19)]),
        ((37, 32, 1), [(37, 32), (19, 16)]),
        ((20, 64, 1), [(20, 64)]),
        ((28, 28, 1), [(28, 28)]),
        ((8, 8, 3), [(8, 8)]),
    ],
)
def test_against_float64(shape, sizes):
    real, fake = _images(0, 6, *shape), _images(1, 6, *shape)
    actual = sliced_wasserstein(real, fake, 5, patches=8, directions=12)
    expected = _expected(real, fake, 5, sizes, 8, 12)
    assert list(actual) == list(expected) and actual["sliced_wasserstein"] > 10
    for name in expected:
        np.testing.assert_allclose(actual[name], expected[name], rtol=2e-6)


def test_sets_of_different_size_are_cut_to_the_smaller_by_sorted_random_rows():
    real, fake = _images(0, 9, 16), _images(1, 6, 16)
    rows = np.sort(np.random.default_rng([3]).choice(9, 6, replace=False))
    options = dict(patches=8, directions=4)
    actual = sliced_wasserstein(real, fake, 3, **options)
    assert actual == sliced_wasserstein(real[rows], fake, 3, **options)
    rows = np.sort(np.random.default_rng([3]).choice(6, 4, replace=False)), np.arange(4)
    limited = sliced_wasserstein(real[:6], fake, 3, image_limit=4, **options)
    assert limited == sliced_wasserstein(real[:6][rows[0]], fake[rows[0]], 3, **options) != actual


def test_blocks_and_groups_of_directions_change_nothing(monkeypatch):
    real, fake = _images(0, 5, 32, channels=1), _images(1, 5, 32, channels=1)
    whole = sliced_wasserstein(real, fake, 0, patches=8, directions=7)
    # 3 directions at a time, and 1 image.
    # The package offers the function under the module's name.
    module = importlib.import_module("gan_jax.metrics.sliced_wasserstein")
    monkeypatch.setattr(module, "BLOCK_BYTES", 8 * 5 * 8 * 3)
    monkeypatch.setattr(image_checks, "BLOCK_BYTES", 1)
    parts = sliced_wasserstein(real, fake, 0, patches=8, directions=7)
    for name in whole:
        np.testing.assert_allclose(parts[name], whole[name], rtol=1e-6)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**31))
def test_properties(seed):
    real, fake = _images(seed, 4, 32), _images(seed + 1, 4, 32)
    options = dict(patches=8, directions=8)
    actual = sliced_wasserstein(real, fake, seed, **options)
    assert set(sliced_wasserstein(real, real, seed, **options).values()) == {0.0}
    assert actual["sliced_wasserstein"] > 0
    assert actual == sliced_wasserstein(fake, real, seed, **options)
    # A shift and a gain of all images are normalised away, up to rounding of float32; noise is not.
    pale = (real // 4 * 2 + 30).astype(np.uint8)
    assert sliced_wasserstein(real // 4, pale, seed, **options)["sliced_wasserstein"] < 1e-3


def test_constant_images():
    grey, other = (np.full((4, 32, 32, 3), shade, np.uint8) for shade in (100, 37))
    zero = dict.fromkeys(["sliced_wasserstein_32", "sliced_wasserstein_16", "sliced_wasserstein"], 0.0)
    assert sliced_wasserstein(grey, other, 0, patches=4, directions=4) == zero
    # Against noise: the mean distance of standard normal numbers from 0, sqrt(2 / pi).
    noise = np.random.default_rng(0).integers(0, 256, (64, 28, 28, 1), np.uint8)
    actual = sliced_wasserstein(noise, np.full_like(noise, 9), 0, patches=64)["sliced_wasserstein"]
    np.testing.assert_allclose(actual, 1000 * np.sqrt(2 / np.pi), rtol=0.01)


@pytest.mark.parametrize(
    "real, fake, message",
    [
        ((3, 6, 6, 1), (3, 6, 6, 1), "expected sides of at least 7 pixels, the patch size, got 6x6"),
        ((3, 6, 40, 1), (3, 6, 40, 1), "expected sides of at least 7 pixels, the patch size, got 6x40"),
        ((3, 8, 8, 1), (3, 9, 9, 1), r"real \(8, 8, 1\) and fake \(9, 9, 1\)"),
        ((3, 8, 8, 1), (0, 8, 8, 1), "fake images: expected at least 1 images, got 0"),
        ((3, 8, 8), (3, 8, 8, 1), r"real images: expected uint8 \[N, height, .*got uint8 \(3, 8, 8\)"),
    ],
)
def test_mistakes(real, fake, message):
    with pytest.raises(UsageError, match=message):
        sliced_wasserstein(np.zeros(real, np.uint8), np.zeros(fake, np.uint8), 0)


def test_floats_are_refused():
    images = np.zeros((3, 8, 8, 1), np.float32)
    with pytest.raises(UsageError, match=r"got float32 \(3, 8, 8, 1\)"):
        sliced_wasserstein(images, images, 0)
