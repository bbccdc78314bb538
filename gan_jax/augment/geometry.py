"""ADA's pixel blitting and geometry: one matrix per sample, then one resampling without aliasing.

Karras et al. 2020, arXiv:2006.06676, appendix B. A matrix [3, 3] maps homogeneous coordinates of the
augmented image to those of the original image, (x, y, 1) in pixels from the centre, x right and y down.

Images may be rectangles: rotations turn pixels about the centre, as in the paper's code, so that the content
keeps its aspect ratio. A rotation by 90 degrees therefore crops the longer side and fills the shorter one up
with the image's reflection. Moves are shares of the width and of the height.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from gan_jax.augment.draw import chosen, matrix, reflected

# The sym6 wavelet's low pass, orthonormal: its products with itself at even shifts are 1, 0, 0, ...
SYM6 = np.array([
    0.015404109327027373, 0.0034907120842174702, -0.11799011114819057, -0.048311742585633,
    0.4910559419267466, 0.787641141030194, 0.3379294217276218, -0.07263752278646252,
    -0.021060292512300564, 0.04472490177066578, 0.0017677118642428036, -0.007800708325034148,
])  # fmt: skip
_CENTRE = 5  # The tap at the pixel itself.


def _scale(x, y):
    return matrix([[1 / x, 0, 0], [0, 1 / y, 0], [0, 0, 1]])


def _rotate(angle):
    return matrix([[jnp.cos(angle), jnp.sin(angle), 0], [-jnp.sin(angle), jnp.cos(angle), 0], [0, 0, 1]])


def _translate(offset):
    return matrix([[1, 0, -offset[:, 0]], [0, 1, -offset[:, 1]], [0, 0, 1]])


def compose(*matrices: jax.Array) -> jax.Array:
    """The product of matrices [B, 3, 3], in full float32 on every accelerator."""
    return functools.reduce(functools.partial(jnp.matmul, precision="highest"), matrices)


def blit(key: jax.Array, shape: tuple[int, ...], p: ArrayLike, *, translate: float = 0.125) -> jax.Array:
    """Flips left to right, rotations by 90 degrees and moves by whole pixels; arXiv:2006.06676, appendix B.

    Args:
        key: Random key.
        shape: Of the images, (B, H, W, C).
        p: Probability of each of the three; a rotation is by 0, 90, 180 or 270 degrees.
        translate: Largest move over the side along which it goes.

    Returns:
        Inverse matrices [B, 3, 3].
    """
    keys = jax.random.split(key, 6)
    count, size = shape[:1], jnp.array([shape[2], shape[1]])
    flip = chosen(keys[0], p, jax.random.rademacher(keys[1], count, jnp.float32), 1.0)
    quarters = chosen(keys[2], p, jax.random.randint(keys[3], count, 0, 4), 0)
    move = jnp.round(jax.random.uniform(keys[4], (*count, 2), minval=-translate, maxval=translate) * size)
    offset = chosen(keys[5], p, move, 0.0)
    return compose(_scale(flip, 1.0), _rotate(quarters * (jnp.pi / 2)), _translate(offset))


def transform(
    key: jax.Array,
    shape: tuple[int, ...],
    p: ArrayLike,
    *,
    scale: float = 0.2,
    rotate: float = 1.0,
    anisotropy: float = 0.2,
    translate: float = 0.125,
) -> jax.Array:
    """Scaling, rotation, anisotropic scaling, rotation, and moves by fractions of a pixel.

    Karras et al. 2020, arXiv:2006.06676, appendix B. Each of the two rotations has the probability
    1 - sqrt(1 - p), so that at least one happens with probability p.

    Args:
        key: Random key.
        shape: Of the images, (B, H, W, C).
        p: Probability of each.
        scale: Standard deviation of the logarithm to base 2 of the scale.
        rotate: Largest rotation, in half turns.
        anisotropy: Standard deviation of the logarithm to base 2 of the horizontal over the mean scale.
        translate: Standard deviation of the move over the side along which it goes.

    Returns:
        Inverse matrices [B, 3, 3].
    """
    keys = jax.random.split(key, 10)
    count, size = shape[:1], jnp.array([shape[2], shape[1]])

    def rotation(angle_key, choice_key):
        once = 1 - jnp.sqrt(jnp.clip(1 - p, 0.0, 1.0))
        angle = jax.random.uniform(angle_key, count, minval=-rotate, maxval=rotate) * jnp.pi
        return _rotate(chosen(choice_key, once, angle, 0.0))

    zoom = chosen(keys[0], p, jnp.exp2(scale * jax.random.normal(keys[1], count)), 1.0)
    stretch = chosen(keys[2], p, jnp.exp2(anisotropy * jax.random.normal(keys[3], count)), 1.0)
    offset = chosen(keys[4], p, translate * size * jax.random.normal(keys[5], (*count, 2)), 0.0)
    before, after = rotation(keys[6], keys[7]), rotation(keys[8], keys[9])
    return compose(_scale(zoom, zoom), before, _scale(stretch, 1 / stretch), after, _translate(offset))


def _upsampling(size):
    """The matrix from an image's side to one period of its endless reflection, at twice the resolution.

    Fine pixel 2n is at pixel n. [4 * (size - 1), size].
    """
    fine = np.arange(2 * max(2 * (size - 1), 1))[:, None]
    coarse, odd = np.divmod(fine + _CENTRE - np.arange(len(SYM6)), 2)
    weights = np.zeros((len(fine), size))
    np.add.at(weights, (fine, reflected(coarse, size)), np.where(odd, 0.0, np.sqrt(2) * SYM6))
    return jnp.asarray(weights, jnp.float32)


def _downsampling(size):
    """The adjoint filter on fine pixels -5 .. 2 * size + 4; undoes `_upsampling`. [size, 2 * size + 10]."""
    coarse = np.arange(size)[:, None]
    weights = np.zeros((size, 2 * size + len(SYM6) - 2))
    weights[coarse, 2 * coarse + np.arange(len(SYM6))] = SYM6 / np.sqrt(2)
    return jnp.asarray(weights, jnp.float32)


def _bilinear(image, y, x):
    """One image [H, W, C] between its pixels, at coordinates of any shape; the image repeats itself."""
    height, width = image.shape[:2]
    top, left = jnp.floor(y), jnp.floor(x)
    down, right = (y - top)[..., None], (x - left)[..., None]
    rows = [jnp.mod(top.astype(jnp.int32) + i, height) for i in (0, 1)]
    columns = [jnp.mod(left.astype(jnp.int32) + i, width) for i in (0, 1)]
    upper = (1 - right) * image[rows[0], columns[0]] + right * image[rows[0], columns[1]]
    lower = (1 - right) * image[rows[1], columns[0]] + right * image[rows[1], columns[1]]
    return (1 - down) * upper + down * lower


def resample(images: jax.Array, inverse: jax.Array) -> jax.Array:
    """Transforms images by matrices without aliasing: sym6 upsampling by 2, bilinear, sym6 downsampling.

    Karras et al. 2020, arXiv:2006.06676, appendix B. The identity leaves images as they are, since the
    filter is orthonormal. Moves by whole pixels are exact too; flips and turns are as exact as sym6 is
    symmetric. The paper's code reflects images at the border up to three times their size and fills the rest
    with gray; here the reflection never ends, so that shapes are static.

    Args:
        images: [B, H, W, C].
        inverse: Matrices [B, 3, 3] from the pixels of the result to those of `images`.

    Returns:
        The shape and type of `images`.
    """
    height, width = images.shape[1:3]
    once = jnp.asarray(images, jnp.float32)
    fine = jnp.einsum("yh,xw,bhwc->byxc", _upsampling(height), _upsampling(width), once, precision="highest")

    def places(size):
        return np.arange(-_CENTRE, 2 * size + len(SYM6) - 2 - _CENTRE) / 2 - (size - 1) / 2

    y, x = np.meshgrid(places(height), places(width), indexing="ij")
    # Elementwise: a matrix product would round coordinates to bfloat16 or TF32 on accelerators.
    m = inverse[:, :, :, None, None]
    source_x, source_y = (m[:, i, 0] * x + m[:, i, 1] * y + m[:, i, 2] for i in (0, 1))
    sampled = jax.vmap(_bilinear)(fine, 2 * source_y + (height - 1), 2 * source_x + (width - 1))
    result = jnp.einsum(
        "hy,wx,byxc->bhwc", _downsampling(height), _downsampling(width), sampled, precision="highest"
    )
    return result.astype(images.dtype)
