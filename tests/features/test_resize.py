import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_jax.images import resize_tf1


def reference(image, height, width):
    """One value at a time, in float64 but for the coordinates, which TensorFlow has in float32."""
    old_height, old_width, channels = image.shape
    out = np.zeros((height, width, channels))
    for i in range(height):
        for j in range(width):
            y = float(np.float32(i) * (np.float32(old_height) / np.float32(height)))
            x = float(np.float32(j) * (np.float32(old_width) / np.float32(width)))
            top, left = int(np.floor(y)), int(np.floor(x))
            bottom, right = min(top + 1, old_height - 1), min(left + 1, old_width - 1)
            for c in range(channels):
                corners = [float(image[a, b, c]) for a in (top, bottom) for b in (left, right)]
                shares = [(1 - y + top) * (1 - x + left), (1 - y + top) * (x - left)]
                shares += [(y - top) * (1 - x + left), (y - top) * (x - left)]
                out[i, j, c] = sum(share * corner for share, corner in zip(shares, corners))
    return out


def test_by_hand():
    # Pixel i of 4 looks at i / 2: nothing beyond the last pixel. Aligned corners would give 0 1/3 2/3 1, and
    # half-pixel centres 0 1/4 3/4 1.
    row = jnp.array([0.0, 1.0]).reshape(1, 1, 2, 1)
    np.testing.assert_array_equal(resize_tf1(row, 1, 4).ravel(), [0, 0.5, 1, 1])
    np.testing.assert_array_equal(resize_tf1(row.swapaxes(1, 2), 4, 1).ravel(), [0, 0.5, 1, 1])
    # Smaller: every third pixel, without antialiasing.
    row = jnp.array([3.0, 9, 1, 5, 7, 2]).reshape(1, 1, 6, 1)
    np.testing.assert_array_equal(resize_tf1(row, 1, 2).ravel(), [3, 5])
    np.testing.assert_array_equal(resize_tf1(row, 1, 4).ravel(), [3, 5, 5, 4.5])


@settings(max_examples=10, deadline=None)
@given(*(st.integers(1, 24) for _ in range(4)), st.integers(0, 100))
def test_equals_the_loop(old_height, old_width, height, width, seed):
    image = np.random.default_rng(seed).integers(0, 256, (old_height, old_width, 2), np.uint8)
    resized = resize_tf1(image[None], height, width)
    assert resized.shape == (1, height, width, 2) and resized.dtype == jnp.float32
    np.testing.assert_allclose(resized[0], reference(image, height, width), rtol=1e-6, atol=255e-6)


@pytest.mark.parametrize("size", [28, 32, 64, 299, 512])
def test_to_299(size):
    image = np.random.default_rng(size).integers(0, 256, (size, 3, 1), np.uint8)
    resized = jax.jit(resize_tf1, static_argnums=(1, 2))(image[None], 299, 5)
    np.testing.assert_allclose(resized[0], reference(image, 299, 5), rtol=1e-6, atol=255e-6)


def test_same_size_and_constants_stay():
    images = np.random.default_rng(0).uniform(-1, 1, (2, 5, 7, 3)).astype(np.float32)
    np.testing.assert_array_equal(resize_tf1(images, 5, 7), images)
    np.testing.assert_array_equal(resize_tf1(np.full((1, 3, 4, 1), 200, np.uint8), 9, 9), 200.0)
