"""The classifiers that ship with the package as features of other data: of photographs, which have no classes."""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from gan_jax.data.source import Source
from gan_jax.errors import UsageError, unknown
from gan_jax.features import reference
from gan_jax.features.classifier import classifier_maps, use
from gan_jax.features.types import Features, Maps


@functools.cache
def _loaded(name):
    """The Features of a reference classifier, and height, width and channels of what it was trained on."""
    kept = reference.shipped()[name]
    described = kept.about["splits"][0]
    shape, classes = described["spec"]["real"][0], described["facts"]["class_names"]
    name = f"classifier of {kept.about['data']}"
    return Features(name, reference.variables(kept), use(len(classes)), kept.about["facts"]), tuple(shape)


def maps(name: str, source: Source, *, layers: Sequence[str] = (), field: str = "features") -> Maps:
    """What a reference classifier sees at each of its convolutions, in images of other data.

    No paper: VGG's layers are those of Johnson et al. 2016, arXiv:1603.08155.

    Args:
        name: Name of its data, such as `cifar10`.
        source: The data to look at.
        layers: Names of layers, `conv1`, `conv2`, ..., each behind its ReLU; empty for all.
        field: Where the name stands, for messages.

    Returns:
        The Maps, with their arrays.

    Raises:
        UsageError: There is no such classifier or layer, or the data are no images, have colours that it
            never saw, or are smaller than a pixel of its last layer.
    """
    names = reference.shipped()
    if name not in names:
        raise unknown(field, name, names)
    features, (_, _, channels) = _loaded(name)
    found, shape = classifier_maps(features, layers=layers), source.spec["real"].shape
    # Every layer but the last halves the image.
    least = 1 << (len(jax.eval_shape(classifier_maps(features).maps, features.params, _blank(channels))) - 1)
    right = len(shape) == 3 and min(shape[:2]) >= least and (shape[2] == 1 or channels == 3)
    if not right:
        kind = "coloured or grey" if channels == 3 else "grey"
        raise UsageError(
            f"{field}={name}: {source.name} has {source.modality.unit} of {'x'.join(map(str, shape))}: expected "
            f"{kind} images of at least {least} pixels a side"
        )
    return found


def _blank(channels):
    return jax.ShapeDtypeStruct((1, 32, 32, channels), jnp.float32)


def shipped(name: str, source: Source) -> Features:
    """The last convolution of a reference classifier, averaged over the image, as Features of other data.

    Heusel et al. 2017, arXiv:1706.08500, average Inception's last features so; images have any size.

    Args:
        name: Name of its data, such as `cifar10`.
        source: The data to look at.

    Returns:
        The Features, 128 numbers an image and no logits: the classes are others.

    Raises:
        UsageError: As `maps`.
    """
    found = maps(name, source)
    last = found.facts["layers"].split()[-1]

    def apply(params: Any, images: jax.Array) -> dict[str, jax.Array]:
        return {"features": jnp.mean(found.maps(params, images)[last], axis=(1, 2))}

    facts = {"weights": found.facts["weights"], "layer": f"{last}, averaged over the image", "resize": "none"}
    return Features(f"convolutions of the {found.name}", found.params, apply, facts)
