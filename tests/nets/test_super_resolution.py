import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy_layers import batch_norm, conv, drawn, images, leaky, repeated, shapes

from gan_jax.errors import UsageError
from gan_jax.nets.super_resolution import RRDB, SRResNet


def _layer(channels, features, side=3, bias=True):
    return side * side * channels * features + bias * features


def test_the_papers_srresnet():
    """Layer by layer after figure 4; biases only where no norm follows, one slope for each PReLU."""
    expected = _layer(3, 64, 9) + 1
    expected += 16 * (2 * (_layer(64, 64, bias=False) + 2 * 64) + 1)
    expected += _layer(64, 64, bias=False) + 2 * 64
    expected += 2 * (_layer(64, 256) + 1)
    expected += _layer(64, 3, 9)
    assert shapes(SRResNet(channels=3), (1, 24, 24, 3)) == ((1, 96, 96, 3), expected)


def test_the_papers_rrdb():
    """16,697,987 parameters in the authors' code."""
    dense = sum(_layer(64 + 32 * i, 32) for i in range(4)) + _layer(64 + 4 * 32, 64)
    expected = _layer(3, 64) + 23 * 3 * dense + 4 * _layer(64, 64) + _layer(64, 3)
    assert expected == 16_697_987
    assert shapes(RRDB(channels=3), (1, 32, 32, 3)) == ((1, 128, 128, 3), expected)


@pytest.mark.parametrize("network", [SRResNet, RRDB])
@pytest.mark.parametrize("scale", [1, 2, 8])
def test_any_size_by_a_power_of_two(network, scale):
    outputs, _ = shapes(network(channels=1, scale=scale, width=2, blocks=1), (2, 5, 7, 3))
    assert outputs == (2, 5 * scale, 7 * scale, 1)


@pytest.mark.parametrize("network", [SRResNet, RRDB])
def test_another_scale_is_one_line(network):
    with pytest.raises(UsageError) as error:
        shapes(network(channels=1, scale=3, width=1, blocks=1), (1, 4, 4, 1))
    expected = f"super_resolution.{network.__name__}: scale=3: expected a power of 2, such as 2 or 4"
    assert str(error.value).splitlines()[0] == expected


def _run(net, params, carry, x):
    return jax.jit(lambda p, x: net.apply(p, carry, x, key=jax.random.key(0), train=True)[0])(params, x)


def _shuffled(x):
    """Pixel by pixel: channel 4c + 2i + j is row i and column j."""
    y = np.zeros((len(x), 2 * x.shape[1], 2 * x.shape[2], x.shape[3] // 4))
    for c in range(y.shape[3]):
        for i in range(2):
            for j in range(2):
                y[:, i::2, j::2, c] = x[..., 4 * c + 2 * i + j]
    return y


def test_values_of_a_small_srresnet():
    x = images(2, 5, 4, 1)
    net, p, carry = drawn(SRResNet(channels=2, scale=2, width=3, blocks=1), x)
    slope, block = {k: v["negative_slope"] for k, v in p.items() if "PReLU" in k}, p["_ResidualBlock_0"]
    first = leaky(conv(x, p["Conv_0"]), slope["PReLU_0"])
    y = leaky(
        batch_norm(conv(first, block["Conv_0"]), block["BatchNorm_0"]), block["PReLU_0"]["negative_slope"]
    )
    y = first + batch_norm(conv(y, block["Conv_1"]), block["BatchNorm_1"])
    y = first + batch_norm(conv(y, p["Conv_1"]), p["BatchNorm_0"])
    y = leaky(_shuffled(conv(y, p["ShuffledConv_0"]["Conv_0"])), slope["PReLU_1"])
    np.testing.assert_allclose(_run(net, p, carry, x), conv(y, p["Conv_2"]), rtol=1e-4, atol=1e-4)


def test_values_of_a_small_rrdb():
    x = images(2, 4, 3, 1)
    net, p, carry = drawn(RRDB(channels=1, scale=2, width=2, blocks=1, growth=3, residual_scale=0.5), x)
    first = y = conv(x, p["Conv_0"])
    for i in range(3):
        block, seen = p[f"_DenseBlock_{i}"], y
        for j in range(4):
            seen = np.concatenate([seen, leaky(conv(seen, block[f"Conv_{j}"]), 0.2)], -1)
        y = y + 0.5 * conv(seen, block["Conv_4"])
    y = first + conv(first + 0.5 * y, p["Conv_1"])
    y = leaky(conv(repeated(y), p["ResizedConv_0"]), 0.2)
    y = conv(leaky(conv(y, p["Conv_2"]), 0.2), p["Conv_3"])
    np.testing.assert_allclose(_run(net, p, carry, x), y, rtol=1e-4, atol=1e-4)


def test_residual_branches_start_small():
    """He's deviation over 9 * 64 inputs, and a tenth of it."""

    @jax.jit
    def kernel(key):
        params = RRDB(channels=1, blocks=1).init(key, jnp.zeros((1, 4, 4, 64)), train=False)["params"]
        return params["_DenseBlock_0"]["Conv_0"]["kernel"]

    deviation = np.std(kernel(jax.random.key(0)))
    np.testing.assert_allclose(deviation, 0.1 * np.sqrt(2 / (9 * 64)), rtol=0.03)
