"""Sources made of arrays, for tests."""

import numpy as np

from gan_jax.data.source import of_images


def of_arrays(images, labels=None, *, name="arrays", heldout=None):
    """A Source over uint8 images [N, H, W, C] and perhaps labels int [N]."""
    classes = () if labels is None else tuple(str(label) for label in range(int(np.max(labels)) + 1))

    def read(rows):
        known = {} if labels is None else {"label": np.asarray(labels, np.int32)[rows]}
        return {"real": images[rows], **known}

    return of_images(name, len(images), np.shape(images)[1:], classes, read, heldout=lambda: heldout)


def noise(count, *, seed=0, side=8, channels=1, classes=0, **options):
    """A Source of random pixels."""
    random = np.random.default_rng(seed)
    images = random.integers(0, 256, (count, side, side, channels), np.uint8)
    return of_arrays(images, random.integers(0, classes, count) if classes else None, **options)


def described(source):
    """Modality, shape of `real` and number of classes."""
    return source.facts["modality"], source.spec["real"].shape, len(source.classes)


def modality(height=8, width=None, channels=1, classes=0):
    """The Modality of images of this size."""
    names = tuple(map(str, range(classes)))
    return of_images("nothing", 0, (height, width or height, channels), names, None).modality
