"""The gradient of a large batch, slice by slice: it needs the memory of one slice."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from gan_jax import step


def cut(batch: Any, slices: int) -> Any:
    """A batch as slices: row r is in slice r modulo `slices`, so that no row leaves its device.

    Args:
        batch: Pytree of arrays [B, ...].
        slices: Number of slices, a divisor of B.

    Returns:
        The same pytree, of arrays [slices, B / slices, ...].
    """
    return jax.tree.map(lambda leaf: leaf.reshape(-1, slices, *leaf.shape[1:]).swapaxes(0, 1), batch)


def averaged(tree: Any) -> Any:
    """Results of slices as one: the mean of floats; integers count moves and are equal in all slices.

    What is equal in all slices, such as the arrays of a fixed network, stays as it is, without rounding.

    Args:
        tree: Pytree of arrays [slices, ...].

    Returns:
        The same pytree, of arrays [...].
    """

    def one(leaf):
        if not jnp.issubdtype(leaf.dtype, jnp.floating):
            return leaf[0]
        return jnp.where(jnp.all(leaf == leaf[0], axis=0), leaf[0], jnp.mean(leaf, axis=0))

    return jax.tree.map(one, tree)


def accumulated(slices: int) -> Callable[..., tuple[Any, Any, dict[str, jax.Array]]]:
    """A gradient function that averages over equal slices of the batch.

    Up to rounding it equals the gradient of the whole batch if samples do not depend on each other. Batch
    norm, layers and losses over the batch, `top_k`, and the follower's steps in `moves.unrolled` see one
    slice instead of the whole batch. All slices start from the parameters and carry before the move. The new
    carry is the mean over slices; for a moving average this equals the carry of the whole batch. Random
    numbers (latents, dropout, augmentation, positions between real and fake) come for each slice from the
    move's key with the slice's number folded in: the distribution is that of the whole batch, the numbers
    are not.

    Args:
        slices: Number of slices; 1 is the whole batch at once.

    Returns:
        Function with the signature of `step.gradient`.
    """
    if slices == 1:
        return step.gradient

    def gradient(player, game, terms, state, batch, key):
        def add(summed, numbered):
            number, part = numbered
            slice_key = jax.random.fold_in(key, number)
            grads, carry, values = step.gradient(player, game, terms, state, part, slice_key)
            return jax.tree.map(jnp.add, summed, grads), (carry, values)

        zeros = jax.tree.map(jnp.zeros_like, state.params[player])
        # A loop in the program: unrolled, XLA might compute slices in parallel, each with its own memory.
        summed, results = jax.lax.scan(add, zeros, (jnp.arange(slices), cut(batch, slices)))
        return jax.tree.map(lambda leaf: leaf / slices, summed), *averaged(results)

    return gradient
