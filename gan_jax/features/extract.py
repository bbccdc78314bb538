"""Features of every row of a data set, on all devices of a process, batch by batch."""

import functools
from collections.abc import Callable, Sequence

import jax
import numpy as np

from gan_jax.data.batches import prefetch
from gan_jax.data.source import Source
from gan_jax.errors import UsageError
from gan_jax.features.types import Features
from gan_jax.runtime import parallel
from gan_jax.types import Modality


def extractor(
    features: Features, modality: Modality, devices: Sequence[jax.Device] | None = None
) -> Callable[[Source], dict[str, np.ndarray]]:
    """A function that computes features of data sets, compiled once for samples of one shape.

    Args:
        features: The Features, loaded.
        modality: The modality of the data sets.
        devices: Devices to spread each batch over; all of this process by default.

    Returns:
        Function from a Source to a dict of the features' outputs, `features` float32 [N, D] and perhaps
        `class_logits` float32 [N, K], and `labels`, int32 [N], if the data has them; in the order of rows.
        Rows are read ahead, a few batches at a time. Raises UsageError for an empty set, or features that are
        not finite or not [N, D].
    """
    devices = jax.local_devices() if devices is None else devices
    batch = -(-features.batch // len(devices)) * len(devices)
    mesh = parallel.mesh(batch, devices)
    params = jax.device_put(features.params, parallel.replicated(mesh))

    @functools.partial(jax.jit, out_shardings=parallel.replicated(mesh))
    @jax.default_matmul_precision("highest")  # Distances of features must not depend on the device.
    def apply(params, rows):
        return features.apply(params, modality.decode({"real": rows})["real"])

    def extract(source: Source) -> dict[str, np.ndarray]:
        if not source.size:
            raise UsageError(f"{source.name} holds no {modality.unit}")

        def load(number):
            return source.read(np.arange(number * batch, min((number + 1) * batch, source.size)))

        parts = []
        for rows in prefetch(load, range(-(-source.size // batch))):
            # The last batch is filled up with copies of its first row: one shape, one program.
            count = len(rows["real"])
            filled = rows["real"][np.r_[:count, np.zeros(batch - count, int)]]
            outputs = apply(params, parallel.place(filled, parallel.sharded(mesh)))
            kept = {name: np.asarray(array[:count], np.float32) for name, array in outputs.items()}
            parts.append({**kept, **({"labels": rows["label"]} if "label" in rows else {})})
        joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        return _checked(joined, features, source)

    return extract


def _checked(outputs, features, source):
    """The outputs, if a metric can use them."""
    array = outputs["features"]
    if array.ndim != 2:
        raise UsageError(f"features of {features.name} have the shape {array.shape}; expected [N, D]")
    bad = np.flatnonzero(~np.isfinite(array).all(axis=1))
    if len(bad):
        which = f"{len(bad)} of {source.size} {source.modality.unit} of {source.name}"
        raise UsageError(f"features of {which} are not finite, first in row {bad[0]}")
    return outputs
