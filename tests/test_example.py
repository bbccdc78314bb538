"""The standalone example: a short run writes its picture, and its step is the one of the papers."""

import runpy

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from gan_jax.examples import plain_jax


def test_a_short_run_writes_a_grid(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # The loop's `range` is cut short: three steps of a thousand.
    ended = runpy.run_path(plain_jax.__file__, {"range": lambda count: range(3)}, "__main__")
    assert Image.open("digits.png").size == (8 * 66 + 2, 8 * 66 + 2)  # 16 pixels, each four wide and high.
    samples = np.asarray(ended["samples"])
    assert samples.shape == (64, 16, 16, 1) and np.isfinite(samples).all()
    # Both players moved, and the generator's batch statistics too.
    again = runpy.run_path(plain_jax.__file__, {"range": lambda count: range(0)}, "__main__")
    for name in ("generator", "discriminator"):
        moved = jax.tree.map(
            lambda after, before: np.any(after != before), ended["params"][name], again["params"][name]
        )
        if name == "discriminator":
            # Differences of logits and slopes do not depend on the last bias: it moves by rounding, if at all.
            del moved["Dense_0"]["bias"]
        assert all(jax.tree.leaves(moved))
    assert any(
        np.any(after != before)
        for after, before in zip(
            jax.tree.leaves(ended["carry"]), jax.tree.leaves(again["carry"]), strict=True
        )
    )


def test_losses_by_hand():
    """The relativistic losses and both penalties, from logits and slopes in float64."""
    key, real = jax.random.key(1), jnp.ones((64, 16, 16, 1))
    nets = plain_jax.NETS
    params, carry = {}, {}
    for name, inputs in (("generator", jnp.zeros((64, 64))), ("discriminator", real)):
        params[name], carry[name] = nets[name].init(jax.random.key(0), inputs)
    latents = jax.random.normal(key, (64, 64))
    fake, _ = nets["generator"].apply(params["generator"], carry["generator"], latents, key=key, train=True)

    def logits(x):
        heads, _ = nets["discriminator"].apply(
            params["discriminator"], carry["discriminator"], x, key=key, train=True
        )
        return heads["logits"]

    gaps = np.float64(logits(real)) - np.float64(logits(fake))
    value, _ = plain_jax.loss(params["generator"], "generator", params, carry, real, key)
    np.testing.assert_allclose(value, np.mean(np.log1p(np.exp(gaps))), rtol=1e-4)
    slopes = [jax.grad(lambda x: jnp.sum(logits(x)))(x) for x in (real, fake)]
    penalty = sum(0.5 * np.sum(np.square(np.float64(slope)), axis=(1, 2, 3)) for slope in slopes)
    value, _ = plain_jax.loss(params["discriminator"], "discriminator", params, carry, real, key)
    np.testing.assert_allclose(value, np.mean(np.log1p(np.exp(-gaps)) + penalty), rtol=1e-4)
