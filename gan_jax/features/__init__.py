"""Networks whose features metrics compare."""

import functools
import os
from collections.abc import Callable

from gan_jax.data.source import Source
from gan_jax.errors import unknown
from gan_jax.features import reference
from gan_jax.features.classifier import classifier, classifier_maps
from gan_jax.features.mixture import mixture
from gan_jax.features.perceptual.vgg import vgg
from gan_jax.features.shipped import shipped
from gan_jax.features.stacked import stacked
from gan_jax.features.standard import standard
from gan_jax.features.types import Features
from gan_jax.features.user import exported, of_function, pixels

__all__ = [
    "classifier",
    "classifier_maps",
    "exported",
    "mixture",
    "named",
    "of_function",
    "pixels",
    "shipped",
    "stacked",
    "standard",
    "vgg",
]


def named(name: str, real: Source, heldout: Source | None, *, download: bool = False) -> Features:
    """Features by name.

    Args:
        name: `classifier` for a classifier of the data's classes, trained unless the data has its own;
            `cifar10`, `mnist` or `digits` for the convolutions of a classifier that ships with the package,
            whatever the data; `pixels` for no network; `inception`, `inception_768` or `inception_192` for
            the network of FID; a `.pth` file with its weights; another file, written by `jax.export`; or the
            dotted path of a function.
        real: Source that a classifier is trained on.
        heldout: Source that its accuracy is measured on, or None.
        download: Fetch the Inception weights if they are absent.

    Returns:
        The Features; `load` trains a classifier if it must.

    Raises:
        UsageError: No features have this name.
    """
    known: dict[str, Callable[[], Features]] = {
        "classifier": lambda: real.classifier() if real.classifier else classifier(real, heldout),
        "pixels": pixels,
        **{of: functools.partial(shipped, of, real) for of in reference.shipped()},
        "inception": lambda: standard(download=download),
        "inception_768": lambda: standard(layer=768, download=download),
        "inception_192": lambda: standard(layer=192, download=download),
    }
    if name in known:
        return known[name]()
    if os.path.exists(name):
        return standard(name) if name.endswith(".pth") else exported(name)
    if "." not in name:
        raise unknown("features", name, known)
    return of_function(name)
