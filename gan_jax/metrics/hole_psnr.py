"""Peak signal-to-noise ratio inside the holes of images."""

import numpy as np

from gan_jax.errors import UsageError
from gan_jax.metrics import classical
from gan_jax.metrics.image_checks import check_aligned, check_images, protocol
from gan_jax.metrics.psnr import decibels


def hole_psnr(
    fake_images: np.ndarray,
    target_images: np.ndarray,
    source_images: np.ndarray,
    masks: np.ndarray,
    *,
    baselines: dict = {"bicubic": {}},  # noqa: B006 (Never changed.)
) -> dict[str, float]:
    """Mean peak signal-to-noise ratio of what was painted into holes, beside that of classical methods.

    Pathak et al. 2016, arXiv:1604.07379, table 1: the error inside of holes alone.

    Args:
        fake_images: Outputs, uint8 [N, H, W, C].
        target_images: The target of each, uint8 [N, H, W, C].
        source_images: The input of each, uint8 [N, H, W, C].
        masks: float [N, H, W, 1], 1 inside a hole. Images without a hole do not count.
        baselines: Restorations by name (`gan_jax.metrics.classical`) with hyperparameters, such as `telea`
            and `biharmonic`; `bicubic` leaves holes as they are.

    Returns:
        `hole_psnr_rgb` or `hole_psnr_grey`, and the same `_of_<baseline>`; decibels, at most 58.92.

    Raises:
        UsageError: Shapes differ, no image has a hole, or there is no such baseline.
    """
    fakes, targets = check_aligned(fake_images=fake_images, target_images=target_images)
    sources, holes = check_images("source_images", source_images), np.asarray(masks, np.float64)
    if holes.shape != (*targets.shape[:3], 1):
        raise UsageError(f"masks: expected {[*targets.shape[:3], 1]}, got {list(holes.shape)}")
    areas = holes.sum(axis=(1, 2, 3))
    some = areas > 0
    if not some.any():
        raise UsageError("masks: no image has a hole")
    name = protocol("hole_psnr", targets, "all", 0)

    def measure(images):
        squares = np.square(images[some].astype(np.float64) - targets[some]) * holes[some]
        errors = squares.sum(axis=(1, 2, 3)) / (areas[some] * targets.shape[-1])
        return {name: float(decibels(errors).mean())}

    return classical.beside(measure, fakes, baselines, sources, holes)
