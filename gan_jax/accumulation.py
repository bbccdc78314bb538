"""The gradient of a large batch, slice by slice: it needs the memory of one slice."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

from gan_jax import step


class InSequence(struct.PyTreeNode):
    """Arrays in a player's carry that follow samples one by one, such as a pool of past fakes.

    The mean of what slices of a batch make of them means nothing. So each slice gets them as the slice before
    has left them, whereas it gets everything else in the carry as it was before the move. A game derives its
    own class from this one.
    """


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


def _follows(node):
    return isinstance(node, InSequence)


def parted(carry: Any) -> tuple[list[InSequence], Any]:
    """A carry as what slices hand on to each other, and the rest.

    Args:
        carry: A player's carry, any pytree.

    Returns:
        Its `InSequence` nodes, and the carry with empty ones in their places.
    """
    nodes = [node for node in jax.tree.leaves(carry, is_leaf=_follows) if _follows(node)]
    return nodes, jax.tree.map(lambda node: InSequence() if _follows(node) else node, carry, is_leaf=_follows)


def joined(nodes: list[InSequence], rest: Any) -> Any:
    """The carry of both parts of `parted`.

    Args:
        nodes: The nodes in order.
        rest: The carry with empty nodes in their places.

    Returns:
        The carry.
    """
    remaining = iter(nodes)
    return jax.tree.map(lambda node: next(remaining) if _follows(node) else node, rest, is_leaf=_follows)


def accumulated(slices: int) -> Callable[..., tuple[Any, Any, dict[str, jax.Array]]]:
    """A gradient function that averages over equal slices of the batch.

    Up to rounding it equals the gradient of the whole batch if samples do not depend on each other. Batch
    norm, layers and losses over the batch, `top_k`, and the follower's steps in `moves.unrolled` see one
    slice instead of the whole batch. All slices start from the parameters and carry before the move. The new
    carry is the mean over slices; for a moving average this equals the carry of the whole batch. Its
    `InSequence` nodes go from slice to slice instead, so that a pool meets every sample. Random
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
        nodes, rest = parted(state.carry[player])

        def add(summed, numbered):
            (total, nodes), (number, part) = summed, numbered
            slice_key = jax.random.fold_in(key, number)
            current = state.replace(carry={**state.carry, player: joined(nodes, rest)})
            grads, carry, values = step.gradient(player, game, terms, current, part, slice_key)
            nodes, changed = parted(carry)
            return (jax.tree.map(jnp.add, total, grads), nodes), (changed, values)

        zeros = jax.tree.map(jnp.zeros_like, state.params[player])
        # A loop in the program: unrolled, XLA might compute slices in parallel, each with its own memory.
        (total, nodes), results = jax.lax.scan(add, (zeros, nodes), (jnp.arange(slices), cut(batch, slices)))
        carry, values = averaged(results)
        return jax.tree.map(lambda leaf: leaf / slices, total), joined(nodes, carry), values

    return gradient
