"""Kernel distance: squared maximum mean discrepancy between features under a polynomial kernel."""

import math
from typing import Callable

import jax
import numpy as np

from gan_jax.errors import UsageError
from gan_jax.metrics import checks


def squared_discrepancy(
    real: np.ndarray, fake: np.ndarray, kernel: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> float:
    """Unbiased estimate of the squared maximum mean discrepancy.

    Gretton et al. 2012, JMLR 13, eq. 3, which leaves out the pairs of a sample with itself.

    Args:
        real: float64 [N, D], N at least 2.
        fake: float64 [M, D], M at least 2.
        kernel: Function from [N, D] and [M, D] to [N, M].

    Returns:
        The discrepancy, a float; it may fall below 0.
    """

    def within(features):
        matrix, count = kernel(features, features), len(features)
        return (matrix.sum() - np.trace(matrix)) / (count * (count - 1))

    return float(within(real) + within(fake) - 2.0 * kernel(real, fake).mean())


def kernel_distance(
    real_features: jax.Array,
    fake_features: jax.Array,
    seed: int,
    *,
    subsets: int = 100,
    subset_size: int = 1000,
    degree: int = 3,
    gamma: float | None = None,
    coefficient: float = 1.0,
) -> dict[str, float]:
    """Squared maximum mean discrepancy between real and fake features; with Inception-v3 it is the KID.

    Binkowski et al. 2018, arXiv:1801.01401, section 4: kernel (gamma x.y + coefficient)^degree, mean over
    random subsets of both sets. Its expectation does not depend on the number of samples. The paper's code
    and torch-fidelity agree except for the random draw; the latter refuses subsets larger than a set.

    Args:
        real_features: float [N, D], N at least 2.
        fake_features: float [M, D], M at least 2.
        seed: Non-negative int; `default_rng([seed, i])` draws subset i without repetition, reals first.
        subsets: Number of subsets, at least 1.
        subset_size: Samples of each set in a subset; at most the size of the smaller set.
        degree: Exponent of the kernel, an int of at least 1.
        gamma: Factor of the product in the kernel; None is 1 / D.
        coefficient: Constant in the kernel.

    Returns:
        `kernel_distance`: mean over subsets, dimensionless; unbiased, so it may fall below 0.
        `kernel_distance_spread`: standard deviation over subsets (divided by their number).

    Raises:
        UsageError: The sets differ in D, are not finite or have fewer than 2 samples, or there is no subset
            or subsets have fewer than 2 samples.
    """
    sets = checks.matrices(minimum=2, real_features=real_features, fake_features=fake_features)
    if subset_size < 2 or subsets < 1:
        size = f"{subsets} subsets of {subset_size}"
        raise UsageError(f"kernel_distance: expected at least one subset of at least 2 samples, got {size}")
    count = min(subset_size, *map(len, sets))
    factor = 1.0 / sets[0].shape[1] if gamma is None else gamma

    def kernel(left, right):
        # Products are much faster than NumPy's power.
        return math.prod([factor * (left @ right.T) + coefficient] * degree)

    values = []
    for subset in range(subsets):
        random = np.random.default_rng([seed, subset])
        real, fake = (rows[random.choice(len(rows), count, replace=False)] for rows in sets)
        values.append(squared_discrepancy(real, fake, kernel))
    return {"kernel_distance": float(np.mean(values)), "kernel_distance_spread": float(np.std(values))}
