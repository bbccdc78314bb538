"""The degradation of Real-ESRGAN: blur, resize, noise and JPEG, twice, and a ringing at the end."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp

from gan_jax.degradations import kernels, resampling
from gan_jax.degradations.compression import compressed
from gan_jax.degradations.filters import filtered
from gan_jax.degradations.noise import gaussian_noise, poisson_noise
from gan_jax.errors import UsageError
from gan_jax.types import Degradation

# Of the paper's resizes: the methods, and the pixels around a crop that are degraded with it.
_METHODS, _MARGIN = ("area", "bilinear", "bicubic"), 32
_SIZE, _SHARES = (7, 21), (0.45, 0.25, 0.12, 0.03, 0.12, 0.03)
_JPEG = (30.0, 95.0)


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

    Wang et al. 2021, arXiv:2107.10833, figure 2 and appendix, with the numbers of its code for the network of scale 4.
    Every choice is drawn for each sample, where theirs are drawn once a batch; resizes are antialiased, and the bicubic
    one has a = -0.5; real images are not sharpened.

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
        keys = jax.random.split(key, 3)
        made = height // factor, width // factor
        source, size = _round(keys[0], source, jnp.array([height, width]), (height, width), _FIRST)
        source = _jpeg(jax.random.fold_in(keys[0], 1), source)
        source, size = _round(keys[1], source, size, made, _SECOND)
        return {**entries, "source": _finished(keys[2], source, size, made)}

    return Degradation(apply, margin=_MARGIN, factor=factor)


def _round(key, image, size, unit, numbers):
    """The image after blur, resize and noise, in the corner of a canvas, and its size.

    Args:
        key: Random key.
        image: Canvas [H, W, C], the image in its corner, its last row and column repeated beyond.
        size: Of the image, int32 [2].
        unit: Height and width of which `scale` is a factor.
        numbers: The _Round.
    """
    of_kernel, of_size, of_method, of_noise = jax.random.split(key, 4)
    bounds = kernels.Bounds(_SIZE, numbers.deviation, (0.5, 4.0), (1.0, 2.0))
    image = filtered(image, kernels.kernel_of(of_kernel, _SHARES, bounds, 0.1, numbers.blurred))
    made = jnp.floor(jnp.array(unit) * _scale(of_size, numbers)).astype(jnp.int32)
    made = jnp.maximum(made, 1)
    canvas = [16 * math.ceil(numbers.scale[1] * side / 16) for side in unit]
    image = _resized(of_method, image, size, canvas, made)
    return jnp.clip(_noisy(of_noise, image, numbers), -1, 1), made


def _scale(key, numbers):
    """The factor of the size: larger, smaller or 1."""
    of_kind, of_larger, of_smaller = jax.random.split(key, 3)
    least, most = numbers.scale
    larger = jax.random.uniform(of_larger, (), minval=1, maxval=most)
    smaller = jax.random.uniform(of_smaller, (), minval=least, maxval=1)
    kind = jax.random.uniform(of_kind)
    bounds = numbers.larger, numbers.larger + numbers.smaller
    return jnp.where(kind < bounds[0], larger, jnp.where(kind < bounds[1], smaller, 1.0))


def _resized(key, image, size, canvas, made):
    """The image at another size by a method that is drawn, in the corner of another canvas."""
    chosen = jax.random.randint(key, (), 0, len(_METHODS))
    rows, columns = (
        jnp.stack(
            [
                resampling.matrix(method, image.shape[axis], canvas[axis], size[axis], made[axis])
                for method in _METHODS
            ]
        )[chosen]
        for axis in (0, 1)
    )
    return resampling.multiplied(image, rows, columns)


def _noisy(key, image, numbers):
    """Normal noise or shot noise, each half of the time and grey in two of five samples."""
    of_kind, of_noise = jax.random.split(key)
    normal, shot = (
        noise(of_noise, {"source": image})["source"]
        for noise in (
            gaussian_noise(deviation=numbers.gaussian, grey=0.4),
            poisson_noise(scale=numbers.poisson, grey=0.4),
        )
    )
    return jnp.where(jax.random.bernoulli(of_kind), normal, shot)


def _jpeg(key, image):
    return compressed(image, jax.random.uniform(key, (), minval=_JPEG[0], maxval=_JPEG[1]))


def _finished(key, image, size, made):
    """The image at the size of the source, with ringing before or after JPEG."""
    of_order, of_method, of_kernel, of_any, of_quality = jax.random.split(key, 5)
    kernel = kernels.drawn_sinc(of_kernel, _SIZE[1], _SIZE, jnp.pi / 3)
    kernel = jnp.where(jax.random.bernoulli(of_any, 0.8), kernel, kernels.pulse(_SIZE[1]))

    def ringing(image):
        return filtered(_resized(of_method, image, size, made, jnp.array(made)), kernel)

    last = _jpeg(of_quality, ringing(image))
    first = ringing(_jpeg(of_quality, image))
    return jnp.where(jax.random.bernoulli(of_order), last, first)
