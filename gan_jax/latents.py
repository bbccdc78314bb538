"""Distributions of the generator's input: `(key, count) -> latents` once the size is bound.

Beside a distribution may stand companions of its name: `<name>_grid` draws what a grid of images shows, with
the same arguments; `<name>_between` joins two latents, where a straight line would leave the distribution;
`<name>_discrete` reads which value each discrete code of given latents has.
"""

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.errors import UsageError
from gan_jax.images import columns_of
from gan_jax.names import FromZero

__all__ = ["normal", "uniform", "codes"]


def linear(left, right, t):
    """Points on the straight lines between pairs of latents.

    Karras et al. 2019, arXiv:1812.04948, eq. 3's lerp.

    Args:
        left: Latents [B, ...].
        right: Latents of the same shape.
        t: Shares of the way, [B], in [0, 1].

    Returns:
        Latents, float64 of the same shape.
    """
    left, right = np.asarray(left, np.float64), np.asarray(right, np.float64)
    return left + np.reshape(t, (-1,) + (1,) * (left.ndim - 1)) * (right - left)


def spherical(left, right, t):
    """Points on the great circles between pairs of latents.

    Karras et al. 2019, arXiv:1812.04948, eq. 2's slerp, after Shoemake 1985. Its reference implementation
    normalises the latents and the result, as its generator does with whatever it is given; here latents keep
    their lengths, which go from one to the other with them. Latents that are parallel, opposite or 0 have no
    great circle, and go straight.

    Args:
        left: Latents [B, ...].
        right: Latents of the same shape.
        t: Shares of the angle, [B], in [0, 1].

    Returns:
        Latents, float64 of the same shape.
    """
    shape = np.shape(left)
    a, b = (np.asarray(x, np.float64).reshape(shape[0], -1) for x in (left, right))
    t = np.reshape(t, (-1, 1))
    lengths = np.linalg.norm(a, axis=1, keepdims=True) * np.linalg.norm(b, axis=1, keepdims=True)
    cosine = np.sum(a * b, axis=1, keepdims=True) / np.where(lengths > 0, lengths, 1.0)
    angle = np.arccos(np.clip(cosine, -1.0, 1.0))
    # Where nothing tells the circle's plane: the sine is noise of about the root of float64's precision.
    straight = (lengths == 0) | (np.sin(angle) < 1e-7)
    sine = np.where(straight, 1.0, np.sin(angle))
    along = (np.sin((1.0 - t) * angle) * a + np.sin(t * angle) * b) / sine
    return np.where(straight, a + t * (b - a), along).reshape(shape)


def normal(key, count, *, size=128):
    """Standard normal latents.

    Args:
        key: Random key.
        count: Number of latents.
        size: Dimensions of each.

    Returns:
        float32 [count, size].
    """
    return jax.random.normal(key, (count, size))


# Straight lines pass nearer to zero than almost any normal latents lie.
normal_between = spherical


def uniform(key, count, *, size=100):
    """Latents uniform in [-1, 1], as in Radford et al. 2016, arXiv:1511.06434, section 4.

    Args:
        key: Random key.
        count: Number of latents.
        size: Dimensions of each.

    Returns:
        float32 [count, size] in [-1, 1).
    """
    return jax.random.uniform(key, (count, size), minval=-1.0, maxval=1.0)


def codes(key, count, *, noise: FromZero = 62, discrete=(10,), continuous: FromZero = 2):
    """InfoGAN's latents: noise, then one-hot codes, then uniform ones, side by side.

    Chen et al. 2016, arXiv:1606.03657, section 7.2 and appendix C.1, with the numbers for MNIST: 62 + 10 + 2.
    The noise is uniform in [-1, 1], as in the paper's code. `code_information_discrete` finds the codes from
    `start=noise` on, `code_information_gaussian` from `start=noise + sum(discrete)` on.

    Args:
        key: Random key.
        count: Number of latents.
        noise: Dimensions of noise, at least 0.
        discrete: Values of each discrete code, at least 2; all are equally likely.
        continuous: Number of continuous codes, at least 0.

    Returns:
        float32 [count, noise + sum(discrete) + continuous] in [-1, 1].

    Raises:
        UsageError: A discrete code of fewer than two values.
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


def codes_grid(key, count, *, noise=62, discrete=(10,), continuous=2, reach=2.0):
    """InfoGAN's latents for a grid: each row varies one code and keeps everything else.

    Chen et al. 2016, arXiv:1606.03657, figure 2. Rows take the codes in turn, the discrete ones first; what a
    row keeps is drawn anew for each row. A discrete code takes its values in order and begins again, so that
    a grid of 100 images shows all of ten.

    Args:
        key: Random key.
        count: Number of images in the grid.
        noise: As in `codes`.
        discrete: As in `codes`.
        continuous: As in `codes`.
        reach: Continuous codes go from minus this to this; the paper's 2 lies outside what was trained.

    Returns:
        float32 [count, noise + sum(discrete) + continuous].
    """
    row, column = np.divmod(np.arange(count), columns_of(count))
    kept = codes(key, count, noise=noise, discrete=discrete, continuous=continuous)[row]
    starts = noise + np.cumsum((0, *discrete))
    varied = [
        kept.at[:, start : start + values].set(jax.nn.one_hot(column % values, values))
        for start, values in zip(starts, discrete)
    ]
    across = jnp.linspace(-reach, reach, columns_of(count))[column]
    varied += [kept.at[:, starts[-1] + number].set(across) for number in range(continuous)]
    context = row % len(varied) if varied else row
    return jnp.stack(varied, axis=1)[np.arange(count), context] if varied else kept


def codes_discrete(latents, *, noise=62, discrete=(10,), continuous=2):
    """Values of the discrete codes in InfoGAN's latents.

    Args:
        latents: From `codes` with the same arguments, [N, noise + sum(discrete) + continuous].
        noise: As in `codes`.
        discrete: As in `codes`.
        continuous: As in `codes`; they stand behind what is read.

    Returns:
        int32 [N, number of discrete codes], each from 0 to its number of values - 1.
    """
    starts = noise + np.cumsum((0, *discrete))
    read = [jnp.argmax(latents[:, start : start + values], axis=1) for start, values in zip(starts, discrete)]
    return jnp.stack(read, axis=1) if read else jnp.zeros((len(latents), 0), jnp.int32)


def _check_discrete(discrete):
    wrong = [values for values in discrete if not isinstance(values, int) or values < 2]
    if wrong:
        raise UsageError(
            f"codes: discrete={tuple(discrete)}: expected at least 2 values of each, not {wrong[0]}"
        )
