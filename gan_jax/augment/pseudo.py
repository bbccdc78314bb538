"""APA: fakes among the reals, so that the discriminator cannot be too sure."""

import jax
import jax.numpy as jnp


def pseudo_augment(key, real, fake, p):
    """Replaces each real sample, with probability p, by a fake through which no gradient flows.

    Jiang et al. 2021, arXiv:2111.06849, section 3; p follows `adapt_probability` on the logits of the
    mixture. The paper draws fresh fakes; here they are whatever is given.

    Args:
        key: Random key.
        real: Real samples, any pytree of arrays [B, ...].
        fake: Fake samples of the same structure and shapes.
        p: Probability, in [0, 1].

    Returns:
        What the discriminator is shown as real, like `real`.
    """
    taken = jax.random.uniform(key, jax.tree.leaves(real)[0].shape[:1]) < p

    def mixed(r, f):
        return jnp.where(taken.reshape(-1, *(1,) * (r.ndim - 1)), jax.lax.stop_gradient(f), r)

    return jax.tree.map(mixed, real, fake)
