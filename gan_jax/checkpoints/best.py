"""The cost of a checkpoint, saved beside it with a checksum; the best checkpoint has the least cost."""

import json
import os
import zlib
from collections.abc import Mapping
from typing import Any

from gan_jax.runtime.files import write_atomically

# Orbax's item for the metrics of a checkpoint, and its file.
_ITEM, _FILE = "metrics", "metrics"


def record(cost: float | None) -> dict[str, Any] | None:
    """The record of a cost.

    Args:
        cost: The cost; None if it is not known for this checkpoint.

    Returns:
        Dict for `CheckpointManager.save(metrics=...)`, or None.
    """
    return None if cost is None else {"cost": cost, "crc32": _crc32(cost)}


def of(recorded: Mapping[str, Any]) -> float:
    """The cost in a record."""
    return recorded["cost"]


def read(checkpoint: str) -> float | None:
    """The cost beside a checkpoint.

    Args:
        checkpoint: Its folder.

    Returns:
        The cost; None if the checkpoint was saved without one.

    Raises:
        OSError: The record cannot be read.
        ValueError: The record is damaged.
    """
    folder = os.path.join(checkpoint, _ITEM)
    if not os.path.exists(folder):
        return None
    with open(os.path.join(folder, _FILE)) as file:
        recorded = json.load(file)
    if not isinstance(recorded, dict) or set(recorded) != {"cost", "crc32"}:
        raise ValueError("expected the fields cost and crc32")
    if recorded["crc32"] != _crc32(of(recorded)):
        raise ValueError("checksum mismatch")
    return of(recorded)


def write(checkpoint: str, cost: float) -> None:
    """Writes the cost beside a checkpoint that was saved without one.

    Args:
        checkpoint: Its folder, complete.
        cost: The cost.

    Raises:
        OSError: It cannot be written.
    """
    folder = os.path.join(checkpoint, _ITEM)
    os.makedirs(folder, exist_ok=True)
    with write_atomically(os.path.join(folder, _FILE)) as file:
        json.dump(record(cost), file)


def _crc32(cost):
    """The CRC-32 of the shortest decimal form, which JSON stores."""
    return zlib.crc32(repr(cost).encode())
