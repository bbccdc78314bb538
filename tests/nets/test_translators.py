import jax
import numpy as np
import pytest
from numpy_layers import conv, drawn, images, instance_norm, relu, repeated, shapes, transposed

from gan_jax.errors import UsageError
from gan_jax.nets.translators import ResNet


def _kernels(blocks):
    """The kernels of the paper's network: c7s1-64, d128, d256, blocks of R256, u128, u64, c7s1-3."""
    around = [49 * 3 * 64, 9 * 64 * 128, 9 * 128 * 256, 9 * 256 * 128, 9 * 128 * 64, 49 * 64 * 3]
    return sum(around) + blocks * 2 * 9 * 256 * 256


@pytest.mark.parametrize("blocks, published", [(9, 11_378_179), (6, 7_837_699)])
def test_the_papers_networks(blocks, published):
    """The authors' code has biases in front of norms, which remove them; this one has only the last three."""
    outputs, count = shapes(ResNet(channels=3, blocks=blocks), (1, 128, 128, 3))
    assert outputs == (1, 128, 128, 3)
    unused = 64 + 128 + 256 + blocks * 2 * 256 + 128 + 64
    assert count == _kernels(blocks) + 3 == published - unused


@pytest.mark.parametrize("upsample", ["transposed", "resized"])
def test_values_of_a_small_network(upsample):
    x = images(2, 8, 4, 2)
    net, params, carry = drawn(ResNet(channels=1, width=2, blocks=1, halvings=1, upsample=upsample), x)
    p = params
    y = relu(instance_norm(conv(x, p["ReflectedConv_0"], mode="reflect")))
    y = relu(instance_norm(conv(y, p["Conv_0"], 2, (0, 1))))
    block = p["_Block_0"]
    z = relu(instance_norm(conv(y, block["ReflectedConv_0"], mode="reflect")))
    y = y + instance_norm(conv(z, block["ReflectedConv_1"], mode="reflect"))
    up = {"transposed": lambda y: transposed(y, p["ConvTranspose_0"]),
          "resized": lambda y: conv(repeated(y), p["ResizedConv_0"])}[upsample]  # fmt: skip
    y = relu(instance_norm(up(y)))
    expected = np.tanh(conv(y, p["ReflectedConv_1"], mode="reflect"))
    found, _ = jax.jit(lambda p, x: net.apply(p, carry, x, key=jax.random.key(0), train=True))(params, x)
    np.testing.assert_allclose(found, expected, atol=2e-5)
    assert np.abs(expected).max() > 0.1


@pytest.mark.parametrize("size", [(4, 4), (12, 20), (36, 4)])
def test_sizes_are_multiples_of_four(size):
    assert shapes(ResNet(channels=1, width=1, blocks=1), (2, *size, 3))[0] == (2, *size, 1)
    with pytest.raises(UsageError) as error:
        shapes(ResNet(channels=1, width=1, blocks=1), (2, size[0], size[1] + 2, 3))
    message = f"translators.ResNet: images of {size[0]} x {size[1] + 2} pixels: expected height and width"
    assert str(error.value).splitlines()[0] == f"{message} divisible by 4"
    assert ResNet(channels=1).multiple == 4


def _checkerboard(upsample):
    """The share of an image's energy at the frequency of a checkerboard, far from the edges of a constant."""
    x = np.ones((1, 48, 48, 1), np.float32)
    module = ResNet(channels=1, width=4, blocks=0, norm="no_norm", upsample=upsample)
    net, params, carry = drawn(module, x, deviation=0.1)
    image, _ = jax.jit(lambda x: net.apply(params, carry, x, key=None, train=False))(x)
    image = np.float64(image[0, 20:28, 20:28, 0])
    spectrum = np.abs(np.fft.fft2(image)) ** 2
    return (spectrum[4].sum() + spectrum[:, 4].sum()) / spectrum.sum()


def test_resized_convolutions_leave_no_checkerboard():
    assert _checkerboard("transposed") > 1e-6
    assert _checkerboard("resized") < 1e-9


def test_each_image_is_translated_on_its_own():
    """A batch of two gives what batches of one give."""
    x = images(2, 8, 8, 1)
    net, params, carry = drawn(ResNet(channels=1, width=2, blocks=1), x)
    run = jax.jit(lambda x: net.apply(params, carry, x, key=jax.random.key(0), train=True)[0])
    np.testing.assert_allclose(run(x), np.concatenate([run(x[:1]), run(x[1:])]), atol=1e-6)
