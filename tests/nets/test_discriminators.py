import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.nets import discriminators
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
def test_every_discriminator_at_every_resolution(resolution, channels, smallest, deepest):
    images = jnp.ones((4, resolution, resolution, channels))
    pair = (images, jnp.ones((4, 5)))
    assert _shapes(discriminators.PairDiscriminator(width=2, units=3), pair)[0] == {"logits": (4,)}
    assert _shapes(discriminators.DensePairDiscriminator(widths=(3, 3)), pair)[0] == {"logits": (4,)}
    heads, _ = _shapes(discriminators.FeatureDiscriminator(width=2, units=3), images)
    assert heads == {"logits": (4,), "features": (4, smallest, smallest, deepest)}
    heads, _ = _shapes(discriminators.DenseFeatureDiscriminator(widths=(3, 6)), images)
    assert heads == {"logits": (4,), "features": (4, 6)}


def test_bigan_sizes_for_mnist():
    """784 pixels beside 50 latents, two layers of 1024 units; a norm with two rows has no bias before it."""
    _, count = _shapes(discriminators.DensePairDiscriminator(), (jnp.ones((2, 28, 28, 1)), jnp.ones((2, 50))))
    assert count == (784 + 50) * 1024 + 1024 + 1024 * 1024 + 2 * 1024 + 1024 + 1


@pytest.mark.parametrize("name", ["PairDiscriminator", "DensePairDiscriminator"])
def test_a_pair_is_judged_by_both_its_parts(name):
    options = dict(width=2, units=8) if name == "PairDiscriminator" else dict(widths=(8,))
    net = from_linen(getattr(discriminators, name)(**options, batch_norm=False))
    keys = jax.random.split(jax.random.key(0), 3)
    images, latents = jax.random.normal(keys[0], (4, 8, 8, 1)), jax.random.normal(keys[1], (4, 3))
    params, carry = net.init(keys[2], (images, latents))
    assert carry == {}

    def logits(images, latents):
        return jnp.sum(net.apply(params, carry, (images, latents), key=keys[2], train=True)[0]["logits"])

    of_images, of_latents = jax.jit(jax.grad(logits, (0, 1)))(images, latents)
    assert (np.abs(of_images).sum((1, 2, 3)) > 0).all() and (np.abs(of_latents).sum(1) > 0).all()


def test_features_are_what_the_logit_is_made_of():
    net = from_linen(discriminators.DenseFeatureDiscriminator(widths=(4,)))
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
