import jax
import numpy as np
import pytest
from numpy_layers import conv, drawn, images, instance_norm, relu, repeated, shapes, transposed

from gan_jax.errors import UsageError
from gan_jax.nets.projections import PatchProjection
from gan_jax.nets.resampling import blurred_downsample, smooth_upsample
from gan_jax.nets.translators import ResNet
from gan_jax.nets.unet import UNet


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


def test_cuts_network_has_as_many_parameters():
    """11.38 million with the biases that norms remove, in layers that halve and double without stride."""
    antialiased, plain = ResNet(channels=3, upsample="smoothed", blurred=True), ResNet(channels=3)
    assert shapes(antialiased, (1, 128, 128, 3)) == shapes(plain, (1, 128, 128, 3))


@pytest.mark.parametrize("upsample", ["transposed", "resized", "smoothed"])
def test_values_of_a_small_network(upsample):
    """The last one is antialiased on both ways; its filters are tested with those of `resampling`."""
    x, blurred = images(2, 8, 4, 2), upsample == "smoothed"
    module = ResNet(channels=1, width=2, blocks=1, halvings=1, upsample=upsample, blurred=blurred)
    net, params, carry = drawn(module, x)
    p = params
    y = relu(instance_norm(conv(x, p["ReflectedConv_0"], mode="reflect")))
    if blurred:
        y = np.float64(blurred_downsample(np.float32(relu(instance_norm(conv(y, p["Conv_0"]))))))
    else:
        y = relu(instance_norm(conv(y, p["Conv_0"], 2, (0, 1))))
    block = p["_Block_0"]
    z = relu(instance_norm(conv(y, block["ReflectedConv_0"], mode="reflect")))
    y = y + instance_norm(conv(z, block["ReflectedConv_1"], mode="reflect"))
    up = {"transposed": lambda y: transposed(y, p["ConvTranspose_0"]),
          "resized": lambda y: conv(repeated(y), p["ResizedConv_0"]),
          "smoothed": lambda y: conv(smooth_upsample(np.float32(y), beyond="edge"), p["SmoothedConv_0"]),
          }[upsample]  # fmt: skip
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


def test_inner_layers_are_returned_beside_the_image():
    """The source, convolutions that halve before their norm, and residual blocks: values of some of them."""
    x = images(2, 8, 4, 2)
    options = dict(channels=1, width=2, blocks=2, halvings=1)
    net, params, carry = drawn(ResNet(**options, layers=(0, 1, 3)), x)
    run = jax.jit(lambda p, x: net.apply(p, carry, x, key=None, train=False)[0])
    found, (plain, _, _) = run(params, x), drawn(ResNet(**options), x)
    expected, _ = plain.apply(params, carry, x, key=None, train=False)
    np.testing.assert_allclose(found["image"], expected, atol=1e-5)
    np.testing.assert_array_equal(found["layers"][0], x)
    halved = conv(
        relu(instance_norm(conv(x, params["ReflectedConv_0"], mode="reflect"))), params["Conv_0"], 2, (0, 1)
    )
    np.testing.assert_allclose(found["layers"][1], halved, atol=2e-5)
    assert found["layers"][2].shape == (2, 4, 2, 4)
    assert shapes(UNet(channels=1, width=2, depth=2, layers=(0, 2)), x.shape)[0] == {
        "image": (2, 8, 4, 1), "layers": ((2, 8, 4, 2), (2, 2, 1, 4))
    }  # fmt: skip
    with pytest.raises(UsageError, match=r"translators.ResNet: layers=\(4,\): expected numbers from 0 to 3"):
        shapes(ResNet(**options, layers=(4,)), x.shape)


def test_projections_are_unit_vectors_of_two_dense_layers_each():
    layers = tuple(np.random.default_rng(n).normal(size=(2, 5, n)).astype(np.float32) for n in (3, 4))
    net, params, carry = drawn(PatchProjection(features=6), layers)
    found, _ = net.apply(params, carry, layers, key=None, train=False)
    for number, layer in enumerate(layers):
        first, second = (params[f"Dense_{2 * number + i}"] for i in (0, 1))
        hidden = relu(layer @ np.float64(first["kernel"]) + np.float64(first["bias"]))
        vectors = hidden @ np.float64(second["kernel"]) + np.float64(second["bias"])
        expected = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
        np.testing.assert_allclose(found[number], expected, atol=1e-5)
