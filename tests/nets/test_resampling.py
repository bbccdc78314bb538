"""Against loops over pixels in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.errors import UsageError
from gan_jax.nets import resampling


def _image(height, width, channels=2):
    return np.random.default_rng(0).normal(size=(2, height, width, channels)).astype(np.float32)


@pytest.mark.parametrize(
    ("resolution", "count"), [(28, 2), (32, 3), ((16, 24), 2), ((16, 18), 1), ((8, 64), 1)]
)
def test_halvings(resolution, count):
    assert resampling.halvings(resolution) == count


@pytest.mark.parametrize(
    ("resolution", "size"), [(6, "(6, 6)"), (27, "(27, 27)"), (7, "(7, 7)"), ((16, 9), "(16, 9)")]
)
def test_resolution_that_cannot_be_halved(resolution, size):
    with pytest.raises(UsageError) as error:
        resampling.halvings(resolution, "a.Net")
    expected = "expected an even height and width of at least 8 pixels"
    assert str(error.value) == f"a.Net: resolution={size}: {expected}"


def test_repeat_pixels():
    x = _image(2, 3)
    pixels = resampling.repeat_pixels(x)
    assert pixels.shape == (2, 4, 6, 2)
    for i in range(4):
        for j in range(6):
            np.testing.assert_array_equal(pixels[:, i, j], x[:, i // 2, j // 2])


@pytest.mark.parametrize(("pool", "reduce"), [(resampling.mean_pool, np.mean), (resampling.max_pool, np.max)])
@pytest.mark.parametrize(("height", "width"), [(4, 2), (5, 3)])
def test_pools_squares_and_leaves_odd_rows_out(pool, reduce, height, width):
    x = _image(height, width)
    pixels = pool(x)
    assert pixels.shape == (2, height // 2, width // 2, 2)
    for i in range(height // 2):
        for j in range(width // 2):
            square = np.float64(x)[:, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
            np.testing.assert_allclose(pixels[:, i, j], reduce(square, axis=(1, 2)), rtol=1e-5, atol=1e-7)


def _taps(twice):
    """The matrix of one axis from n to 2n pixels: the filter [1, 3, 3, 1] / 4 with stride 2."""
    matrix = np.zeros((twice, twice // 2))
    for i in range(twice // 2):
        for tap, weight in enumerate((0.25, 0.75, 0.75, 0.25)):
            if 0 <= 2 * i - 1 + tap < twice:
                matrix[2 * i - 1 + tap, i] = weight
    return matrix


def test_smooth_resampling_is_the_filter_1331():
    small, large = _image(3, 2), _image(6, 4)
    rows, columns = _taps(6), _taps(4)
    up = np.einsum("Hh,Ww,bhwc->bHWc", rows, columns, np.float64(small))
    down = np.einsum("Hh,Ww,bHWc->bhwc", rows, columns, np.float64(large)) / 4
    np.testing.assert_allclose(resampling.smooth_upsample(small), up, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(resampling.smooth_downsample(large), down, rtol=1e-5, atol=1e-6)


def test_smooth_resampling_keeps_a_constant_inside():
    x = jnp.ones((1, 8, 8, 1))
    np.testing.assert_allclose(resampling.smooth_upsample(x)[:, 1:-1, 1:-1], 1.0)
    np.testing.assert_allclose(resampling.smooth_downsample(x)[:, 1:-1, 1:-1], 1.0)
    np.testing.assert_allclose(resampling.smooth_upsample(x)[0, 0, 0, 0], 0.75**2)


def test_maximum_of_equal_pixels_has_one_gradient():
    gradient = jax.grad(lambda x: resampling.max_pool(x).sum())(jnp.ones((1, 2, 2, 1)))
    np.testing.assert_allclose(gradient.sum(), 1.0)


@pytest.mark.parametrize(("height", "width"), [(4, 6), (5, 2), (1, 3)])
def test_blurred_downsample_leaves_out_pixels_of_a_filtered_image(height, width):
    x = _image(height, width)
    halved = resampling.blurred_downsample(x)
    assert halved.shape == (2, -(-height // 2), -(-width // 2), 2)
    padded = np.pad(np.float64(x), ((0, 0), (1, 1), (1, 1), (0, 0)), "reflect")
    taps = np.outer([1, 2, 1], [1, 2, 1]) / 16
    for i in range(halved.shape[1]):
        for j in range(halved.shape[2]):
            window = padded[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
            expected = np.einsum("nijc,ij->nc", window, taps)
            np.testing.assert_allclose(halved[:, i, j], expected, rtol=1e-5, atol=1e-6)


def test_antialiased_resampling_keeps_constants():
    x = np.full((1, 6, 4, 1), 3.0, np.float32)
    np.testing.assert_allclose(resampling.blurred_downsample(x), np.full((1, 3, 2, 1), 3.0), rtol=1e-6)
    doubled = resampling.smooth_upsample(x, beyond="edge")
    np.testing.assert_allclose(doubled, np.full((1, 12, 8, 1), 3.0), rtol=1e-6)
