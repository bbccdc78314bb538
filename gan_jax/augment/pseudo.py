"""APA: shows some fakes as real, so that the discriminator does not become overconfident."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from gan_jax.augment.probability import adapt_probability, start_probability
from gan_jax.types import Augment


def pseudo(*, target: float = 0.6, images: int = 500_000, every: int = 4, start: float = 0.0) -> Augment:
    """APA: shows fakes as real with an adaptive probability.

    Jiang et al. 2021, arXiv:2111.06849, section 3; the probability follows the rule of ADA, Karras et al.
    2020, arXiv:2006.06676. The game's `real` is the mixture, so penalties at real samples see it too.

    Args:
        target: Mean sign of the logits of real images to keep, in [-1, 1].
        images: Real images in which the probability may go from 0 to 1.
        every: Moves of the discriminator between changes of the probability.
        start: Probability before the first move.

    Returns:
        The Augment.

    Raises:
        UsageError: `start` is not a probability.
    """
    start_probability(start)
    return Augment(
        init=lambda: start_probability(start),
        apply=lambda carry, key, images, step: images,
        adapt=functools.partial(adapt_probability, target=target, images=images, every=every),
        mix=lambda carry, key, real, fake: pseudo_augment(key, real, fake, carry["p"]),
    )


def pseudo_augment(key: jax.Array, real: Any, fake: Any, p: ArrayLike) -> Any:
    """Replaces each real sample, with probability p, by a fake through which no gradient flows.

    Jiang et al. 2021, arXiv:2111.06849, section 3; p follows `adapt_probability` on the logits of the
    mixture. The paper draws fresh fakes; here the caller supplies them.

    Args:
        key: Random key.
        real: Real samples, any pytree of arrays [B, ...].
        fake: Fake samples of the same structure and shapes.
        p: Probability, in [0, 1].

    Returns:
        The samples to show as real, like `real`.
    """
    mask = jax.random.uniform(key, jax.tree.leaves(real)[0].shape[:1]) < p

    def mix(r, f):
        return jnp.where(mask.reshape(-1, *(1,) * (r.ndim - 1)), jax.lax.stop_gradient(f), r)

    return jax.tree.map(mix, real, fake)
