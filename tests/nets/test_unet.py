import flax.linen as nn
import jax
import numpy as np
import pytest
from numpy_layers import conv, drawn, images, instance_norm, leaky, relu, repeated, shapes, transposed

from gan_jax.errors import UsageError
from gan_jax.nets.dropout import Dropout
from gan_jax.nets.linen import from_linen
from gan_jax.nets.unet import UNet

KEY = jax.random.key(0)


def _parameters(widths, channels):
    """A U-Net's parameters by its layers: those of 4 by 4 pixels, biases where no norm follows, and norms."""
    halvings = list(zip([3, *widths], widths))
    # A doubling has the channels of the smaller image, with those of the equally large image beside them.
    doublings = [(2 * width, below) for below, width in zip(widths, widths[1:])]
    doublings[-1] = (widths[-1], widths[-2])
    count = 16 * sum(a * b for a, b in [*halvings, *doublings, (2 * widths[0], channels)])
    normed = [*widths[1:-1], *widths[:-1]]
    return count + widths[0] + widths[-1] + channels + 2 * sum(normed)


def test_the_papers_network_for_256_pixels():
    """54,413,955 in the authors' code, which has no bias at the first and the smallest image."""
    outputs, count = shapes(UNet(channels=3), (1, 256, 256, 3))
    assert outputs == (1, 256, 256, 3)
    assert count == 54_413_955 + 64 + 512
    assert count == _parameters([64, 128, 256, 512, 512, 512, 512, 512], 3)


@pytest.mark.parametrize(
    "depth, width, widths",
    [(7, 64, [64, 128, 256, 512, 512, 512, 512]), (5, 8, [8, 16, 32, 64, 64]), (2, 3, [3, 6])],
)
def test_other_sizes_are_arguments(depth, width, widths):
    side = 2**depth
    outputs, count = shapes(UNet(channels=2, depth=depth, width=width), (2, side, 3 * side, 3))
    assert outputs == (2, side, 3 * side, 2) and count == _parameters(widths, 2)


def test_values_of_a_small_network():
    x = images(2, 8, 16, 3)
    net, params, carry = drawn(UNet(channels=2, width=2, depth=3, dropout=0.0), x)
    p = params
    large = leaky(conv(x, p["Conv_0"], 2, (1, 1)), 0.2)
    middle = leaky(instance_norm(conv(large, p["Conv_1"], 2, (1, 1)), p["InstanceNorm_0"]), 0.2)
    small = relu(conv(middle, p["Conv_2"], 2, (1, 1)))
    y = instance_norm(transposed(small, p["ConvTranspose_0"]), p["InstanceNorm_1"])
    y = relu(np.concatenate([y, middle], -1))
    y = instance_norm(transposed(y, p["ConvTranspose_1"]), p["InstanceNorm_2"])
    y = relu(np.concatenate([y, large], -1))
    expected = np.tanh(transposed(y, p["ConvTranspose_2"]))
    found, _ = jax.jit(lambda p, x: net.apply(p, carry, x, key=None, train=False))(params, x)
    np.testing.assert_allclose(found, expected, atol=2e-5)
    assert np.abs(expected).max() > 0.1


def test_resized_convolutions_without_a_norm():
    x = images(1, 4, 4, 1)
    module = UNet(channels=1, width=2, depth=2, dropout=0.0, norm="no_norm", upsample="resized")
    net, params, carry = drawn(module, x)
    large = leaky(conv(x, params["Conv_0"], 2, (1, 1)), 0.2)
    small = relu(conv(large, params["Conv_1"], 2, (1, 1)))
    y = conv(repeated(small), params["ResizedConv_0"])
    y = relu(np.concatenate([y, large], -1))
    found, _ = jax.jit(lambda p, x: net.apply(p, carry, x, key=None, train=False))(params, x)
    np.testing.assert_allclose(found, np.tanh(conv(repeated(y), params["ResizedConv_1"])), atol=2e-6)
    assert params["ResizedConv_0"]["kernel"].shape == (3, 3, 4, 2)


def test_dropout_is_noise_in_training_and_in_samples():
    x = images(1, 4, 4, 1)
    net, params, carry = drawn(UNet(channels=1, width=4, depth=2), x)

    @jax.jit
    def draw(seed):
        key = jax.random.key(seed)
        return [net.apply(params, carry, x, key=key, train=train)[0] for train in (False, True)]

    (sample, trained), (again, _), (other, _) = draw(1), draw(1), draw(2)
    np.testing.assert_array_equal(sample, again)
    assert np.abs(sample - other).max() > 1e-3
    # Noise, and norms of each image: a sample is what training sees.
    np.testing.assert_allclose(sample, trained, atol=1e-6)


@pytest.mark.parametrize(
    "depth, noisy", [(1, []), (2, [(2, 3)]), (6, [(2, 24), (4, 24), (8, 12)])], ids=["1", "2", "6"]
)
def test_only_the_first_three_doublings_are_noisy(depth, noisy):
    """Side and channels of what is dropped; the last doubling is the image itself."""
    found = []

    def look(call, args, options, context):
        if isinstance(context.module, Dropout):
            assert context.module.rate == 0.25 and context.module.stream == "noise"
            found.append((args[0].shape[1], args[0].shape[3]))
        return call(*args, **options)

    module = UNet(channels=1, width=3, depth=depth, dropout=0.25)
    with nn.intercept_methods(look):
        jax.eval_shape(
            lambda x: module.init({"params": KEY, "noise": KEY}, x, train=False),
            jax.ShapeDtypeStruct((1, 2**depth, 2**depth, 1), np.float32),
        )
    assert found == noisy


@pytest.mark.parametrize("size", [(4, 12), (24, 16), (8, 9)])
def test_a_size_that_cannot_be_halved_so_often_is_one_line(size):
    with pytest.raises(UsageError) as error:
        shapes(UNet(channels=1, width=1, depth=4), (1, *size, 1))
    expected = f"unet.UNet: images of {size[0]} x {size[1]} pixels: expected height and width divisible by 16"
    assert str(error.value).splitlines()[0] == expected
    assert UNet(channels=1, depth=4).multiple == 16


def test_an_unknown_norm_lists_the_known_ones():
    with pytest.raises(UsageError) as error:
        shapes(UNet(channels=1, width=1, depth=1, norm="layer_norm"), (1, 2, 2, 1))
    assert "norm: unknown name 'layer_norm'" in str(error.value)
    assert "affine_instance_norm, batch_norm, instance_norm, no_norm" in str(error.value)


def test_batch_norm_has_running_statistics():
    x = images(2, 4, 4, 1)
    net = from_linen(UNet(channels=1, width=2, depth=2, norm="batch_norm"))
    _, carry = jax.eval_shape(net.init, KEY, x)
    assert set(carry["batch_stats"]) == {"BatchNorm_0"}
