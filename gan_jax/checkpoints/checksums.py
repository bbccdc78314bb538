"""A checksum of every array of a checkpoint, written with it and compared when it is read.

Orbax and its storage format have no checksums: they read a flipped byte as another number.
"""

import dataclasses
import json
import os
import zlib
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from orbax.checkpoint import future

from gan_jax.runtime import parallel, processes

# Orbax's item for the checksums of a checkpoint, and its file.
ITEM = "checksums"
FILE = "crc32.json"


def checksums(tree: Any) -> dict[str, int]:
    """The CRC-32 of the bytes of every array.

    Args:
        tree: Pytree of arrays; this process has all parts of each.

    Returns:
        Checksums by path, such as `params/generator/Dense_0/kernel`.
    """
    named = {
        jax.tree_util.keystr(path, simple=True, separator="/"): np.ascontiguousarray(_numbers(leaf))
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
    }
    return {name: zlib.crc32(array.reshape(-1).view(np.uint8).data) for name, array in named.items()}


def on_host(tree: Any) -> Any:
    """Copies of arrays in the host's memory, which later steps do not overwrite; random keys as numbers."""
    return jax.tree.map(lambda leaf: parallel.on_host(_numbers(leaf)), tree)


def _numbers(leaf):
    """An array that NumPy can read."""
    return jax.random.key_data(leaf) if jax.numpy.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf


def read(checkpoint: str) -> dict[str, int]:
    """The checksums that were written with a checkpoint.

    Args:
        checkpoint: Its folder.

    Returns:
        Checksums by path.

    Raises:
        OSError: The file cannot be read.
        ValueError: The file is damaged.
    """
    with open(os.path.join(checkpoint, ITEM, FILE)) as file:
        return dict(json.load(file))


def differing(written: Mapping[str, int], computed: Mapping[str, int]) -> list[str]:
    """Names of the arrays whose checksums differ, or which only one of two dicts has.

    Args:
        written: From `read`.
        computed: From `checksums`.

    Returns:
        Paths of arrays.
    """
    return [name for name in dict.fromkeys([*written, *computed]) if written.get(name) != computed.get(name)]


class Handler(ocp.JsonCheckpointHandler):
    """Orbax's writer of JSON, with checksums that are computed while training continues."""

    def __init__(self) -> None:
        super().__init__(filename=FILE)

    async def async_save(self, directory: Any, item: Any = None, args: Any = None) -> list[Any]:
        """Copies the arrays; orbax awaits the rest between making the folder and committing it.

        Args:
            directory: Folder of the item, an `epath.Path`.
            item: Unused; for orbax's own signature.
            args: The Args.

        Returns:
            Futures that orbax awaits.
        """
        if not processes.is_first():
            return []
        arrays = on_host(args.item)

        async def write():
            (directory / FILE).write_text(json.dumps(checksums(arrays)))

        return [future.CommitFutureAwaitingContractedSignals(write(), name=ITEM)]


@ocp.args.register_with_handler(Handler, for_save=True, for_restore=True)
@dataclasses.dataclass
class Args(ocp.args.CheckpointArgs):
    """The arguments that orbax passes to the Handler.

    Attributes:
        item: Pytree of arrays to save; None when orbax restores.
    """

    item: Any = None
