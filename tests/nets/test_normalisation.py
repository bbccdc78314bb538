"""Conditional batch norm against NumPy in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.errors import UsageError
from gan_jax.nets.normalisation import ConditionalBatchNorm

LABELS = np.array([2, 0, 2, 1])


def _images():
    return (3.0 + 2.0 * np.random.default_rng(0).normal(size=(4, 3, 2, 5))).astype(np.float32)


def _variables(layer, x):
    """The layer's variables, with a gain and an offset drawn for each class."""
    variables = layer.init(jax.random.key(0), x, LABELS, train=False)
    np.testing.assert_array_equal(variables["params"]["scale"], np.ones((3, 5)))
    np.testing.assert_array_equal(variables["params"]["bias"], np.zeros((3, 5)))
    assert set(variables["params"]) == {"scale", "bias"}
    values = np.random.default_rng(1).normal(size=(2, 3, 5)).astype(np.float32)
    return {**variables, "params": {"scale": jnp.array(values[0]), "bias": jnp.array(values[1])}}


def test_conditional_batch_norm_golden():
    x, layer = _images(), ConditionalBatchNorm(classes=3)
    variables = _variables(layer, x)
    outputs, moved = layer.apply(variables, x, LABELS, train=True, mutable=["batch_stats"])
    mean, variance = np.float64(x).mean((0, 1, 2)), np.float64(x).var((0, 1, 2))
    scale, bias = (np.float64(variables["params"][n])[LABELS][:, None, None] for n in ("scale", "bias"))
    expected = (x - mean) / np.sqrt(variance + 2e-5) * scale + bias
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)
    # Running statistics start at 0 and 1 and move a tenth of the way.
    stats = moved["batch_stats"]["BatchNorm_0"]
    np.testing.assert_allclose(stats["mean"], 0.1 * mean, rtol=1e-5)
    np.testing.assert_allclose(stats["var"], 0.9 + 0.1 * variance, rtol=1e-5)
    rested = layer.apply({**variables, **moved}, x, LABELS, train=False)
    expected = (x - 0.1 * mean) / np.sqrt(0.9 + 0.1 * variance + 2e-5) * scale + bias
    np.testing.assert_allclose(rested, expected, rtol=1e-4, atol=1e-5)


def test_a_class_has_only_its_own_gradient():
    x, layer = _images(), ConditionalBatchNorm(classes=3)
    variables = _variables(layer, x)

    def total(params):
        labels = jnp.array([0, 0, 2, 0])
        return layer.apply({**variables, "params": params}, x, labels, train=False).sum()

    gradient = jax.grad(total)(variables["params"])
    np.testing.assert_allclose(gradient["bias"][:, 0], [18.0, 0.0, 6.0])
    np.testing.assert_array_equal(gradient["scale"][1], 0)


def test_without_labels_it_is_batch_norm():
    x, layer = _images(), ConditionalBatchNorm()
    outputs, variables = layer.init_with_output(jax.random.key(0), x, train=True)
    assert set(variables["params"]) == {"BatchNorm_0"}
    expected = (x - np.float64(x).mean((0, 1, 2))) / np.sqrt(np.float64(x).var((0, 1, 2)) + 2e-5)
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)


def test_labels_of_no_classes():
    with pytest.raises(UsageError, match="classes=0"):
        ConditionalBatchNorm().init(jax.random.key(0), _images(), LABELS, train=False)


def test_a_sample_without_a_class_has_scale_one_and_bias_zero():
    x, layer = _images(), ConditionalBatchNorm(classes=3)
    variables = _variables(layer, x)
    outputs = layer.apply(variables, x, np.array([2, -1, 2, 1]), train=False)
    np.testing.assert_allclose(outputs[1], x[1] / np.sqrt(1 + 2e-5), rtol=1e-5)
    known = layer.apply(variables, x, LABELS, train=False)
    rest = np.array([0, 2, 3])
    np.testing.assert_array_equal(outputs[rest], known[rest])
