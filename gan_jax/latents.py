"""Distributions of the generator's input: `(key, count) -> latents` once the size is bound.

A distribution may have companions: `<name>_grid` draws the latents of a grid of images, with the same
arguments; `<name>_between` interpolates two latents where a straight line would leave the distribution;
`<name>_discrete` returns the value of each discrete code of latents; `<name>_truncated` draws latents
without entries beyond a `threshold`.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from gan_jax.errors import UsageError
from gan_jax.images import columns_of
from gan_jax.names import FromZero

__all__ = ["normal", "uniform", "codes"]


def linear(left: ArrayLike, right: ArrayLike, t: ArrayLike) -> np.ndarray:
    """Points on the straight lines between pairs of latents.

    Karras et al. 2019, arXiv:1812.04948, eq. 3's lerp.

    Args:
        left: Latents [B, ...].
        right: Latents of the same shape.
        t: Shares of the way, [B], in [0, 1].

    Returns:
        Latents, float64 of the same shape.
    """
    start, end = np.asarray(left, np.float64), np.asarray(right, np.float64)
    return start + np.reshape(t, (-1,) + (1,) * (start.ndim - 1)) * (end - start)


def spherical(left: ArrayLike, right: ArrayLike, t: ArrayLike) -> np.ndarray:
    """Points on the great circles between pairs of latents.

    Karras et al. 2019, arXiv:1812.04948, eq. 2's slerp, after Shoemake 1985. Its reference implementation
    normalises the latents and the result, as its generator normalises its input. Here latents keep their
    lengths, and the length changes from one to the other along the path. Latents that are parallel, opposite
    or 0 have no great circle; their path is a straight line.

    Args:
        left: Latents [B, ...].
        right: Latents of the same shape.
        t: Shares of the angle, [B], in [0, 1].

    Returns:
        Latents, float64 of the same shape.
    """
    shape = np.shape(left)
    a, b = (np.asarray(x, np.float64).reshape(shape[0], -1) for x in (left, right))
    share = np.reshape(t, (-1, 1))
    lengths = np.linalg.norm(a, axis=1, keepdims=True) * np.linalg.norm(b, axis=1, keepdims=True)
    cosine = np.sum(a * b, axis=1, keepdims=True) / np.where(lengths > 0, lengths, 1.0)
    angle = np.arccos(np.clip(cosine, -1.0, 1.0))
    # Below 1e-7, about the root of float64's precision, the sine is noise and the circle's plane unknown.
    straight = (lengths == 0) | (np.sin(angle) < 1e-7)
    sine = np.where(straight, 1.0, np.sin(angle))
    along = (np.sin((1.0 - share) * angle) * a + np.sin(share * angle) * b) / sine
    return np.where(straight, a + share * (b - a), along).reshape(shape)


def normal(key: jax.Array, count: int, *, size: int = 128) -> jax.Array:
    """Standard normal latents.

    Args:
        key: Random key.
        count: Number of latents.
        size: Dimensions of each latent.

    Returns:
        float32 [count, size].
    """
    return jax.random.normal(key, (count, size))


def normal_truncated(key: jax.Array, count: int, *, threshold: float, size: int = 128) -> jax.Array:
    """Normal latents whose entries beyond a threshold are drawn again, until none is.

    Brock et al. 2019, arXiv:1809.11096, section 3.1. Drawn at once, by the inverse of the truncated
    distribution.

    Args:
        key: Random key.
        count: Number of latents.
        threshold: Largest absolute value of an entry, above 0.
        size: Dimensions of each latent.

    Returns:
        float32 [count, size] in [-threshold, threshold].
    """
    return jax.random.truncated_normal(key, -threshold, threshold, (count, size))


# A straight line passes nearer to zero than almost all normal latents.
normal_between = spherical


def uniform(key: jax.Array, count: int, *, size: int = 100) -> jax.Array:
    """Latents uniform in [-1, 1], as in Radford et al. 2016, arXiv:1511.06434, section 4.

    Args:
        key: Random key.
        count: Number of latents.
        size: Dimensions of each latent.

    Returns:
        float32 [count, size] in [-1, 1).
    """
    return jax.random.uniform(key, (count, size), minval=-1.0, maxval=1.0)


def codes(
    key: jax.Array,
    count: int,
    *,
    noise: FromZero = 62,
    discrete: tuple[int, ...] = (10,),
    continuous: FromZero = 2,
) -> jax.Array:
    """InfoGAN's latents: noise, one-hot codes and uniform codes, concatenated.

    Chen et al. 2016, arXiv:1606.03657, section 7.2 and appendix C.1, with the numbers for MNIST: 62 + 10 + 2.
    The noise is uniform in [-1, 1], as in the paper's code. `code_information_discrete` reads the codes at
    `start=noise`, `code_information_gaussian` at `start=noise + sum(discrete)`.

    Args:
        key: Random key.
        count: Number of latents.
        noise: Dimensions of noise, at least 0.
        discrete: Number of values of each discrete code, at least 2; all values are equally likely.
        continuous: Number of continuous codes, at least 0.

    Returns:
        float32 [count, noise + sum(discrete) + continuous] in [-1, 1].

    Raises:
        UsageError: A discrete code has fewer than two values.
    """
    _check_discrete(discrete)
    keys = jax.random.split(key, 2 + len(discrete))
    hot = [
        jax.nn.one_hot(jax.random.randint(own, (count,), 0, values), values)
        for own, values in zip(keys[2:], discrete)
    ]
    return jnp.concatenate(
        [uniform(keys[0], count, size=noise), *hot, uniform(keys[1], count, size=continuous)], axis=1
    )


def codes_grid(
    key: jax.Array,
    count: int,
    *,
    noise: int = 62,
    discrete: tuple[int, ...] = (10,),
    continuous: int = 2,
    reach: float = 2.0,
) -> jax.Array:
    """InfoGAN's latents for a grid: each row varies one code and fixes the rest.

    Chen et al. 2016, arXiv:1606.03657, figure 2. Rows cycle through the codes, the discrete ones first; each
    row draws its own fixed part. A discrete code cycles through its values in order, so that a grid of 100
    images shows all ten values.

    Args:
        key: Random key.
        count: Number of images in the grid.
        noise: As in `codes`.
        discrete: As in `codes`.
        continuous: As in `codes`.
        reach: Continuous codes vary from -reach to reach; the paper's 2 is outside the training range.

    Returns:
        float32 [count, noise + sum(discrete) + continuous].
    """
    row, column = np.divmod(np.arange(count), columns_of(count))
    fixed = codes(key, count, noise=noise, discrete=discrete, continuous=continuous)[row]
    starts = noise + np.cumsum((0, *discrete))
    variants = [
        fixed.at[:, start : start + values].set(jax.nn.one_hot(column % values, values))
        for start, values in zip(starts, discrete)
    ]
    across = jnp.linspace(-reach, reach, columns_of(count))[column]
    variants += [fixed.at[:, starts[-1] + number].set(across) for number in range(continuous)]
    if not variants:
        return fixed
    return jnp.stack(variants, axis=1)[np.arange(count), row % len(variants)]


def codes_discrete(
    latents: jax.Array, *, noise: int = 62, discrete: tuple[int, ...] = (10,), continuous: int = 2
) -> jax.Array:
    """Values of the discrete codes in InfoGAN's latents.

    Args:
        latents: From `codes` with the same arguments, [N, noise + sum(discrete) + continuous].
        noise: As in `codes`.
        discrete: As in `codes`.
        continuous: As in `codes`; the values do not depend on it.

    Returns:
        int32 [N, number of discrete codes], each from 0 to its number of values - 1.
    """
    starts = noise + np.cumsum((0, *discrete))
    hot = [latents[:, start : start + values] for start, values in zip(starts, discrete)]
    if not hot:
        return jnp.zeros((len(latents), 0), jnp.int32)
    return jnp.stack([jnp.argmax(code, axis=1) for code in hot], axis=1)


def _check_discrete(discrete):
    invalid = [values for values in discrete if not isinstance(values, int) or values < 2]
    if invalid:
        raise UsageError(
            f"codes: discrete={tuple(discrete)}: expected at least 2 values of each, not {invalid[0]}"
        )
