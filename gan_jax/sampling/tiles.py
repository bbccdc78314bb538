"""Large images in tiles: where they lie, and how what becomes of them is blended to one image again.

A network whose pixels depend on few pixels around them makes of a tile what it makes of the whole image,
except near the tile's inner edges, where a neighbour knows better. There a tile's weight is nothing; from
there on it rises as a cosine does, and all weights of a pixel sum to one.
"""

import itertools
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

import numpy as np


class Cuts(NamedTuple):
    """Where tiles lie along one side of an image, pixels.

    Attributes:
        size: Length of each tile.
        starts: Where each tile begins, the first at 0.
        overlap: A tile sees so many pixels beyond its part on each inner side.
        margin: Pixels at the inner edges of a tile that have no weight, at most the overlap.
    """

    size: int
    starts: tuple[int, ...] = (0,)
    overlap: int = 0
    margin: int = 0

    @property
    def length(self) -> int:
        """Length of the image's side."""
        return self.starts[-1] + self.size


def cuts(length: int, size: int, overlap: int, margin: int) -> Cuts:
    """Tiles of one size that cover the side of an image; neighbours share at least twice the overlap.

    Args:
        length: Length of the side, pixels.
        size: Length of a tile, more than twice the overlap.
        overlap: A tile sees so many pixels beyond its part on each inner side.
        margin: Pixels at the inner edges of a tile that have no weight, at most the overlap.

    Returns:
        The Cuts. Where all numbers are multiples of one, so are the starts.
    """
    if length <= size:
        return Cuts(length)
    assert 0 <= margin <= overlap and 2 * overlap < size, (size, overlap, margin)
    starts = range(0, length - size, size - 2 * overlap)
    return Cuts(size, (*starts, length - size), overlap, margin)


def weights(along: Cuts, scale: Fraction = Fraction(1)) -> list[np.ndarray]:
    """Weights of each tile's results along one side.

    Args:
        along: The Cuts of that side.
        scale: Pixels of a result for each pixel of the image.

    Returns:
        For each tile float32 [size * scale]: 0 in the margins of inner edges, then a raised cosine, 1 in the
        tile's middle; where tiles lie over each other, divided by their sum.
    """
    places = (np.arange(int(along.size * scale)) + 0.5) / float(scale)
    ramp = 2 * (along.overlap - along.margin)

    def rising(distance):
        """The weight at a distance from an inner edge."""
        share = np.clip((distance - along.margin) / max(ramp, 1e-9), 0, 1)
        return np.square(np.sin(share * np.pi / 2))

    raw = [
        (rising(places) if start else 1.0) * (1.0 if start == along.starts[-1] else rising(along.size - places))
        * np.ones(len(places))
        for start in along.starts
    ]  # fmt: skip
    total = np.zeros(int(along.length * scale))
    pieces = [slice(int(start * scale), int(start * scale) + len(places)) for start in along.starts]
    for piece, weight in zip(pieces, raw):
        total[piece] += weight
    return [(weight / total[piece]).astype(np.float32) for piece, weight in zip(pieces, raw)]


def blended(
    tiles: Iterator[np.ndarray], rows: Cuts, columns: Cuts, scale: Fraction = Fraction(1)
) -> Iterator[np.ndarray]:
    """One image from the results of its tiles, from the top downwards.

    Args:
        tiles: Results float32 [size of rows * scale, size of columns * scale, C], row by row.
        rows: Cuts of the image's height.
        columns: Cuts of its width.
        scale: Pixels of a result for each pixel of the image.

    Yields:
        Parts of the image float32 [h, width * scale, C], for each row of tiles one. As many rows as two rows
        of tiles have are in memory at a time.
    """
    across = weights(columns, scale)
    ends = [int(start * scale) for start in (*rows.starts[1:], rows.length)]
    top, rest = 0, None
    for down, end in zip(weights(rows, scale), ends):
        strip = _joined(itertools.islice(tiles, len(across)), columns, across, scale)
        strip *= down[:, None, None]
        if rest is not None:
            strip[: len(rest)] += rest
        yield strip[: end - top]
        top, rest = end, strip[end - top :]


def _joined(tiles, columns, across, scale):
    """A row of tiles, blended from left to right."""
    strip = None
    for start, weight, tile in zip(columns.starts, across, tiles):
        if strip is None:
            strip = np.zeros((len(tile), int(columns.length * scale), tile.shape[-1]), np.float32)
        left = int(start * scale)
        strip[:, left : left + tile.shape[1]] += weight[:, None] * tile
    assert strip is not None
    return strip
