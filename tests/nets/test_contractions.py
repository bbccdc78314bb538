"""Every form of each contraction equals NumPy's; the CPU takes what is fast there, other platforms XLA's."""

import itertools

import jax
import numpy as np
import pytest

from gan_jax.nets import contractions

IMAGES = [(1, 1), (2, 5)]
KERNELS = [(1, 1), (2, 2), (3, 5)]
STRIDES = [(1, 1), (2, 2), (3, 1)]


def _reference(x, kernel, strides, padding):
    """All three in float64, tap by tap. JAX's own are wrong for some paddings."""
    spread = [(length - 1) * s + 1 for length, s in zip(x.shape[1:3], strides)]
    inside = tuple(slice(low, low + n, s) for (low, _), n, s in zip(padding, spread, strides))
    dilated = np.zeros((len(x), *(n + sum(p) for n, p in zip(spread, padding)), x.shape[3]))
    dilated[:, *inside] = x
    height, width = (n - k + 1 for n, k in zip(dilated.shape[1:3], kernel.shape))
    at = [(a, b, np.s_[:, a : a + height, b : b + width]) for a, b in np.ndindex(kernel.shape[:2])]
    up = sum(dilated[window] @ kernel[a, b] for a, b, window in at)
    y = np.random.default_rng(0).normal(size=up.shape)
    down, gradient = np.zeros_like(dilated), np.zeros(kernel.shape)
    for a, b, window in at:
        down[window] += y @ kernel[a, b].T
        gradient[a, b] = np.einsum("bhwi,bhwo->io", dilated[window], y)
    return up, y, down[:, *inside], gradient


def _paddings(kernel, strides):
    """About that of a SAME convolution, and a lopsided one whose outputs the strides do not divide."""
    same = tuple(((k + s - 1) // 2, (k + s - 2) // 2) for k, s in zip(kernel, strides))
    return same, ((kernel[0] - 1, kernel[0]), (kernel[1], 0))


def _assert_equal(outputs, expected):
    assert outputs.shape == expected.shape
    np.testing.assert_allclose(outputs, expected, atol=1e-5 * max(1.0, np.abs(expected).max()))


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("image", IMAGES)
def test_each_contraction_equals_numpys(image, kernel):
    generator = np.random.default_rng(sum(image) + 7 * sum(kernel))
    for strides, features in itertools.product(STRIDES, (2, 9)):
        for padding in _paddings(kernel, strides):
            x = generator.normal(size=(2, *image, 3)).astype(np.float32)
            weights = generator.normal(size=(*kernel, 3, features)).astype(np.float32)
            up, y, down, gradient = _reference(x, weights, strides, padding)
            y = y.astype(np.float32)
            _assert_equal(contractions.up(x, weights, strides, padding), up)
            _assert_equal(contractions.down(y, weights, strides, padding), down)
            _assert_equal(contractions.kernel_gradient(x, y, kernel, strides, padding), gradient)


def _compiled(contraction, *shapes, strides=(2, 2), padding=((3, 2), (3, 2))):
    arrays = [jax.ShapeDtypeStruct(shape, np.float32) for shape in shapes]
    traced = jax.jit(lambda a, b: contraction(a, b, strides, padding)).trace(*arrays)
    return traced, traced.lower().compile().as_text()


@pytest.mark.parametrize(
    ("image", "kernel"),
    [
        ((2, 4, 4, 16), (5, 5, 16, 8)),  # XLA would make the image the kernel.
        ((2, 16, 16, 16), (5, 5, 16, 32)),  # 0.8 MB of products an image.
    ],
)
def test_the_cpu_multiplies_no_zeros_where_that_is_slow(image, kernel):
    traced, text = _compiled(contractions.up, image, kernel)
    assert "lhs_dilate" not in text and "rhs_reversal" not in text
    for platform in ("cuda", "tpu"):
        lowered = traced.lower(lowering_platforms=(platform,)).as_text()
        assert lowered.count("stablehlo.convolution(") == 1 and "lhs_dilate = [2, 2]" in lowered


def test_the_cpu_keeps_xlas_form_where_that_is_fast():
    _, text = _compiled(contractions.up, (2, 7, 7, 16), (5, 5, 16, 8))
    assert text.count(" convolution(") == 1 and "lhs_dilate=2x2" in text


def test_a_kernel_larger_than_the_image_becomes_a_matrix_product_on_the_cpu():
    traced, text = _compiled(contractions.down, (2, 4, 4, 16), (5, 5, 8, 16), strides=(1, 1))
    assert " convolution(" not in text
    assert "stablehlo.convolution(" in traced.lower(lowering_platforms=("cuda",)).as_text()
