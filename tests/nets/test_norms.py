"""Normalisations by name, against NumPy in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy_layers import batch_norm, instance_norm

from gan_jax.errors import UsageError
from gan_jax.names import bind, find
from gan_jax.nets import norms
from gan_jax.nets.denoising import DnCNN
from gan_jax.nets.linen import from_linen
from gan_jax.nets.patch_gan import Discriminator


def _images(dtype=np.float32):
    return (3.0 + 2.0 * np.random.default_rng(0).normal(size=(3, 4, 5, 2))).astype(dtype)


LEARNED = {"scale": np.array([0.5, -2.0], np.float32), "bias": np.array([1.0, 3.0], np.float32)}
EXPECTED = {
    "instance_norm": lambda x: instance_norm(x),
    "affine_instance_norm": lambda x: instance_norm(x, LEARNED),
    "batch_norm": lambda x: batch_norm(np.float64(x), LEARNED),
    "no_norm": lambda x: x,
}


@pytest.mark.parametrize("name", norms.__all__)
def test_values_in_training(name):
    x, layer = _images(), find(name, (norms,), "norm")(True)
    if name == "no_norm":
        assert layer(x) is x
        return
    variables = {"params": LEARNED} if "affine" in name or "batch" in name else {}
    outputs, _ = layer.apply(variables, x, mutable=["batch_stats"])
    np.testing.assert_allclose(outputs, EXPECTED[name](x), rtol=1e-4, atol=1e-5)


def test_an_instance_norm_has_no_parameters_unless_it_is_affine():
    x = _images()
    assert norms.instance_norm(True).init(jax.random.key(0), x) == {}
    assert set(norms.affine_instance_norm(True).init(jax.random.key(0), x)["params"]) == {"scale", "bias"}


def test_images_of_one_value_and_of_one_pixel():
    layer = norms.InstanceNorm()
    constant = jnp.full((1, 2, 3, 1), 5.0)
    np.testing.assert_array_equal(layer.apply({}, constant), np.zeros((1, 2, 3, 1)))
    np.testing.assert_array_equal(layer.apply({}, constant[:, :1, :1]), np.zeros((1, 1, 1, 1)))
    gradient = jax.grad(lambda x: jnp.sum(layer.apply({}, x) ** 2))(constant)
    assert np.isfinite(gradient).all()


def test_statistics_are_float32_in_half_precision():
    # Around 1000 a bfloat16 has steps of 4, and squares of deviations would be lost.
    x = jnp.bfloat16(1000 + 8 * _images())
    found = norms.InstanceNorm().apply({}, x)
    assert found.dtype == jnp.bfloat16
    np.testing.assert_allclose(np.float64(found), instance_norm(np.float64(x)), atol=0.02)


def _halved(train):
    """A normalisation of one's own."""
    return lambda x: x / 2 if train else x / 4


def test_a_recipe_names_a_norm_or_gives_a_function():
    x = np.random.default_rng(0).normal(size=(1, 4, 4, 1)).astype(np.float32)
    for norm in ("instance_norm", f"{__name__}._halved", _halved):
        options = bind(DnCNN, dict(channels=1, depth=3, width=2, norm=norm), "nets.generator")
        assert options["norm"] == norm
        jax.eval_shape(lambda x, module=DnCNN(**options): from_linen(module).init(jax.random.key(0), x), x)
    with pytest.raises(UsageError, match="nets.generator.norm=3: expected str"):
        bind(DnCNN, dict(channels=1, norm=3), "nets.generator")
    with pytest.raises(
        UsageError, match="norm: unknown name 'layer_norm'.*these exist: affine_instance_norm"
    ):
        jax.eval_shape(DnCNN(channels=1, norm="layer_norm").init, jax.random.key(0), x, train=True)
    with pytest.raises(UsageError, match="halvings=-1: expected at least 0"):
        bind(Discriminator, dict(halvings=-1), "nets.discriminator")
    assert bind(Discriminator, dict(halvings=0), "nets.discriminator") == dict(halvings=0)
