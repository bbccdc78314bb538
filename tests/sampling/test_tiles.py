"""Where tiles lie, what they weigh, and that a local function of tiles is the function of the whole image."""

from fractions import Fraction

import numpy as np
import pytest

from gan_jax.sampling import tiles


def _mean(image, radius=2):
    """The mean of a pixel and those around it, with zeros beyond the edges: float64 [h, w, C]."""
    padded = np.pad(np.float64(image), ((radius, radius), (radius, radius), (0, 0)))
    height, width = image.shape[:2]
    steps = range(2 * radius + 1)
    return sum(padded[y : y + height, x : x + width] for y in steps for x in steps) / (2 * radius + 1) ** 2


def _cut(image, rows, columns):
    return [
        image[top : top + rows.size, left : left + columns.size]
        for top in rows.starts
        for left in columns.starts
    ]


def test_tiles_cover_a_side_and_share_twice_the_overlap():
    # Steps of 16 - 2 * 3 = 10 pixels; the last tile ends with the image.
    assert tiles.cuts(40, 16, 3, 2) == tiles.Cuts(16, (0, 10, 20, 24), 3, 2)
    assert tiles.cuts(36, 16, 3, 2).starts == (0, 10, 20)
    assert tiles.cuts(16, 16, 3, 2) == tiles.Cuts(16)
    assert tiles.cuts(5, 16, 3, 2).length == 5


def test_weights_of_two_tiles():
    """Eight shared pixels: none in the margin of 2, then a raised cosine over 4."""
    first, second = tiles.weights(tiles.cuts(24, 16, 4, 2))
    rise = np.sin(np.pi / 2 * (np.arange(4) + 0.5) / 4) ** 2
    np.testing.assert_allclose(second, [0, 0, *rise, 1, 1, *[1] * 8], atol=1e-7)
    np.testing.assert_allclose(first, second[::-1], atol=1e-7)


@pytest.mark.parametrize("scale", [Fraction(1), Fraction(3), Fraction(1, 2)])
@pytest.mark.parametrize("overlap, margin", [(4, 2), (4, 4), (6, 0)])
def test_weights_of_each_pixel_sum_to_one(scale, overlap, margin):
    cuts = tiles.cuts(50, 16, overlap, margin)
    total = np.zeros(int(50 * scale))
    for start, weight in zip(cuts.starts, tiles.weights(cuts, scale)):
        assert weight.min() >= 0
        total[int(start * scale) :][: len(weight)] += weight
    np.testing.assert_allclose(total, 1, atol=1e-6)


@pytest.mark.parametrize("overlap", [2, 5])
def test_a_function_of_near_pixels_is_that_of_the_whole_image(overlap):
    image = np.random.default_rng(0).normal(size=(45, 31, 2))
    rows, columns = tiles.cuts(45, 16, overlap, 2), tiles.cuts(31, 12, overlap, 2)
    results = iter([np.float32(_mean(tile)) for tile in _cut(image, rows, columns)])
    strips = list(tiles.blended(results, rows, columns))
    assert len(strips) == len(rows.starts)
    np.testing.assert_allclose(np.concatenate(strips), _mean(image), atol=1e-6)


def test_results_of_another_scale():
    image = np.random.default_rng(1).normal(size=(30, 18, 1)).astype(np.float32)
    rows, columns = tiles.cuts(30, 12, 3, 0), tiles.cuts(18, 12, 3, 0)
    results = iter([np.repeat(np.repeat(tile, 2, 0), 2, 1) for tile in _cut(image, rows, columns)])
    whole = np.concatenate(list(tiles.blended(results, rows, columns, Fraction(2))))
    np.testing.assert_allclose(whole, np.repeat(np.repeat(image, 2, 0), 2, 1), atol=1e-6)
