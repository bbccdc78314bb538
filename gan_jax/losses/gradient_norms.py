"""Norms of a critic's gradient; a critic may judge several consecutive samples by one logit."""

from typing import Any

import jax
import jax.numpy as jnp

from gan_jax.errors import UsageError


def samples_per_logit(samples: Any, logits: Any) -> int:
    """How many consecutive samples a critic judges at once.

    Args:
        samples: Any pytree of arrays [B, ...].
        logits: Its logits of them, or their shape: [n] or [n, ...], n a divisor of B.

    Returns:
        B / n: 1, or the size of a pack (`wrap.packed`).

    Raises:
        UsageError: n does not divide B, or there is one logit for the whole batch.
    """
    batch = len(jax.tree.leaves(samples)[0])
    if not logits.shape or not logits.shape[0] or batch % logits.shape[0]:
        raise UsageError(
            f"critic: expected logits for each sample, or for packs of them, got an array of shape "
            f"{logits.shape} for {batch} samples"
        )
    return batch // logits.shape[0]


def squared_norms(gradients: Any, count: int) -> jax.Array:
    """Squared Euclidean norms of a critic's gradient by the samples that it judges at once.

    Args:
        gradients: Gradient of the sum of logits by the samples, any pytree of arrays [B, ...].
        count: B over the number of these samples.

    Returns:
        float32 [B / count].
    """
    squares = sum(
        jnp.sum(jnp.square(jnp.float32(leaf)), axis=tuple(range(1, leaf.ndim)))
        for leaf in jax.tree.leaves(gradients)
    )
    return jnp.asarray(squares).reshape(-1, count).sum(1) if count > 1 else jnp.asarray(squares)
