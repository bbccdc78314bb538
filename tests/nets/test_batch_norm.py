"""Batch norm against NumPy in float64 and against Flax."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.nets.batch_norm import BatchNorm

NUMBERS = dict(momentum=0.8, epsilon=1e-3)


def _rows(dtype=np.float32):
    return (2.0 + 3.0 * np.random.default_rng(0).normal(size=(6, 4, 3, 5))).astype(dtype)


def _random_variables(layer, x):
    variables = layer.init(jax.random.key(0), x)
    values = np.random.default_rng(1).normal(size=(2, 5)).astype(np.float32)
    return {**variables, "params": {"scale": jnp.array(values[0]), "bias": jnp.array(values[1])}}


def test_batch_norm_golden():
    x, layer = _rows(), BatchNorm(use_running_average=False, **NUMBERS)
    variables = _random_variables(layer, x)
    outputs, moved = layer.apply(variables, x, mutable=["batch_stats"])
    mean, variance = np.float64(x).mean((0, 1, 2)), np.float64(x).var((0, 1, 2))
    scale, bias = (np.float64(variables["params"][name]) for name in ("scale", "bias"))
    expected = (x - mean) / np.sqrt(variance + 1e-3) * scale + bias
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(moved["batch_stats"]["mean"], 0.2 * mean, rtol=1e-5)
    np.testing.assert_allclose(moved["batch_stats"]["var"], 0.8 + 0.2 * variance, rtol=1e-5)


def test_running_statistics_are_used_and_left_alone():
    x, layer = _rows(), BatchNorm(use_running_average=True, **NUMBERS)
    statistics = {"mean": jnp.arange(5.0), "var": jnp.arange(1.0, 6.0)}
    outputs, moved = layer.apply(
        {**_random_variables(layer, x), "batch_stats": statistics}, x, mutable=["batch_stats"]
    )
    variables = _random_variables(layer, x)["params"]
    expected = (np.float64(x) - np.arange(5)) / np.sqrt(np.arange(1, 6) + 1e-3)
    expected = expected * np.float64(variables["scale"]) + np.float64(variables["bias"])
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(moved["batch_stats"]["mean"], statistics["mean"])


@pytest.mark.parametrize("options", [{}, {"use_scale": False}, {"use_bias": False}])
def test_values_gradients_and_variables_are_those_of_flax(options):
    x = _rows()
    ours, theirs = (
        kind(use_running_average=False, **NUMBERS, **options) for kind in (BatchNorm, nn.BatchNorm)
    )
    variables = ours.init(jax.random.key(0), x)
    assert jax.tree.structure(variables) == jax.tree.structure(theirs.init(jax.random.key(0), x))

    def loss(layer, x):
        y, moved = layer.apply(variables, x, mutable=["batch_stats"])
        return jnp.sum(jnp.sin(y)) + jnp.sum(moved["batch_stats"]["var"])

    for function in (loss, jax.grad(loss, argnums=1)):
        np.testing.assert_allclose(function(ours, x), function(theirs, x), rtol=2e-4, atol=2e-5)


def test_half_precision_stays_and_its_statistics_are_exact():
    x = jnp.full((4096, 1), 1.0, jnp.bfloat16).at[0].set(3.0)
    layer = BatchNorm(use_running_average=False, **NUMBERS)
    outputs, moved = layer.apply(layer.init(jax.random.key(0), x), x, mutable=["batch_stats"])
    assert outputs.dtype == jnp.bfloat16
    assert moved["batch_stats"]["mean"].dtype == jnp.float32
    # Sums of bfloat16 would stop at 256.
    np.testing.assert_allclose(moved["batch_stats"]["mean"], 0.2 * (1 + 2 / 4096), rtol=1e-5)


def test_a_forward_that_two_gradients_need_is_computed_once():
    x, weights = jnp.asarray(_rows().reshape(6, -1)), jnp.ones((60, 60))
    layer = BatchNorm(use_running_average=False, **NUMBERS)
    variables = layer.init(jax.random.key(0), x)

    def forward(weights):
        y, _ = layer.apply(variables, x @ weights, mutable=["batch_stats"])
        return y @ weights

    def moved(weights):
        return jax.grad(lambda weights: jnp.sum(jnp.sin(forward(weights))))(weights)

    def flops(function):
        return jax.jit(function).lower(weights).compile().cost_analysis()["flops"]

    product = 2 * 6 * 60 * 60
    assert flops(lambda weights: (forward(weights), moved(weights))) < flops(moved) + product / 2
