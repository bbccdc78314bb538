"""The least memory that a step needs, from shapes alone: nothing is compiled and nothing allocated."""

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax

from gan_jax.runtime import parallel

# Operations whose results exist in memory: compilers fuse all others into them or into each other.
_WHOLE = ("dot_general", "conv_general_dilated")


class Demand(NamedTuple):
    """Memory that a device surely needs.

    Attributes:
        bytes: In all.
        state: Of these, for the state.
    """

    bytes: int
    state: int


def of_step(step: Callable[..., Any], state: Any, batches: Any, mesh: jax.sharding.Mesh) -> Demand:
    """A lower bound of the memory of one step on a device.

    The state exists during the whole step, beside the largest result of a product or a convolution; gradients
    of kernels are such results. What an operation reads exists beside what it makes. All that also must be
    kept for the backward pass is left out, so that no step is refused which fits.

    Args:
        step: `(state, batches, key) -> ...`, under `jit`.
        state: Shapes and dtypes of the state.
        batches: Shapes and dtypes of the batches.
        mesh: The mesh: its axis `model` splits the state, and devices may share every other array equally.

    Returns:
        The Demand.
    """
    of_state = sum(_on_device(leaf) for leaf in jax.tree.leaves(parallel.partitioned(state, mesh)))
    program = jax.make_jaxpr(step)(state, batches, jax.random.key(0))
    largest = of_state
    for read, made in _operations(program.jaxpr):
        largest = max(largest, of_state + made // mesh.size, (read + made) // mesh.size)
    return Demand(largest, of_state)


def size(leaf: Any) -> int:
    """The bytes of an array of a shape and a dtype."""
    return math.prod(leaf.shape) * leaf.dtype.itemsize


def _on_device(leaf):
    """The bytes of the part of an array that one device has."""
    return math.prod(leaf.sharding.shard_shape(leaf.shape)) * leaf.dtype.itemsize


def _operations(program: Any) -> Iterator[tuple[int, int]]:
    """Walks a jaxpr and those inside it; yields the bytes that each product reads and those that it makes."""
    for equation in program.eqns:
        if equation.primitive.name in _WHOLE:
            read, made = (sum(size(one.aval) for one in ones) for ones in (equation.invars, equation.outvars))
            yield read, made
        for inner in jax.tree.leaves(list(equation.params.values()), is_leaf=_is_program):
            if _is_program(inner):
                yield from _operations(getattr(inner, "jaxpr", inner))


def _is_program(value):
    return hasattr(value, "eqns")
