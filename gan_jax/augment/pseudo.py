"""APA: fakes among the reals, so that the discriminator cannot be too sure."""

import functools

import jax
import jax.numpy as jnp

from gan_jax.augment.probability import adapt_probability, start_probability
from gan_jax.types import Augment


def pseudo(*, target=0.6, images=500_000, every=4, start=0.0):
    """APA: with an adaptive probability fakes are shown as real.

    Jiang et al. 2021, arXiv:2111.06849, section 3; the probability follows the rule of ADA, Karras et al.
    2020, arXiv:2006.06676. The game's `real` is the mixture, so that penalties at real samples see it too.

    Args:
        target: Mean sign of the logits of real images that is kept, in [-1, 1].
        images: Real images in which the probability may go from 0 to 1.
        every: Discriminator's moves between its changes.
        start: Probability before the first move.

    Returns:
        The Augment.

    Raises:
        UsageError: A start out of range.
    """
    start_probability(start)
    return Augment(
        init=lambda: start_probability(start),
        apply=lambda carry, key, shown, step: shown,
        adapt=functools.partial(adapt_probability, target=target, images=images, every=every),
        mix=lambda carry, key, real, fake: pseudo_augment(key, real, fake, carry["p"]),
    )


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
