"""How well a model reconstructs images from their codes."""

from typing import Callable

import jax
import numpy as np

from gan_jax.errors import UsageError
from gan_jax.metrics.image_checks import check_images


def reconstruction_error(
    reconstruct: Callable[..., jax.Array],
    heldout_images: np.ndarray,
    real_images: np.ndarray,
    *,
    batch_size: int = 1024,
) -> dict[str, float]:
    """Mean squared error of reconstructed held-out images, beside that of the mean image.

    No paper: Donahue et al. 2017, arXiv:1605.09782, figure 4, and Larsen et al. 2016, arXiv:1512.09300,
    figure 5, show reconstructions. Neither trains on pixel errors, so a realistic reconstruction with a small
    displacement may score worse than the mean image.

    Args:
        reconstruct: Function from images, uint8 [B, H, W, C], to images in [-1, 1], float of that shape.
        heldout_images: Images outside the training set, uint8 [N, H, W, C], N at least 1.
        real_images: Images whose mean is the baseline, uint8 [M, H, W, C], M at least 1.
        batch_size: Images per call of `reconstruct`.

    Returns:
        `reconstruction_error`, and `reconstruction_error_of_mean_image`, which uses the mean of the real
        images as every reconstruction; squared units of [-1, 1], per pixel and channel, at least 0.

    Raises:
        UsageError: There are no images, or reconstructions are not finite or have another shape.
    """
    heldout_images = check_images("heldout_images", heldout_images)
    mean = np.mean(check_images("real_images", real_images), axis=0, dtype=np.float64) / 127.5 - 1.0
    errors = []
    for start in range(0, len(heldout_images), batch_size):
        images = heldout_images[start : start + batch_size]
        target, output = images / 127.5 - 1.0, np.asarray(reconstruct(images), np.float64)
        if output.shape != target.shape:
            raise UsageError(f"reconstructions: expected the shape {target.shape}, got {output.shape}")
        errors.append(np.square([output - target, mean - target]).mean(axis=(2, 3, 4)))
    of_model, of_mean = np.concatenate(errors, axis=1)
    if not np.isfinite(of_model).all():
        bad = np.sum(~np.isfinite(of_model))
        raise UsageError(f"reconstructions: {bad} of {len(of_model)} images are NaN or infinite")
    return {
        "reconstruction_error": float(of_model.mean()),
        "reconstruction_error_of_mean_image": float(of_mean.mean()),
    }
