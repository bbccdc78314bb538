"""Heights and widths: the values that networks accept, and their road through a recipe."""

import numpy as np
import pytest

from gan_jax import nets
from gan_jax.errors import UsageError
from gan_jax.images import height_and_width
from gan_jax.names import bind, find
from gan_jax.nets import autoencoders, dcgan, mlp, points, r3gan, resnet
from gan_jax.nets.sizes import halved

WITH_RESOLUTION = [
    mlp.Generator, points.Generator, dcgan.Generator, resnet.Generator, r3gan.Generator,
    autoencoders.EmbeddingGenerator,
]  # fmt: skip


@pytest.mark.parametrize(
    "resolution, expected",
    [
        (28, (28, 28)),
        (1, (1, 1)),
        ((48, 32), (48, 32)),
        ([48, 32], (48, 32)),
        (np.int64(5), (5, 5)),
        ((np.int32(3), 4), (3, 4)),
    ],
)
def test_height_and_width(resolution, expected):
    sides = height_and_width(resolution)
    assert sides == expected and all(type(side) is int for side in sides)


@pytest.mark.parametrize(
    "resolution",
    ["64", (64,), (64, 0), (1, 2, 3), 0, -8, 64.0, True, (8, True), (8.0, 8), None, {}, (), ((8, 8), 8)],
    ids=str,
)
def test_other_values_are_one_line(resolution):
    with pytest.raises(UsageError) as error:
        height_and_width(resolution)
    expected = "expected a whole number of at least 1, or a pair (height, width) of them"
    assert str(error.value) == f"resolution={resolution!r}: {expected}"


@pytest.mark.parametrize(
    "resolution, above, expected",
    [
        (32, 7, [(16, 16), (8, 8), (4, 4)]),
        (32, 8, [(16, 16), (8, 8)]),
        ((16, 24), 4, [(8, 12), (4, 6)]),
        ((24, 16), 4, [(12, 8), (6, 4)]),
        ((16, 18), 4, [(8, 9)]),  # 9 is odd.
        ((8, 64), 7, [(4, 32)]),  # 4 is at most 7.
        ((16, 27), 4, []),
    ],
)
def test_halved(resolution, above, expected):
    assert halved(resolution, above) == expected


@pytest.mark.parametrize("network", WITH_RESOLUTION, ids=lambda network: network.__module__)
def test_a_recipe_may_give_one_number_or_a_pair(network):
    for given, expected in [(16, 16), ((16, 24), (16, 24)), ([16, 24], (16, 24))]:
        options = bind(network, dict(resolution=given, channels=3), "nets.generator", ("parent", "name"))
        assert options == dict(resolution=expected, channels=3)
        module = network(**options)
        assert height_and_width(module.resolution) == height_and_width(given)
        assert type(hash(module)) is int  # Linen hashes its modules under jit.


@pytest.mark.parametrize("resolution", ["64", (64,), (64, 0), (1, 2, 3), (64.5, 64), 64.5, 0, True], ids=str)
def test_a_recipe_with_another_value_is_one_line(resolution):
    """Either the recipe's check or the network refuses it."""
    network = find("dcgan.Generator", (nets,), "nets.generator.name")
    with pytest.raises(UsageError, match="resolution=") as error:
        options = bind(network, dict(resolution=resolution, channels=3), "nets.generator", ("parent", "name"))
        network(**options).init({}, np.ones((2, 3), np.float32), train=False)
    assert "\n" not in str(error.value)
