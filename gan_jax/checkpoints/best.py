"""The cost beside a checkpoint, which says whether it is the best: with a checksum of its own."""

import json
import os
import zlib

# Orbax's item with what it compares checkpoints by, and its file.
_PLACE = ("metrics", "metrics")


def record(cost):
    """What is written beside a checkpoint.

    Args:
        cost: What the best checkpoint has least of; None if it is not known for this one.

    Returns:
        Dict for `CheckpointManager.save(metrics=...)`, or None.
    """
    return None if cost is None else {"cost": cost, "crc32": _crc32(cost)}


def of(recorded):
    """The cost in what `record` made."""
    return recorded["cost"]


def read(checkpoint):
    """The cost beside a checkpoint.

    Args:
        checkpoint: Its folder.

    Returns:
        float; None if it has none.

    Raises:
        ValueError: It is not what was written.
    """
    path = os.path.join(checkpoint, *_PLACE)
    if not os.path.exists(path):
        return None
    with open(path) as file:
        recorded = json.load(file)
    if not isinstance(recorded, dict) or "cost" not in recorded:
        raise ValueError("it has another form than when it was written")
    # Costs are older than their checksums.
    if recorded.get("crc32") not in (None, _crc32(of(recorded))):
        raise ValueError("it has another checksum than when it was written")
    return of(recorded)


def _crc32(cost):
    """Of its shortest decimal form, which is what JSON holds."""
    return zlib.crc32(repr(cost).encode())
