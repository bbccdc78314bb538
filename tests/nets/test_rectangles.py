"""Every image network on images that are not square, and squares as before."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.errors import UsageError
from gan_jax.nets import autoencoders, dcgan, discriminators, encoders, mlp, points, r3gan, resnet
from gan_jax.nets.linen import from_linen

KEY = jax.random.key(0)
TINY = dict(widths=(4, 6), blocks=1, group_width=4)
GENERATORS = {
    "mlp": lambda size: mlp.Generator(size, 3, widths=(4,)),
    "points": lambda size: points.Generator(size, 3, widths=(4,)),
    "dcgan": lambda size: dcgan.Generator(size, 3, width=2, slope=0.2),
    "resnet": lambda size: resnet.Generator(size, 3, width=8, attention=(16,)),
    "r3gan": lambda size: r3gan.Generator(size, 3, **TINY),
    "autoencoders": lambda size: autoencoders.EmbeddingGenerator(size, 3, width=2),
}
IMAGE_READERS = {
    "mlp.Discriminator": mlp.Discriminator(widths=(4,), slope=0.2),
    "points.Discriminator": points.Discriminator(widths=(4,)),
    "dcgan.Discriminator": dcgan.Discriminator(width=2, depth=2),
    "resnet.Discriminator": resnet.Discriminator(width=8, attention=(16,)),
    "r3gan.Discriminator": r3gan.Discriminator(**TINY),
    "autoencoders.StridedDiscriminator": autoencoders.StridedDiscriminator(width=2),
    "autoencoders.DenseDiscriminator": autoencoders.DenseDiscriminator(widths=(6, 6)),
    "autoencoders.EmbeddingDiscriminator": autoencoders.EmbeddingDiscriminator(width=2, size=5),
    "encoders.Encoder": encoders.Encoder(size=5, width=2),
    "encoders.GaussianEncoder": encoders.GaussianEncoder(size=5, width=2),
    "encoders.DenseEncoder": encoders.DenseEncoder(size=5, widths=(4, 4)),
    "encoders.DenseGaussianEncoder": encoders.DenseGaussianEncoder(size=5, widths=(4, 4)),
    "discriminators.PairDiscriminator": discriminators.PairDiscriminator(width=2, units=6),
    "discriminators.DensePairDiscriminator": discriminators.DensePairDiscriminator(widths=(4, 4)),
    "discriminators.FeatureDiscriminator": discriminators.FeatureDiscriminator(width=2, units=6),
    "discriminators.DenseFeatureDiscriminator": discriminators.DenseFeatureDiscriminator(widths=(4, 4)),
}
CONVOLUTIONS = [
    name for name in IMAGE_READERS if not name.startswith(("mlp", "points")) and "Dense" not in name
]


def _inputs(name, size):
    """The input of a network that reads images, or latents for a generator."""
    latents = jax.random.normal(jax.random.key(1), (4, 5))
    if name in GENERATORS:
        return latents
    images = jax.random.uniform(jax.random.key(2), (4, *size, 3), minval=-1.0)
    return (images, latents) if "Pair" in name else images


def _output_shapes(module, inputs):
    def run(key):
        return from_linen(module).apply(*from_linen(module).init(key, inputs), inputs, key=key, train=True)[0]

    return jax.tree.map(jnp.shape, jax.eval_shape(run, KEY))


def _shaken(params):
    """The parameters, away from zeros at the start."""
    rng = np.random.default_rng(3)
    return jax.tree.map(lambda leaf: leaf + np.float32(0.1 * rng.normal(size=leaf.shape)), params)


def _assert_learns(module, inputs):
    """Outputs are finite, and every parameter has a gradient."""
    net = from_linen(module)

    @jax.jit
    def learn(key):
        params, carry = net.init(key, inputs)

        def loss(params):
            outputs, _ = net.apply(params, carry, inputs, key=key, train=True)
            weights = jax.tree.map(lambda leaf: jax.random.normal(jax.random.key(5), leaf.shape), outputs)
            return sum(map(jnp.vdot, jax.tree.leaves(outputs), jax.tree.leaves(weights))), outputs

        return jax.grad(loss, has_aux=True)(_shaken(params))

    gradient, outputs = learn(KEY)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((gradient, outputs)))
    without = [
        jax.tree_util.keystr(path) for path, leaf in jax.tree.leaves_with_path(gradient) if not leaf.any()
    ]
    assert not without
    return outputs


@pytest.mark.parametrize("name", GENERATORS)
def test_generators(name):
    size = (16, 24) if name == "autoencoders" else (8, 12)
    assert _assert_learns(GENERATORS[name](size), _inputs(name, size)).shape == (4, *size, 3)


@pytest.mark.parametrize("name", IMAGE_READERS)
def test_networks_that_read_images(name):
    size = (16, 24) if "autoencoders" in name else (12, 8)
    outputs = _assert_learns(IMAGE_READERS[name], _inputs(name, size))
    assert all(len(output) == 4 for output in outputs.values())
    if "reconstruction" in outputs:
        assert outputs["reconstruction"].shape == (4, *size, 3)


@pytest.mark.parametrize("size", [(32, 48), (64, 48)], ids=str)
def test_shapes_at_other_sizes(size):
    for name in ("dcgan", "resnet", "r3gan", "autoencoders"):
        assert _output_shapes(GENERATORS[name](list(size)), _inputs(name, size)) == (4, *size, 3)
    for name, module in IMAGE_READERS.items():
        if name not in CONVOLUTIONS:
            continue
        shapes = _output_shapes(module, _inputs(name, size))
        assert shapes.get("reconstruction", (4, *size, 3)) == (4, *size, 3)
        assert shapes.get("logits", (4,)) == (4,) and shapes.get("latents", (4, 5)) == (4, 5)


def test_features_keep_the_shape_of_the_image():
    # Halved twice each: 16 by 24 to 4 by 6, and with at most three halvings 32 by 80 to 4 by 10.
    features = _output_shapes(discriminators.FeatureDiscriminator(width=2, units=3), jnp.ones((4, 16, 24, 1)))
    assert features["features"] == (4, 4, 6, 4)
    features = _output_shapes(autoencoders.StridedDiscriminator(width=2), jnp.ones((4, 32, 80, 1)))
    assert features["features"] == (4, 4, 10, 8)


def test_the_smaller_side_decides_how_large_a_network_is():
    # By the rules for squares of 32 and of 48 pixels, see test_resnet.py.
    assert resnet.generator_widths((32, 64), 256) == resnet.generator_widths((64, 32), 256) == [256] * 4
    assert resnet.generator_widths((48, 96), 256) == [512, 256, 128, 64]
    assert resnet.discriminator_blocks((64, 32), 128) == [(128, 16), (128, 8), (128, 8), (128, 8)]
    blocks = [(64, 24), (128, 12), (256, 6), (512, 3), (512, 3)]
    assert resnet.discriminator_blocks((48, 96), 128) == blocks
    # 44 = 4 * 11 stops earlier than 48 does.
    assert resnet.generator_widths((48, 44), 256) == [256] * 3
    assert r3gan.stage_widths((16, 24), (3, 5)) == [3, 5, 5]


def test_rows_come_before_columns():
    """Pixels of the dense layer's output, row by row."""
    net = from_linen(mlp.Generator((2, 3), 1, widths=()))
    latents = jax.random.normal(KEY, (4, 5))
    params, carry = net.init(KEY, latents)
    images, _ = net.apply(params, carry, latents, key=KEY, train=True)
    layer = params["Dense_0"]
    rows = np.tanh(np.float64(latents) @ np.float64(layer["kernel"])).reshape(4, 2, 3)
    np.testing.assert_allclose(images[..., 0], rows, atol=1e-5)


def _turned(params):
    """Parameters of the network for transposed images: kernels and learned images have rows as columns."""
    return jax.tree.map(lambda leaf: jnp.swapaxes(leaf, 0, 1) if leaf.ndim > 2 else leaf, params)


@pytest.mark.parametrize("name", ["resnet.Discriminator", "r3gan.Discriminator"])
def test_a_transposed_image_with_transposed_kernels_has_the_same_logit(name):
    net, images = from_linen(IMAGE_READERS[name]), _inputs(name, (8, 12))

    @jax.jit
    def logits(key):
        params, carry = net.init(key, images)
        params = _shaken(params)
        turned = images.swapaxes(1, 2)
        return [
            net.apply(tree, carry, x, key=key, train=True)[0]["logits"]
            for tree, x in ((params, images), (_turned(params), turned))
        ]

    upright, turned = map(np.asarray, logits(KEY))
    np.testing.assert_allclose(turned, upright, rtol=1e-4, atol=1e-4)
    assert np.ptp(upright) > 1e-3


def test_a_transposed_generator_draws_the_transposed_image():
    latents = _inputs("r3gan", None)

    @jax.jit
    def draw(key):
        wide, high = (from_linen(GENERATORS["r3gan"](size)) for size in ((8, 12), (12, 8)))
        params, carry = wide.init(key, latents)
        params = _shaken(params)
        return [
            net.apply(tree, carry, latents, key=key, train=True)[0]
            for net, tree in ((wide, params), (high, _turned(params)))
        ]

    wide, high = draw(KEY)
    np.testing.assert_allclose(high, np.swapaxes(wide, 1, 2), rtol=1e-4, atol=1e-4)


def test_began_doubles_rectangles_by_the_nearest_neighbour():
    """With convolutions that pass their input on, each pixel of a small image becomes four."""
    net = from_linen(autoencoders.EmbeddingGenerator((16, 24), 1, width=1))
    latents = jnp.abs(jax.random.normal(KEY, (1, 8 * 12)))
    params, carry = net.init(KEY, latents)
    passing = jnp.zeros((3, 3, 1, 1)).at[1, 1].set(1.0)
    for name, layer in params["decoder"].items():
        layer["kernel"] = jnp.eye(8 * 12) if name == "Dense_0" else passing
    images, _ = net.apply(params, carry, latents, key=KEY, train=True)
    expected = np.kron(np.asarray(latents).reshape(8, 12), np.ones((2, 2)))
    np.testing.assert_allclose(images[0, :, :, 0], expected, rtol=1e-6)


def test_the_basis_of_r3gans_discriminator_starts_by_the_number_of_pixels():
    module = r3gan.Discriminator(widths=(256,), blocks=1)
    params = jax.jit(lambda key: module.init(key, jnp.ones((1, 8, 32, 3)), train=False))(KEY)["params"]
    assert params["basis"].shape == (4, 16, 256)
    np.testing.assert_allclose(np.std(np.asarray(params["basis"])), 1 / 8, rtol=0.02)


@pytest.mark.parametrize("name", GENERATORS)
def test_one_number_is_the_square_bit_for_bit(name):
    inputs = _inputs(name, None)

    def outcome(resolution):
        net = from_linen(GENERATORS[name](resolution))

        def run(key):
            params, carry = net.init(key, inputs)
            return params, net.apply(params, carry, inputs, key=key, train=True)

        return jax.jit(run)(KEY)

    number, pair = outcome(8), outcome((8, 8))
    assert jax.tree.structure(number) == jax.tree.structure(pair)
    jax.tree.map(np.testing.assert_array_equal, number, pair)


def _refusal(module, inputs):
    """The error's line; under JAX a note on its traceback may follow."""
    with pytest.raises(UsageError) as error:
        _output_shapes(module, inputs)
    return str(error.value).splitlines()[0]


@pytest.mark.parametrize("name", ["dcgan", "resnet", "r3gan"])
def test_generators_that_halve_need_even_sides(name):
    expected = "expected an even height and width of at least 8 pixels"
    for size in ((27, 32), (32, 27), (6, 16), (8, 7)):
        message = _refusal(GENERATORS[name](size), _inputs(name, size))
        assert message == f"{name}.Generator: resolution={size}: {expected}"


@pytest.mark.parametrize("name", [name for name in CONVOLUTIONS if "Embedding" not in name])
def test_convolutions_on_images_need_even_sides(name):
    message = _refusal(IMAGE_READERS[name], _inputs(name, (12, 9)))
    assert message == f"{name}: resolution=(12, 9): expected an even height and width of at least 8 pixels"


@pytest.mark.parametrize(
    ("size", "divisor"), [((16, 27), 2), ((40, 34), 8), ((36, 64), 8), ((9, 9), 2), ((27, 27), 4)]
)
def test_began_halves_to_a_smaller_side_of_eight(size, divisor):
    expected = f"resolution={size}: expected height and width divisible by {divisor}"
    generator = autoencoders.EmbeddingGenerator(size, 1, width=1)
    assert _refusal(generator, jnp.ones((1, 5))) == f"autoencoders.EmbeddingGenerator: {expected}"
    discriminator = autoencoders.EmbeddingDiscriminator(width=1)
    message = _refusal(discriminator, jnp.ones((1, *size, 1)))
    assert message == f"autoencoders.EmbeddingDiscriminator: {expected}"


@pytest.mark.parametrize("size", [(8, 27), (28, 64)], ids=str)
def test_began_takes_other_sizes(size):
    assert _output_shapes(autoencoders.EmbeddingGenerator(size, 1, width=1), jnp.ones((1, 5))) == (
        1,
        *size,
        1,
    )
    outputs = _output_shapes(autoencoders.EmbeddingDiscriminator(width=1), jnp.ones((1, *size, 1)))
    assert outputs["reconstruction"] == (1, *size, 1)


def test_dense_networks_take_any_size():
    assert _output_shapes(mlp.Generator((5, 3), 3), jnp.ones((4, 5))) == (4, 5, 3, 3)
    for name in set(IMAGE_READERS) - set(CONVOLUTIONS):
        shapes = _output_shapes(IMAGE_READERS[name], _inputs(name, (5, 3)))
        assert all(shape[0] == 4 for shape in shapes.values())
