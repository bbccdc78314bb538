import jax
import numpy as np
import pytest
from numpy_layers import conv, repeated, transposed

from gan_jax.names import find
from gan_jax.nets import upsampling
from gan_jax.nets.resampling import pixel_shuffle


def _image(height, width, channels):
    return np.random.default_rng(0).normal(size=(2, height, width, channels)).astype(np.float32)


def _variables(layer, x):
    variables = layer.init(jax.random.key(0), x)
    random = np.random.default_rng(1)
    return jax.tree.map(lambda leaf: random.normal(size=leaf.shape).astype(np.float32), variables)


def _by_pixels(x, params):
    large = conv(x, params["Conv_0"])
    y = np.zeros((2, 2 * x.shape[1], 2 * x.shape[2], 3))
    for row in range(y.shape[1]):
        for column in range(y.shape[2]):
            first = 2 * (row % 2) + column % 2
            y[:, row, column] = large[:, row // 2, column // 2, first::4]
    return y


def _smoothed(x, params):
    """The filter over an image of the edges' pixels, with zeros between all pixels."""
    around = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), "edge")
    stuffed = np.zeros((len(x), 2 * around.shape[1], 2 * around.shape[2], x.shape[3]))
    stuffed[:, ::2, ::2] = around
    taps = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 16
    height, width = 2 * x.shape[1], 2 * x.shape[2]
    large = np.zeros((len(x), height, width, x.shape[3]))
    for row in range(4):
        for column in range(4):
            window = stuffed[:, row : row + height, column : column + width]
            large += taps[row, column] * window
    return conv(large, params)


EXPECTED = {
    "transposed": transposed,
    "resized": lambda x, params: conv(repeated(x), params),
    "shuffled": _by_pixels,
    "smoothed": _smoothed,
}


@pytest.mark.parametrize("kernel_size", [3, 4])
@pytest.mark.parametrize("name", upsampling.__all__)
def test_values(name, kernel_size):
    x, layer = _image(4, 5, 2), find(name, (upsampling,), "upsample")(3, kernel_size)
    variables = _variables(layer, x)
    found = layer.apply(variables, x)
    assert found.shape == (2, 8, 10, 3)
    expected = EXPECTED[name](np.float64(x), variables["params"])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", upsampling.__all__)
def test_options_are_those_of_convolutions(name):
    x, layer = _image(2, 2, 2), find(name, (upsampling,), "upsample")
    ones = jax.nn.initializers.ones
    params = layer(3, 3, use_bias=False, kernel_init=ones).init(jax.random.key(0), x)["params"]
    assert [leaf.ndim for leaf in jax.tree.leaves(params)] == [4]
    np.testing.assert_array_equal(jax.tree.leaves(params)[0], np.ones_like(jax.tree.leaves(params)[0]))


def test_shuffled_pixels_start_as_equal_squares():
    x, layer = _image(4, 3, 2), upsampling.shuffled(3, 3)
    found, variables = layer.init_with_output(jax.random.key(0), x)
    np.testing.assert_allclose(found, repeated(found[:, ::2, ::2]), atol=1e-6)
    kernel = np.asarray(variables["params"]["Conv_0"]["kernel"])
    assert kernel.shape == (3, 3, 2, 12) and len(np.unique(kernel)) == 3 * 3 * 2 * 3


def test_pixel_shuffle():
    x = _image(2, 3, 8)
    y = np.asarray(pixel_shuffle(x))
    assert y.shape == (2, 4, 6, 2)
    for row in range(4):
        for column in range(6):
            for channel in range(2):
                source = 4 * channel + 2 * (row % 2) + column % 2
                np.testing.assert_array_equal(y[:, row, column, channel], x[:, row // 2, column // 2, source])
