"""Networks that grow: the paper's sizes, and levels that begin as what was there before."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.errors import UsageError
from gan_jax.nets.equalised import EqualisedConv
from gan_jax.nets.layers import pixel_norm
from gan_jax.nets.progressive import Discriminator, Generator, level_widths

WIDTHS = (8, 6, 4)


def _count(module, *inputs):
    variables = jax.eval_shape(lambda: module.init(jax.random.key(0), *inputs, train=False))
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(variables["params"]))


@pytest.mark.parametrize(
    "side, generator, discriminator",
    [
        (32, 20_719_628, 20_726_785),
        (64, 22_490_383, 22_498_049),
        (128, 22_933_394, 22_941_313),
        (256, 23_044_309, 23_052_353),
        (512, 23_072_120, 23_080_225),
        (1024, 23_079_115, 23_087_249),
    ],
)
def test_networks_have_the_parameters_of_the_paper(side, generator, discriminator):
    assert _count(Generator(side, 3), jnp.zeros((4, 512))) == generator
    assert _count(Discriminator(), jnp.zeros((4, side, side, 3))) == discriminator


def _generator(halvings=0):
    return Generator((28 >> halvings, 20 >> halvings), 2, levels_to_come=halvings, widths=WIDTHS)


def _variables(module, *inputs):
    variables = module.init(jax.random.key(0), *inputs, train=False)
    return variables["params"], variables["progress"]


@pytest.mark.parametrize("halvings", [1, 2])
def test_parameters_do_not_depend_on_the_stage(halvings):
    latents, images = jnp.ones((4, 3)), jnp.ones((4, 28, 20, 2))
    small = images[:, :: 2**halvings, :: 2**halvings]

    def shapes(module, inputs):
        variables = jax.eval_shape(lambda: module.init(jax.random.key(0), inputs, train=False))
        return {str(path): leaf.shape for path, leaf in jax.tree.leaves_with_path(variables)}

    assert shapes(_generator(), latents) == shapes(_generator(halvings), latents)
    grown, growing = (Discriminator(widths=WIDTHS, levels_to_come=each) for each in (0, halvings))
    assert shapes(grown, images) == shapes(growing, small)


@pytest.mark.parametrize("halvings", [0, 1])
def test_a_new_level_of_a_generator_begins_as_the_enlarged_image_before_it(halvings):
    latents = jax.random.normal(jax.random.key(1), (4, 3))
    params, _ = _variables(_generator(), latents)

    def images(halvings, share):
        variables = {"params": params, "progress": {"fade": jnp.float32(share)}}
        return _generator(halvings).apply(variables, latents, train=True)

    before = images(halvings + 1, 1.0)
    assert before.shape == (4, 28 >> (halvings + 1), 20 >> (halvings + 1), 2)
    begun, half, there = (images(halvings, share) for share in (0.0, 0.5, 1.0))
    np.testing.assert_array_equal(begun, before.repeat(2, 1).repeat(2, 2))
    np.testing.assert_allclose(half, 0.5 * begun + 0.5 * there, atol=1e-6)
    assert np.abs(there - begun).max() > 0.01


@pytest.mark.parametrize("halvings", [0, 1])
def test_a_new_level_of_a_discriminator_begins_as_the_one_before_it_on_smaller_images(halvings):
    images = jax.random.normal(jax.random.key(1), (4, 28 >> halvings, 20 >> halvings, 2))
    params, _ = _variables(Discriminator(widths=WIDTHS), jnp.ones((4, 28, 20, 2)))

    def logits(halvings, share, images):
        variables = {"params": params, "progress": {"fade": jnp.float32(share)}}
        return Discriminator(widths=WIDTHS, levels_to_come=halvings).apply(variables, images, train=True)[
            "logits"
        ]

    height, columns = images.shape[1] // 2, images.shape[2] // 2
    small = images.reshape(4, height, 2, columns, 2, 2).mean((2, 4))
    begun, there = (logits(halvings, share, images) for share in (0.0, 1.0))
    np.testing.assert_array_equal(begun, logits(halvings + 1, 1.0, small))
    assert np.abs(there - begun).max() > 1e-4


def test_kernels_are_scaled_where_they_are_used():
    x = np.random.default_rng(0).normal(size=(2, 5, 4, 3))
    kernel = np.random.default_rng(1).normal(size=(3, 3, 3, 6))
    bias = np.arange(6.0)
    layer = EqualisedConv(6, (3, 3))
    y = layer.apply({"params": {"kernel": jnp.float32(kernel), "bias": jnp.float32(bias)}}, jnp.float32(x))
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2))
    expected = np.einsum("bhwiyx,yxio->bhwo", windows, kernel) * math.sqrt(2 / 27) + bias
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)
    started = layer.init(jax.random.key(0), jnp.zeros((1, 4, 4, 200)))["params"]["kernel"]
    np.testing.assert_allclose(np.std(started), 1.0, rtol=0.02)


def test_pixel_norm_divides_by_the_root_of_mean_squares_and_subtracts_nothing():
    x = np.random.default_rng(0).normal(2.0, 1.0, size=(2, 3, 3, 5))
    expected = x / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + 1e-8)
    np.testing.assert_allclose(pixel_norm(jnp.float32(x)), expected, rtol=1e-5)
    assert pixel_norm(jnp.ones((2, 3), jnp.bfloat16)).dtype == jnp.bfloat16


def test_widths_of_the_paper_halve_from_64_pixels_on():
    assert level_widths((), 9) == [512, 512, 512, 512, 256, 128, 64, 32, 16]
    assert level_widths((64, 32), 4) == [64, 32, 32, 32]


@pytest.mark.parametrize("size, smallest", [(28, (7, 7)), (96, (6, 6)), (80, (5, 5)), ((48, 64), (6, 8))])
def test_the_smallest_image_may_have_5_6_or_7_pixels(size, smallest):
    params = jax.eval_shape(
        lambda: Generator(size, 1, widths=(4,)).init(jax.random.key(0), jnp.zeros((1, 2)), train=False)
    )["params"]
    assert params["latents"]["kernel"].shape == (2, smallest[0] * smallest[1] * 4)


def test_labels_stand_beside_latents_and_images():
    labels = jnp.array([0, 1, 2, 1])
    generator = Generator(8, 1, classes=3, widths=(4,))
    latents = jnp.ones((4, 2))
    variables = generator.init(jax.random.key(0), latents, labels, train=False)
    images = generator.apply(variables, latents, labels, train=False)
    np.testing.assert_array_equal(images[1], images[3])
    assert np.abs(images[0] - images[1]).max() > 1e-3
    critic = Discriminator(classes=3, widths=(4,), heads={"logits": {}, "class_logits": {}})
    variables = critic.init(jax.random.key(0), images, labels, train=False)
    heads = critic.apply(variables, images, labels, train=False)
    assert heads["class_logits"].shape == (4, 3) and heads["logits"].shape == (4,)


def test_a_stage_below_the_smallest_level_is_refused():
    with pytest.raises(
        UsageError, match="progressive.Generator: .* halved 3 times at most, .* levels_to_come=4"
    ):
        Generator(2, 1, levels_to_come=4, widths=(4,)).init(jax.random.key(0), jnp.ones((1, 2)), train=False)


def test_levels_that_are_not_there_yet_have_no_gradient():
    latents = jnp.ones((4, 3))
    params, progress = _variables(_generator(), latents)

    def loss(params):
        images = _generator(1).apply({"params": params, "progress": progress}, latents, train=True)
        return jnp.sum(images**2)

    moved = {
        name: bool(jnp.any(grad["kernel"] != 0))
        for name, grad in jax.grad(loss)(params).items()
        if name != "bias"
    }
    assert moved == {name: "_2" not in name and name != "image_0" for name in moved}
