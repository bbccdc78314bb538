"""Compilations by name: people see why nothing happens, and for how long it did."""

import logging
import time
from collections.abc import Callable
from typing import Any

import jax

from gan_jax.runtime import memory

log = logging.getLogger("gan_jax")


def announced(step: Any, what: str) -> Callable[..., Any]:
    """The same step; calls that compile it are announced, awaited, timed and measured in the log.

    Args:
        step: `(state, resident, fed, key) -> anything`, under `jit`; inputs `fed` of other shapes are
            compiled anew.
        what: Its name, for people.

    Returns:
        The function.
    """
    compiled = set()

    def call(state, resident, fed, key):
        shapes = tuple(leaf.shape for leaf in jax.tree.leaves(fed))
        if shapes in compiled:
            return step(state, resident, fed, key)
        compiled.add(shapes)
        log.info("compiling %s ...", what)
        begun = time.perf_counter()
        needed = step.lower(state, resident, fed, key).compile().memory_analysis()
        outputs = jax.block_until_ready(step(state, resident, fed, key))  # Not compiled again.
        log.info(
            "compiling %s took %.1f s, its first call included%s",
            what, time.perf_counter() - begun, _size(needed),
        )  # fmt: skip
        return outputs

    return call


def _size(needed):
    """For people, the memory of a compiled program; empty if it is not known."""
    if needed is None:
        return ""
    given, made = needed.argument_size_in_bytes, needed.output_size_in_bytes - needed.alias_size_in_bytes
    return (
        f"; memory: inputs and outputs {memory.readable(given + made)}, the rest "
        f"{memory.readable(needed.temp_size_in_bytes)}"
    )
