"""Frechet distance of classically restored images, beside which that of outputs is read."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.metrics import classical
from gan_jax.metrics.frechet_distance import frechet_distance
from gan_jax.metrics.image_checks import check_images


def restored_frechet_distance(
    real_features: jax.Array,
    target_images: np.ndarray,
    source_images: np.ndarray,
    embed: Callable[[np.ndarray], jax.Array],
    *,
    baselines: dict = {"bicubic": {}},  # noqa: B006 (Never changed.)
    batch_size: int = 256,
) -> dict[str, float]:
    """Frechet distance of the inputs of a restoration, as classical methods restore them.

    Heusel et al. 2017, arXiv:1706.08500, eq. 6, of images that no generator made.

    Args:
        real_features: float [M, D].
        target_images: uint8 [N, H, W, C]; only their size is read.
        source_images: uint8 [N, h, w, c].
        embed: Function from images in [-1, 1], float32 [B, H, W, C], to features [B, D].
        baselines: As for `psnr`.
        batch_size: Images per call of `embed`.

    Returns:
        `frechet_distance_of_<baseline>` by baseline, at least 0.

    Raises:
        UsageError: These are no images, or there is no such baseline.
    """
    sources = check_images("source_images", source_images)
    shape, values = check_images("target_images", target_images).shape[1:], {}
    for name, options in baselines.items():
        images = classical.restored(name, options, sources, None, shape).astype(np.float32) / 127.5 - 1
        starts = range(0, len(images), batch_size)
        features = jnp.concatenate([embed(images[start : start + batch_size]) for start in starts])
        values[f"frechet_distance_of_{name}"] = frechet_distance(real_features, features)["frechet_distance"]
    return values
