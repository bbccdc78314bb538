"""Other frameworks read a recipe's numbers as gan_jax does."""

import optax
import pytest

from gan_jax.benchmark import arithmetic, cases
from gan_jax.nets import r3gan, resampling, resnet
from gan_jax.step import average_decay


@pytest.mark.parametrize("resolution", [8, 12, 16, 28, 32, 36, 40, 64])
def test_sizes_are_those_of_the_networks(resolution):
    assert arithmetic.halvings(resolution) == resampling.halvings(resolution)
    assert arithmetic.stages(resolution, (3, 5)) == r3gan.stage_widths(resolution, (3, 5))
    if resolution < 48:
        blocks = resnet.discriminator_blocks(resolution, 7)
        assert arithmetic.halved(resolution) == [size for _, size in blocks]


def test_numbers_in_a_step():
    options = dict(init_value=2.0, decay_steps=100, alpha=0.25)
    schedule = optax.cosine_decay_schedule(**options)
    for step in (0, 1, 50, 99, 100, 300):
        value = arithmetic.at(dict(cosine_decay_schedule=options), step)
        assert value == pytest.approx(float(schedule(step)), rel=1e-6)
    # By hand: half way down it is the mean of 2 and a quarter of it.
    assert arithmetic.at(dict(weight=dict(cosine_decay_schedule=options)), 50) == pytest.approx(1.25)
    assert arithmetic.at(dict(weight=3.0), 7) == arithmetic.at(3.0, 7) == 3.0


def test_average_decay():
    recipe = cases.find("wgan_gp")
    decay = average_decay(5 * 64, half_life=10_000, ramp_up=0.05)
    for step in (0, 3, 700, 5_000):
        assert arithmetic.average_decay(recipe, step) == pytest.approx(float(decay(step)), rel=1e-5)


def test_hyperparameters_of_recipes():
    assert arithmetic.adam(cases.find("r3gan"), "generator")["b2"] == 0.99
    assert arithmetic.adam(cases.find("dcgan64"), "generator") == dict(
        learning_rate=2e-4, b1=0.5, b2=0.999, eps=1e-8
    )
    assert [arithmetic.rivalry(cases.find(name)) for name in ("mlp", "wgan_gp", "sngan", "r3gan")] == [
        "non_saturating", "wasserstein", "hinge", "relativistic"
    ]  # fmt: skip
    assert arithmetic.latents(cases.find("sngan")) == ("normal", 128)
