"""Discriminators of SRGAN, ESRGAN and Real-ESRGAN: sizes of the papers' code, and values of small ones."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy_layers import batch_norm, conv, drawn, images, leaky, shapes

from gan_jax import penalties, wrap
from gan_jax.errors import UsageError
from gan_jax.nets import real_esrgan, srgan
from gan_jax.nets.linen import from_linen

KEY = jax.random.key(0)


def _pairs(widths, size, channels=3):
    """Parameters of convolutions of 3 by 3 and of those that halve, with batch norm but in the first."""
    count, last = widths[0], channels
    for width in widths:
        count += 9 * last * width + size**2 * width**2 + 4 * width
        last = width
    return count - 2 * widths[0]  # The first one has a bias and no batch norm.


def test_the_discriminator_of_srgan_at_96_pixels():
    outputs, count = shapes(srgan.Discriminator(), (1, 96, 96, 3))
    assert outputs["logits"] == (1,)
    assert outputs["layers"] == ((1, 48, 48, 64), (1, 24, 24, 128), (1, 12, 12, 256), (1, 6, 6, 512))
    assert count == _pairs([64, 128, 256, 512], 3) + 6 * 6 * 512 * 1024 + 1024 + 1024 + 1 == 23_563_649


def test_the_discriminator_of_esrgan_at_128_pixels():
    """14,499,401 parameters in the authors' code."""
    module = srgan.Discriminator(halvings=5, kernel_size=4, units=100)
    outputs, count = shapes(module, (1, 128, 128, 3))
    assert outputs["logits"] == (1,) and outputs["layers"][-1] == (1, 4, 4, 512)
    assert count == _pairs([64, 128, 256, 512, 512], 4) + 4 * 4 * 512 * 100 + 100 + 100 + 1 == 14_499_401


def test_the_discriminator_of_real_esrgan():
    """4,376,897 parameters in the authors' code."""
    outputs, count = shapes(real_esrgan.Discriminator(), (1, 64, 40, 3))
    assert outputs["logits"] == (1, 64, 40) and count == 4_376_897


def test_values_of_a_small_discriminator_of_srgan():
    x, source = images(2, 5, 6, 1), images(2, 5, 6, 1, seed=2)
    net, p, carry = drawn(srgan.Discriminator(width=2, halvings=1, units=3), x, source)
    y = leaky(conv(np.concatenate([x, source], -1), p["Conv_0"]), 0.2)
    # Of 5 by 6 pixels: a zero on each side of the rows, and one behind the columns.
    padded = np.pad(y, ((0, 0), (1, 1), (0, 1), (0, 0)))
    layer = leaky(batch_norm(conv(padded, p["Conv_1"], 2, (0, 0)), p["BatchNorm_0"]), 0.2)
    hidden = leaky(layer.reshape(2, -1) @ p["Dense_0"]["kernel"] + p["Dense_0"]["bias"], 0.2)
    expected = (hidden @ p["Dense_1"]["kernel"] + p["Dense_1"]["bias"])[:, 0]
    found, _ = jax.jit(lambda *x: net.apply(p, carry, *x, key=KEY, train=True))(x, source)
    np.testing.assert_allclose(found["logits"], expected, atol=1e-4)
    np.testing.assert_allclose(found["layers"][0], layer, atol=1e-4)


def test_the_mean_over_pixels_makes_one_network_for_every_size():
    net = from_linen(srgan.Discriminator(width=2, units=3, pooled=True))

    def logits(x):
        params, carry = net.init(KEY, jnp.zeros((1, 16, 16, 1)))
        return net.apply(params, carry, x, key=None, train=False)[0]["logits"]

    assert jax.eval_shape(logits, jnp.zeros((2, 40, 31, 1))).shape == (2,)


def _bilinear(x):
    """Rows, then columns: three quarters of a pixel and one of its neighbour, the edge beyond the edge."""
    for axis in (1, 2):
        before = np.concatenate([x.take([0], axis), x.take(range(x.shape[axis] - 1), axis)], axis)
        after = np.concatenate([x.take(range(1, x.shape[axis]), axis), x.take([-1], axis)], axis)
        halves = np.stack([0.75 * x + 0.25 * before, 0.75 * x + 0.25 * after], axis + 1)
        x = halves.reshape([2 * n if i == axis else n for i, n in enumerate(x.shape)])
    return x


def test_values_of_a_small_discriminator_of_real_esrgan():
    x = images(2, 8, 16, 1)
    net, p, carry = drawn(real_esrgan.Discriminator(width=1), x)
    layers = iter([p[f"Conv_{number}"] for number in range(10)])
    sizes = [leaky(conv(x, next(layers)), 0.2)]
    for _ in range(3):
        sizes.append(leaky(conv(sizes[-1], next(layers), 2, (1, 1)), 0.2))
    y = sizes.pop()
    for _ in range(3):
        y = leaky(conv(_bilinear(y), next(layers)), 0.2) + sizes.pop()
    for _ in range(2):
        y = leaky(conv(y, next(layers)), 0.2)
    expected = conv(y, next(layers))[..., 0]
    found, _ = jax.jit(lambda x: net.apply(p, carry, x, key=KEY, train=True))(x)
    np.testing.assert_allclose(found["logits"], expected, atol=1e-4)


def test_spectral_norm_and_penalties_of_logits_of_pixels():
    net, x = wrap.spectral_norm(from_linen(real_esrgan.Discriminator(width=1))), images(2, 8, 8, 1)

    def penalty(x):
        params, carry = net.init(KEY, x)
        return penalties.r1(lambda x: net.apply(params, carry, x, key=KEY, train=True)[0]["logits"], x)

    assert jax.eval_shape(penalty, x).shape == (2,)


def test_sizes_of_real_esrgan():
    with pytest.raises(
        UsageError, match="real_esrgan.Discriminator: images of 12 x 16 pixels: expected height"
    ):
        shapes(real_esrgan.Discriminator(width=1), (1, 12, 16, 1))
