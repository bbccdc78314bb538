"""Degradations: how a source is made of a real image, each sample on its own, as a function of a key alone.

Each name in `__all__` is a factory: it takes hyperparameters and returns a Degradation. `chain` joins
several.
"""

from gan_jax.degradations.chain import chain as chain
from gan_jax.degradations.colour import edges, grayscale
from gan_jax.degradations.compression import jpeg
from gan_jax.degradations.filters import gaussian_blur
from gan_jax.degradations.kernels import blur
from gan_jax.degradations.masks import box_masks, centre_mask, stroke_masks
from gan_jax.degradations.noise import gaussian_noise, poisson_noise
from gan_jax.degradations.real_esrgan import real_esrgan
from gan_jax.degradations.resampling import downscale
from gan_jax.degradations.sharpening import sharpened_target

# Those that leave the source as it is and add an entry, so that data with sources of their own keep them.
BESIDE = ("sharpened_target",)

__all__ = [
    "blur",
    "box_masks",
    "centre_mask",
    "downscale",
    "edges",
    "gaussian_blur",
    "gaussian_noise",
    "grayscale",
    "jpeg",
    "poisson_noise",
    "real_esrgan",
    "sharpened_target",
    "stroke_masks",
]
