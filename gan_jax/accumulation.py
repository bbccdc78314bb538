"""The gradient of a large batch from slices of it, one after the other: the memory of one slice."""

import jax
import jax.numpy as jnp

from gan_jax import step


def cut(batch, slices):
    """A batch as slices: row r is in slice r modulo their number, so that no row leaves its device.

    Args:
        batch: Pytree of arrays [B, ...].
        slices: Number of them, a divisor of B.

    Returns:
        The same pytree, of arrays [slices, B / slices, ...].
    """
    return jax.tree.map(lambda leaf: leaf.reshape(-1, slices, *leaf.shape[1:]).swapaxes(0, 1), batch)


def averaged(tree):
    """What slices found, as one: the mean of floats; whole numbers, which count moves, are alike in all.

    Args:
        tree: Pytree of arrays [slices, ...].

    Returns:
        The same pytree, of arrays [...].
    """

    def one(leaf):
        return jnp.mean(leaf, axis=0) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf[0]

    return jax.tree.map(one, tree)


def accumulated(slices):
    """A gradient that is the mean over equal slices of the batch: up to rounding, that of the batch at once.

    It is so as long as samples do not see each other. What looks across a batch sees its slice: batch norm,
    layers and losses over the batch, `top_k`, and a follower that is foreseen. All slices see parameters and
    carry as they were before the move, and the new carry is the mean of theirs, which is the batch's for
    everything that goes towards a mean. What is drawn (latents, dropout, augmentation, a place between real
    and fake) is drawn for each slice from the move's key with the slice's number folded in: with the same
    distribution as for the batch at once, but not the same numbers.

    Args:
        slices: Number of them; 1 is the batch at once.

    Returns:
        Function with the signature of `step.gradient`.
    """
    if slices == 1:
        return step.gradient

    def gradient(player, game, terms, state, batch, key):
        def add(summed, numbered):
            number, part = numbered
            drawn = jax.random.fold_in(key, number)
            found, carry, values = step.gradient(player, game, terms, state, part, drawn)
            return jax.tree.map(jnp.add, summed, found), (carry, values)

        zeros = jax.tree.map(jnp.zeros_like, state.params[player])
        # A loop of the program: written out, XLA might compute slices side by side, each with its memory.
        summed, seen = jax.lax.scan(add, zeros, (jnp.arange(slices), cut(batch, slices)))
        return jax.tree.map(lambda leaf: leaf / slices, summed), *averaged(seen)

    return gradient
