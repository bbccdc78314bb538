"""Perceptual path length: how far images move when latents take a small step."""

import numpy as np

from gan_jax.errors import UsageError
from gan_jax.latents import spherical


def perceptual_path_length(
    generate,
    latents,
    embed,
    seed,
    interpolate=spherical,
    *,
    epsilon=1e-4,
    lower=1.0,
    upper=99.0,
    batch_size=64,
):
    """Mean squared distance between the features of images a small step of the latents apart.

    Karras et al. 2019, arXiv:1812.04948, eq. 2 (the input latents, full paths), with a squared Euclidean
    distance of the given features in the place of VGG16's learned perceptual distance, so that values
    compare only under one embedding. Distances below and above the two percentiles are left out, as in the
    reference implementation: a percentile that falls between two distances is rounded outwards.

    Args:
        generate: Function from latents [B, ...] to images in [-1, 1], float [B, H, W, C].
        latents: Latents [N, ...]; the first half's are the starts of paths, the second half's their ends,
            and an odd one is left over.
        embed: Function from these images to features [B, D].
        seed: Seed of the places on the paths, `default_rng([seed]).random(N // 2)`, int at least 0.
        interpolate: `spherical`, for normal latents, `linear`, or any function of that signature.
        epsilon: Length of the step, as a share of the path.
        lower: Percentile below which distances are left out.
        upper: Percentile above which they are left out.
        batch_size: Latents given to `generate` at a time.

    Returns:
        Dict of `perceptual_path_length`, squared units of the features, at least 0; lower is smoother.

    Raises:
        UsageError: Fewer than two latents, or features that are not finite.
    """
    count = len(latents) // 2
    if count == 0:
        raise UsageError(f"expected at least 2 latents, got {len(latents)}")
    latents = np.asarray(latents)
    left, right = latents[:count], latents[count : 2 * count]
    places = np.random.default_rng([seed]).random(count)

    def features(t, part):
        # Float64 up to here: a step of 1e-4 has few digits left in float32.
        at = interpolate(left[part], right[part], t[part])
        return np.asarray(embed(generate(at.astype(np.float32))), np.float64)

    distances = []
    for start in range(0, count, batch_size):
        part = slice(start, start + batch_size)
        step = features(places + epsilon, part) - features(places, part)
        distances.append(np.square(step).reshape(len(step), -1).sum(axis=1) / epsilon**2)
    distances = np.concatenate(distances)
    if not np.isfinite(distances).all():
        raise UsageError("expected finite features of generated images, got NaN or infinity")
    low, high = (
        np.percentile(distances, lower, method="lower"),
        np.percentile(distances, upper, method="higher"),
    )
    kept = distances[(low <= distances) & (distances <= high)]
    return {"perceptual_path_length": float(kept.mean())}
