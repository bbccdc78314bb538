"""Blur kernels of Real-ESRGAN, drawn for each sample on one grid; each sums to one."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.degradations.draw import between, chosen, pair, uniform, whole
from gan_jax.degradations.filters import filtered
from gan_jax.errors import UsageError
from gan_jax.types import Degradation

# The shapes of kernels, in the order of their probabilities.
SHAPES = (
    "isotropic", "anisotropic", "generalised isotropic", "generalised anisotropic", "plateau isotropic",
    "plateau anisotropic",
)  # fmt: skip
# Uniform numbers that a kernel takes.
DRAWN = 11
# Points at which the integral of a Bessel function is evaluated; it is exact for smaller arguments.
_POINTS = 128


class Bounds(NamedTuple):
    """Between which numbers a kernel's are drawn.

    Attributes:
        size: Height and width, odd, pixels.
        deviation: Standard deviations, pixels.
        generalised: Exponents of the generalised Gaussian; 1 is the Gaussian.
        plateau: Exponents of the plateau.
    """

    size: tuple
    deviation: tuple
    generalised: tuple
    plateau: tuple


def grid(most: int, size: jax.typing.ArrayLike) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Places of a kernel's weights on a grid for the largest kernel.

    Args:
        most: Height and width of the grid, odd.
        size: Those of the kernel, odd.

    Returns:
        Horizontal and vertical distances from the centre, pixels, and whether a place is inside, all [most,
        most].
    """
    line = jnp.arange(most) - most // 2
    y, x = jnp.meshgrid(line, line, indexing="ij")
    inside = jnp.maximum(jnp.abs(x), jnp.abs(y)) <= jnp.asarray(size) // 2
    return x.astype(jnp.float32), y.astype(jnp.float32), inside


def mahalanobis(
    x: jax.Array, y: jax.Array, first: jax.Array, second: jax.Array, angle: jax.Array
) -> jax.Array:
    """Squared distance from the centre in units of the deviations along two turned axes.

    Args:
        x: Horizontal distances, pixels.
        y: Vertical distances, pixels.
        first: Standard deviation along the first axis, pixels.
        second: Along the second one.
        angle: Of the first axis to the horizontal, radians.

    Returns:
        The same shape.
    """
    along = x * jnp.cos(angle) + y * jnp.sin(angle)
    across = y * jnp.cos(angle) - x * jnp.sin(angle)
    return (along / first) ** 2 + (across / second) ** 2


def sinc(x: jax.Array, y: jax.Array, cutoff: jax.Array) -> jax.Array:
    """The circular ideal low-pass filter, whose ringing looks like that of sharpened and compressed images.

    Wang et al. 2021, arXiv:2107.10833, eq. 3.

    Args:
        x: Horizontal distances, pixels.
        y: Vertical distances, pixels.
        cutoff: Largest frequency that passes, in (0, pi].

    Returns:
        Weights of the same shape, not normalised; some are negative.
    """
    radius = jnp.sqrt(x**2 + y**2)
    angles = (np.arange(_POINTS) + 0.5) * np.pi / _POINTS
    # Bessel's integral; the mean over half a period of a smooth periodic function is exact.
    bessel = jnp.mean(jnp.cos(angles - cutoff * radius[..., None] * jnp.sin(angles)), axis=-1)
    far = cutoff * bessel / (2 * jnp.pi * jnp.maximum(radius, 1))
    return jnp.where(radius == 0, cutoff**2 / (4 * jnp.pi), far)


def mixed(u: jax.Array, most: int, shares: Sequence[float], bounds: Bounds) -> jax.Array:
    """A Gaussian, generalised Gaussian or plateau-shaped kernel, isotropic or not.

    Wang et al. 2021, arXiv:2107.10833, section 3.1 and appendix; the exponent is below 1 half of the time.

    Args:
        u: Uniform numbers [7].
        most: Height and width of the grid, odd.
        shares: Probabilities of `SHAPES`.
        bounds: The Bounds.

    Returns:
        float32 [most, most], at least 0, sum 1.
    """
    shape = chosen(u[0], shares)
    x, y, inside = grid(most, odd(u[1], bounds.size))
    first, other = between(u[2], bounds.deviation), between(u[3], bounds.deviation)
    squared = mahalanobis(x, y, first, jnp.where(shape % 2 == 0, first, other), jnp.pi * (2 * u[4] - 1))
    family = shape // 2
    exponents = jnp.array(
        [1.0, *(_exponent(u[5], u[6], each) for each in (bounds.generalised, bounds.plateau))]
    )
    power = jnp.maximum(squared, 1e-12) ** exponents[family]
    weights = jnp.where(family == 2, 1 / (1 + power), jnp.exp(-0.5 * power))
    return normalised(jnp.where(inside, weights, 0))


def _exponent(u, side, bounds):
    """Half of the time between the least and 1, else between 1 and the most."""
    least, most = pair(bounds)
    low, high = between(u, (min(least, 1), 1)), between(u, (1, max(most, 1)))
    return jnp.where(side < 0.5, low, high)


def odd(u: jax.Array, bounds: tuple) -> jax.Array:
    """Odd numbers evenly from the least to the largest one, int32 of the shape of u, which are uniform."""
    return 2 * whole(u, bounds[0] // 2, bounds[1] // 2) + 1


def drawn_sinc(u: jax.Array, most: int, size: tuple, least: float | None = None) -> jax.Array:
    """A sinc kernel of random size and cutoff.

    Args:
        u: Uniform numbers [2].
        most: Height and width of the grid, odd.
        size: The least and the largest height and width, odd.
        least: Least cutoff; None for a third of pi, or a fifth for kernels of 13 pixels and more.

    Returns:
        float32 [most, most], sum 1.
    """
    side = odd(u[0], size)
    low = jnp.where(side < 13, jnp.pi / 3, jnp.pi / 5) if least is None else least
    x, y, inside = grid(most, side)
    return normalised(jnp.where(inside, sinc(x, y, low + (jnp.pi - low) * u[1]), 0))


def normalised(weights: jax.Array) -> jax.Array:
    """Weights with the sum 1."""
    return weights / jnp.sum(weights)


def pulse(most: int) -> jax.Array:
    """The kernel that changes nothing, float32 [most, most]."""
    return jnp.zeros((most, most)).at[most // 2, most // 2].set(1.0)


def blur(
    *,
    size: tuple = (7, 21),
    deviation: tuple = (0.2, 3.0),
    shares: tuple = (0.45, 0.25, 0.12, 0.03, 0.12, 0.03),
    ringing: float = 0.1,
    probability: float = 1.0,
    generalised: tuple = (0.5, 4.0),
    plateau: tuple = (1.0, 2.0),
) -> Degradation:
    """Blur by a random kernel of Real-ESRGAN, one for each sample.

    Wang et al. 2021, arXiv:2107.10833, section 3.1 and appendix, the first round; the second has
    `deviation=(0.2, 1.5)` and `probability=0.8`.

    Args:
        size: The least and the largest height and width of a kernel, odd, pixels.
        deviation: The least and the largest standard deviation, pixels.
        shares: Probabilities of Gaussians, generalised Gaussians and plateaus, of each first the isotropic
            ones.
        ringing: Probability of a sinc filter instead.
        probability: Of any blur.
        generalised: The least and the largest exponent of a generalised Gaussian.
        plateau: The least and the largest exponent of a plateau.

    Returns:
        The Degradation.

    Raises:
        UsageError: Sizes that are not odd, shares that are no probabilities, or no pairs.
    """
    bounds = _checked_bounds(size, deviation, generalised, plateau)
    if len(shares) != len(SHAPES) or min(shares) < 0 or sum(shares) <= 0:
        raise UsageError(f"data.degrade.blur.shares={shares}: expected {len(SHAPES)} probabilities")

    def apply(key: jax.Array, entries: dict) -> dict:
        return {
            **entries,
            "source": filtered(
                entries["source"], kernel_of(uniform(key, DRAWN), shares, bounds, ringing, probability)
            ),
        }

    return Degradation(apply, margin=size[1] // 2)


def _checked_bounds(size, deviation, generalised, plateau):
    if (
        len(size) != 2
        or not all(isinstance(side, int) and side % 2 for side in size)
        or not 1 <= size[0] <= size[1]
    ):
        raise UsageError(f"data.degrade.blur.size={size}: expected a pair (least, most) of odd numbers")
    for name, given in (("deviation", deviation), ("generalised", generalised), ("plateau", plateau)):
        if pair(given, f"data.degrade.blur.{name}")[0] <= 0:
            raise UsageError(f"data.degrade.blur.{name}={given}: expected numbers above 0")
    return Bounds(size, deviation, generalised, plateau)


def kernel_of(
    u: jax.Array, shares: Sequence[float], bounds: Bounds, ringing: float, probability: float
) -> jax.Array:
    """The kernel that `blur` draws.

    Args:
        u: Uniform numbers [DRAWN].
        shares: As for `blur`.
        bounds: The Bounds.
        ringing: As for `blur`.
        probability: As for `blur`.

    Returns:
        float32 [size, size], the largest size; sum 1.
    """
    most = bounds.size[1]
    kernel = mixed(u[:7], most, shares, bounds)
    kernel = jnp.where(u[7] < ringing, drawn_sinc(u[8:10], most, bounds.size), kernel)
    return jnp.where(u[10] < probability, kernel, pulse(most))
