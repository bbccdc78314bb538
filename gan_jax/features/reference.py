"""Reference classifiers: those of well-known data sets ship with the package, so that everybody has the same.

Each is two files in `reference/`: `NAME.npz` has the weights and the moments of the features of the images
that it was trained on, `NAME.json` tells how it came about. `gan_jax.evaluation.build_reference` writes them.
"""

import functools
import json
import math
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from flax import traverse_util

from gan_jax.data import fingerprint
from gan_jax.data.source import Source
from gan_jax.runtime.files import write_atomically

FOLDER = os.path.join(os.path.dirname(__file__), "reference")
# Images that tell whether data are those of a reference classifier: four batches of `classifier.accuracy`.
TRIED = 512
# Standard deviations by which its accuracy on these may fall short of the stated one.
SLACK = 4.0
# Whole numbers on each side of 0 that a kernel is rounded to, and the least that its largest weight counts
# as.
_LEVELS, _LEAST = 127, np.float32(1e-12)
# Ends and beginnings of names in the file: the unit of these numbers, and the moments.
_UNIT, _MOMENTS = ":unit", "moments/"


class Reference(NamedTuple):
    """A reference classifier.

    Attributes:
        path: Its weights, an `.npz` file.
        about: What its JSON file says: `data`, the name of the set it was trained on; `splits`, descriptions
            of the sets that it judges; `facts`, as in Features; `calibration_error`; `baselines`, values of
            metrics for held-out images, `baselines_of` which; `trained`, how.
    """

    path: str
    about: dict[str, Any]


class Moments(NamedTuple):
    """The moments of the features of a reference classifier's training images.

    Attributes:
        mean: float32 [128].
        covariance: Divided by N - 1, float32 [128, 128].
    """

    mean: np.ndarray
    covariance: np.ndarray


def description(source: Source) -> dict[str, Any]:
    """What must be equal for two data sets to have the same reference classifier. No row is read.

    Args:
        source: The Source.

    Returns:
        Its name, shapes, types, classes, and number of rows, as JSON has them.
    """
    return json.loads(json.dumps({"name": source.name, **fingerprint.describe(source)}))


def found(source: Source) -> Reference | None:
    """The reference classifier of a data set by its description; whether it knows the images is not seen.

    Args:
        source: The Source.

    Returns:
        The Reference; None if there is none.
    """
    wanted = description(source)
    return next((each for each in shipped(FOLDER).values() if wanted in each.about["splits"]), None)


@functools.cache
def shipped(folder: str = FOLDER) -> dict[str, Reference]:
    """Reference classifiers by the name of their data.

    Args:
        folder: Their folder; the package's own by default.

    Returns:
        The References.
    """
    names = sorted(name.removesuffix(".json") for name in os.listdir(folder) if name.endswith(".json"))
    return {name: _opened(os.path.join(folder, name)) for name in names}


def _opened(path):
    with open(f"{path}.json") as file:
        return Reference(f"{path}.npz", json.load(file))


def variables(reference: Reference) -> dict[str, Any]:
    """The variables of a reference classifier, as `classifier.fit` returns them.

    Args:
        reference: The Reference.

    Returns:
        Nested dict of float32 arrays.
    """
    with np.load(reference.path) as arrays:
        return unpacked({name: arrays[name] for name in arrays.files if not name.startswith(_MOMENTS)})


def moments(reference: Reference) -> Moments:
    """The moments of the features of the images that a reference classifier was trained on.

    Args:
        reference: The Reference.

    Returns:
        The Moments.
    """
    with np.load(reference.path) as arrays:
        return Moments(*(arrays[_MOMENTS + name] for name in Moments._fields))


def moments_of(features: np.ndarray) -> Moments:
    """The moments of a set of features.

    Args:
        features: float [N, D], N at least 2.

    Returns:
        The Moments, computed in float64.
    """
    rows = np.asarray(features, np.float64)
    return Moments(rows.mean(axis=0).astype(np.float32), np.cov(rows, rowvar=False).astype(np.float32))


def least_accuracy(reference: Reference) -> float:
    """The accuracy on `TRIED` images below which these are not from the data of a reference classifier.

    Args:
        reference: The Reference.

    Returns:
        float in [0, 1].
    """
    stated = reference.about["facts"]["accuracy"]
    return stated - SLACK * math.sqrt(stated * (1 - stated) / TRIED)


def packed(variables: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Variables in a quarter of the bytes, as a file holds them.

    A kernel becomes whole numbers from -127 to 127, and their unit for each output channel; the rest is small
    and stays. Distances of features of digits change by less than 0.2 %, their accuracy not at all; float16
    would be twice as large.

    Args:
        variables: Nested dict of float32 arrays.

    Returns:
        Arrays by their path.
    """
    flat = traverse_util.flatten_dict(dict(variables), sep="/")
    kernels = {name: np.asarray(array) for name, array in flat.items() if np.ndim(array) > 1}
    units = {
        name: np.maximum(np.abs(array).max(axis=tuple(range(array.ndim - 1))), _LEAST) / np.float32(_LEVELS)
        for name, array in kernels.items()
    }
    whole = {name: np.int8(np.round(array / units[name])) for name, array in kernels.items()}
    return {**flat, **whole, **{name + _UNIT: unit for name, unit in units.items()}}


def unpacked(arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The inverse of `packed`, but for what rounding lost.

    Args:
        arrays: Arrays by their path.

    Returns:
        Nested dict of float32 arrays.
    """
    flat = {
        name: np.float32(array) * arrays.get(name + _UNIT, np.float32(1))
        for name, array in arrays.items()
        if not name.endswith(_UNIT)
    }
    return traverse_util.unflatten_dict(flat, sep="/")


def write(
    folder: str, name: str, arrays: Mapping[str, np.ndarray], moments: Moments, about: Mapping[str, Any]
) -> None:
    """Writes a reference classifier.

    Args:
        folder: The folder; it exists.
        name: Name of its data, such as `mnist`.
        arrays: From `packed`.
        moments: Of the features of its training images.
        about: As in Reference.
    """
    every = {**arrays, **{_MOMENTS + field: array for field, array in moments._asdict().items()}}
    with write_atomically(os.path.join(folder, f"{name}.npz"), "wb") as file:
        np.savez_compressed(file, allow_pickle=False, **every)
    with write_atomically(os.path.join(folder, f"{name}.json")) as file:
        json.dump(about, file)
        file.write("\n")
