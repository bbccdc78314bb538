"""Classical restorations: closed forms, and each better than doing nothing at what it is for."""

import numpy as np
import pytest
from PIL import Image

from gan_jax.errors import UsageError
from gan_jax.metrics import classical
from gan_jax.metrics.restored_frechet_distance import restored_frechet_distance
from gan_jax.metrics.unchanged_share import unchanged_share

RANDOM = np.random.default_rng(0)
# Smooth images: what the methods assume.
ROWS, COLUMNS = np.mgrid[:32, :40]
SMOOTH = np.uint8(
    127.5 + 100 * np.stack([np.sin(ROWS / 5 + i) * np.cos(COLUMNS / 7) for i in range(3)], axis=-1)
)[None]


def _error(images):
    return float(np.sqrt(np.square(np.float64(images) - SMOOTH).mean()))


@pytest.mark.parametrize("name", ["bicubic", "lanczos"])
def test_resizing_is_that_of_pillow(name):
    small = RANDOM.integers(0, 256, (2, 5, 7, 3), np.uint8)
    actual = classical.restored(name, {}, small, None, (10, 14, 3))
    expected = [
        Image.fromarray(each).resize((14, 10), getattr(Image.Resampling, name.upper())) for each in small
    ]
    np.testing.assert_array_equal(actual, np.stack([np.asarray(each) for each in expected]))


def test_grey_images_become_grey_ones_of_three_channels_and_equal_sizes_stay():
    grey = RANDOM.integers(0, 256, (2, 5, 7, 1), np.uint8)
    np.testing.assert_array_equal(classical.bicubic(grey, None, (5, 7, 3)), grey.repeat(3, axis=-1))


def test_non_local_means_removes_noise():
    noisy = np.uint8(np.clip(np.round(SMOOTH + RANDOM.normal(0, 25, SMOOTH.shape)), 0, 255))
    assert _error(classical.restored("non_local_means", {}, noisy, None, SMOOTH.shape[1:])) < 0.5 * _error(
        noisy
    )


@pytest.mark.parametrize(("name", "options"), [("wiener", {}), ("richardson_lucy", {})])
def test_deconvolution_sharpens(name, options):
    line = np.exp(-0.5 * np.square(np.arange(-6, 7) / 1.6))
    padded = np.pad(np.float64(SMOOTH[0]), ((6, 6), (6, 6), (0, 0)), mode="symmetric")
    for axis in (0, 1):
        padded = np.apply_along_axis(np.convolve, axis, padded, line / line.sum(), mode="valid")
    blurred = np.uint8(np.round(padded))[None]
    actual = classical.restored(name, options, blurred, None, SMOOTH.shape[1:])
    assert _error(actual) < 0.7 * _error(blurred)


@pytest.mark.parametrize("name", ["telea", "biharmonic"])
def test_holes_are_filled_and_the_rest_stays(name):
    masks = np.zeros((1, 32, 40, 1))
    masks[:, 10:16, 20:27] = 1
    holed = np.uint8(np.where(masks > 0, 0, SMOOTH))
    actual = classical.restored(name, {}, holed, masks, SMOOTH.shape[1:])
    assert _error(actual) < 0.2 * _error(holed)
    outside = np.broadcast_to(masks == 0, SMOOTH.shape)
    np.testing.assert_array_equal(actual[outside], SMOOTH[outside])


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("telea", (32, 40, 3), "needs masks"),
        ("bicubic", (32, 40, 1), r"baseline bicubic: expected uint8 \[1, 32, 40, 1\]"),
        ("wiener", (64, 80, 3), r"expected sources of \[64, 80, 3\], got \[32, 40, 3\]"),
    ],
)
def test_what_a_method_cannot_do_is_one_line(name, shape, message):
    with pytest.raises(UsageError, match=message):
        classical.restored(name, {}, SMOOTH, None, shape)


def test_unchanged_share_counts_outputs_within_the_tolerance():
    sources = RANDOM.integers(10, 200, (4, 6, 6, 3), np.uint8)
    fakes = sources + np.uint8([0, 2, 3, 50])[:, None, None, None]
    assert unchanged_share(fakes, sources) == {"unchanged_share": 0.5}


def test_frechet_distance_of_the_inputs_themselves():
    images = RANDOM.integers(0, 256, (40, 4, 4, 3), np.uint8)

    def embed(samples):
        return samples.mean(axis=(1, 2))[:, :2]

    features = embed(np.float32(images / 127.5 - 1))
    shifted = features + np.array([0.3, -0.4])  # Equal covariances: the squared distance of means is left.
    values = restored_frechet_distance(shifted, images, images, embed, batch_size=16)
    assert values == {"frechet_distance_of_bicubic": pytest.approx(0.25, abs=1e-5)}
