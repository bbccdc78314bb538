"""How much of an image comes back from its code."""

import numpy as np

from gan_jax.errors import UsageError
from gan_jax.metrics.image_checks import check_images


def reconstruction_error(reconstruct, heldout_images, real_images, *, batch_size=1024):
    """Mean squared error of reconstructed held-out images, beside that of the mean image.

    No paper: Donahue et al. 2017, arXiv:1605.09782, figure 4, and Larsen et al. 2016, arXiv:1512.09300,
    figure 5, show reconstructions. Neither trains for pixels, so that an image of the right kind in another
    place may score worse than the mean of all, which knows nothing of the image.

    Args:
        reconstruct: Function from images, uint8 [B, H, W, C], to images in [-1, 1], float of that shape.
        heldout_images: Images that training never saw, uint8 [N, H, W, C], N at least 1.
        real_images: Images to take the mean of, uint8 [M, H, W, C], M at least 1.
        batch_size: Images given to `reconstruct` at a time.

    Returns:
        `reconstruction_error`, and `reconstruction_error_of_mean_image`, which answers every image with the
        mean of the real ones; squared units of [-1, 1], per pixel and channel, at least 0.

    Raises:
        UsageError: No images, or reconstructions that are not finite or of another shape.
    """
    heldout_images = check_images("heldout_images", heldout_images)
    mean = np.mean(check_images("real_images", real_images), axis=0, dtype=np.float64) / 127.5 - 1.0
    errors = []
    for start in range(0, len(heldout_images), batch_size):
        shown = heldout_images[start : start + batch_size]
        target, found = shown / 127.5 - 1.0, np.asarray(reconstruct(shown), np.float64)
        if found.shape != target.shape:
            raise UsageError(f"reconstructions: expected the shape {target.shape}, got {found.shape}")
        errors.append(np.square([found - target, mean - target]).mean(axis=(2, 3, 4)))
    of_model, of_mean = np.concatenate(errors, axis=1)
    if not np.isfinite(of_model).all():
        bad = np.sum(~np.isfinite(of_model))
        raise UsageError(f"reconstructions: {bad} of {len(of_model)} images are NaN or infinite")
    return {
        "reconstruction_error": float(of_model.mean()),
        "reconstruction_error_of_mean_image": float(of_mean.mean()),
    }
