"""Features of every image of a data set, on all devices of a process, batch by batch."""

import jax
import numpy as np

from gan_jax import images
from gan_jax.data.batches import prefetch
from gan_jax.errors import UsageError
from gan_jax.runtime import parallel


def extractor(features, devices=None):
    """A function that runs data sets through features, compiled once for images of one shape.

    Args:
        features: The Features.
        devices: Devices to spread each batch over; all of this process by default.

    Returns:
        Function from a Source to a dict of what the features give, `features` float32 [N, D] and perhaps
        `class_logits` float32 [N, K], and `labels`, int32 [N], if the data has them; in the order of rows.
        Images are read ahead and never in memory all at once. Raises UsageError
        for an empty set, or features that are not finite or not [N, D].
    """
    devices = jax.local_devices() if devices is None else devices
    batch = -(-features.batch // len(devices)) * len(devices)
    mesh = parallel.mesh(batch, devices)
    params = jax.device_put(features.params, parallel.replicated(mesh))
    apply = jax.jit(
        lambda params, given: features.apply(params, images.to_float(given)),
        out_shardings=parallel.replicated(mesh),
    )

    def extract(source):
        if not source.size:
            raise UsageError(f"{source.name} holds no images")

        def load(number):
            return source.read(np.arange(number * batch, min((number + 1) * batch, source.size)))

        parts = []
        for read in prefetch(load, 0, -(-source.size // batch)):
            # The last batch is filled up with copies of its first image: one shape, one program.
            count = len(read["images"])
            filled = read["images"][np.r_[:count, np.zeros(batch - count, int)]]
            outputs = apply(params, parallel.place(filled, parallel.sharded(mesh)))
            kept = {name: np.asarray(array[:count], np.float32) for name, array in outputs.items()}
            parts.append({**kept, **({"labels": read["labels"]} if "labels" in read else {})})
        joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        return _checked(joined, features, source)

    return extract


def _checked(outputs, features, source):
    """The outputs, if they are what a metric can use."""
    found = outputs["features"]
    if found.ndim != 2:
        raise UsageError(f"features of {features.name} have the shape {found.shape}; expected [N, D]")
    bad = np.flatnonzero(~np.isfinite(found).all(axis=1))
    if len(bad):
        which = f"{len(bad)} of {source.size} images of {source.name}"
        raise UsageError(f"features of {which} are not finite, first in row {bad[0]}")
    return outputs
