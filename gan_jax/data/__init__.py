"""Data sets: each a function that returns a Source."""

import functools
import os
from collections.abc import Callable

from gan_jax.data.archive import archive
from gan_jax.data.digits import digits
from gan_jax.data.folder import folder
from gan_jax.data.paired import paired
from gan_jax.data.photographs import photographs
from gan_jax.data.printed import digits_to_printed, printed_digits
from gan_jax.data.source import Source, checked
from gan_jax.data.stacked import stacked_digits, stacked_mnist
from gan_jax.data.tfds import tfds
from gan_jax.data.toy import grid, ring, swiss_roll
from gan_jax.data.unpaired import unpaired
from gan_jax.errors import UsageError
from gan_jax.images import Resolution

__all__ = [
    "digits",
    "folder",
    "archive",
    "tfds",
    "paired",
    "unpaired",
    "photographs",
    "printed_digits",
    "digits_to_printed",
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
    background: str = "white",
    skip_corrupt: bool = False,
) -> Source:
    """A set of images by its name on a command line.

    Args:
        name: A folder, an `.npz` or `.npy` file, or a data set with a split, as in `mnist:test`. A folder with
            the splits of `folder` has one too, as in `photos:validation`; other folders are read whole.
        resolution: Height and width wanted, pixels, or one number for both; 0 for the data's own.
        data_dir: Folder of prepared TFDS data; None for TFDS's own.
        background: Colour behind transparent pixels, as in `white` or `#808080`.
        skip_corrupt: Leave out corrupt files of a folder.

    Returns:
        The Source.

    Raises:
        UsageError: There is no such set.
    """
    return checked(_opened(os.path.expanduser(name), resolution, data_dir, background, skip_corrupt))


def _opened(name, resolution, data_dir, background, skip_corrupt):
    known, _, split = name.partition(":")
    path = name if os.path.isdir(name) else known
    if os.path.isdir(path):
        chosen = split if path != name and split else "train"
        return folder(
            path=path, split=chosen, resolution=resolution, heldout=0.0, background=background,
            skip_corrupt=skip_corrupt,
        )  # fmt: skip
    if name.endswith((".npz", ".npy")):
        return archive(path=name, resolution=resolution, background=background)
    if known.startswith((".", os.sep)) or known.endswith(os.sep):
        raise UsageError(f"{name}: no such folder, .npz file, .npy file, or data set")
    own: dict[str, Callable[..., Source]] = {
        "digits": digits,
        "printed_digits": printed_digits,
        "stacked_digits": stacked_digits,
        "stacked_mnist": functools.partial(stacked_mnist, data_dir=data_dir),
    }
    if known in own:
        return own[known](split=split or "train", resolution=resolution)
    return tfds(
        name=known, split=split or "train", resolution=resolution, background=background, data_dir=data_dir
    )
