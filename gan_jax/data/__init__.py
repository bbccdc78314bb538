"""Data sets: each a function that returns a Source."""

import functools
import os
from collections.abc import Callable

from gan_jax.data.archive import archive
from gan_jax.data.digits import digits
from gan_jax.data.folder import folder
from gan_jax.data.source import Source
from gan_jax.data.stacked import stacked_digits, stacked_mnist
from gan_jax.data.tfds import tfds
from gan_jax.data.toy import grid, ring, swiss_roll
from gan_jax.errors import UsageError
from gan_jax.images import Resolution

__all__ = [
    "digits",
    "folder",
    "archive",
    "tfds",
    "stacked_digits",
    "stacked_mnist",
    "ring",
    "grid",
    "swiss_roll",
]


def opened(
    name: str,
    resolution: Resolution = 0,
    data_dir: str | None = None,
    *,
    skip_corrupt: bool = False,
) -> Source:
    """A set of images by its name on a command line.

    Args:
        name: A folder, an `.npz` or `.npy` file, or a data set with a split, as in `mnist:test`.
        resolution: Height and width wanted, pixels, or one number for both; 0 for the data's own.
        data_dir: Folder of prepared TFDS data; None for TFDS's own.
        skip_corrupt: Leave out corrupt files of a folder.

    Returns:
        The Source.

    Raises:
        UsageError: There is no such set.
    """
    name = os.path.expanduser(name)
    if os.path.isdir(name):
        return folder(path=name, resolution=resolution, skip_corrupt=skip_corrupt)
    if name.endswith((".npz", ".npy")):
        return archive(path=name, resolution=resolution)
    known, _, split = name.partition(":")
    if known.startswith((".", os.sep)) or known.endswith(os.sep):
        raise UsageError(f"{name}: no such folder, .npz file, .npy file, or data set")
    own: dict[str, Callable[..., Source]] = {
        "digits": digits,
        "stacked_digits": stacked_digits,
        "stacked_mnist": functools.partial(stacked_mnist, data_dir=data_dir),
    }
    if known in own:
        return own[known](split=split or "train", resolution=resolution)
    return tfds(name=known, split=split or "train", resolution=resolution, data_dir=data_dir)
