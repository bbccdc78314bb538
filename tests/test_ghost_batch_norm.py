"""Batch norm of groups against NumPy in float64, and what devices send for it: nothing."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import wrap
from gan_jax.errors import UsageError
from gan_jax.nets import dcgan
from gan_jax.nets.linen import from_linen
from gan_jax.nets.normalisation import ConditionalBatchNorm
from gan_jax.runtime import parallel

KEY = jax.random.key(0)
LABELS = np.arange(16) % 3


class Normed(nn.Module):
    """A dense layer, which no group sees otherwise, and a batch norm that may know labels."""

    classes: int = 0

    @nn.compact
    def __call__(self, x, labels=None, *, train):
        x = nn.Dense(4, use_bias=False)(x)
        return ConditionalBatchNorm(self.classes)(x[:, None, None], labels, train=train)[:, 0, 0]


def _drawn(net, *inputs):
    """Inputs, and parameters and carry with other numbers than at the start."""
    params, carry = net.init(KEY, *inputs)
    leaves, structure = jax.tree.flatten(params)
    keys = jax.random.split(KEY, len(leaves))
    return structure.unflatten([jax.random.normal(k, leaf.shape) for k, leaf in zip(keys, leaves)]), carry


X = (3.0 + 2.0 * np.random.default_rng(0).normal(size=(16, 5))).astype(np.float32)


def _groups_by_hand(x, kernel, groups):
    """Each group normalised by its own mean and variance, and the whole batch's."""
    hidden = np.float64(x) @ np.float64(kernel)
    split = hidden.reshape(groups, -1, hidden.shape[1])
    mean, variance = split.mean(1, keepdims=True), split.var(1, keepdims=True)
    return ((split - mean) / np.sqrt(variance + 2e-5)).reshape(hidden.shape), hidden.mean(0), hidden.var(0)


@pytest.mark.parametrize("groups, devices", [(1, 1), (2, 1), (8, 1), (8, 8)])
def test_every_group_has_its_own_statistics_and_evaluation_those_of_all(groups, devices):
    plain = from_linen(Normed())
    net = wrap.ghost_batch_norm(plain, groups=groups)
    params, carry = _drawn(net, X)
    x = jax.device_put(X, parallel.sharded(parallel.mesh(16, jax.devices()[:devices])))
    apply = jax.jit(functools.partial(net.apply, train=True))
    outputs, kept = apply(params, carry, x, key=KEY)
    normalised, mean, variance = _groups_by_hand(X, params["Dense_0"]["kernel"], groups)
    learned = params["ConditionalBatchNorm_0"]["BatchNorm_0"]
    expected = normalised * np.float64(learned["scale"]) + np.float64(learned["bias"])
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-4)
    running = kept["batch_stats"]["ConditionalBatchNorm_0"]["BatchNorm_0"]
    np.testing.assert_allclose(running["mean"], 0.1 * mean, rtol=1e-4)
    np.testing.assert_allclose(running["var"], 0.9 + 0.1 * variance, rtol=1e-4)
    rested = [each.apply(params, kept, X, key=KEY, train=False)[0] for each in (net, plain)]
    np.testing.assert_array_equal(*rested)


def test_labels_keep_their_gains():
    net = wrap.ghost_batch_norm(from_linen(Normed(classes=3)), groups=4)
    params, carry = _drawn(net, X, LABELS)
    outputs, _ = net.apply(params, carry, X, LABELS, key=KEY, train=True)
    learned = params["ConditionalBatchNorm_0"]
    scale, bias = (np.float64(learned[name])[LABELS] for name in ("scale", "bias"))
    expected = _groups_by_hand(X, params["Dense_0"]["kernel"], 4)[0] * scale + bias
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-4)


def test_bfloat16_stays_bfloat16():
    dtypes = []

    class Noting(nn.Module):
        @nn.compact
        def __call__(self, x, train):
            x = nn.BatchNorm(use_running_average=not train)(x)
            dtypes.append(x.dtype)
            return x

    net = wrap.mixed_precision(wrap.ghost_batch_norm(from_linen(Noting()), groups=4))
    params, carry = net.init(KEY, X)
    outputs, kept = jax.eval_shape(functools.partial(net.apply, key=KEY, train=True), params, carry, X)
    assert dtypes[1:] == [jnp.bfloat16] and outputs.dtype == jnp.float32
    assert {leaf.dtype for leaf in jax.tree.leaves(kept)} == {jnp.dtype(jnp.float32)}


def test_a_layer_that_keeps_to_running_statistics_is_left_alone():
    class Mixed(nn.Module):
        @nn.compact
        def __call__(self, x, train):
            kept = nn.BatchNorm(use_running_average=True, epsilon=0.0)(x)
            return kept, nn.BatchNorm(use_running_average=not train)(x)

    net = wrap.ghost_batch_norm(from_linen(Mixed()), groups=2)
    (kept, normed), _ = net.apply(*net.init(KEY, X), X, key=KEY, train=True)
    np.testing.assert_allclose(kept, X, rtol=1e-6)
    np.testing.assert_allclose(normed[:8].mean(0), np.zeros(5), atol=1e-5)


def _reductions(groups):
    """Collectives of a DCGAN generator and of the gradient of its latents, over eight devices."""
    plain = from_linen(dcgan.Generator(resolution=8, channels=1, width=4))
    net = wrap.ghost_batch_norm(plain, groups=groups) if groups else plain
    latents = jnp.ones((16, 4))
    params, carry = jax.eval_shape(net.init, KEY, latents)

    def slope(latents, params, carry):
        return jax.grad(lambda z: jnp.sum(net.apply(params, carry, z, key=KEY, train=True)[0] ** 2))(latents)

    rows = parallel.sharded(parallel.mesh(16))
    program = jax.jit(slope, in_shardings=(rows, None, None), out_shardings=rows).lower(
        latents, params, carry
    )
    text = program.compile().as_text()
    return [
        text.count(f" {name}(") for name in ("all-reduce", "all-gather", "all-to-all", "collective-permute")
    ]


def test_devices_send_each_other_nothing_for_it():
    assert _reductions(groups=8) == [0, 0, 0, 0]
    assert _reductions(groups=None)[0] > 0


@pytest.mark.parametrize("groups", [0, 3])
def test_groups_that_do_not_divide(groups):
    net = wrap.ghost_batch_norm(from_linen(Normed()), groups=groups)
    with pytest.raises(UsageError, match=f"ghost_batch_norm.groups={groups}.*batch of 16"):
        net.apply(*_drawn(net, X), X, key=KEY, train=True)


def test_a_network_without_batch_norm():
    net = wrap.ghost_batch_norm(from_linen(dcgan.Discriminator(width=2, batch_norm=False)), groups=2)
    images = jnp.ones((4, 8, 8, 1))
    with pytest.raises(UsageError, match="the network has no batch norm"):
        jax.eval_shape(functools.partial(net.apply, key=KEY, train=True), *net.init(KEY, images), images)
