import jax
import numpy as np
import pytest
from numpy_layers import batch_norm, conv, drawn, images, relu, shapes

from gan_jax.errors import UsageError
from gan_jax.nets.denoising import DnCNN


def test_the_papers_network_for_grey_images():
    """556,096 parameters in the authors' code: biases only in the first convolution."""
    expected = 9 * 64 + 64 + 15 * (9 * 64 * 64 + 2 * 64) + 9 * 64
    assert expected == 556_096
    assert shapes(DnCNN(channels=1), (1, 40, 40, 1)) == ((1, 40, 40, 1), expected)


def test_values_of_a_small_network():
    x = images(2, 5, 3, 2)
    net, p, carry = drawn(DnCNN(channels=2, depth=3, width=3), x)
    y = relu(conv(x, p["Conv_0"]))
    y = relu(batch_norm(conv(y, p["Conv_1"]), p["BatchNorm_0"]))
    found, _ = jax.jit(lambda p, x: net.apply(p, carry, x, key=jax.random.key(0), train=True))(p, x)
    np.testing.assert_allclose(found, x - conv(y, p["Conv_2"]), rtol=1e-4, atol=1e-5)


def test_a_pixel_depends_on_depth_pixels_on_each_side():
    x = images(1, 15, 15, 1)
    net, params, carry = drawn(DnCNN(channels=1, depth=4, width=3), x)
    params = jax.tree.map(np.abs, params)
    pixel = jax.grad(lambda x: net.apply(params, carry, x, key=None, train=False)[0][0, 7, 7, 0])
    slopes = jax.jit(pixel)(x)
    rows, columns = np.nonzero(slopes[0, :, :, 0])
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (3, 11, 3, 11)


@pytest.mark.parametrize("size", [(1, 1), (3, 8)])
def test_any_size(size):
    assert shapes(DnCNN(channels=3, depth=2, width=2), (1, *size, 3))[0] == (1, *size, 3)


@pytest.mark.parametrize(
    "options, expected",
    [
        (dict(channels=1), "images of 3 channels: expected as many as of the output, 1"),
        (dict(channels=3, depth=1), "depth=1: expected at least 2 convolutions"),
    ],
)
def test_mistakes_are_one_line(options, expected):
    with pytest.raises(UsageError) as error:
        shapes(DnCNN(**options), (1, 4, 4, 3))
    assert str(error.value).splitlines()[0] == f"denoising.DnCNN: {expected}"
