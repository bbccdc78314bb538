import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.errors import UsageError
from gan_jax.nets import biggan, biggan_deep
from gan_jax.nets.linen import from_linen
from gan_jax.nets.normalisation import LinearBatchNorm

KEY = jax.random.key(0)
LABELS = jnp.array([0, 1, 2, 0])
PROJECTION = {"projection": {}}
PLAIN = dict(shared=0, skip=False)


def _shapes(module, *inputs):
    return jax.eval_shape(functools.partial(module.init, train=False), KEY, *inputs)["params"]


def _count(module, *inputs):
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(_shapes(module, *inputs)))


def _both(nets, resolution, width, size, classes=1000, attention=(64,), of_discriminator=None, **options):
    labels = jnp.zeros(2, jnp.int32)
    generator = nets.Generator(resolution, 3, classes, width=width, attention=attention, **options)
    discriminator = nets.Discriminator(
        classes=classes, width=of_discriminator or width, attention=attention, heads=PROJECTION
    )
    images = jax.ShapeDtypeStruct((2, resolution, resolution, 3), jnp.float32)
    return _count(generator, jnp.ones((2, size)), labels), _count(discriminator, images, labels)


def test_parameters_of_the_papers_networks():
    assert _both(biggan, 128, 96, 120) == (70_433_988, 87_982_370)
    assert _both(biggan, 128, 64, 120) == (31_978_628, 39_448_258)
    assert _both(biggan, 256, 96, 140) == (82_235_844, 99_225_890)
    assert _both(biggan_deep, 128, 128, 128) == (50_244_484, 34_590_210)
    assert _both(biggan_deep, 256, 128, 128) == (55_736_708, 38_247_426)


def test_parameters_of_two_networks_for_cifar10():
    # BigGAN-PyTorch: no shared embedding, no chunks, no attention.
    assert _both(biggan, 32, 64, 128, 10, (), **PLAIN) == (4_304_387, 4_207_361)
    # PyTorch-StudioGAN: attention after the generator's second block and the discriminator's first one.
    generator, discriminator = _both(biggan, 32, 96, 80, 10, (16,), of_discriminator=48)
    attention = 2 * 192 * 24 + 2 * 192 * 96 + 1
    # 2,553,413 has attention after all four blocks.
    assert (generator, discriminator) == (9_416_196, 2_553_413 - 3 * attention)


@pytest.mark.parametrize("nets", [biggan, biggan_deep])
@pytest.mark.parametrize("size", [(8, 8), (28, 28), (16, 24), (48, 48), (64, 64), (96, 48)])
def test_one_definition_makes_every_resolution(nets, size):
    labels = () if size == (28, 28) else (LABELS,)
    generator = nets.Generator(size, 1, 3, width=8, shared=5)
    discriminator = nets.Discriminator(classes=3, width=8)
    latents = jnp.ones((4, 60))

    def both(key):
        images, _ = generator.init_with_output(key, latents, *labels, train=False)
        return images, discriminator.init_with_output(key, images, *labels, train=False)[0]

    images, heads = jax.eval_shape(both, KEY)
    assert images.shape == (4, *size, 1) and heads["logits"].shape == (4,)


def test_widths_are_the_tables():
    assert biggan.generator_widths(128, 1) == [16, 16, 8, 4, 2, 1]
    assert biggan.generator_widths(256, 1) == [16, 16, 8, 8, 4, 2, 1]
    assert biggan.discriminator_widths(128, 1) == ([1, 2, 4, 8, 16, 16], 5)
    assert biggan.discriminator_widths(256, 1) == ([1, 2, 4, 8, 8, 16, 16], 6)
    assert biggan.discriminator_widths(64, 3) == ([3, 6, 12, 24, 48], 4)
    assert biggan.discriminator_widths(32, 3) == ([12] * 4, 2)
    with pytest.raises(UsageError, match="resolution=2048: expected at most 7 halvings, not 9"):
        biggan.generator_widths(2048, 1)


def test_batch_norm_is_linear_in_the_vectors():
    rng = np.random.default_rng(0)
    x, vectors = rng.normal(2.0, 3.0, (4, 3, 3, 2)), rng.normal(size=(4, 5))
    module = LinearBatchNorm()
    variables = module.init(KEY, jnp.float32(x), jnp.float32(vectors), train=False)
    gain, offset = (np.float64(variables["params"][name]["kernel"]) for name in ("gain", "offset"))
    # The statistics are those of the whole batch.
    normalised = (x - x.mean((0, 1, 2))) / np.sqrt(x.var((0, 1, 2)) + 1e-5)
    expected = normalised * (1 + vectors @ gain)[:, None, None] + (vectors @ offset)[:, None, None]
    out, _ = module.apply(
        variables, jnp.float32(x), jnp.float32(vectors), train=True, mutable=["batch_stats"]
    )
    np.testing.assert_allclose(out, expected, rtol=1e-3, atol=1e-4)


def test_kernels_start_orthogonal():
    module = biggan.Generator(8, 1, classes=5, width=2, shared=3)
    params = jax.jit(functools.partial(module.init, train=False))(KEY, jnp.ones((4, 6)), LABELS)["params"]
    block = params["UpBlock_0"]
    for kernel in (
        params["shared_embedding"]["embedding"],
        params["Dense_0"]["kernel"],
        block["Conv_0"]["kernel"],
        block["LinearBatchNorm_0"]["gain"]["kernel"],
    ):
        matrix = np.float64(kernel).reshape(-1, kernel.shape[-1])
        short = matrix @ matrix.T if len(matrix) < matrix.shape[1] else matrix.T @ matrix
        np.testing.assert_allclose(short, np.eye(len(short)), atol=1e-5)
    small = biggan.Generator(8, 1, width=16, kernel_init=biggan.normal, **PLAIN)
    params = jax.jit(functools.partial(small.init, train=False))(KEY, jnp.ones((4, 6)))["params"]
    np.testing.assert_allclose(np.std(params["UpBlock_0"]["Conv_0"]["kernel"]), 0.02, rtol=0.05)


def test_each_block_hears_its_own_chunk_of_the_latents():
    module = biggan.Generator(16, 1, classes=3, width=2, shared=3)
    latents = jnp.ones((4, 6))
    variables = jax.jit(functools.partial(module.init, train=False))(KEY, latents, LABELS)

    @jax.jit
    def inner(latents):
        _, state = module.apply(
            variables, latents, LABELS, train=False, capture_intermediates=True, mutable=["intermediates"]
        )
        calls = state["intermediates"]
        return [calls[name]["__call__"][0] for name in ("Dense_0", "UpBlock_0", "UpBlock_1")]

    before = inner(latents)
    for chunk in range(3):
        after = inner(latents.at[:, 2 * chunk].add(1.0))
        changed = [bool(np.abs(np.subtract(a, b)).max() > 1e-6) for a, b in zip(before, after)]
        assert changed == [layer >= chunk for layer in range(3)]
    with pytest.raises(UsageError, match="biggan.Generator: 7 latents: expected a multiple of 3"):
        jax.eval_shape(lambda: module.init(KEY, jnp.ones((4, 7)), LABELS, train=False))
    with pytest.raises(UsageError, match="skip=True: blocks hear latents beside a shared embedding"):
        jax.eval_shape(lambda: biggan.Generator(16, 1, shared=0).init(KEY, latents, train=False))


@pytest.mark.parametrize("nets", [biggan, biggan_deep])
def test_every_parameter_of_the_generator_learns_and_labels_matter(nets):
    net = from_linen(nets.Generator(8, 1, classes=4, width=2, attention=(8,), shared=3))
    latents = jax.random.normal(KEY, (4, 6))
    params, carry = jax.jit(net.init)(KEY, latents, LABELS)
    params["SelfAttention_0"]["gain"] = jnp.float32(0.5)

    @jax.jit
    def learn(params, latents, labels):
        def loss(params):
            images, _ = net.apply(params, carry, latents, labels, key=KEY, train=True)
            return jnp.sum(images * jax.random.normal(jax.random.key(2), images.shape)), images

        return jax.grad(loss, has_aux=True)(params)

    gradient, _ = learn(params, latents, LABELS)
    # A bias in front of a batch norm changes nothing, and the class that is not there learns nothing.
    for path, leaf in jax.tree_util.tree_leaves_with_path(gradient):
        name = jax.tree_util.keystr(path, simple=True, separator="/")
        assert "bias" in name or np.abs(leaf).max() > 0, name
    assert not np.abs(gradient["shared_embedding"]["embedding"][3]).any()
    _, images = learn(params, jnp.tile(latents[:1], (4, 1)), LABELS)
    np.testing.assert_allclose(images[0], images[3], atol=1e-5)
    assert np.abs(np.subtract(images[0], images[1])).max() > 1e-3


def test_deep_shortcuts_drop_channels_and_append_made_ones():
    x = jax.random.normal(KEY, (2, 4, 4, 8))
    up = biggan_deep.UpBlock(4, True, biggan.orthogonal)
    variables = up.init(KEY, x, jnp.ones((2, 3)), train=False)
    zeros = {**variables, "params": jax.tree.map(jnp.zeros_like, variables["params"])}
    out = up.apply(zeros, x, jnp.ones((2, 3)), train=False)
    np.testing.assert_allclose(out, np.asarray(x)[..., :4].repeat(2, 1).repeat(2, 2), rtol=1e-6)
    down = biggan_deep.DownBlock(12, True, biggan.orthogonal)
    params = down.init(KEY, x)["params"]
    made = params["Conv_4"]
    params = {**jax.tree.map(jnp.zeros_like, params), "Conv_4": made}
    means = np.float64(x).reshape(2, 2, 2, 2, 2, 8).mean((2, 4))
    expected = np.concatenate([means, means @ np.float64(made["kernel"])[0, 0]], -1)
    np.testing.assert_allclose(down.apply({"params": params}, x), expected, rtol=1e-4, atol=1e-5)
    # The first, in front of which there is no batch norm, and the widths of a bottleneck.
    kernels = [params[f"Conv_{i}"]["kernel"].shape for i in range(5)]
    assert kernels == [(1, 1, 8, 3), (3, 3, 3, 3), (3, 3, 3, 3), (1, 1, 3, 12), (1, 1, 8, 4)]
