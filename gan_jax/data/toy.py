"""Toy data: distributions in the plane whose density and modes are known, for studies of mode collapse.

A point is an image of one pixel and two channels, so that any network of fully connected layers takes it.
Points lie in [-1, 1], as images do; `scale=1.0` gives the coordinates of the papers.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gan_jax.data.source import Source, row
from gan_jax.errors import UsageError

# Points to train on, and held-out ones: as many as the protocol of PacGAN generates to count modes.
SIZE, HELD_OUT = 100_000, 2_500


def ring(
    *, modes: int = 8, deviation: float = 0.01, scale: float = 0.8, size: int = SIZE, seed: int = 0
) -> Source:
    """Normal distributions, equally likely, on a circle of radius 1.

    Srivastava et al. 2017, arXiv:1705.07761, section 5; the numbers are those of Lin et al. 2018,
    arXiv:1712.04086, section 4.1.

    Args:
        modes: Number of distributions.
        deviation: Standard deviation of each, in both directions; the radius is 1.
        scale: Factor from these coordinates to those of the Source; 0.8 leaves room in [-1, 1].
        size: Points.
        seed: Of the points.

    Returns:
        A Source of points whose classes are the modes, counter-clockwise from the right.
    """
    angles = 2 * np.pi * np.arange(modes) / modes
    centres = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return mixture(f"ring of {modes} modes", scale * centres, scale * deviation, size, seed)


def grid(
    *, side: int = 5, deviation: float = 0.05, scale: float = 0.2, size: int = SIZE, seed: int = 0
) -> Source:
    """Normal distributions, equally likely, on a square grid, 2 apart and symmetric about 0.

    Srivastava et al. 2017, arXiv:1705.07761, section 5; the numbers are those of Lin et al. 2018,
    arXiv:1712.04086, section 4.1.

    Args:
        side: Distributions a row and a column.
        deviation: Standard deviation of each, in both directions.
        scale: Factor from these coordinates to those of the Source; 0.2 puts 5 x 5 modes within 0.8 of 0.
        size: Points.
        seed: Of the points.

    Returns:
        A Source of points whose classes are the modes, row by row from below.
    """
    along = 2.0 * np.arange(side) - (side - 1)
    centres = np.stack(np.meshgrid(along, along), axis=-1).reshape(-1, 2)
    return mixture(f"grid of {side * side} modes", scale * centres, scale * deviation, size, seed)


def swiss_roll(*, noise: float = 0.25, scale: float = 0.5, size: int = SIZE, seed: int = 0) -> Source:
    """A spiral of one and a half turns, seen along the axis of scikit-learn's swiss roll.

    Gulrajani et al. 2017, arXiv:1704.00028, section 4.1: divided by 7.5, as in the authors' code.

    Args:
        noise: Standard deviation around the spiral before the division.
        scale: Factor from these coordinates to those of the Source; 0.5 puts the end at about 0.95 from 0.
        size: Points.
        seed: Of the points.

    Returns:
        A Source of points without classes.
    """
    from sklearn.datasets import make_swiss_roll

    def draw(count, seed):
        rolled, _ = make_swiss_roll(count, noise=noise, random_state=seed)
        return {"real": _as_images(scale * rolled[:, [0, 2]] / 7.5)}

    heldout = functools.partial(draw, HELD_OUT, 2**31 + seed)
    return _source("swiss roll", (), draw(size, seed), heldout, None)


def mixture(
    name: str, centres: Sequence | np.ndarray, deviation: float, size: int = SIZE, seed: int = 0
) -> Source:
    """Normal distributions of one width, equally likely.

    Args:
        name: A name for people.
        centres: float [K, 2].
        deviation: Standard deviation of each, in both directions.
        size: Points.
        seed: Of the points.

    Returns:
        A Source of points whose classes are the K modes; its classifier is the distribution itself.

    Raises:
        UsageError: A deviation, or a deviation times a scale, that is not above 0.
    """
    if deviation <= 0:
        raise UsageError(f"{name}: expected a deviation above 0, got {deviation:g}")
    centres = np.asarray(centres, np.float64)

    def draw(count, *seeds):
        random = np.random.default_rng(seeds)
        labels = random.integers(len(centres), size=count)
        points = centres[labels] + deviation * random.standard_normal((count, 2))
        return {"real": _as_images(points), "label": labels.astype(np.int32)}

    def classifier():
        from gan_jax.features import mixture  # Features import data.

        return mixture(centres, deviation)

    classes = tuple(map(str, range(len(centres))))
    return _source(name, classes, draw(size, seed), functools.partial(draw, HELD_OUT, seed, 1), classifier)


def _as_images(points):
    """Points [N, 2] as float32 images [N, 1, 1, 2]."""
    return np.asarray(points, np.float32)[:, None, None, :]


def _source(
    name: str,
    classes: tuple[str, ...],
    points: dict[str, np.ndarray],
    draw_heldout: Callable[[], dict[str, np.ndarray]],
    classifier: Callable[[], Any] | None,
) -> Source:
    """A Source of points, with as many held-out ones as `draw_heldout` draws."""

    def of(name, arrays, heldout):
        spec = {entry: row(array.shape[1:], array.dtype) for entry, array in arrays.items()}
        return Source(
            name,
            len(arrays["real"]),
            spec,
            {"modality": "points", "class_names": classes},
            lambda rows: {entry: array[rows] for entry, array in arrays.items()},
            heldout,
            classifier,
        )

    return of(name, points, lambda: of(f"{name}, held out", draw_heldout(), lambda: None))
