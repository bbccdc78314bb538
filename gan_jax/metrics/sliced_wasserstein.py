"""Sliced Wasserstein distance between the patches of a Laplacian pyramid.

Images may be rectangles: each level halves both sides, the shorter side decides the number of levels and
names them, and patches are squares anywhere in the image.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.errors import UsageError
from gan_jax.metrics.image_checks import BLOCK_BYTES, blocks, check_pair

# Burt and Adelson's binomial filter, along each axis.
_BINOMIAL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)
_SMALLEST_SIDE = 16
# A channel with a smaller deviation, in grey levels, is constant up to rounding.
_SMALLEST_DEVIATION = 1e-3


def sliced_wasserstein(
    real_images: np.ndarray,
    fake_images: np.ndarray,
    seed: int,
    *,
    image_limit: int = 16_384,
    patches: int = 128,
    patch_size: int = 7,
    directions: int = 512,
) -> dict[str, float]:
    """Thousand times the sliced Wasserstein-1 distance between patches, at each level of a Laplacian pyramid.

    Karras et al. 2018, arXiv:1710.10196, section 5. Levels halve the images while the shorter side keeps at
    least 16 pixels (odd sizes are rounded up). Each level holds the detail that the next halving removes, the
    last one the rest; images whose shorter side has up to 30 pixels are one level. Patches are normalised for
    each set and channel to mean 0 and standard deviation 1, so a shift or a gain of a whole channel does not
    count; a channel of constant images becomes 0. The reference implementation repeats 128 directions four
    times.

    Unlike there, patches of image i of both sets are at the same places, so that a set has distance 0 from
    itself, and all random numbers are reproducible: if the sets differ in size or exceed the limit, sorted
    rows `default_rng([seed]).choice(N, count, replace=False)` of each; at level l the upper left corners
    `default_rng([seed, l, 0]).integers(0, (H - 6, W - 6), (count, patches, 2))`; and the directions
    `default_rng([seed, l, 1]).standard_normal((7 * 7 * C, directions))`, normalised by column.

    Args:
        real_images: uint8 [N, H, W, C].
        fake_images: uint8 [M, H, W, C].
        seed: Seed of rows, places and directions, int at least 0.
        image_limit: Largest number of images of each set; both sets use equally many.
        patches: Patches per image and level.
        patch_size: Height and width of a patch, pixels; a level is at least as large.
        directions: Random directions per level.

    Returns:
        Dict of `sliced_wasserstein_<shorter side>` for each level and of `sliced_wasserstein`, their mean;
        at least 0, lower is better.

    Raises:
        UsageError: The images are not uint8 of one size, or are smaller than a patch.
    """
    real, fake = check_pair(real_images, fake_images)
    shape = real.shape[1:3]
    if min(shape) < patch_size:
        raise UsageError(
            f"expected sides of at least {patch_size} pixels, the patch size, got {shape[0]}x{shape[1]}"
        )
    count = min(len(real), len(fake), image_limit)
    sets = [(images, _rows(len(images), count, seed)) for images in (real, fake)]
    values = {}
    sides = _sides(min(shape), max(patch_size, _SMALLEST_SIDE))
    for level, side in enumerate(sides):
        height, width = (-(-length // 2**level) for length in shape)
        corners = np.random.default_rng([seed, level, 0]).integers(
            0, (height - patch_size + 1, width - patch_size + 1), (count, patches, 2), np.int32
        )
        slices = np.random.default_rng([seed, level, 1]).standard_normal(
            (patch_size**2 * real.shape[3], directions)
        )
        slices /= np.linalg.norm(slices, axis=0)
        cut = _Cut(level, side == sides[-1], patch_size)
        values[f"sliced_wasserstein_{side}"] = 1000.0 * _distance(sets, corners, slices, cut)
    return {**values, "sliced_wasserstein": float(np.mean(list(values.values())))}


def _rows(size, count, seed):
    return np.sort(np.random.default_rng([seed]).choice(size, count, replace=False))


def _sides(side, smallest):
    """Shorter side of each level of the pyramid, at least one."""
    sides = [side]
    while -(-sides[-1] // 2) >= smallest:
        sides.append(-(-sides[-1] // 2))
    return sides


def _blur(x):
    """Binomial filter over [B, H, W, C], mirrored at the edges."""
    height, width = x.shape[1:3]
    x = jnp.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="reflect")
    x = sum(weight * x[:, k : k + height] for k, weight in enumerate(_BINOMIAL))
    return sum(weight * x[:, :, k : k + width] for k, weight in enumerate(_BINOMIAL))


def _down(x):
    return _blur(x)[:, ::2, ::2]


def _up(x, shape):
    """Twice as large: zeros between the pixels, filled by the filter."""
    return 4.0 * _blur(jnp.zeros(shape, x.dtype).at[:, ::2, ::2].set(x))


def _level(images, level, last):
    """One level of the Laplacian pyramid of uint8 images, float32."""
    x = images.astype(jnp.float32)
    for _ in range(level):
        x = _down(x)
    return x if last else x - _up(_down(x), x.shape)


class _Cut(NamedTuple):
    """A level of the pyramid, whether it is the last one, and the size of its patches in pixels."""

    level: int
    last: bool
    size: int


def _patches(images, corners, cut):
    """Patches of a level of images [B, H, W, C] at corners [B, P, 2], float32 [B * P, size^2, C]."""
    shape = (cut.size, cut.size, images.shape[-1])

    def one(image, corner):
        return jax.lax.dynamic_slice(image, (corner[0], corner[1], 0), shape)

    patches = jax.vmap(jax.vmap(one, (None, 0)))(_level(images, cut.level, cut.last), corners)
    return patches.reshape(-1, cut.size**2, shape[-1])


@functools.partial(jax.jit, static_argnums=2)
def _moments(images, corners, cut):
    """Each patch's mean and variance by channel, a pair of [B * P, C]."""
    patches = _patches(images, corners, cut)
    return jnp.mean(patches, axis=1), jnp.var(patches, axis=1)


@functools.partial(jax.jit, static_argnums=2)
def _project(images, corners, cut, mean, deviation, directions):
    """Normalised patches along directions [D, G], float32 [G, B * P]."""
    patches = (_patches(images, corners, cut) - mean) / deviation
    patches = patches.reshape(len(patches), -1)
    return jnp.matmul(patches, directions, precision=jax.lax.Precision.HIGHEST).T


def _normalisation(moments):
    """Mean and standard deviation by channel of all patches, from those of each patch."""
    means, variances = (np.float64(np.concatenate(parts)) for parts in zip(*moments))
    deviation = np.sqrt(means.var(axis=0) + variances.mean(axis=0))  # law of total variance
    return np.float32(means.mean(axis=0)), np.float32(np.maximum(deviation, _SMALLEST_DEVIATION))


def _distance(sets, corners, directions, cut):
    """Mean over directions of the Wasserstein-1 distance between two sets, each images and their rows."""
    count, patches, _ = corners.shape
    # Memory holds three copies of each patch and six of each image.
    numbers = 3 * patches * len(directions) + 6 * int(np.prod(sets[0][0].shape[1:]))
    parts = blocks(count, 4 * numbers)

    def over_blocks(function, images, rows, *args):
        return [jax.device_get(function(images[rows[part]], corners[part], cut, *args)) for part in parts]

    scales = [_normalisation(over_blocks(_moments, *one)) for one in sets]
    # The largest group of directions whose projections of both sets fit a block's memory.
    group = max(1, BLOCK_BYTES // (8 * count * patches))
    total = 0.0
    for start in range(0, directions.shape[1], group):
        some = np.float32(directions[:, start : start + group])
        real, fake = (
            np.concatenate(over_blocks(_project, *one, *scale, some), axis=1)
            for one, scale in zip(sets, scales)
        )
        real.sort()
        fake.sort()
        total += np.abs(real - fake).mean(axis=1, dtype=np.float64).sum()
    return float(total / directions.shape[1])
