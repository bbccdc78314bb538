"""DiffAugment: Zhao et al. 2020, arXiv:2006.10738, with the strengths of its code for images in [-1, 1].

Each transform is a function `(key, images) -> images` that draws its numbers for each sample separately.
"""

import jax
import jax.numpy as jnp

from gan_jax.augment.chain import stateless
from gan_jax.errors import unknown
from gan_jax.types import Augment


def _uniform(key, images, low, high):
    """One number per sample, [B, 1, 1, 1]."""
    return jax.random.uniform(key, (images.shape[0], 1, 1, 1), images.dtype, low, high)


def brightness(key: jax.Array, images: jax.Array, *, strength: float = 0.5) -> jax.Array:
    """Adds one number in [-strength, strength] to all of an image.

    arXiv:2006.10738, section 3.2. [B, H, W, C] to the same.
    """
    return images + _uniform(key, images, -strength, strength)


def saturation(key: jax.Array, images: jax.Array, *, strength: float = 1.0) -> jax.Array:
    """Scales the distance to gray, a pixel's mean over channels, by a factor in [1 - strength, 1 + strength].

    arXiv:2006.10738, section 3.2. [B, H, W, C] to the same; images of one channel stay as they are.
    """
    gray = jnp.mean(images, axis=3, keepdims=True)
    return gray + (images - gray) * _uniform(key, images, 1 - strength, 1 + strength)


def contrast(key: jax.Array, images: jax.Array, *, strength: float = 0.5) -> jax.Array:
    """Scales the distance to the image's mean by a factor in [1 - strength, 1 + strength].

    arXiv:2006.10738, section 3.2. [B, H, W, C] to the same.
    """
    mean = jnp.mean(images, axis=(1, 2, 3), keepdims=True)
    return mean + (images - mean) * _uniform(key, images, 1 - strength, 1 + strength)


def _shifted(images, offsets, axis):
    """Moves each sample by its offset [B] along an axis; new pixels are zero."""
    size = images.shape[axis]
    source = jnp.arange(size) - offsets[:, None]
    shape = tuple(n if i in (0, axis) else 1 for i, n in enumerate(images.shape))
    inside = ((source >= 0) & (source < size)).reshape(shape)
    index = jnp.clip(source, 0, size - 1).reshape(shape)
    return jnp.where(inside, jnp.take_along_axis(images, index, axis), 0)


def translation(key: jax.Array, images: jax.Array, *, ratio: float = 0.125) -> jax.Array:
    """Moves each image by whole pixels, up to `ratio` of each side either way; new pixels are 0, mid gray.

    arXiv:2006.10738, section 3.2. [B, H, W, C] to the same.
    """
    for axis, axis_key in zip((1, 2), jax.random.split(key), strict=True):
        most = int(images.shape[axis] * ratio + 0.5)
        images = _shifted(images, jax.random.randint(axis_key, images.shape[:1], -most, most + 1), axis)
    return images


def cutout(key: jax.Array, images: jax.Array, *, ratio: float = 0.5) -> jax.Array:
    """Sets a rectangle of `ratio` times each side to zero; its centre is anywhere in the image.

    arXiv:2006.10738, section 3.2. [B, H, W, C] to the same; the border cuts off a rectangle that crosses it.
    """
    inside = jnp.bool_(True)
    for axis, axis_key in zip((1, 2), jax.random.split(key), strict=True):
        pixels = images.shape[axis]
        size = int(pixels * ratio + 0.5)
        centre = jax.random.randint(axis_key, images.shape[:1], 0, pixels + 1 - size % 2)
        distance = jnp.arange(pixels) - (centre[:, None] - size // 2)
        covered = (distance >= 0) & (distance < size)
        inside &= covered.reshape(tuple(n if i in (0, axis) else 1 for i, n in enumerate(images.shape)))
    return jnp.where(inside, 0, images)


_TRANSFORMS = {
    "brightness": (brightness,),
    "saturation": (saturation,),
    "contrast": (contrast,),
    "color": (brightness, saturation, contrast),
    "translation": (translation,),
    "cutout": (cutout,),
}


def diffaugment(*, policy: tuple[str, ...] = ("color", "translation", "cutout")) -> Augment:
    """Augments every image that the discriminator sees, in both players' moves.

    Zhao et al. 2020, arXiv:2006.10738, section 3.2. The paper uses `("translation", "cutout")` for
    BigGAN on CIFAR and `("color", "cutout")` for StyleGAN2 on CIFAR.

    Args:
        policy: Names in the order of application: `brightness`, `saturation`, `contrast`,
            `color` (these three), `translation`, `cutout`.

    Returns:
        The Augment.

    Raises:
        UsageError: An unknown name.
    """
    for name in policy:
        if name not in _TRANSFORMS:
            raise unknown("diffaugment policy", name, _TRANSFORMS)
    transforms = [transform for name in policy for transform in _TRANSFORMS[name]]

    def apply(key, images, step):
        for number, transform in enumerate(transforms):
            images = transform(jax.random.fold_in(key, number), images)
        return images

    return stateless(apply)
