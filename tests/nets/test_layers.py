"""Layers that look far, against NumPy in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.errors import UsageError
from gan_jax.nets.layers import MinibatchDiscrimination, MinibatchStandardDeviation, SelfAttention


@pytest.mark.parametrize(("group_size", "features", "batch"), [(4, 1, 8), (2, 3, 6), (4, 2, 3), (1, 1, 2)])
def test_minibatch_standard_deviation_golden(group_size, features, batch):
    x = np.random.default_rng(0).normal(size=(batch, 3, 2, 6)).astype(np.float32)
    layer = MinibatchStandardDeviation(group_size, features)
    outputs = jax.jit(layer.apply)({}, x)
    assert outputs.shape == (batch, 3, 2, 6 + features)
    np.testing.assert_array_equal(outputs[..., :6], x)
    group = min(group_size, batch)
    groups, share = batch // group, 6 // features
    for i in range(batch):
        # The group is the slow axis: samples that agree modulo the number of groups.
        members = x[[j for j in range(batch) if j % groups == i % groups]].astype(np.float64)
        for f in range(features):
            deviation = np.sqrt(members[..., f * share : (f + 1) * share].var(axis=0) + 1e-8).mean()
            np.testing.assert_allclose(outputs[i, ..., 6 + f], deviation, rtol=1e-5)


def test_minibatch_standard_deviation_of_equal_samples_has_a_gradient():
    x = jnp.ones((4, 2, 2, 3))
    layer = MinibatchStandardDeviation()
    np.testing.assert_allclose(layer.apply({}, x)[..., 3], 1e-4, rtol=1e-5)
    gradient = jax.grad(lambda x: jnp.sum(layer.apply({}, x)[..., 3]))(x)
    np.testing.assert_array_equal(gradient, 0)


@pytest.mark.parametrize(("group_size", "features", "message"), [(4, 1, "batch of 6"), (2, 4, "6 channels")])
def test_minibatch_standard_deviation_must_divide(group_size, features, message):
    with pytest.raises(UsageError, match=message):
        MinibatchStandardDeviation(group_size, features).apply({}, jnp.zeros((6, 2, 2, 6)))


def test_minibatch_discrimination_golden():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(5, 4)).astype(np.float32)
    layer = MinibatchDiscrimination(projections=3, size=2)
    variables = {"params": {"kernel": jnp.float32(rng.normal(size=(4, 6)))}}
    assert jax.tree.map(jnp.shape, dict(layer.init(jax.random.key(0), x))) == {"params": {"kernel": (4, 6)}}
    outputs = jax.jit(layer.apply)(variables, x)
    projected = (x.astype(np.float64) @ np.float64(variables["params"]["kernel"])).reshape(5, 3, 2)
    expected = np.zeros((5, 3))
    for i in range(5):
        for j in range(5):
            for b in range(3):
                expected[i, b] += np.exp(-np.abs(projected[i, b] - projected[j, b]).sum())
    np.testing.assert_allclose(outputs, np.concatenate([x, expected], 1), rtol=1e-5)


def test_minibatch_discrimination_sees_collapse():
    layer = MinibatchDiscrimination(projections=3, size=2)
    variables = layer.init(jax.random.key(0), jnp.ones((6, 4)))
    np.testing.assert_allclose(layer.apply(variables, jnp.ones((6, 4)))[:, 4:], 6.0)
    apart = layer.apply(variables, 1e6 * jax.random.normal(jax.random.key(1), (6, 4)))
    np.testing.assert_allclose(apart[:, 4:], 1.0)
    gradient = jax.grad(lambda x: jnp.sum(layer.apply(variables, x)))(jnp.ones((6, 4)))
    assert bool(jnp.all(jnp.isfinite(gradient)))


@pytest.mark.parametrize("layer", [MinibatchStandardDeviation(2), MinibatchDiscrimination(3, 2)])
def test_permuting_groups_of_equal_place_permutes_the_result(layer):
    shape = (4, 2, 2, 3) if isinstance(layer, MinibatchStandardDeviation) else (4, 3)
    x = jax.random.normal(jax.random.key(0), shape)
    variables = layer.init(jax.random.key(1), x)
    order = jnp.array([3, 2, 1, 0])  # Keeps the groups {0, 2} and {1, 3} apart.
    np.testing.assert_allclose(layer.apply(variables, x[order]), layer.apply(variables, x)[order], rtol=1e-5)


def _attention(x, gain):
    layer = SelfAttention()
    params = layer.init(jax.random.key(0), x)["params"]
    assert params["gain"] == 0.0
    return layer, {**params, "gain": jnp.float32(gain)}


@pytest.mark.parametrize(("height", "width"), [(4, 6), (3, 5)])
def test_self_attention_golden(height, width):
    x = np.random.default_rng(2).normal(size=(2, height, width, 16)).astype(np.float32)
    layer, params = _attention(x, 0.7)
    kernels = {n: np.float64(p["kernel"])[0, 0] for n, p in params.items() if n != "gain"}
    shapes = {"query": (16, 2), "key": (16, 2), "value": (16, 8), "output": (8, 16)}
    assert {n: k.shape for n, k in kernels.items()} == shapes and set(params["query"]) == {"kernel"}
    expected = np.float64(x).copy()
    for b in range(2):
        key, value = [], []
        for i in range(height // 2):
            for j in range(width // 2):
                square = np.float64(x)[b, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].reshape(4, 16)
                key.append((square @ kernels["key"]).max(0))
                value.append((square @ kernels["value"]).max(0))
        for i in range(height):
            for j in range(width):
                weights = np.exp(np.array(key) @ (np.float64(x)[b, i, j] @ kernels["query"]))
                gathered = weights / weights.sum() @ np.array(value)
                expected[b, i, j] += 0.7 * gathered @ kernels["output"]
    np.testing.assert_allclose(jax.jit(layer.apply)({"params": params}, x), expected, rtol=1e-4, atol=1e-5)


def test_self_attention_starts_as_the_identity_and_learns_its_gain():
    x = jax.random.normal(jax.random.key(0), (2, 4, 4, 8))
    layer, params = _attention(x, 0.0)

    def total(params):
        y = layer.apply({"params": params}, x)
        return jnp.sum(y**2), y

    gradient, y = jax.jit(jax.grad(total, has_aux=True))(params)
    np.testing.assert_array_equal(y, x)
    assert gradient["gain"] != 0.0


def test_self_attention_of_one_pixel():
    with pytest.raises(UsageError, match="1 x 4, expected at least 2 x 2"):
        SelfAttention().init(jax.random.key(0), jnp.ones((1, 1, 4, 8)))
