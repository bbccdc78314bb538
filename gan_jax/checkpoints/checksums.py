"""A checksum of every array of a checkpoint: written with it, compared with what is read.

Orbax and its storage format have none: a flipped byte is read as another number.
"""

import dataclasses
import json
import os
import zlib
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from orbax.checkpoint import future

from gan_jax.runtime import parallel, processes

# Their item in a checkpoint, and its file.
ITEM = "checksums"
FILE = "crc32.json"


def checksums(tree):
    """The CRC-32 of the bytes of every array.

    Args:
        tree: Pytree of arrays, each of them whole on this process.

    Returns:
        Dict of int by path, such as `params/generator/Dense_0/kernel`.
    """
    named = {
        jax.tree_util.keystr(path, simple=True, separator="/"): np.ascontiguousarray(_numbers(leaf))
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
    }
    return {name: zlib.crc32(array.reshape(-1).view(np.uint8)) for name, array in named.items()}


def on_host(tree):
    """Copies of arrays in the host's memory, which no later step overwrites; random keys as numbers."""
    return jax.tree.map(lambda leaf: parallel.on_host(_numbers(leaf)), tree)


def _numbers(leaf):
    """An array that NumPy can read."""
    return jax.random.key_data(leaf) if jax.numpy.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf


def read(checkpoint):
    """The checksums that were written with a checkpoint.

    Args:
        checkpoint: Its folder.

    Returns:
        What `checksums` made; None if it is older than they are.
    """
    path = os.path.join(checkpoint, ITEM, FILE)
    if not os.path.exists(path):
        return None
    with open(path) as file:
        return dict(json.load(file))


def differing(written, found):
    """Names of the arrays that are not alike, or in one of two dicts of checksums only.

    Args:
        written: From `read`.
        found: From `checksums`.

    Returns:
        List of str.
    """
    return [name for name in dict.fromkeys([*written, *found]) if written.get(name) != found.get(name)]


class Handler(ocp.JsonCheckpointHandler):
    """Orbax's writer of JSON, for checksums that are computed while training goes on."""

    def __init__(self):
        super().__init__(filename=FILE)

    async def async_save(self, directory, item=None, args=None):
        """Copies the arrays; the rest is done when orbax has made the folder, and before it commits."""
        if not processes.is_first():
            return []
        arrays = on_host(args.item)

        async def write():
            (directory / FILE).write_text(json.dumps(checksums(arrays)))

        return [future.CommitFutureAwaitingContractedSignals(write(), name=ITEM)]


@ocp.args.register_with_handler(Handler, for_save=True, for_restore=True)
@dataclasses.dataclass
class Args(ocp.args.CheckpointArgs):
    """What orbax gives the Handler.

    Attributes:
        item: Pytree of arrays to be saved; None to restore the checksums as they are.
    """

    item: Any = None
