import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import convolve

from gan_jax.errors import UsageError
from gan_jax.metrics import image_checks
from gan_jax.metrics.multiscale_ssim import (
    intra_class_multiscale_ssim,
    multiscale_ssim,
    multiscale_structural_similarity,
)

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
C1, C2 = 2.55**2, 7.65**2
COMPILED = jax.jit(multiscale_structural_similarity)


def _single(left, right):
    """One scale of one channel: window by window, with weighted moments about the window's own mean."""
    height, width = left.shape
    size = min(11, height, width)
    at = np.arange(size) - (size - 1) / 2
    weights = np.exp(-(at[:, None] ** 2 + at[None] ** 2) / (2 * (1.5 * size / 11) ** 2))
    weights /= weights.sum()
    whole, contrasts = [], []
    for y in range(height - size + 1):
        for x in range(width - size + 1):
            a, b = left[y : y + size, x : x + size], right[y : y + size, x : x + size]
            m, n = np.sum(weights * a), np.sum(weights * b)
            v, w = np.sum(weights * (a - m) ** 2), np.sum(weights * (b - n) ** 2)
            covariance = np.sum(weights * (a - m) * (b - n))
            contrasts.append((2 * covariance + C2) / (v + w + C2))
            whole.append(contrasts[-1] * (2 * m * n + C1) / (m * m + n * n + C1))
    return np.mean(whole), np.mean(contrasts)


def _expected(left, right):
    """Five scales of images [H, W, C], halved as the reference implementation does it."""
    left, right = (np.moveaxis(x.astype(np.float64), -1, 0) for x in (left, right))
    product = 1.0
    for scale, weight in enumerate(WEIGHTS):
        both = [_single(a, b) for a, b in zip(left, right)]
        product *= max(np.mean([pair[scale < 4] for pair in both]), 0.0) ** weight
        left, right = (
            np.stack([convolve(x, np.ones((2, 2)) / 4, mode="reflect")[::2, ::2] for x in images])
            for images in (left, right)
        )
    return product


def _pair(seed, shape):
    rng = np.random.default_rng(seed)
    base = rng.normal(0, 40, shape) + 60 * np.sin(np.arange(shape[1]) / 4)[:, None, None] + 120
    left, right = (base + rng.normal(0, 20, shape) for _ in range(2))
    return [np.clip(x, 0, 255).astype(np.uint8) for x in (left, right)]


@pytest.mark.parametrize(
    "shape",
    [
        (2, 48, 48, 3),
        (2, 28, 28, 1),
        (2, 23, 30, 1),
        (3, 8, 8, 1),
        (2, 1, 1, 3),
        (1, 64, 40, 1),
        (1, 8, 30, 3),
    ],
)
def test_against_float64(shape):
    left, right = _pair(1, shape)
    expected = [_expected(a, b) for a, b in zip(left, right)]
    actual = COMPILED(left, right)
    assert actual.shape == shape[:1] and actual.dtype == np.float32
    np.testing.assert_allclose(actual, expected, rtol=3e-6)


def test_floats_and_no_jit():
    left, right = _pair(1, (2, 16, 16, 1))
    actual = multiscale_structural_similarity(np.float32(left), np.float32(right))
    np.testing.assert_allclose(actual, COMPILED(left, right), rtol=1e-6)


def test_constant_images_compare_their_luminance_on_the_last_scale():
    left, right = (np.full((1, 32, 32, 1), shade, np.uint8) for shade in (100, 50))
    luminance = (2 * 100 * 50 + C1) / (100**2 + 50**2 + C1)
    np.testing.assert_allclose(COMPILED(left, right), [luminance**0.1333], rtol=1e-6)
    bright, dark = np.full((1, 8, 8, 3), 255, np.uint8), np.zeros((1, 8, 8, 3), np.uint8)
    np.testing.assert_allclose(COMPILED(bright, dark), [(C1 / (255**2 + C1)) ** 0.1333], rtol=1e-6)


def test_opposite_structure_is_0():
    checkers = np.indices((16, 16)).sum(0) % 2 * 255
    left, right = (x[None, ..., None].astype(np.uint8) for x in (checkers, 255 - checkers))
    assert COMPILED(left, right)[0] == 0.0


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 1000))
def test_properties(seed):
    left, right = _pair(seed, (3, 20, 20, 1))
    np.testing.assert_allclose(COMPILED(left, left), 1.0, atol=1e-6)
    actual = COMPILED(left, right)
    assert np.all((actual > 0) & (actual < 1))
    np.testing.assert_allclose(COMPILED(right, left), actual, rtol=1e-6)


def _by_hand(images, rows, rng, pairs):
    left = rng.integers(len(rows), size=pairs)
    right = (left + rng.integers(1, len(rows), size=pairs)) % len(rows)
    assert np.all(left != right)
    return np.mean([_expected(images[rows[a]], images[rows[b]]) for a, b in zip(left, right)])


def test_random_pairs_of_different_images(monkeypatch):
    images = np.concatenate(_pair(0, (5, 16, 16, 1)))
    expected = _by_hand(images, np.arange(10), np.random.default_rng([7]), 12)
    np.testing.assert_allclose(multiscale_ssim(images, 7, pairs=12)["multiscale_ssim"], expected, rtol=3e-6)
    monkeypatch.setattr(image_checks, "BLOCK_BYTES", 5 * 64 * 256)  # five pairs at a time
    np.testing.assert_allclose(multiscale_ssim(images, 7, pairs=12)["multiscale_ssim"], expected, rtol=3e-6)


def test_every_pair_is_as_likely():
    # Images 0 and 1 are alike, 2 is not: one pair in three scores 1, two score the same other value.
    alike, other = _pair(0, (1, 16, 16, 1))
    images = np.concatenate([alike, alike, other])
    apart = float(COMPILED(alike, other)[0])
    actual = multiscale_ssim(images, 0, pairs=30_000)["multiscale_ssim"]
    np.testing.assert_allclose((actual - apart) / (1 - apart), 1 / 3, atol=0.012)


def test_equal_images_are_not_diverse():
    images = np.repeat(_pair(0, (1, 28, 28, 3))[0], 6, axis=0)
    np.testing.assert_allclose(multiscale_ssim(images, 0, pairs=20)["multiscale_ssim"], 1.0, atol=1e-6)


def test_within_classes():
    images = np.concatenate(_pair(3, (4, 16, 16, 1)))
    images[4:] = images[4]
    # Class 5 has one image and no pair; class 9 is four times the same image.
    labels = np.array([2, 2, 2, 5, 9, 9, 9, 9])
    actual = intra_class_multiscale_ssim(images, labels, 1, pairs=6)
    of_two = _by_hand(images, np.array([0, 1, 2]), np.random.default_rng([1, 2]), 6)
    assert of_two < 0.9
    np.testing.assert_allclose(actual["intra_class_multiscale_ssim"], (of_two + 1) / 2, rtol=3e-6)
    np.testing.assert_allclose(actual["highest_class_multiscale_ssim"], 1.0, atol=1e-6)


def test_mistakes():
    images = np.zeros((3, 8, 8, 1), np.uint8)
    with pytest.raises(UsageError, match="expected at least 2 images, got 1"):
        multiscale_ssim(images[:1], 0)
    with pytest.raises(UsageError, match="got float64"):
        multiscale_ssim(images / 255, 0)
    with pytest.raises(UsageError, match=r"one label per image, got \(2,\) for 3 images"):
        intra_class_multiscale_ssim(images, np.zeros(2, int), 0)
    with pytest.raises(UsageError, match="a class with two images, got 3 classes of one image"):
        intra_class_multiscale_ssim(images, np.arange(3), 0)
    with pytest.raises(UsageError, match=r"got \(3, 8, 8, 1\), \(2, 8, 8, 1\)"):
        multiscale_structural_similarity(images, images[:2])
