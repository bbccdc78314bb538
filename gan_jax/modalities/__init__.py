"""Modalities: how rows of a data set are decoded, encoded and shown. One modality a file.

A data set names its modality in `facts["modality"]`: a function of this package, or a dotted path. The
function takes the data set's spec and facts and returns a `gan_jax.types.Modality` bound to them.
"""

import sys
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from gan_jax.modalities.images import images
from gan_jax.modalities.points import points
from gan_jax.names import find
from gan_jax.seams import made
from gan_jax.types import Modality

__all__ = ["images", "points"]


def bound(spec: Mapping[str, jax.ShapeDtypeStruct], facts: Mapping[str, Any]) -> Modality:
    """The modality of a data set.

    Args:
        spec: The data set's spec: shape and dtype of one stored row by name.
        facts: The data set's facts.

    Returns:
        The Modality. Its facts are the data's own, those that the modality adds, and the number of
        `classes`.

    Raises:
        UsageError: There is no such modality, or the data does not fit it.
    """
    factory, field = (
        find(facts["modality"], (sys.modules[__name__],), "modality"),
        f"modality={facts['modality']}",
    )
    modality = made(factory, {}, Modality, field, dict(spec), dict(facts))
    count = len(facts.get("class_names", ()))
    return modality._replace(facts={**facts, **modality.facts, "classes": count})


def to_plain(spec: Mapping[str, jax.ShapeDtypeStruct], facts: Mapping[str, Any]) -> dict[str, Any]:
    """The description of a data set as JSON can hold it.

    Args:
        spec: The data set's spec.
        facts: Its facts: numbers, strings, and lists of them.

    Returns:
        Dict of `spec`, by name a shape and a dtype, and `facts`.
    """
    arrays = {name: [list(row.shape), row.dtype.name] for name, row in spec.items()}
    return {"spec": arrays, "facts": dict(facts)}


def from_plain(plain: Mapping[str, Any]) -> Modality:
    """The modality of a data set from its description.

    Args:
        plain: From `to_plain`, perhaps by way of JSON.

    Returns:
        The Modality.
    """
    spec = {
        name: jax.ShapeDtypeStruct(tuple(shape), np.dtype(dtype))
        for name, (shape, dtype) in plain["spec"].items()
    }
    facts = {name: tuple(fact) if isinstance(fact, list) else fact for name, fact in plain["facts"].items()}
    return bound(spec, facts)
