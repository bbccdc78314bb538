"""The degradation of Real-ESRGAN: blur, resize, noise and JPEG, twice, and a ringing at the end."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp

from gan_jax.degradations import kernels
from gan_jax.degradations.compression import compressed
from gan_jax.degradations.draw import between, chosen, uniform, whole
from gan_jax.degradations.filters import filtered
from gan_jax.degradations.noise import normal_noise, shot_noise
from gan_jax.degradations.resampling import matrix, multiplied
from gan_jax.errors import UsageError
from gan_jax.types import Degradation

# Of the paper's resizes: the methods, and the pixels around a crop that are degraded with it.
_METHODS, _MARGIN = ("area", "bilinear", "bicubic"), 32
_SIZE, _SHARES = (7, 21), (0.45, 0.25, 0.12, 0.03, 0.12, 0.03)
_JPEG = (30.0, 95.0)
# Uniform numbers that a round takes.
_DRAWN = kernels.DRAWN + 6


class _Round(NamedTuple):
    """One of the two rounds.

    Attributes:
        deviation: Of blur kernels, pixels.
        blurred: Probability of blur.
        larger: Probability that the image becomes larger.
        smaller: Probability that it becomes smaller.
        scale: The least and the largest factor of its size.
        gaussian: Deviations of normal noise, levels.
        poisson: Scales of shot noise.
    """

    deviation: tuple
    blurred: float
    larger: float
    smaller: float
    scale: tuple
    gaussian: tuple
    poisson: tuple


_FIRST = _Round((0.2, 3.0), 1.0, 0.2, 0.7, (0.15, 1.5), (1.0, 30.0), (0.05, 3.0))
_SECOND = _Round((0.2, 1.5), 0.8, 0.3, 0.4, (0.3, 1.2), (1.0, 25.0), (0.05, 2.5))


def real_esrgan(*, factor: int = 4) -> Degradation:
    """The two rounds of degradations by which Real-ESRGAN learns to restore photographs of unknown history.

    Wang et al. 2021, arXiv:2107.10833, figure 2 and appendix, with the numbers of its code for the network of
    scale 4. Every choice is drawn for each sample, where theirs are drawn once a batch; resizes are
    antialiased, and the bicubic one has a = -0.5; real images are not sharpened,
    which `sharpened_target` does beside it.

    Args:
        factor: Height of the image over that of the source.

    Returns:
        The Degradation.

    Raises:
        UsageError: Where it is used, a height or width that is no multiple of the factor.
    """

    def apply(key: jax.Array, entries: dict) -> dict:
        source = entries["source"]
        height, width, _ = source.shape
        if height % factor or width % factor:
            raise UsageError(
                f"data.degrade.real_esrgan.factor={factor}: expected images whose sides are a multiple of it, got "
                f"{height} x {width}; data.crop gives them another size"
            )
        of_numbers, *of_pixels = jax.random.split(key, 3)
        u, made = uniform(of_numbers, 2 * _DRAWN + 7), (height // factor, width // factor)
        size = jnp.array([height, width])
        source, size = _round(of_pixels[0], u[:_DRAWN], source, size, (height, width), _FIRST)
        source = compressed(source, between(u[-1], _JPEG))
        source, size = _round(of_pixels[1], u[_DRAWN : 2 * _DRAWN], source, size, made, _SECOND)
        return {**entries, "source": _finished(u[-7:-1], source, size, made)}

    return Degradation(apply, margin=_MARGIN, factor=factor)


def _round(key, u, image, size, unit, numbers):
    """The image after blur, resize and noise, in the corner of a canvas, and its size.

    Args:
        key: Random key of the noise.
        u: Uniform numbers [_DRAWN].
        image: Canvas [H, W, C], the image in its corner, its last row and column repeated beyond.
        size: Of the image, int32 [2].
        unit: Height and width of which `scale` is a factor.
        numbers: The _Round.
    """
    bounds = kernels.Bounds(_SIZE, numbers.deviation, (0.5, 4.0), (1.0, 2.0))
    kernel = kernels.kernel_of(u[: kernels.DRAWN], _SHARES, bounds, 0.1, numbers.blurred)
    kind, factor, method, grey, noise, strength = u[kernels.DRAWN :]
    scales = [between(factor, each) for each in ((1, numbers.scale[1]), (numbers.scale[0], 1), 1)]
    kind = chosen(kind, (numbers.larger, numbers.smaller, 1 - numbers.larger - numbers.smaller))
    made = jnp.maximum(jnp.floor(jnp.array(unit) * jnp.stack(scales)[kind]), 1).astype(jnp.int32)
    canvas = [16 * math.ceil(numbers.scale[1] * side / 16) for side in unit]
    image = _resized(method, filtered(image, kernel), size, canvas, made)
    # Normal noise or shot noise, each half of the time and grey in two of five samples.
    u_of_pixels, grey = uniform(key, *image.shape), grey < 0.4
    normal = between(strength, numbers.gaussian) / 127.5 * normal_noise(u_of_pixels, grey)
    shot = between(strength, numbers.poisson) * shot_noise(u_of_pixels, image, grey)
    return jnp.clip(image + jnp.where(noise < 0.5, normal, shot), -1, 1), made


def _resized(u, image, size, canvas, made):
    """The image at another size by a method that is drawn, in the corner of another canvas."""
    method = whole(u, 0, len(_METHODS) - 1)
    rows, columns = (
        jnp.stack(
            [matrix(each, image.shape[axis], canvas[axis], size[axis], made[axis]) for each in _METHODS]
        )[method]
        for axis in (0, 1)
    )
    return multiplied(image, rows, columns)


def _finished(u, image, size, made):
    """The image at the size of the source, with ringing before or after JPEG."""
    kernel = jnp.where(
        u[0] < 0.8, kernels.drawn_sinc(u[1:3], _SIZE[1], _SIZE, jnp.pi / 3), kernels.pulse(_SIZE[1])
    )
    quality = between(u[3], _JPEG)

    def ringing(image):
        return filtered(_resized(u[4], image, size, made, jnp.array(made)), kernel)

    return jnp.where(u[5] < 0.5, compressed(ringing(image), quality), ringing(compressed(image, quality)))
