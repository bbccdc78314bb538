"""Kinds of data: what is kept of a network's samples, and how people look at many of them.

A function of this file is a kind: its name is the `kind` of a Source, and a workdir remembers it among the
facts about its data. A kind of your own is named by its dotted path.
"""

from typing import Callable, NamedTuple

import numpy as np

from gan_jax import images as images_lib

__all__ = ["images", "points"]


class Kind(NamedTuple):
    """Samples where no network sees them.

    Attributes:
        keep: Function, inside `jit`, from a network's samples, float32 [..., H, W, C], to what is kept of
            them. `images.to_float` leads back, from uint8 or from floats.
        picture: `(rows, behind, columns=0) -> picture`, uint8 [H', W', 1 or 3]: one picture of many kept
            samples. `behind` is a function of nothing to others that belong behind them, such as real ones,
            and is called where there is a place for these; `columns` is for kinds that have tiles.
    """

    keep: Callable
    picture: Callable


def images():
    """Images: kept as uint8, shown as tiles."""
    return Kind(images_lib.to_uint8, lambda rows, behind, columns=0: images_lib.grid(rows, columns=columns))


def points():
    """Points of the plane, images of one pixel and two channels: kept as float32, shown as a scatter plot."""
    return Kind(lambda samples: samples, lambda rows, behind, columns=0: scatter(rows, behind()))


def scatter(points, behind):
    """Points as a scatter plot over other points, which decide what part of the plane is shown.

    Args:
        points: float [N, 1, 1, 2].
        behind: The others, float [M, 1, 1, 2], M at least 1.

    Returns:
        uint8 [500, 500, 3]. Its title counts the points that lie outside.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    points, behind = (np.float64(given).reshape(len(given), -1) for given in (points, behind))
    middle = (behind.min(axis=0) + behind.max(axis=0)) / 2
    # A quarter more than the others need, and something even if they are one point.
    reach = 1.25 * max(np.ptp(behind, axis=0).max() / 2, 1e-3)
    outside = np.sum(~np.all(np.abs(points - middle) <= reach, axis=1))
    figure = Figure(figsize=(5, 5), dpi=100, layout="constrained")
    axes = figure.subplots()
    axes.scatter(*behind.T, s=6, color="silver", linewidths=0)
    axes.scatter(*points.T, s=6, color="tab:red", linewidths=0)
    axes.set(
        xlim=(middle[0] - reach, middle[0] + reach),
        ylim=(middle[1] - reach, middle[1] + reach),
        aspect="equal",
        title=f"{len(points):,} generated (red), {outside:,} of them outside",
    )
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.array(canvas.buffer_rgba())[..., :3]
