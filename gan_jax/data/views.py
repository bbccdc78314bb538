"""Views of stored images: crops, mirror images and degradations, random in training and fixed elsewhere."""

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax import images, modalities
from gan_jax.data.source import Source, row
from gan_jax.degradations.draw import uniform, whole
from gan_jax.errors import UsageError
from gan_jax.images import Resolution, height_and_width
from gan_jax.types import Degradation, Modality

# Rows that are degraded at a time where they are read: one compiled shape.
CHUNK = 16


class _Window(NamedTuple):
    """What is cut out of `real`: its size with the margin, the margin, and the grid where it lies, pixels."""

    size: tuple[int, int]
    margin: int
    step: int


def fixed(source: Source, crop: Resolution, degrade: Degradation | None) -> Source:
    """A data set as evaluations and grids see it: central crops, degraded by a key of the row's number.

    Args:
        source: The Source as it is stored.
        crop: Height and width of the crop of `real`, pixels, or one number for both; 0 for all of it.
        degrade: The chain that makes `source`; None for the data's own.

    Returns:
        A Source, and its held-out rows alike. Training draws from its `parts`, by `at_random`.

    Raises:
        UsageError: The rows are no images, or too small, or of sizes of which one is no multiple of the
            other.
    """
    _check_images(source, crop)
    spec = _spatial(source.spec)
    window = _window({name: entry.shape for name, entry in spec.items()}, crop, degrade)
    one = _fixed_degradation(source.modality, degrade, window.margin)
    each = jax.jit(jax.vmap(one))

    def cut(entries):
        return {name: _central(entry, window, _scale(spec, name)) for name, entry in entries.items()}

    def read(rows):
        arrays = source.read(rows)
        seen = cut({name: np.asarray(arrays[name]) for name in spec})
        return {**arrays, **(_in_chunks(each, np.asarray(rows), seen) if degrade else seen)}

    cropped = {name: row((1, *entry.shape), entry.dtype) for name, entry in spec.items()}
    cropped = jax.eval_shape(lambda rows: jax.tree.map(lambda a: a[0], cut(rows)), cropped)
    found = jax.eval_shape(one, row((), np.int32), cropped)
    _check_scale(found, degrade)

    def heldout():
        other = source.heldout()
        return other and fixed(other, crop, degrade)

    same = found["real"].shape == spec["real"].shape
    return source._replace(
        spec={**source.spec, **found},
        facts=source.facts if "source" in spec or degrade is None else {**source.facts, "paired": "all"},
        read=read,
        heldout=heldout,
        classifier=source.classifier if same else None,
        parts=source.parts or (source,),
    )


def _fixed_degradation(modality, degrade, margin):
    """Function from a row's number and its stored images to those that the chain makes of them."""

    def stored(number, entries):
        if degrade is None:
            return entries
        key = jax.random.fold_in(jax.random.key(0), number)
        seen = degrade.apply(key, modality.decode(entries), margin)
        return {name: entry if name == "mask" else images.to_uint8(entry) for name, entry in seen.items()}

    return stored


def at_random(
    modality: Modality, crop: Resolution, flip: bool, degrade: Degradation | None
) -> Callable[[jax.Array, dict], dict]:
    """How stored rows become a batch: cropped and mirrored at random, images of a row alike, then degraded.

    Args:
        modality: Of the rows.
        crop: As for `fixed`.
        flip: Mirror half of the rows.
        degrade: As for `fixed`.

    Returns:
        Function `(key, rows) -> batch`, arrays [..., *shape] by name.

    Raises:
        UsageError: The rows have no mirror image.
    """
    mirrored = modality.flip
    if flip and mirrored is None:
        raise UsageError(f"data.flip=True: {modality.unit} cannot be mirrored")

    def decode(key, rows):
        lead = jnp.shape(rows["real"])[:-3]
        margin = 0
        if crop:
            shapes = {name: entry.shape[len(lead) :] for name, entry in _spatial(rows, len(lead)).items()}
            window = _window(shapes, crop, degrade)
            drawn = functools.partial(_drawn, window=window, shapes=shapes)
            rows = rows | _each(
                drawn, lead, jax.random.fold_in(key, 1), {name: rows[name] for name in shapes}
            )
            margin = window.margin
        batch = modality.decode(rows)
        batch = mirrored(key, batch) if mirrored and flip else batch
        if degrade is None:
            return batch
        made = functools.partial(degrade.apply, margin=margin)
        return batch | _each(made, lead, jax.random.fold_in(key, 2), _spatial(batch, len(lead)))

    return decode


def _check_images(source, crop):
    """Crops and degradations are of images."""
    real = source.spec["real"]
    if len(real.shape) != 3 or real.dtype != np.uint8:
        option = f"data.crop={crop}" if crop else "data.degrade"
        raise UsageError(f"{option}: expected images, {source.name} has {source.modality.unit}")


def _spatial(entries: Mapping[str, Any], lead: int = 0) -> dict[str, Any]:
    """The entries with a height, a width and channels."""
    return {name: entry for name, entry in entries.items() if len(entry.shape) == lead + 3}


def _scale(spec, name):
    """How many pixels of `real` a pixel of an entry is wide."""
    return spec["real"].shape[0] // spec[name].shape[0]


def _window(shapes, crop, degrade):
    """What is cut out of `real`, from the shapes of the entries of a row."""
    height, width = shapes["real"][:2]
    if not crop:
        return _Window((height, width), 0, 1)
    wanted = height_and_width(crop)
    scales = [_whole_scale(shapes["real"], shape, name) for name, shape in shapes.items()]
    factor = degrade.factor if degrade else 1
    step = math.lcm(*scales) * factor
    if wanted[0] > height or wanted[1] > width:
        raise UsageError(f"data.crop={crop}: expected at most {height} x {width}, the size of `real`")
    if wanted[0] % step or wanted[1] % step:
        raise UsageError(f"data.crop={crop}: expected a multiple of {step}, by which `source` is smaller")
    needed = -(-degrade.margin // step) * step if degrade else 0
    margin = min(needed, min(height - wanted[0], width - wanted[1]) // 2 // step * step)
    return _Window((wanted[0] + 2 * margin, wanted[1] + 2 * margin), margin, math.lcm(*scales))


def _whole_scale(real, shape, name):
    """Height of `real` over that of an entry, and likewise their widths."""
    scale = real[0] // shape[0]
    if not scale or (shape[0] * scale, shape[1] * scale) != real[:2]:
        raise UsageError(
            f"data.crop: `real` has {real[0]} x {real[1]} pixels and `{name}` {shape[0]} x {shape[1]}: expected a "
            "multiple of these"
        )
    return scale


def _check_scale(spec, degrade):
    """A degradation makes an image whose size divides that of `real`."""
    if degrade is not None:
        real, made = spec["real"].shape, spec["source"].shape
        if real[0] % made[0] or real[1] % made[1] or real[0] // made[0] != real[1] // made[1]:
            raise UsageError(
                f"data.degrade: `real` has {real[0]} x {real[1]} pixels and `source` {made[0]} x {made[1]}: expected "
                "a size that divides it; data.crop, or data.resolution, gives it another"
            )


def _central(entry, window, scale):
    """The central window of arrays [N, H, W, C]."""
    place = []
    for axis, length in zip((1, 2), window.size):
        whole = entry.shape[axis] * scale
        start = (whole - length) // 2 // window.step * window.step
        place.append(slice(start // scale, (start + length) // scale))
    return entry[:, place[0], place[1]]


def _drawn(key, entries, window, shapes):
    """A window of a row at a random place."""
    real = shapes["real"]
    free = jnp.array([(real[axis] - window.size[axis]) // window.step for axis in (0, 1)])
    start = window.step * whole(uniform(key, 2), 0, free)

    def cut(name, entry):
        scale = real[0] // shapes[name][0]
        sizes = (window.size[0] // scale, window.size[1] // scale, shapes[name][2])
        return jax.lax.dynamic_slice(entry, (start[0] // scale, start[1] // scale, 0), sizes)

    return {name: cut(name, entry) for name, entry in entries.items()}


def _each(function, lead, key, entries):
    """A function of one row, of rows with these leading dimensions, each with a key of its own."""
    for _ in lead:
        function = jax.vmap(function)
    return function(jax.random.split(key, lead), entries)


def _in_chunks(function, rows, entries):
    """A function of CHUNK rows, of any number of them."""
    parts = []
    for start in range(0, len(rows), CHUNK):
        here = np.arange(start, start + CHUNK).clip(max=len(rows) - 1)
        made = jax.device_get(function(rows[here], {name: entry[here] for name, entry in entries.items()}))
        parts.append({name: entry[: len(rows) - start] for name, entry in made.items()})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def halved(source: Source, times: int) -> Source:
    """A data set whose images are so often half as large, by exact means of 2 x 2 pixels.

    Args:
        source: The Source.
        times: How often; 0 changes nothing.

    Returns:
        A Source, and its held-out rows alike. Training draws from its `parts`, by `then_halved`.

    Raises:
        UsageError: The rows are no images, or their size cannot be halved so often.
    """
    if not times:
        return source
    modality = halved_modality(source.modality, times)
    small = jax.jit(lambda rows: images.to_uint8(images.halved(images.to_float(rows), times)))

    def read(rows):
        arrays = source.read(rows)
        return arrays | {name: np.asarray(small(arrays[name])) for name in _spatial(source.spec)}

    def heldout():
        other = source.heldout()
        return other and halved(other, times)

    return source._replace(
        spec=modality.spec,
        read=read,
        heldout=heldout,
        classifier=None,
        parts=source.parts or (source,),
    )


def halved_modality(modality: Modality, times: int) -> Modality:
    """The modality of a data set's images after they were so often halved.

    Args:
        modality: Of the data.
        times: How often; 0 changes nothing.

    Returns:
        The Modality.

    Raises:
        UsageError: As for `halved`.
    """
    if not times:
        return modality
    spec = modality.spec
    if len(spec["real"].shape) != 3 or any(entry.dtype != np.uint8 for entry in _spatial(spec).values()):
        raise UsageError(f"data.halvings={times}: expected images, the data has {modality.unit}")
    small = {
        name: row(
            jax.eval_shape(lambda a: images.halved(a, times), row(entry.shape, np.float32)).shape, entry.dtype
        )
        for name, entry in _spatial(spec).items()
    }
    return modalities.bound({**spec, **small}, modality.facts)


def then_halved(decode: Callable[[jax.Array, dict], dict], times: int) -> Callable[[jax.Array, dict], dict]:
    """Batches whose images are halved after everything else.

    Args:
        decode: From `at_random`.
        times: How often; 0 changes nothing.

    Returns:
        Function `(key, rows) -> batch`.
    """

    def small(key, rows):
        batch = decode(key, rows)
        lead = batch["real"].ndim - 3
        return batch | {name: images.halved(array, times) for name, array in _spatial(batch, lead).items()}

    return small if times else decode
