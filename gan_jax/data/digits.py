"""The embedded default: handwritten digits that scikit-learn ships."""

import functools
import importlib.util
import os

import numpy as np
from PIL import Image

from gan_jax.data.pixels import fit
from gan_jax.data.source import Source, of_images
from gan_jax.errors import unknown
from gan_jax.images import Resolution, height_and_width
from gan_jax.runtime import memory

# Images of the test split. They come from the same 13 writers as the rest, so a classifier finds them easy.
HELD_OUT = 500


def digits(*, split: str = "train", resolution: Resolution = 0) -> Source:
    """1,797 handwritten digits of 13 people, 8 pixels wide, enlarged to 28 by default.

    Alpaydin and Kaynak 1998, Optical Recognition of Handwritten Digits, UCI; the copy in scikit-learn, which
    is UCI's test part. The splits are drawn at random once: 1,297 to train on, 500 held out.

    Args:
        split: `train`, `test`, or `all`.
        resolution: Height and width, pixels, or one number for both; 0 for 28.

    Returns:
        A Source with ten classes.

    Raises:
        UsageError: No such split.
    """
    splits = _splits()
    if split not in splits:
        raise unknown("data.split", split, splits)
    size, labels = height_and_width(resolution or 28), _shipped()[1][splits[split]]
    memory.check_host(f"data.resolution={resolution}", len(labels) * size[0] * size[1])
    images = _enlarged(split, size)
    return of_images(
        name=f"digits of scikit-learn, {split}",
        size=len(images),
        shape=(*size, 1),
        classes=tuple("0123456789"),
        read=lambda rows: {"real": images[rows], "label": labels[rows]},
        heldout=lambda: digits(split="test", resolution=resolution) if split == "train" else None,
    )


def _splits():
    """Numbers of the images of each split."""
    order = np.random.default_rng(0).permutation(len(_shipped()[1]))
    return {"train": order[HELD_OUT:], "test": order[:HELD_OUT], "all": np.arange(len(order))}


@functools.lru_cache(maxsize=2)
def _enlarged(split, size):
    """Images of a split, uint8 [N, height, width, 1], read-only: a run asks for them several times."""
    grey = np.round(_shipped()[0][_splits()[split]] * (255 / 16)).astype(np.uint8)
    images = np.stack([fit(Image.fromarray(image), size, 1) for image in grey])
    images.flags.writeable = False
    return images


@functools.cache
def _shipped():
    """Brightness from 0 to 16, float [1797, 8, 8], and digits, int32 [1797].

    `sklearn.datasets.load_digits` reads the same file; importing it takes a second, a third of a run's start.
    """
    package = importlib.util.find_spec("sklearn")
    assert package and package.submodule_search_locations, "scikit-learn is a requirement of this package"
    folder = package.submodule_search_locations[0]
    table = np.loadtxt(os.path.join(folder, "datasets", "data", "digits.csv.gz"), delimiter=",")
    return table[:, :-1].reshape(-1, 8, 8), table[:, -1].astype(np.int32)
