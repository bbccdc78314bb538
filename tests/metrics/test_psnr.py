"""Fidelity to targets against loops in float64."""

import math

import numpy as np
import pytest

from gan_jax.errors import UsageError
from gan_jax.metrics.hole_psnr import hole_psnr
from gan_jax.metrics.psnr import psnr

RANDOM = np.random.default_rng(0)
FAKE, TARGET = RANDOM.integers(0, 256, (2, 3, 8, 10, 3), np.uint8)
SMALL = RANDOM.integers(0, 256, (3, 4, 5, 3), np.uint8)


def _decibels(left, right, places):
    squares = [(float(left[place]) - float(right[place])) ** 2 for place in places]
    return 10 * math.log10(255**2 / (sum(squares) / len(squares)))


def test_equals_a_loop():
    places = list(np.ndindex(8, 10, 3))
    expected = sum(_decibels(*pair, places) for pair in zip(FAKE, TARGET)) / 3
    assert psnr(FAKE, TARGET, FAKE, baselines={}) == {"psnr_rgb": pytest.approx(expected, abs=1e-9)}


def test_luma_without_a_border_equals_a_loop():
    def luma(image):
        return {
            (row, column): 16 + (65.481 * r + 128.553 * g + 24.966 * b) / 255
            for row in range(8) for column in range(10) for r, g, b in [map(float, image[row, column])]
        }  # fmt: skip

    places = [(row, column) for row in range(2, 6) for column in range(2, 8)]
    expected = sum(_decibels(luma(left), luma(right), places) for left, right in zip(FAKE, TARGET)) / 3
    actual = psnr(FAKE, TARGET, FAKE, channels="y", border=2, baselines={})
    assert actual == {"psnr_y_border_2": pytest.approx(expected, abs=1e-9)}


def test_chroma_equals_a_loop():
    def chroma(image):
        values = {}
        for row, column in np.ndindex(8, 10):
            r, g, b = map(float, image[row, column])
            values[row, column, "cb"] = 128 + (-37.797 * r - 74.203 * g + 112 * b) / 255
            values[row, column, "cr"] = 128 + (112 * r - 93.786 * g - 18.214 * b) / 255
        return values

    places = list(chroma(FAKE[0]))
    expected = sum(_decibels(chroma(left), chroma(right), places) for left, right in zip(FAKE, TARGET)) / 3
    actual = psnr(FAKE, TARGET, FAKE, channels="cbcr", baselines={})
    assert actual == {"psnr_cbcr": pytest.approx(expected, abs=1e-9)}


def test_chroma_of_grey_is_128_and_brightness_does_not_count():
    """Red's Cr is 240; the grey source, of one channel, stands beside the output."""
    red = np.zeros((1, 4, 4, 3), np.uint8)
    red[..., 0] = 255
    grey = np.full((1, 4, 4, 1), 77, np.uint8)
    brighter = np.repeat(grey, 3, -1) + np.uint8(90)
    values = psnr(brighter, red, grey, channels="cbcr")
    expected = 10 * math.log10(255**2 / ((112**2 + 37.797**2) / 2))
    assert values["psnr_cbcr"] == pytest.approx(expected, abs=1e-9)
    assert values["psnr_cbcr_of_bicubic"] == pytest.approx(expected, abs=1e-9)


def test_luma_runs_from_16_to_235():
    black, white = np.zeros((1, 4, 4, 3), np.uint8), np.full((1, 4, 4, 3), 255, np.uint8)
    actual = psnr(black, white, black, channels="y", baselines={})
    assert actual["psnr_y"] == pytest.approx(20 * math.log10(255 / 219), abs=1e-9)


def test_equal_images_have_the_error_of_rounding():
    assert psnr(TARGET, TARGET, FAKE, baselines={})["psnr_rgb"] == pytest.approx(10 * math.log10(255**2 * 12))


def test_the_input_stands_beside_the_output():
    values = psnr(TARGET, TARGET, FAKE)
    assert values["psnr_rgb_of_bicubic"] == psnr(FAKE, TARGET, FAKE, baselines={})["psnr_rgb"]
    assert set(psnr(FAKE, TARGET, SMALL, baselines={"bicubic": {}, "lanczos": {}})) == {
        "psnr_rgb", "psnr_rgb_of_bicubic", "psnr_rgb_of_lanczos",
    }  # fmt: skip


def test_in_the_hole_equals_a_loop():
    masks = np.zeros((3, 8, 10, 1))
    masks[0, 2:5, 3:4], masks[1, 0, 0] = 1, 1
    holes = [[(r, 3, c) for r in range(2, 5) for c in range(3)], [(0, 0, c) for c in range(3)]]
    expected = sum(_decibels(FAKE[i], TARGET[i], holes[i]) for i in range(2)) / 2
    actual = hole_psnr(FAKE, TARGET, TARGET, masks)
    assert actual["hole_psnr_rgb"] == pytest.approx(expected, abs=1e-9)
    assert actual["hole_psnr_rgb_of_bicubic"] == pytest.approx(10 * math.log10(255**2 * 12))


@pytest.mark.parametrize(
    ("function", "arguments", "options", "message"),
    [
        (psnr, (FAKE, TARGET[:2], FAKE), {}, "of one shape and number, got fake_images"),
        (psnr, (FAKE, TARGET, FAKE), {"border": 4}, "border=4: nothing is left of images of 8 x 10"),
        (psnr, (FAKE, TARGET, FAKE), {"channels": "luma"}, "expected 'all', 'y' or 'cbcr'"),
        (psnr, (FAKE[..., :1], TARGET[..., :1], FAKE), {"channels": "y"}, "no luma and chroma apart"),
        (psnr, (FAKE, TARGET, FAKE), {"baselines": {"bicubik": {}}}, "bicubic"),
        (hole_psnr, (FAKE, TARGET, FAKE, np.zeros((3, 8, 10, 1))), {}, "no image has a hole"),
        (hole_psnr, (FAKE, TARGET, FAKE, np.zeros((3, 8, 10))), {}, r"masks: expected \[3, 8, 10, 1\]"),
    ],
)
def test_mistakes_are_one_line(function, arguments, options, message):
    with pytest.raises(UsageError, match=message) as error:
        function(*arguments, **options)
    assert "\n" not in str(error.value)
