"""A training loop of one's own in plain JAX: `python -m gan_jax.examples.plain_jax` writes digits.png.

This package's networks, losses, penalties and transforms as a relativistic GAN with both zero-centred
penalties (Huang et al. 2025, arXiv:2501.05441) on the digits that scikit-learn ships. No recipe, no flags.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from gan_jax import data, images, losses, penalties, transforms
from gan_jax.nets import dcgan
from gan_jax.nets.linen import from_linen

NETS = {
    "generator": from_linen(dcgan.Generator(resolution=16, channels=1, width=16)),
    "discriminator": from_linen(dcgan.Discriminator(width=16, batch_norm=False)),
}
OPTIMIZER = optax.chain(transforms.clip_by_layer_norm(1.0), optax.adam(1e-3, b1=0.5))


def loss(own: dict, player: str, params: dict, carry: dict, real: jax.Array, key: jax.Array) -> tuple:
    """A player's loss as a function of its own parameters, and the new carry: the batch statistics."""
    params, latents = {**params, player: own}, jax.random.normal(key, (len(real), 64))
    apply = {name: jax.tree_util.Partial(net.apply, params[name], carry[name]) for name, net in NETS.items()}
    fake, statistics = apply["generator"](latents, key=key, train=True)

    def critic(x):
        return apply["discriminator"](x, key=key, train=True)[0]["logits"]

    logits = critic(real), critic(fake)
    if player == "generator":
        return jnp.mean(losses.relativistic_generator(*logits)), {**carry, "generator": statistics}
    penalty = penalties.r1(critic, real) + penalties.r2(critic, fake)
    return jnp.mean(losses.relativistic_discriminator(*logits) + penalty), carry


@jax.jit
def step(params: dict, carry: dict, opt: dict, real: jax.Array, key: jax.Array) -> tuple[dict, dict, dict]:
    """One update of the discriminator, then one of the generator, on one batch of the data."""
    batch = jax.random.choice(key, real, (64,))
    for name in ("discriminator", "generator"):
        grads, carry = jax.grad(loss, has_aux=True)(params[name], name, params, carry, batch, key)
        updates, state = OPTIMIZER.update(grads, opt[name], params[name])
        params, opt = {**params, name: optax.apply_updates(params[name], updates)}, {**opt, name: state}
    return params, carry, opt


if __name__ == "__main__":
    digits = images.to_float(data.digits(resolution=16).read(np.arange(1_297))["real"])
    noise = jax.random.normal(jax.random.key(0), (64, 64))
    made = {name: net.init(jax.random.key(0), x) for (name, net), x in zip(NETS.items(), (noise, digits))}
    params, carry = ({name: pair[part] for name, pair in made.items()} for part in (0, 1))
    opt = {name: OPTIMIZER.init(params[name]) for name in NETS}
    for number in range(1_000):
        params, carry, opt = step(params, carry, opt, digits, jax.random.key(number))
    net = NETS["generator"]
    samples, _ = net.apply(params["generator"], carry["generator"], noise, key=jax.random.key(0), train=False)
    images.save("digits.png", images.grid(np.asarray(images.to_uint8(samples))))
