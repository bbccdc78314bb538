"""Nearest neighbours among many features: estimates on the device, decisions in float64 on the host.

Distances of all pairs come block by block from matrix products in float32, |x|^2 - 2 x.y + |y|^2 around a
centre that neither a common offset nor a few far samples move. Every such estimate has a bound of its
rounding error. Where the bounds leave open which samples are nearest, or whether a sample lies inside a ball,
products in float64 with their own bounds come next, and a sum of squared differences in float64 decides what
is left. So results are those of all pairs by differences in float64: identical samples are exactly 0 apart,
ties are ties, and nothing depends on the blocks. All distances are squared.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

# Rows of a block: with 2048 features two operands and the distances take 17 MB each on the device.
_BLOCK = 2048
# Candidates in addition to the requested neighbours, since estimates may confuse the order of near ones.
_SPARE = 8
# Float64 numbers in one part of the work of the host: 64 MB.
_PART = 2**23
# Rows whose median is the centre.
_CENTRED = 1000
# With a larger share of open pairs in a block, its products in float64 are cheaper than their differences.
_MANY = 1 / 64
# Features of one product, if there are not too many products; their sum has smaller errors than one of all.
_PIECE, _PIECES = 512, 32


class _Frame(NamedTuple):
    """Where and in which unit distances are estimated: centred features are at most 1.

    Attributes:
        origin: The centre, float64 [D].
        unit: A power of two, so that it costs no digits.
    """

    origin: np.ndarray
    unit: float

    def rows(self, exact, dtype):
        """Features [N, D] as _Rows of a precision."""
        centred = (exact - self.origin) / self.unit
        return _Rows(centred.astype(dtype), np.sum(centred**2, axis=1).astype(dtype))


class _Rows(NamedTuple):
    """Centred features [N, D] and their squared norms [N], both of one precision."""

    centred: Any
    norms: Any

    def part(self, block):
        return _Rows(self.centred[block], self.norms[block])


def _frame(features, others):
    """The frame around the others' median by coordinate; identical others become exactly 0."""
    origin = np.median(others[:: -(-len(others) // _CENTRED)], axis=0)
    largest = max(max(np.max(rows - origin), np.max(origin - rows)) for rows in (features, others))
    return _Frame(origin, float(np.ldexp(1.0, int(np.frexp(largest)[1]))))


def _blocks(count, size=_BLOCK):
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]


def _estimates(rows, columns, matmul):
    """Squared distances of all pairs of two blocks and bounds of their rounding errors, [R, C].

    Higham 2002, Accuracy and stability of numerical algorithms, eq. 3.5: a product of n pairs in any order is
    off by at most n / 2 eps |x| |y|, and a sum of m of them by m / 2 eps |x| |y| more. Twice that, and 8
    more, cover norms, differences and casts too.
    """
    width, limits = rows.centred.shape[1], jnp.finfo(rows.norms.dtype)
    pieces = _blocks(width, max(_PIECE, -(-width // _PIECES)))
    products = sum(matmul(rows.centred[:, piece], columns.centred[:, piece].T) for piece in pieces)
    norms = rows.norms[:, None] + columns.norms
    share = (pieces[0].stop + len(pieces) + 8) * float(limits.eps)
    # The last summand is for numbers that underflow.
    return norms - 2 * products, share * norms + 8 * width * float(limits.tiny)


_on_device = functools.partial(
    _estimates, matmul=functools.partial(jnp.matmul, precision=jax.lax.Precision.HIGHEST)
)
_on_host = functools.partial(_estimates, matmul=np.matmul)


@functools.partial(jax.jit, static_argnames="count")
def _lowest_on_device(rows, columns, start, skip, *, count):
    """The `count` smallest lower bounds of each row, and their columns, numbered from `start`."""
    distances, error = _on_device(rows, columns)
    numbers = start + jnp.arange(distances.shape[1])
    lower = jnp.where(numbers == skip[:, None], jnp.inf, distances - error)
    lowest, index = jax.lax.top_k(-lower, count)
    return -lowest, start + index


def _lowest_on_host(rows, columns, start, skip, *, count):
    distances, error = _on_host(rows, columns)
    numbers = start + np.arange(distances.shape[1])
    lower = np.where(numbers == skip[:, None], np.inf, distances - error)
    index = np.argpartition(lower, count - 1, axis=1)[:, :count]
    return np.take_along_axis(lower, index, axis=1), start + index


@jax.jit
def _inside_in_block(rows, columns, radii):
    """Number of balls that certainly hold each row, and a mask of the open pairs."""
    distances, error = _on_device(rows, columns)
    inside = distances <= radii - error
    return jnp.sum(inside, axis=1), (distances <= radii + error) & ~inside


def _candidates(lowest, rows, columns, skip, count):
    """The lowest lower bounds of each row, ascending [R, count], and their columns."""
    parts = [
        lowest(rows, columns.part(block), block.start, skip, count=min(count, block.stop - block.start))
        for block in _blocks(len(columns.norms))
    ]
    lower, index = (np.concatenate(arrays, axis=1) for arrays in zip(*parts))
    order = np.argsort(lower, axis=1)[:, :count]
    return np.take_along_axis(lower, order, axis=1), np.take_along_axis(index, order, axis=1)


def _squares(features, others, row, column):
    """Squared distances of pairs by differences, float64, one per pair."""
    parts = [
        np.sum((features[row[part]] - others[column[part]]) ** 2, axis=1)
        for part in _blocks(len(row), max(1, _PART // features.shape[1]))
    ]
    return np.concatenate([np.empty(0), *parts])


def _nearest_candidates(features, others, lower, index, count, unit):
    """The nearest candidates of each row [R, count], and whether no other sample can be nearer [R]."""
    squares = np.stack([np.sum((features - others[column]) ** 2, axis=1) for column in index.T], axis=1)
    squares = np.sort(np.where(np.isfinite(lower), squares, np.inf), axis=1)[:, :count]
    if index.shape[1] == len(others):
        return squares, np.ones(len(features), bool)
    return squares, squares[:, -1] / unit / unit <= np.maximum(lower[:, -1], 0.0)


def _nearest_of_all(features, others, skip, limits, frame):
    """The nearest samples of each row [R, count] among all pairs that may be as near as the limits [R]."""
    columns, count = frame.rows(others, np.float64), limits.shape[1]
    nearest = np.empty(limits.shape)
    for block in _blocks(len(features), max(1, _PART // len(others))):
        distances, error = _on_host(frame.rows(features[block], np.float64), columns)
        possible = distances - error <= limits[block, -1:] / frame.unit / frame.unit
        possible &= np.arange(len(others)) != skip[block, None]
        row, column = np.nonzero(possible)
        squares = np.full(possible.shape, np.inf)
        squares[row, column] = _squares(features[block], others, row, column)
        nearest[block] = np.sort(np.partition(squares, count - 1, axis=1)[:, :count], axis=1)
    return nearest


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
    ignored = np.full(len(features), -1, np.int32) if skip is None else np.asarray(skip, np.int32)
    frame, squares = _frame(features, others), np.empty((len(features), count))
    open_rows = np.arange(len(features))
    for dtype, lowest in ((np.float32, _lowest_on_device), (np.float64, _lowest_on_host)):
        columns, left = frame.rows(others, dtype) if len(open_rows) else None, [open_rows[:0]]
        for block in _blocks(len(open_rows)):
            numbers = open_rows[block]
            rows = frame.rows(features[numbers], dtype)
            lower, index = _candidates(lowest, rows, columns, ignored[numbers], count + _SPARE)
            squares[numbers], sure = _nearest_candidates(
                features[numbers], others, lower, index, count, frame.unit
            )
            left.append(numbers[~sure])
        open_rows = np.concatenate(left)
    if len(open_rows):
        squares[open_rows] = _nearest_of_all(
            features[open_rows], others, ignored[open_rows], squares[open_rows], frame
        )
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


def _inside(features, others, radii, frame, sides):
    """Number of balls that hold each row of one block [R]; `sides` are both blocks in float32."""
    scaled = radii / frame.unit / frame.unit
    # All distances are at most 4 D; larger radii might overflow in float32.
    limits = np.float32(np.minimum(scaled, 8.0 * features.shape[1]))
    sure, unsure = (np.array(result) for result in _inside_in_block(*sides, limits))
    if np.mean(unsure) > _MANY:
        distances, error = _on_host(frame.rows(features, np.float64), frame.rows(others, np.float64))
        sure += np.sum(unsure & (distances <= scaled - error), axis=1)
        unsure &= np.abs(distances - scaled) <= error
    row, ball = np.nonzero(unsure)
    inside = row[_squares(features, others, row, ball) <= radii[ball]]
    return sure + np.bincount(inside, minlength=len(features))


def balls_around(features: np.ndarray, others: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Number of balls around the rows of another set that hold each row, surfaces included.

    Args:
        features: float64 [N, D].
        others: Centres of the balls, float64 [M, D].
        radii: Squared radii of the balls, float64 [M].

    Returns:
        int64 [N], each from 0 to M.
    """
    frame, counts = _frame(features, others), np.zeros(len(features), np.int64)
    rows, columns = (frame.rows(side, np.float32) for side in (features, others))
    for block in _blocks(len(features)):
        for ball in _blocks(len(others)):
            sides = (rows.part(block), columns.part(ball))
            counts[block] += _inside(features[block], others[ball], radii[ball], frame, sides)
    return counts
