import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.nets import dcgan
from gan_jax.nets.linen import from_linen
from gan_jax.nets.resampling import halvings


def _shapes(params):
    named = jax.tree_util.tree_leaves_with_path(params)
    return {jax.tree_util.keystr(path, simple=True, separator="/"): leaf.shape for path, leaf in named}


@pytest.mark.parametrize(
    "resolution, smallest, count", [(28, 7, 2), (32, 4, 3), (64, 4, 4), (128, 4, 5), (96, 6, 4)]
)
@pytest.mark.parametrize("channels", [1, 3])
def test_one_definition_makes_every_resolution(resolution, smallest, count, channels):
    assert halvings(resolution) == count and resolution >> count == smallest
    generator = dcgan.Generator(resolution=resolution, channels=channels, width=2)
    images = jax.eval_shape(
        lambda key: generator.init_with_output(key, jnp.ones((4, 10)), train=False)[0], jax.random.key(0)
    )
    assert images.shape == (4, resolution, resolution, channels)
    heads = jax.eval_shape(
        lambda key: dcgan.Discriminator(width=2).init_with_output(key, jnp.ones(images.shape), train=False)[
            0
        ],
        jax.random.key(0),
    )
    assert heads["logits"].shape == (4,)


def test_paper_widths_at_64_pixels():
    params = dcgan.Generator(resolution=64, channels=3, width=128)
    shapes = _shapes(
        jax.eval_shape(lambda key: params.init(key, jnp.ones((2, 100)), train=False), jax.random.key(0))
    )
    kernels = [shape for name, shape in shapes.items() if name.endswith("kernel") and "Dense" not in name]
    assert shapes["params/Dense_0/kernel"] == (100, 4 * 4 * 1024)
    assert kernels == [(5, 5, 1024, 512), (5, 5, 512, 256), (5, 5, 256, 128), (5, 5, 128, 3)]


def test_no_bias_in_front_of_a_norm():
    image = jnp.ones((2, 32, 32, 1))
    key = jax.random.key(0)
    generator = dcgan.Generator(resolution=32, channels=1, width=2).init(key, jnp.ones((2, 4)), train=False)[
        "params"
    ]
    discriminator = dcgan.Discriminator(width=2).init(key, image, train=False)["params"]
    assert "bias" not in generator["Dense_0"]
    assert ["bias" in generator[f"ConvTranspose_{i}"] for i in range(3)] == [False, False, True]
    assert ["bias" in discriminator[f"Conv_{i}"] for i in range(3)] == [True, False, False]
    plain = dcgan.Discriminator(width=2, batch_norm=False).init(key, image, train=False)
    assert set(plain) == {"params"} and all("bias" in plain["params"][f"Conv_{i}"] for i in range(3))


def test_initialisation_is_the_papers():
    generator = dcgan.Generator(resolution=28, channels=1, width=64)
    params = generator.init(jax.random.key(0), jnp.ones((2, 100)), train=False)["params"]
    for name in ("Dense_0", "ConvTranspose_0"):
        np.testing.assert_allclose(np.std(params[name]["kernel"]), 0.02, rtol=0.02)
    scale = params["BatchNorm_0"]["scale"]
    np.testing.assert_allclose([np.mean(scale), np.std(scale)], [1.0, 0.02], atol=0.01)


def test_default_parameters_are_what_they_were_before_heads_and_labels():
    # Names decide what an initialisation draws, so the same names and shapes start the same network.
    generator = jax.eval_shape(
        lambda key: dcgan.Generator(resolution=32, channels=1, width=2).init(
            key, jnp.ones((2, 4)), train=False
        ),
        jax.random.key(0),
    )
    assert list(_shapes(generator["params"]).items()) == [
        ("BatchNorm_0/bias", (8,)),
        ("BatchNorm_0/scale", (8,)),
        ("BatchNorm_1/bias", (4,)),
        ("BatchNorm_1/scale", (4,)),
        ("BatchNorm_2/bias", (2,)),
        ("BatchNorm_2/scale", (2,)),
        ("ConvTranspose_0/kernel", (5, 5, 8, 4)),
        ("ConvTranspose_1/kernel", (5, 5, 4, 2)),
        ("ConvTranspose_2/bias", (1,)),
        ("ConvTranspose_2/kernel", (5, 5, 2, 1)),
        ("Dense_0/kernel", (4, 128)),
    ]
    discriminator = jax.eval_shape(
        lambda key: dcgan.Discriminator(width=2).init(key, jnp.ones((2, 28, 28, 1)), train=False),
        jax.random.key(0),
    )
    assert list(_shapes(discriminator["params"]).items()) == [
        ("BatchNorm_0/bias", (4,)),
        ("BatchNorm_0/scale", (4,)),
        ("Conv_0/bias", (2,)),
        ("Conv_0/kernel", (5, 5, 1, 2)),
        ("Conv_1/kernel", (5, 5, 2, 4)),
        ("Dense_0/bias", (1,)),
        ("Dense_0/kernel", (196, 1)),
    ]


def test_a_deeper_discriminator_has_more_convolutions_without_a_stride():
    deep = dcgan.Discriminator(width=2, depth=3)
    variables = jax.eval_shape(
        lambda key: deep.init(key, jnp.ones((2, 28, 28, 1)), train=False), jax.random.key(0)
    )
    kernels = [variables["params"][f"Conv_{i}"]["kernel"].shape[2:] for i in range(6)]
    assert kernels == [(1, 2), (2, 2), (2, 2), (2, 4), (4, 4), (4, 4)]
    # Every convolution but the first has a norm, and no bias in front of it.
    assert len(variables["batch_stats"]) == 5 and "bias" not in variables["params"]["Conv_1"]
    # Only the first of three halves: the features are still 7 x 7 x 4.
    assert variables["params"]["Dense_0"]["kernel"].shape == (196, 1)


def test_labels_stand_beside_the_generators_latents():
    generator = dcgan.Generator(resolution=8, channels=1, width=2, classes=3)
    latents, labels = jnp.ones((3, 4)), jnp.arange(3)
    images, variables = jax.jit(lambda key: generator.init_with_output(key, latents, labels, train=False))(
        jax.random.key(0)
    )
    assert variables["params"]["Dense_0"]["kernel"].shape == (4 + 3, 4 * 4 * 2)
    assert len(np.unique(np.asarray(images).reshape(3, -1), axis=0)) == 3


def test_the_generators_slope():
    """leaky(x) is (1 - slope) relu(x) + slope x, and at 8 pixels all behind it but tanh is linear."""

    @jax.jit
    def draw(key):
        nets = [dcgan.Generator(resolution=8, channels=1, width=2, slope=slope) for slope in (0.0, 0.01, 1.0)]
        latents = jax.random.normal(key, (5, 4))
        variables = nets[0].init(key, latents, train=False)
        return [net.apply(variables, latents, train=False) for net in nets]

    without, leaky, linear = (np.arctanh(np.float64(images)) for images in draw(jax.random.key(0)))
    np.testing.assert_allclose(leaky, 0.99 * without + 0.01 * linear, atol=1e-7)
    assert np.abs(linear - without).max() > 1e-5


def test_dropout_is_for_training_only():
    @jax.jit
    def logits(key):
        images = jax.random.normal(key, (4, 8, 8, 1))
        nets = [from_linen(dcgan.Discriminator(width=2, dropout=rate)) for rate in (0.3, 0.0)]
        params, carry = nets[0].init(key, images)
        return [
            net.apply(params, carry, images, key=jax.random.key(seed), train=train)[0]["logits"]
            for net, seed, train in [
                (nets[0], 2, True), (nets[0], 3, True), (nets[0], 2, False), (nets[0], 3, False),
                (nets[1], 2, False),
            ]
        ]  # fmt: skip

    trained, again, evaluated, once_more, without = map(np.asarray, logits(jax.random.key(0)))
    assert np.abs(trained - again).max() > 1e-4
    np.testing.assert_array_equal(evaluated, once_more)
    np.testing.assert_array_equal(evaluated, without)
