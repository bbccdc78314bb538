"""Sources made of arrays, for tests."""

import numpy as np

from gan_jax.data.source import Source


def of_arrays(images, labels=None, *, name="arrays", heldout=None):
    """A Source over uint8 images [N, H, W, C] and perhaps labels int [N]."""
    classes = () if labels is None else tuple(str(label) for label in range(int(np.max(labels)) + 1))

    def read(rows):
        told = {} if labels is None else {"labels": np.asarray(labels, np.int32)[rows]}
        return {"images": images[rows], **told}

    return Source(name, *np.shape(images)[:2], np.shape(images)[3], classes, read, lambda: heldout)


def noise(count, *, seed=0, side=8, channels=1, classes=0, **options):
    """A Source of random pixels."""
    random = np.random.default_rng(seed)
    images = random.integers(0, 256, (count, side, side, channels), np.uint8)
    return of_arrays(images, random.integers(0, classes, count) if classes else None, **options)
