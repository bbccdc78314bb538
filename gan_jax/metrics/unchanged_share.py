"""The share of outputs that are their inputs."""

import numpy as np

from gan_jax.metrics.classical import bicubic
from gan_jax.metrics.image_checks import check_images


def unchanged_share(
    fake_images: np.ndarray, source_images: np.ndarray, *, tolerance: float = 2.0
) -> dict[str, float]:
    """Share of outputs that differ from their inputs by no more than noise.

    No paper. A generator under a cycle or identity loss may learn to change nothing.

    Args:
        fake_images: Outputs, uint8 [N, H, W, C].
        source_images: The input of each, uint8 [N, h, w, c]; of other sizes they are resized bicubically.
        tolerance: Largest mean absolute difference that counts as none, levels of 0..255.

    Returns:
        `unchanged_share`, in [0, 1].

    Raises:
        UsageError: These are no images.
    """
    fakes = check_images("fake_images", fake_images)
    sources = bicubic(check_images("source_images", source_images), None, fakes.shape[1:])
    differences = np.abs(fakes.astype(np.float64) - sources).mean(axis=(1, 2, 3))
    return {"unchanged_share": float(np.mean(differences <= tolerance))}
