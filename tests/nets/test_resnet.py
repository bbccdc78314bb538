import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import penalties
from gan_jax.errors import UsageError
from gan_jax.nets import resnet
from gan_jax.nets.linen import from_linen

KEY = jax.random.key(0)
LABELS = jnp.array([2, 0])


def _count(module, *inputs):
    params = jax.eval_shape(lambda key: module.init(key, *inputs, train=False), KEY)["params"]
    return sum(leaf.size for leaf in jax.tree.leaves(params))


def _images(count, resolution, channels=3):
    return jax.random.uniform(jax.random.key(1), (count, resolution, resolution, channels), minval=-1.0)


@pytest.mark.parametrize("resolution", [8, 28, 32, 48, 64, 128])
@pytest.mark.parametrize("channels", [1, 3])
def test_one_definition_makes_every_resolution(resolution, channels):
    generator = resnet.Generator(resolution, channels, classes=3, width=4, attention=(16,) * (resolution > 8))
    discriminator = resnet.Discriminator(classes=3, width=4, attention=(16,), heads={"projection": {}})

    def both(key):
        images, _ = generator.init_with_output(key, jnp.ones((2, 5)), LABELS, train=False)
        return images, discriminator.init_with_output(key, images, LABELS, train=False)[0]

    images, heads = jax.eval_shape(both, KEY)
    assert images.shape == (2, resolution, resolution, channels) and heads["logits"].shape == (2,)


def test_widths_are_the_papers_tables():
    # Miyato et al. 2018, arXiv:1802.05957, tables 3 to 6: 32, 48 and 128 pixels; 64 from the authors' code.
    assert resnet.generator_widths(32, 256) == [256, 256, 256, 256]
    assert resnet.generator_widths(28, 256) == [256, 256, 256]
    assert resnet.generator_widths(48, 256) == [512, 256, 128, 64]
    assert resnet.generator_widths(64, 256) == [1024, 512, 256, 128, 64]
    assert resnet.generator_widths(128, 256) == [1024, 1024, 512, 256, 128, 64]
    assert resnet.discriminator_blocks(32, 128) == [(128, 16), (128, 8), (128, 8), (128, 8)]
    assert resnet.discriminator_blocks(28, 128) == [(128, 14), (128, 7), (128, 7), (128, 7)]
    assert resnet.discriminator_blocks(10, 128) == [(128, 5)] * 4
    assert resnet.discriminator_blocks(48, 128) == [(64, 24), (128, 12), (256, 6), (512, 3), (512, 3)]
    assert resnet.discriminator_blocks(128, 128) == [
        (64, 64),
        (128, 32),
        (256, 16),
        (512, 8),
        (1024, 4),
        (1024, 4),
    ]


def test_parameters_of_the_generator_at_32_pixels():
    # Table 3 with 128 latents: dense, then each block's two norms, two kernels of 3 x 3 and shortcut. The
    # second kernel and the shortcut have biases.
    dense = 128 * 4 * 4 * 256 + 4 * 4 * 256
    block = 4 * 256 + (9 * 256 * 256) + (9 * 256 * 256 + 256) + (256 * 256 + 256)
    last = 2 * 256 + 9 * 256 * 3 + 3
    assert _count(resnet.Generator(32, 3), jnp.ones((2, 128))) == dense + 3 * block + last == 4_275_971
    # With labels, each of a block's two norms has a gain and an offset a class.
    conditional = _count(resnet.Generator(32, 3, classes=10), jnp.ones((2, 128)), LABELS)
    assert conditional - 4_275_971 == 3 * 2 * (10 - 1) * 2 * 256


def test_parameters_of_the_discriminator_at_32_pixels():
    # Table 4: the first block has a shortcut from 3 channels, the second from 128, the others none.
    first = (9 * 3 * 128 + 128) + (9 * 128 * 128 + 128) + (3 * 128 + 128)
    second = 2 * (9 * 128 * 128 + 128) + (128 * 128 + 128)
    flat = 2 * (9 * 128 * 128 + 128)
    expected = first + second + 2 * flat + 128 + 1
    assert _count(resnet.Discriminator(), jnp.ones((2, 32, 32, 3))) == expected == 1_053_825
    conditional = resnet.Discriminator(classes=10, heads={"projection": {}})
    assert _count(conditional, jnp.ones((2, 32, 32, 3)), LABELS) - expected == 10 * 128


def test_attention_stands_at_the_largest_image_of_at_most_that_size():
    assert resnet.attended([8, 16, 32], (16,)) == {1}
    assert resnet.attended([14, 28], (16,)) == {0}
    assert resnet.attended([16, 8, 8, 8], (8, 32)) == {0, 1}
    assert resnet.attended([16, 8], ()) == set()
    with pytest.raises(UsageError, match="attention=4: expected at least 8"):
        resnet.attended([16, 8], (4,))


def test_attention_adds_one_layer_to_each():
    # Query and key of an eighth, value and output of half the channels, and the gain.
    added = 2 * 256 * 32 + 2 * 256 * 128 + 1
    plain, attentive = (
        _count(resnet.Generator(32, 3, attention=sizes), jnp.ones((2, 128))) for sizes in ((), (16,))
    )
    assert attentive - plain == added
    images = jnp.ones((2, 32, 32, 3))
    plain, attentive = (_count(resnet.Discriminator(attention=sizes), images) for sizes in ((), (16,)))
    assert attentive - plain == 2 * 128 * 16 + 2 * 128 * 64 + 1


def test_initialisation_is_the_authors():
    # Uniform in +-gain sqrt(6 / (inputs + outputs)).
    params, _ = jax.jit(from_linen(resnet.Generator(16, 3, width=32)).init)(KEY, jnp.ones((2, 64)))
    block = params["UpBlock_0"]
    for kernel, bound in [
        (params["Dense_0"]["kernel"], np.sqrt(6 / (64 + 16 * 32))),
        (block["Conv_0"]["kernel"], np.sqrt(2) * np.sqrt(6 / (9 * 32 + 9 * 32))),
        (block["Conv_1"]["kernel"], np.sqrt(2) * np.sqrt(6 / (9 * 32 + 9 * 32))),
        (block["Conv_2"]["kernel"], np.sqrt(6 / (32 + 32))),
        (params["Conv_0"]["kernel"], np.sqrt(6 / (9 * 32 + 9 * 3))),
    ]:
        assert bound * 0.98 < np.abs(kernel).max() <= bound
        np.testing.assert_allclose(np.std(np.asarray(kernel)), bound / np.sqrt(3), rtol=0.05)
    assert [("bias" in block[f"Conv_{i}"]) for i in range(3)] == [False, True, True]


def test_blocks_are_the_papers_formula():
    x = jnp.float32(np.random.default_rng(0).normal(size=(2, 4, 4, 3)))
    block = resnet.DownBlock(5, 3)
    variables = block.init(KEY, x)
    convs = [variables["params"][f"Conv_{i}"] for i in range(3)]

    def conv(x, layer):
        kernel, size = np.float64(layer["kernel"]), layer["kernel"].shape[0]
        padded = np.pad(x, [(0, 0), (size // 2,) * 2, (size // 2,) * 2, (0, 0)])
        shifted = [
            padded[:, i : i + x.shape[1], j : j + x.shape[2]] @ kernel[i, j]
            for i in range(size)
            for j in range(size)
        ]
        return sum(shifted) + np.float64(layer["bias"])

    def pool(x):
        return x.reshape(2, 2, 2, 2, 2, -1).mean((2, 4))

    y = np.float64(x)
    residual = conv(np.maximum(conv(np.maximum(y, 0), convs[0]), 0), convs[1])
    np.testing.assert_allclose(
        block.apply(variables, x), pool(residual + conv(y, convs[2])), rtol=1e-4, atol=1e-5
    )
    # The first block takes pixels as they are, and one that changes nothing has the identity as its shortcut.
    first = resnet.DownBlock(5, 3, activate=False)
    residual = conv(np.maximum(conv(y, convs[0]), 0), convs[1])
    np.testing.assert_allclose(
        first.apply(variables, x), pool(residual + conv(y, convs[2])), rtol=1e-4, atol=1e-5
    )
    flat = resnet.DownBlock(3, 3, halve=False)
    variables = flat.init(KEY, x)
    convs = [variables["params"][f"Conv_{i}"] for i in range(2)]
    residual = conv(np.maximum(conv(np.maximum(y, 0), convs[0]), 0), convs[1])
    assert set(variables["params"]) == {"Conv_0", "Conv_1"}
    np.testing.assert_allclose(flat.apply(variables, x), y + residual, rtol=1e-4, atol=1e-5)


def test_features_are_summed_over_pixels():
    module = resnet.Discriminator(width=4, heads={"logits": {}, "features": {}})
    images = jnp.zeros((2, 8, 8, 3))
    params, carry = jax.jit(from_linen(module).init)(KEY, images)
    zeros = jax.tree.map(jnp.zeros_like, params)
    # Nothing but the last block's last bias: 2 at each of 4 x 4 pixels.
    zeros["DownBlock_3"]["Conv_1"]["bias"] = jnp.array([2.0, -1.0, 0.0, 1.0])
    zeros["Dense_0"] = {"kernel": jnp.full((4, 1), 0.5), "bias": jnp.array([3.0])}
    heads, _ = from_linen(module).apply(zeros, carry, images, key=KEY, train=True)
    np.testing.assert_allclose(heads["features"], [[32.0, 0.0, 0.0, 16.0]] * 2)
    np.testing.assert_allclose(heads["logits"], [27.0, 27.0])


def test_every_parameter_of_the_generator_learns_and_labels_matter():
    net = from_linen(resnet.Generator(8, 1, classes=3, width=4, attention=(8,)))
    latents = jax.random.normal(KEY, (4, 3))
    params, carry = jax.jit(net.init)(KEY, latents, jnp.zeros(4, jnp.int32))
    params["SelfAttention_0"]["gain"] = jnp.float32(0.5)
    offset = params["UpBlock_0"]["ConditionalBatchNorm_0"]
    offset["bias"] = jax.random.normal(KEY, offset["bias"].shape)

    @jax.jit
    def learn(params, latents, labels):
        def loss(params):
            images, _ = net.apply(params, carry, latents, labels, key=KEY, train=True)
            return jnp.sum(images * jax.random.normal(jax.random.key(2), images.shape)), images

        return jax.grad(loss, has_aux=True)(params)

    gradient, _ = learn(params, latents, jnp.array([0, 1, 2, 0]))
    assert all(np.abs(leaf).max() > 0 for leaf in jax.tree.leaves(gradient))
    _, images = learn(params, jnp.tile(latents[:1], (4, 1)), jnp.array([0, 1, 2, 0]))
    np.testing.assert_allclose(images[0], images[3], atol=1e-5)
    assert np.abs(np.subtract(images[0], images[1])).max() > 1e-3


def test_second_derivatives_of_the_discriminator():
    net = from_linen(resnet.Discriminator(width=4, attention=(4,)))
    images = _images(4, 8)
    params, carry = jax.jit(net.init)(KEY, images)
    params["SelfAttention_0"]["gain"] = jnp.float32(0.5)
    assert carry == {}

    @jax.jit
    def learn(params):
        def loss(params):
            def critic(x):
                return net.apply(params, carry, x, key=KEY, train=True)[0]["logits"]

            return critic(images).sum() + penalties.gradient_penalty(critic, images, images[::-1], KEY).mean()

        return jax.grad(loss)(params)

    for leaf in jax.tree.leaves(learn(params)):
        assert np.isfinite(leaf).all() and np.abs(leaf).max() > 0


@pytest.mark.parametrize("resolution", [27, 6])
def test_resolution_that_cannot_be_halved(resolution):
    with pytest.raises(
        UsageError, match=rf"resolution=\({resolution}, {resolution}\): expected an even height and width"
    ):
        resnet.discriminator_blocks(resolution, 128)
