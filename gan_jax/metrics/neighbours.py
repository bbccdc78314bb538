"""Nearest neighbours among many features: candidates on the device, decisions in float64 on the host.

Distances of all pairs come block by block from matrix products in float32, |x|^2 - 2 x.y + |y|^2 with the
sets centred, so that a common offset of all samples costs no digits. Float32 cannot decide which of several
near neighbours is nearest, or whether a sample within rounding of a ball's surface lies inside. For these few
pairs a sum of squared differences in float64 decides. So identical samples are exactly 0 apart, ties are
ties, and results do not depend on the blocks. All distances are squared.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

# Rows of a block: with 2048 features two operands and the distances take 17 MB each on the device.
_BLOCK = 2048
# Candidates in addition to the requested neighbours, since float32 may confuse the order of near ones.
_SPARE = 8
# Float64 numbers in one part of the pairs that float64 decides: 64 MB.
_PART = 2**23


class _Rows(NamedTuple):
    """Centred features, float32 [N, D], and their squared norms, float32 [N]."""

    centred: np.ndarray
    norms: np.ndarray


def _centre(features, others):
    """Both sets as _Rows around the others' mean; identical others become exactly 0."""
    origin = others[0] + np.mean(others - others[0], axis=0)

    def rows(exact):
        centred = exact - origin
        return _Rows(centred.astype(np.float32), np.sum(centred**2, axis=1).astype(np.float32))

    return rows(features), rows(others)


def _blocks(count):
    return [slice(start, min(start + _BLOCK, count)) for start in range(0, count, _BLOCK)]


def _take(rows, block):
    return _Rows(rows.centred[block], rows.norms[block])


def _distances(rows, columns):
    """Squared distances of all pairs of two blocks and bounds of their rounding errors, float32 [R, C]."""
    norms = rows.norms[:, None] + columns.norms
    products = jnp.matmul(rows.centred, columns.centred.T, precision=jax.lax.Precision.HIGHEST)
    # The error of a sum of D products grows like the root of D; 8 covers norms, sums and casts.
    share = (8.0 + rows.centred.shape[1] ** 0.5) * jnp.finfo(jnp.float32).eps
    return norms - 2.0 * products, share * norms


@functools.partial(jax.jit, static_argnames="count")
def _nearest_in_block(rows, columns, start, skip, *, count):
    """The `count` smallest distances of each row and their columns, numbered from `start`."""
    distances, _ = _distances(rows, columns)
    numbers = start + jnp.arange(distances.shape[1])
    distances = jnp.where(numbers == skip[:, None], jnp.inf, distances)
    nearest, index = jax.lax.top_k(-distances, count)
    return -nearest, start + index


@jax.jit
def _inside_in_block(rows, columns, radii):
    """Number of balls that certainly hold each row, and a mask of the uncertain pairs."""
    distances, error = _distances(rows, columns)
    inside = distances <= radii - error
    return jnp.sum(inside, axis=1), (distances <= radii + error) & ~inside


def _candidates(rows, columns, skip, count):
    """Numbers of the approximately nearest columns of each row [R, count], and a mask of those to use."""
    parts = []
    for block in _blocks(len(columns.norms)):
        some = min(count, block.stop - block.start)
        parts.append(_nearest_in_block(rows, _take(columns, block), block.start, skip, count=some))
    distances, index = (np.concatenate(arrays, axis=1) for arrays in zip(*parts))
    order = np.argsort(distances, axis=1)[:, :count]
    return np.take_along_axis(index, order, axis=1), np.isfinite(np.take_along_axis(distances, order, axis=1))


def nearest(
    features: np.ndarray, others: np.ndarray, count: int, *, skip: np.ndarray | None = None
) -> np.ndarray:
    """Squared distances from each row of one set to its nearest rows of another.

    Args:
        features: float64 [N, D].
        others: float64 [M, D].
        count: Number of neighbours, at most M, or M - 1 with `skip`.
        skip: For each row the number of one of the others to ignore, int [N]; None ignores none.

    Returns:
        Ascending, float64 [N, count].
    """
    skip = np.full(len(features), -1) if skip is None else skip
    rows, columns = _centre(features, others)
    squares = np.empty((len(features), count))
    for block in _blocks(len(features)):
        index, valid = _candidates(_take(rows, block), columns, np.int32(skip[block]), count + _SPARE)
        exact = [np.sum((features[block] - others[column]) ** 2, axis=1) for column in index.T]
        distances = np.where(valid, np.stack(exact, axis=1), np.inf)
        squares[block] = np.sort(distances, axis=1)[:, :count]
    return squares


def radii(features: np.ndarray, neighbours: int) -> np.ndarray:
    """Squared distance of each sample to its k-th nearest neighbour within its own set.

    Args:
        features: float64 [N, D], N above `neighbours`.
        neighbours: The k; a sample is not its own neighbour, but an identical other sample is.

    Returns:
        float64 [N].
    """
    return nearest(features, features, neighbours, skip=np.arange(len(features)))[:, -1]


def _unsure(features, others, radii, pairs):
    """The rows of those (row, ball) pairs whose ball holds the row; int, one entry per such pair."""
    inside = [np.empty(0, int)]
    size = max(1, _PART // features.shape[1])
    for start in range(0, len(pairs[0]), size):
        row, ball = (numbers[start : start + size] for numbers in pairs)
        distances = np.sum((features[row] - others[ball]) ** 2, axis=1)
        inside.append(row[distances <= radii[ball]])
    return np.concatenate(inside)


def balls_around(features: np.ndarray, others: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Number of balls around the rows of another set that hold each row, surfaces included.

    Args:
        features: float64 [N, D].
        others: Centres of the balls, float64 [M, D].
        radii: Squared radii of the balls, float64 [M].

    Returns:
        int64 [N], each from 0 to M.
    """
    rows, columns = _centre(features, others)
    counts = np.zeros(len(features), np.int64)
    for block in _blocks(len(features)):
        for ball in _blocks(len(others)):
            sure, unsure = _inside_in_block(_take(rows, block), _take(columns, ball), np.float32(radii[ball]))
            counts[block] += np.asarray(sure)
            row, column = np.nonzero(np.asarray(unsure))
            inside = _unsure(features, others, radii, (row + block.start, column + ball.start))
            counts += np.bincount(inside, minlength=len(features))
    return counts
