"""Compilations by name: people see why nothing happens, and for how long it did."""

import logging
import time
from collections.abc import Callable
from typing import Any

import jax

log = logging.getLogger("gan_jax")


def announced(step: Callable[..., Any], what: str) -> Callable[..., Any]:
    """The same step; calls that compile it are announced, awaited and timed in the log.

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
        outputs = jax.block_until_ready(step(state, resident, fed, key))
        log.info("compiling %s took %.1f s, its first call included", what, time.perf_counter() - begun)
        return outputs

    return call
