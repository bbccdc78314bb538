"""Data sets as Sources, and batches as a pure function of seed and step."""

from gan_jax.data.archive import archive
from gan_jax.data.digits import digits
from gan_jax.data.folder import folder
from gan_jax.data.tfds import tfds

__all__ = ["digits", "folder", "archive", "tfds"]
