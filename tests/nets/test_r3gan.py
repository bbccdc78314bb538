import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import penalties
from gan_jax.errors import UsageError
from gan_jax.nets import r3gan
from gan_jax.nets.linen import from_linen

KEY = jax.random.key(0)
LABELS = jnp.array([2, 0, 1, 2])
TINY = dict(widths=(4, 6), blocks=1, group_width=4)


def _init(module, *inputs):
    """The module's params and, compiled, its outputs for given params."""
    params = jax.jit(lambda key: module.init(key, *inputs, train=False))(KEY)["params"]
    return params, jax.jit(lambda params, *inputs: module.apply({"params": params}, *inputs, train=False))


def _shapes(module, *inputs):
    params = jax.eval_shape(lambda key: module.init(key, *inputs, train=False), KEY)["params"]
    named = jax.tree_util.tree_leaves_with_path(params)
    return {jax.tree_util.keystr(path, simple=True, separator="/"): leaf.shape for path, leaf in named}


def _shaken(params):
    """The parameters, away from the zeros that a block ends with at the start."""
    rng = np.random.default_rng(3)
    return jax.tree.map(lambda leaf: np.asarray(leaf) + np.float32(0.1 * rng.normal(size=leaf.shape)), params)


@pytest.mark.parametrize("resolution", [8, 28, 32, 64])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("labels", [(), (LABELS,)], ids=["", "labels"])
def test_one_definition_makes_every_resolution(resolution, channels, labels):
    generator = r3gan.Generator(resolution, channels, classes=3, **TINY)
    discriminator = r3gan.Discriminator(classes=3, **TINY)

    def both(key):
        images, _ = generator.init_with_output(key, jnp.ones((4, 5)), *labels, train=False)
        return images, discriminator.init_with_output(key, images, *labels, train=False)[0]

    images, heads = jax.eval_shape(both, KEY)
    assert images.shape == (4, resolution, resolution, channels) and heads["logits"].shape == (4,)


def test_stages():
    assert r3gan.stage_widths(32, (768,)) == [768] * 4
    assert r3gan.stage_widths(64, (384, 768)) == [384, 768, 768, 768, 768]
    assert r3gan.stage_widths(28, (8, 16, 32, 64)) == [8, 16, 32]
    with pytest.raises(UsageError, match="at least one stage"):
        r3gan.stage_widths(32, ())


def test_parameters_of_the_papers_networks_for_cifar10():
    # 8 blocks of 768 -> 1536 -> 1536 in 96 groups of 16 -> 768, two biases each, and no other bias.
    block = 768 * 1536 + 1536 + 9 * 16 * 1536 + 1536 + 1536 * 768
    shapes = _shapes(r3gan.Generator(32, 3, classes=10), jnp.ones((4, 64)), LABELS)
    assert shapes["Block_0/GroupedConv_0/kernel"] == (3, 3, 16, 1536)
    basis = 10 * 64 + 128 * 768 + 4 * 4 * 768
    assert sum(map(np.prod, shapes.values())) == basis + 8 * block + 768 * 3
    shapes = _shapes(r3gan.Discriminator(classes=10), jnp.ones((4, 32, 32, 3)), LABELS)
    assert sum(map(np.prod, shapes.values())) == 3 * 768 + 8 * block + 4 * 4 * 768 + 768 * 768 + 10 * 768
    shapes = _shapes(r3gan.Discriminator(), jnp.ones((4, 32, 32, 3)))
    assert sum(map(np.prod, shapes.values())) == 3 * 768 + 8 * block + 4 * 4 * 768 + 768
    # Where stages differ in width, one linear layer without a bias lies between them.
    shapes = _shapes(r3gan.Discriminator(widths=(384, 768)), jnp.ones((4, 64, 64, 3)))
    assert shapes["Conv_1/kernel"] == (1, 1, 384, 768) and "Conv_2/kernel" not in shapes


@pytest.mark.parametrize(
    "resolution, classes, options, generator, discriminator",
    [
        (32, 10, {}, 20_781_952, 21_280_512),
        (32, 0, {}, 20_732_160, 20_683_776),
        (64, 0, dict(widths=(384, 768)), 22_429_824, 22_381_440),
        (256, 0, dict(widths=(96, 192, 384, 768)), 23_057_952, 23_009_568),
        (32, 1000, dict(widths=(1536,), group_width=32), 82_914_304, 86_548_992),
        (64, 1000, dict(widths=(1536,), group_width=32), 103_570_432, 107_205_120),
    ],
    ids=["cifar10", "cifar10 without labels", "ffhq64", "ffhq256", "imagenet32", "imagenet64"],
)
def test_parameters_of_the_papers_presets(resolution, classes, options, generator, discriminator):
    labels = (LABELS,) if classes else ()
    images = jax.ShapeDtypeStruct((4, resolution, resolution, 3), jnp.float32)
    for module, inputs, count in [
        (r3gan.Generator(resolution, 3, classes=classes, **options), jnp.ones((4, 64)), generator),
        (r3gan.Discriminator(classes=classes, **options), images, discriminator),
    ]:
        params = jax.eval_shape(functools.partial(module.init, train=False), KEY, inputs, *labels)["params"]
        assert sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(params)) == count


@pytest.mark.parametrize("float32_stages, expected", [(0, [0, 0, 0]), (1, [1, 0, 0]), (3, [1, 1, 1])])
def test_the_stages_of_the_smallest_images_compute_in_float32(float32_stages, expected):
    """Whether the blocks of each stage, the smallest image first, compute in float32."""
    options = dict(TINY, float32_stages=float32_stages)
    images = jnp.ones((2, 16, 16, 1), jnp.bfloat16)
    for module, inputs, blocks in [
        (r3gan.Generator(16, 1, **options), jnp.ones((2, 5), jnp.bfloat16), range(3)),
        (r3gan.Discriminator(**options), images, (2, 1, 0)),
    ]:

        def run(key):
            params = module.init(key, inputs, train=False)["params"]
            half = jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16), params)
            _, state = module.apply(
                {"params": half}, inputs, train=True, capture_intermediates=True, mutable=["intermediates"]
            )
            return [state["intermediates"][f"Block_{block}"]["__call__"][0] for block in blocks]

        assert [x.dtype == jnp.float32 for x in jax.eval_shape(run, KEY)] == list(map(bool, expected))


def test_initialisation_is_the_papers():
    gain = np.sqrt(2 / 1.04)
    module = r3gan.Generator(8, 3, classes=10, widths=(32,), blocks=8)
    params, _ = _init(module, jnp.ones((4, 64)), LABELS)
    # 16 blocks: 16^(-1/4) = 1/2.
    block = params["Block_0"]
    for kernel, deviation in [
        (block["Conv_0"]["kernel"], gain / 2 / np.sqrt(32)),
        (block["GroupedConv_0"]["kernel"], gain / 2 / np.sqrt(9 * 16)),
        (params["basis"], 1.0),
        (params["Dense_0"]["kernel"], 1 / np.sqrt(128)),
        (params["embedding_of_label"]["kernel"], 1 / np.sqrt(10)),
    ]:
        np.testing.assert_allclose(np.std(np.asarray(kernel)), deviation, rtol=0.1)
    np.testing.assert_array_equal(block["Conv_1"]["kernel"], 0)
    assert set(block["Conv_1"]) == set(params["Dense_0"]) == {"kernel"}
    module = r3gan.Discriminator(classes=10, widths=(64,), blocks=1)
    params, _ = _init(module, jnp.ones((4, 8, 8, 3)), LABELS)
    np.testing.assert_allclose(np.std(np.asarray(params["basis"])), 1 / 4, rtol=0.1)
    np.testing.assert_allclose(
        np.std(np.asarray(params["embedding_of_label"]["kernel"])), 1 / np.sqrt(640), rtol=0.1
    )


def test_a_new_discriminator_is_linear_in_its_pixels():
    # Blocks add nothing at first, so that only resampling and linear layers are left: no bias, no slope.
    images = jax.random.normal(KEY, (4, 8, 8, 1))
    params, apply = _init(r3gan.Discriminator(**TINY), images)
    logits = apply(params, images)["logits"]
    assert np.abs(logits).min() > 1e-3
    np.testing.assert_allclose(apply(params, -3 * images)["logits"], -3 * logits, rtol=1e-4, atol=1e-5)
    there, back = (apply(_shaken(params), sign * images)["logits"] for sign in (1.0, -1.0))
    assert np.abs(np.add(there, back)).max() > 1e-3


def test_block_is_the_papers_formula():
    x = np.random.default_rng(0).normal(size=(2, 3, 3, 4)).astype(np.float32)
    block = r3gan.Block(expansion=2, group_width=4, blocks=1)
    params = _shaken(block.init(KEY, x)["params"])
    first, middle, last = (params[name] for name in ("Conv_0", "GroupedConv_0", "Conv_1"))

    def leaky(x, layer):
        x = x + np.float64(layer["bias"])
        return np.where(x > 0, x, 0.2 * x)

    y = leaky(np.float64(x) @ np.float64(first["kernel"])[0, 0], first)
    padded, kernel = np.pad(y, [(0, 0), (1, 1), (1, 1), (0, 0)]), np.float64(middle["kernel"])
    z = np.zeros_like(y)
    for group in (slice(0, 4), slice(4, 8)):
        for i in range(3):
            for j in range(3):
                z[..., group] += padded[:, i : i + 3, j : j + 3, group] @ kernel[i, j, :, group]
    expected = x + leaky(z, middle) @ np.float64(last["kernel"])[0, 0]
    np.testing.assert_allclose(block.apply({"params": params}, x), expected, rtol=1e-4, atol=1e-5)


def test_conditional_logit_is_the_product_of_features_and_the_labels_vector():
    images = jax.random.normal(KEY, (4, 8, 8, 1))
    params, apply = _init(r3gan.Discriminator(classes=3, **TINY), images, LABELS)
    params = _shaken(params)
    # Labels whose vectors are unit vectors read the features out, one at a time.
    features = []
    for place in range(6):
        unit = {"embedding_of_label": {"kernel": np.tile(np.eye(6, dtype=np.float32)[place], (3, 1))}}
        features.append(apply({**params, **unit}, images, LABELS)["logits"])
    vectors = np.float64(params["embedding_of_label"]["kernel"])[LABELS]
    expected = (np.stack(features, 1) * vectors).sum(1)
    np.testing.assert_allclose(apply(params, images, LABELS)["logits"], expected, rtol=1e-4, atol=1e-5)


def test_every_parameter_of_the_generator_learns_and_labels_matter():
    net = from_linen(r3gan.Generator(8, 1, classes=3, **TINY))
    latents = jnp.tile(jax.random.normal(KEY, (1, 5)), (4, 1))
    params, carry = jax.jit(net.init)(KEY, latents, LABELS)
    assert carry == {}

    def loss(params):
        images, _ = net.apply(params, carry, latents, LABELS, key=KEY, train=True)
        return jnp.sum(images**2), images

    gradient, images = jax.jit(jax.grad(loss, has_aux=True))(_shaken(params))
    assert all(np.abs(leaf).max() > 0 for leaf in jax.tree.leaves(gradient))
    np.testing.assert_allclose(images[0], images[3], rtol=1e-5)
    assert np.abs(np.subtract(images[0], images[1])).max() > 1e-3


def test_penalties_reach_every_parameter_of_the_discriminator():
    net = from_linen(r3gan.Discriminator(classes=3, **TINY))
    images = jax.random.normal(KEY, (4, 8, 8, 1))
    params, carry = jax.jit(net.init)(KEY, images, LABELS)

    def loss(params):
        def critic(x):
            return net.apply(params, carry, x, LABELS, key=KEY, train=True)[0]["logits"]

        return penalties.r1(critic, images).mean() + critic(images).sum()

    for leaf in jax.tree.leaves(jax.jit(jax.grad(loss))(_shaken(params))):
        assert np.isfinite(leaf).all() and np.abs(leaf).max() > 0


def test_groups_that_do_not_divide_the_channels():
    with pytest.raises(UsageError, match="group_width=16: expected a divisor of the 8 channels"):
        r3gan.Discriminator(widths=(4,)).init(KEY, jnp.ones((1, 8, 8, 1)), train=False)
