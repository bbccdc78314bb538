"""Images: stored as uint8, float32 in [-1, 1] for networks, shown as tiles, small ones enlarged."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax import images as images_lib
from gan_jax.errors import UsageError
from gan_jax.types import Modality


def images(spec: dict[str, jax.ShapeDtypeStruct], facts: dict[str, Any]) -> Modality:
    """Images [H, W, C] of 1 or 3 channels.

    Every uint8 entry of three dimensions holds pixels, such as `real` or the `source` of a translation, and
    is decoded to [-1, 1]. Other entries stay as they are: a label, a float mask in [0, 1]. Every entry of
    three dimensions is mirrored with the others.

    Args:
        spec: Shape and dtype of one row by name.
        facts: The data set's facts.

    Returns:
        The Modality. Networks may ask for `resolution`, a tuple of height and width, and `channels`; beside a
        `source`, for the `scale` by which `real` is larger, if it is a whole number.

    Raises:
        UsageError: `real` is not an image.
    """
    real = spec["real"]
    if len(real.shape) != 3 or real.shape[-1] not in (1, 3) or real.dtype != np.uint8:
        raise UsageError(f"images are uint8 [height, width, 1 or 3], got {real.dtype} {list(real.shape)}")
    spatial = [name for name, row in spec.items() if len(row.shape) == 3]
    pixels = [name for name in spatial if spec[name].dtype == np.uint8]

    def decode(batch):
        return {
            name: images_lib.to_float(a) if name in pixels else jnp.asarray(a) for name, a in batch.items()
        }

    def flip(key, batch):
        return {name: images_lib.random_flip(key, a) if name in spatial else a for name, a in batch.items()}

    def preview(rows, behind, columns=0):
        return images_lib.grid(rows, columns=columns)

    def save_one(stem, row):
        images_lib.save(f"{stem}.png", row)
        return (".png",)

    return Modality(
        spec=spec,
        facts={"resolution": tuple(real.shape[:2]), "channels": real.shape[2], **_scale(spec)},
        unit="images",
        decode=decode,
        encode=images_lib.to_uint8,
        preview=preview,
        save=images_lib.saver(preview),
        flip=flip,
        save_one=save_one,
    )


def _scale(spec):
    """The fact of how many pixels of `real` a pixel of `source` is wide; none without a whole number."""
    if "source" not in spec:
        return {}
    (height, width), (low, narrow) = (spec[name].shape[:2] for name in ("real", "source"))
    scale = height // low
    return {"scale": scale} if scale and (low * scale, narrow * scale) == (height, width) else {}
