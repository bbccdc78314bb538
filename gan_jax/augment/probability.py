"""The probability that ADA and APA adapt in training; the signs of the logits tell how far D overfits."""

from typing import Any

import jax
import jax.numpy as jnp

from gan_jax.errors import UsageError


def start_probability(start: float = 0.0) -> dict[str, jax.Array]:
    """The first carry of `adapt_probability`.

    Args:
        start: Probability before the first move, in [0, 1].

    Returns:
        Dict of `p`, float32; `signs`, the sum of mean signs since p last changed; `moves`, their number.

    Raises:
        UsageError: `start` is not a probability.
    """
    if not 0 <= start <= 1:
        raise UsageError(f"augmentation's start={start}: expected a probability in [0, 1]")
    return {"p": jnp.float32(start), "signs": jnp.zeros(()), "moves": jnp.zeros((), jnp.int32)}


def adapt_probability(
    carry: dict[str, jax.Array],
    real_logits: jax.Array,
    count: int,
    *,
    target: float = 0.6,
    images: int = 500_000,
    every: int = 4,
) -> dict[str, Any]:
    """Raises p if the mean sign of the discriminator's logits of reals exceeds `target`, else lowers it.

    Karras et al. 2020, arXiv:2006.06676, section 3.1: r_t = E[sign(D(real))], steered to 0.6 every four
    moves, at a speed that takes p from 0 to 1 in 500 thousand images. p stays in [0, 1].

    Args:
        carry: The result of `start_probability` or of the last call.
        real_logits: Logits of the real images of this move, [n, ...].
        count: Number of these images; above n where a logit is of several.
        target: The r_t to keep, in [-1, 1].
        images: Real images in which p may go from 0 to 1.
        every: Moves between changes of p.

    Returns:
        The carry after this move.
    """
    signs = carry["signs"] + jnp.mean(jnp.sign(jnp.float32(real_logits)))
    moves = carry["moves"] + 1
    due = moves >= every
    change = jnp.sign(signs / every - target) * (count * every / images)
    return {
        "p": jnp.where(due, jnp.clip(carry["p"] + change, 0.0, 1.0), carry["p"]),
        "signs": jnp.where(due, 0.0, signs),
        "moves": jnp.where(due, 0, moves),
    }
