"""Sizes, batches and parameters of the cases are those of their descriptions."""

import parity
import pytest

from gan_jax import recipe as recipe_lib
from gan_jax.benchmark import cases
from gan_jax.errors import UsageError

# Resolution, channels, batch size, updates of the discriminator.
SHAPES = {
    "mlp": (28, 1, 128, 1),
    "dcgan28": (28, 1, 64, 1),
    "dcgan64": (64, 3, 64, 1),
    "wgan_gp": (28, 1, 64, 5),
    "sngan": (32, 3, 64, 5),
    "r3gan": (32, 3, 64, 1),
    "sagan": (32, 3, 64, 1),
    "r3gan_wide": (32, 3, 64, 1),
}

# Counted by hand from the layers: kernels and biases, and two numbers a channel for a batch norm.
PARAMETERS = {
    "mlp": {
        "generator": 101 * 128 + 129 * 128 + 129 * 784,
        "discriminator": 785 * 128 + 129 * 128 + 129,
    },
    "dcgan28": {
        "generator": 102 * 12_544 + 25 * 256 * 128 + 2 * 128 + 25 * 128 * 64 + 2 * 64 + 25 * 64,
        "discriminator": 25 * 64 + 64 + 25 * 64 * 128 + 128 + 7 * 7 * 128 + 1,
    },
    "dcgan64": {
        "generator": 100 * 16 * 1024 + 2 * (1024 + 512 + 256 + 128)
        + 25 * (1024 * 512 + 512 * 256 + 256 * 128 + 128 * 3) + 3,
        "discriminator": 25 * (3 * 64 + 64 * 128 + 128 * 256 + 256 * 512) + 64 + 2 * (128 + 256 + 512)
        + 16 * 512 + 1,
    },
    "wgan_gp": {
        "generator": 128 * 49 * 64 + 2 * 64 + 25 * 64 * 32 + 2 * 32 + 25 * 32 + 1,
        "discriminator": 25 * 32 + 32 + 25 * 32 * 64 + 64 + 49 * 64 + 1,
    },
    # A block: norms, 3 by 3 kernels without and with a bias, and a shortcut.
    "sngan": {
        "generator": 129 * 16 * 32 + 3 * (4 * 32 + 2 * 9 * 32 * 32 + 32 + 33 * 32) + 2 * 32 + 9 * 32 * 3 + 3,
        "discriminator": (9 * 3 * 32 + 32 + 9 * 32 * 32 + 32 + 3 * 32 + 32)
        + 3 * (2 * (9 * 32 * 32 + 32)) + 33 * 32 + 33,
    },
    # Four stages of two blocks: 1 by 1 with a bias, 3 by 3 over 16 channels with one, 1 by 1 without.
    "r3gan_wide": {
        "generator": 16 * 768 + 64 * 768 + 8 * (769 * 1536 + 145 * 1536 + 1536 * 768) + 768 * 3,
        "discriminator": 3 * 768 + 8 * (769 * 1536 + 145 * 1536 + 1536 * 768) + 16 * 768 + 768,
    },
}  # fmt: skip
# SNGAN's and attention: queries and keys of 4 of 32 channels, values of 16, the way back, and a gain.
PARAMETERS["sagan"] = {
    player: count + 2 * 32 * 4 + 2 * 32 * 16 + 1 for player, count in PARAMETERS["sngan"].items()
}


@pytest.mark.parametrize("name", cases.CASES | cases.DEVICE_CASES)
def test_shapes(name):
    recipe = cases.find(name)
    recipe_lib.validate(recipe)
    data, updates = recipe.data, recipe.updates["discriminator"]
    assert (data["resolution"], data["channels"], recipe.batch_size, updates) == SHAPES[name]


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters(name):
    assert parity.count(name) == PARAMETERS[name]


def test_no_such_case():
    with pytest.raises(UsageError, match="did you mean dcgan28"):
        cases.find("dcgan2")
