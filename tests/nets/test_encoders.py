import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.nets import encoders
from gan_jax.nets.linen import from_linen


def _shapes(module, *inputs):
    """Output shapes and parameter count, without computing anything."""

    def run(key):
        params, carry = from_linen(module).init(key, *inputs)
        outputs, _ = from_linen(module).apply(params, carry, *inputs, key=key, train=True)
        return outputs, params

    outputs, params = jax.eval_shape(run, jax.random.key(0))
    return jax.tree.map(jnp.shape, outputs), sum(leaf.size for leaf in jax.tree.leaves(params))


@pytest.mark.parametrize("resolution, channels", [(8, 1), (28, 1), (64, 3)])
def test_every_encoder_at_every_resolution(resolution, channels):
    images = jnp.ones((4, resolution, resolution, channels))
    gaussian = {"latents": (4, 5), "mean": (4, 5), "log_variance": (4, 5)}
    assert _shapes(encoders.Encoder(size=5, width=2), images)[0] == {"latents": (4, 5)}
    assert _shapes(encoders.GaussianEncoder(size=5, width=2), images)[0] == gaussian
    assert _shapes(encoders.DenseEncoder(size=5, widths=(6, 7)), images)[0] == {"latents": (4, 5)}
    assert _shapes(encoders.DenseGaussianEncoder(size=5, widths=(6,)), images)[0] == gaussian


def test_bigan_sizes_for_mnist():
    """784 pixels, two layers of 1024 units, 50 latents; a norm with two rows has no bias before it."""
    images = jnp.ones((2, 28, 28, 1))
    _, count = _shapes(encoders.DenseEncoder(size=50), images)
    hidden = 784 * 1024 + 1024 + 1024 * 1024 + 2 * 1024
    assert count == hidden + 1024 * 50 + 50


def test_initial_weights_have_the_papers_deviation():
    params, _ = from_linen(encoders.DenseEncoder(size=8, widths=(256,))).init(
        jax.random.key(0), jnp.ones((2, 8, 8, 1))
    )
    for kernel in (params["Dense_0"]["kernel"], params["_Layers_0"]["Dense_0"]["kernel"]):
        np.testing.assert_allclose(np.std(kernel), 0.02, rtol=0.05)


def test_a_gaussian_encoder_draws_in_training_and_gives_its_mean_in_evaluation():
    net = from_linen(encoders.DenseGaussianEncoder(size=3, widths=(4,)))
    images = jax.random.normal(jax.random.key(1), (4_000, 2, 2, 1))
    params, carry = net.init(jax.random.key(0), images)
    # Variance 4 whatever the image.
    params["distribution"]["log_variance"] = {
        "kernel": jnp.zeros((4, 3)), "bias": jnp.full(3, np.log(4.0))
    }  # fmt: skip
    sample, _ = net.apply(params, carry, images, key=jax.random.key(2), train=True)
    noise = np.asarray(sample["latents"] - sample["mean"])
    np.testing.assert_allclose(noise.mean(0), 0.0, atol=0.15)
    np.testing.assert_allclose(noise.std(0), 2.0, rtol=0.05)
    again, _ = net.apply(params, carry, images, key=jax.random.key(3), train=True)
    assert not np.allclose(again["latents"], sample["latents"])
    still, _ = net.apply(params, carry, images, key=jax.random.key(2), train=False)
    np.testing.assert_array_equal(still["latents"], still["mean"])
    np.testing.assert_allclose(still["mean"], sample["mean"], rtol=1e-6)
