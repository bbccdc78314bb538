"""Perceptual path length: how much images change when latents take a small step."""

from typing import Callable

import jax
import numpy as np

from gan_jax.errors import UsageError
from gan_jax.latents import spherical


def perceptual_path_length(
    generate: Callable[..., jax.Array],
    latents: jax.Array,
    embed: Callable[..., jax.Array],
    seed: int,
    interpolate: Callable[..., np.ndarray] = spherical,
    *,
    epsilon: float = 1e-4,
    lower: float = 1.0,
    upper: float = 99.0,
    batch_size: int = 64,
) -> dict[str, float]:
    """Mean squared distance between the features of images a small step of the latents apart.

    Karras et al. 2019, arXiv:1812.04948, eq. 2 (the input latents, full paths), with a squared Euclidean
    distance of the features of `embed` instead of VGG16's learned perceptual distance, so that only values of
    one embedding compare. Distances outside the two percentiles do not count, as in the reference
    implementation; it rounds a percentile between two distances outwards. Images may be rectangles, if
    `embed` accepts them.

    Args:
        generate: Function from latents [B, ...] to images in [-1, 1], float [B, H, W, C].
        latents: Latents [N, ...]; paths start at the first half and end at the second half; with an odd N
            the last one is ignored.
        embed: Function from these images to features [B, D].
        seed: Seed of the places on the paths, `default_rng([seed]).random(N // 2)`, int at least 0.
        interpolate: `spherical` for normal latents, `linear`, or another function with this signature.
        epsilon: Length of the step, as a share of the path.
        lower: Percentile below which distances do not count.
        upper: Percentile above which they do not count.
        batch_size: Latents per call of `generate`.

    Returns:
        Dict of `perceptual_path_length`, squared units of the features, at least 0; lower is smoother.

    Raises:
        UsageError: There are fewer than two latents, or features are not finite.
    """
    count = len(latents) // 2
    if count == 0:
        raise UsageError(f"expected at least 2 latents, got {len(latents)}")
    rows = np.asarray(latents)
    left, right = rows[:count], rows[count : 2 * count]
    places = np.random.default_rng([seed]).random(count)

    def features(t, part):
        # Float64 up to here, since a step of 1e-4 has few digits left in float32.
        at = interpolate(left[part], right[part], t[part])
        return np.asarray(embed(generate(at.astype(np.float32))), np.float64)

    parts = []
    for start in range(0, count, batch_size):
        part = slice(start, start + batch_size)
        step = features(places + epsilon, part) - features(places, part)
        parts.append(np.square(step).reshape(len(step), -1).sum(axis=1) / epsilon**2)
    distances = np.concatenate(parts)
    if not np.isfinite(distances).all():
        raise UsageError("expected finite features of generated images, got NaN or infinity")
    low, high = (
        np.percentile(distances, lower, method="lower"),
        np.percentile(distances, upper, method="higher"),
    )
    inner = distances[(low <= distances) & (distances <= high)]
    return {"perceptual_path_length": float(inner.mean())}
