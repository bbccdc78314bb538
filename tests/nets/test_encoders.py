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


@pytest.mark.parametrize(
    "resolution, channels, smallest, deepest", [(8, 1, 4, 2), (28, 1, 7, 4), (64, 3, 4, 16)]
)
def test_every_network_at_every_resolution(resolution, channels, smallest, deepest):
    images, latents = jnp.ones((4, resolution, resolution, channels)), jnp.ones((4, 5))
    gaussian = {"latents": (4, 5), "mean": (4, 5), "log_variance": (4, 5)}
    assert _shapes(encoders.Encoder(size=5, width=2), images)[0] == {"latents": (4, 5)}
    assert _shapes(encoders.GaussianEncoder(size=5, width=2), images)[0] == gaussian
    assert _shapes(encoders.DenseEncoder(size=5, widths=(6, 7)), images)[0] == {"latents": (4, 5)}
    assert _shapes(encoders.DenseGaussianEncoder(size=5, widths=(6,)), images)[0] == gaussian
    pair = (images, latents)
    assert _shapes(encoders.PairDiscriminator(width=2, units=3), pair)[0] == {"logits": (4,)}
    assert _shapes(encoders.DensePairDiscriminator(widths=(3, 3)), pair)[0] == {"logits": (4,)}
    heads, _ = _shapes(encoders.FeatureDiscriminator(width=2, units=3), images)
    assert heads == {"logits": (4,), "features": (4, smallest, smallest, deepest)}
    heads, _ = _shapes(encoders.DenseFeatureDiscriminator(widths=(3, 6)), images)
    assert heads == {"logits": (4,), "features": (4, 6)}


def test_bigan_sizes_for_mnist():
    """784 pixels, two layers of 1024 units, 50 latents; a norm with two rows has no bias before it."""
    images = jnp.ones((2, 28, 28, 1))
    _, count = _shapes(encoders.DenseEncoder(size=50), images)
    hidden = 784 * 1024 + 1024 + 1024 * 1024 + 2 * 1024
    assert count == hidden + 1024 * 50 + 50
    _, count = _shapes(encoders.DensePairDiscriminator(), (images, jnp.ones((2, 50))))
    assert count == hidden + 50 * 1024 + 1024 + 1


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
    drawn, _ = net.apply(params, carry, images, key=jax.random.key(2), train=True)
    noise = np.asarray(drawn["latents"] - drawn["mean"])
    np.testing.assert_allclose(noise.mean(0), 0.0, atol=0.15)
    np.testing.assert_allclose(noise.std(0), 2.0, rtol=0.05)
    again, _ = net.apply(params, carry, images, key=jax.random.key(3), train=True)
    assert not np.allclose(again["latents"], drawn["latents"])
    still, _ = net.apply(params, carry, images, key=jax.random.key(2), train=False)
    np.testing.assert_array_equal(still["latents"], still["mean"])
    np.testing.assert_allclose(still["mean"], drawn["mean"], rtol=1e-6)


@pytest.mark.parametrize("name", ["PairDiscriminator", "DensePairDiscriminator"])
def test_a_pair_is_judged_by_both_its_parts(name):
    options = dict(width=2, units=8) if name == "PairDiscriminator" else dict(widths=(8,))
    net = from_linen(getattr(encoders, name)(**options, batch_norm=False))
    keys = jax.random.split(jax.random.key(0), 3)
    images, latents = jax.random.normal(keys[0], (4, 8, 8, 1)), jax.random.normal(keys[1], (4, 3))
    params, carry = net.init(keys[2], (images, latents))
    assert carry == {}

    def logits(images, latents):
        return jnp.sum(net.apply(params, carry, (images, latents), key=keys[2], train=True)[0]["logits"])

    of_images, of_latents = jax.jit(jax.grad(logits, (0, 1)))(images, latents)
    assert (np.abs(of_images).sum((1, 2, 3)) > 0).all() and (np.abs(of_latents).sum(1) > 0).all()


def test_features_are_what_the_logit_is_made_of():
    net = from_linen(encoders.DenseFeatureDiscriminator(widths=(4,)))
    images = jax.random.normal(jax.random.key(0), (5, 2, 2, 1))
    params, carry = net.init(jax.random.key(1), images)
    heads, _ = net.apply(params, carry, images, key=jax.random.key(2), train=True)
    last = params["Dense_0"]
    np.testing.assert_allclose(
        heads["logits"],
        np.asarray(heads["features"]) @ last["kernel"][:, 0] + last["bias"],
        rtol=1e-4,
        atol=1e-6,
    )
