"""Frechet distance without the bias of a finite number of fakes."""

import jax
import numpy as np

from gan_jax.errors import UsageError
from gan_jax.metrics import checks
from gan_jax.metrics.frechet_distance import frechet_distance_of_gaussians, gaussian


def subset_sizes(count: int, width: int, points: int, smallest: int | None) -> np.ndarray:
    """Equally spaced sizes of the subsets of fakes for the line, up to all fakes.

    Args:
        count: Number of fakes.
        width: Number of features.
        points: Number of sizes.
        smallest: The first size. None is a tenth of the fakes, as in the paper, but at least 2 per feature
            or half of the fakes: the bias is linear in 1 / size only where samples outnumber features.

    Returns:
        int array [points].

    Raises:
        UsageError: The first size is below 2 or not below the number of fakes, or there is only one point.
    """
    if smallest is None:
        smallest = max(count // 10, min(2 * width, count // 2), 2)
    if points < 2 or not 2 <= smallest < count:
        sizes = f"{points} sizes of sets from {smallest} to all of {count} fakes"
        raise UsageError(
            f"frechet_distance_infinity: expected at least 2 sizes that grow from 2 on, got {sizes}"
        )
    return np.linspace(smallest, count, points).astype(int)


def frechet_distance_infinity(
    real_features: jax.Array,
    fake_features: jax.Array,
    seed: int,
    *,
    points: int = 15,
    smallest: int | None = None,
) -> dict[str, float]:
    """Frechet distance extrapolated to infinitely many fakes.

    Chong and Forsyth 2020, arXiv:1911.07023: the distance's bias is linear in 1 / N, so a line through its
    values for random sets of N fakes gives the value at 1 / N = 0. The paper draws fakes from quasi-random
    latents; here the caller supplies them. Its code uses sets of 5000 to 50 000; so do the defaults for
    50 000 fakes. The bias from the number of reals remains.

    Args:
        real_features: float [N, D], N at least 2.
        fake_features: float [M, D], M at least 3.
        seed: Non-negative int; set i holds the first fakes of a permutation by `default_rng([seed, i])`.
        points: Number of sets, at least 2.
        smallest: Size of the smallest; None as in `subset_sizes`.

    Returns:
        `frechet_distance_infinity`: squared units of the features. It is an estimate and may fall below 0.

    Raises:
        UsageError: The sets differ in D, are not finite, or are too small.
    """
    real, fake = checks.matrices(minimum=2, real_features=real_features, fake_features=fake_features)
    sizes = subset_sizes(len(fake), fake.shape[1], points, smallest)
    of_real, distances = gaussian(real), []
    for point, size in enumerate(sizes):
        rows = np.random.default_rng([seed, point]).permutation(len(fake))[:size]
        distances.append(frechet_distance_of_gaussians(of_real, gaussian(fake[rows])))
    line = np.polynomial.Polynomial.fit(1.0 / sizes, distances, deg=1)
    return {"frechet_distance_infinity": float(line(0.0))}
