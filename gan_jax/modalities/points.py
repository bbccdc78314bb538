"""Points of the plane: float32 as networks see them, shown as a scatter plot."""

from typing import Any

import jax
import numpy as np

from gan_jax.errors import UsageError
from gan_jax.images import saver
from gan_jax.types import Modality


def points(spec: dict[str, jax.ShapeDtypeStruct], facts: dict[str, Any]) -> Modality:
    """Points [1, 1, 2]: images of one pixel and two channels, so that networks and penalties of images fit.

    Args:
        spec: Shape and dtype of one row by name.
        facts: The data set's facts.

    Returns:
        The Modality. Networks may ask for `resolution`, (1, 1), and `channels`, 2.

    Raises:
        UsageError: `real` is not a point.
    """
    real = spec["real"]
    if real.shape != (1, 1, 2) or real.dtype != np.float32:
        raise UsageError(f"points are float32 [1, 1, 2], got {real.dtype} {list(real.shape)}")

    def preview(rows, behind, columns=0):
        return scatter(rows, behind())

    return Modality(
        spec=spec,
        facts={"resolution": (1, 1), "channels": 2},
        unit="points",
        decode=lambda batch: batch,
        encode=lambda samples: samples,
        preview=preview,
        save=saver(preview),
    )


def scatter(points: np.ndarray, behind: np.ndarray) -> np.ndarray:
    """A scatter plot of points over other points; the others decide which part of the plane is visible.

    Args:
        points: float [N, 1, 1, 2].
        behind: The others, float [M, 1, 1, 2], M at least 1.

    Returns:
        uint8 [500, 500, 3]. Its title counts the points that lie outside.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    points, behind = (np.float64(rows).reshape(len(rows), -1) for rows in (points, behind))
    middle = (behind.min(axis=0) + behind.max(axis=0)) / 2
    # A quarter more than the others span, and above 0 even if they are a single point.
    reach = 1.25 * max(np.ptp(behind, axis=0).max() / 2, 1e-3)
    outside = np.sum(~np.all(np.abs(points - middle) <= reach, axis=1))
    figure = Figure(figsize=(5, 5), dpi=100, layout="constrained")
    axes = figure.subplots()
    axes.scatter(behind[:, 0], behind[:, 1], s=6, color="silver", linewidths=0)
    axes.scatter(points[:, 0], points[:, 1], s=6, color="tab:red", linewidths=0)
    axes.set(
        xlim=(middle[0] - reach, middle[0] + reach),
        ylim=(middle[1] - reach, middle[1] + reach),
        aspect="equal",
        title=f"{len(points):,} points (red), {outside:,} of them outside",
    )
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.array(canvas.buffer_rgba())[..., :3]
