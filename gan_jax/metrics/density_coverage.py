"""Density and coverage: how the fakes fill the neighbourhoods of real samples."""

import numpy as np

from gan_jax.metrics import checks
from gan_jax.metrics.neighbours import balls_around, nearest, radii


def density_coverage(real_features, fake_features, *, neighbours=5):
    """Mean number of real neighbourhoods that a fake lies in, over k, and share of these that hold a fake.

    Naeem et al. 2020, arXiv:2002.09797, section 3.2, with balls around real samples that reach to the k-th
    nearest other one. Its code leaves the surfaces of balls out (`<`), so that identical samples get 0; here
    they belong to them, as in precision and recall, which makes no difference where no two distances are
    equal. A set with itself gives density (k + 1) / k and coverage 1, identical samples density N / k.

    Args:
        real_features: float [N, D], N above `neighbours`.
        fake_features: float [M, D], M at least 1.
        neighbours: The k; a sample does not count as its own neighbour.

    Returns:
        `density`: from 0 to N / k; 1 is expected for fakes distributed like the reals, more where they crowd.
        `coverage`: from 0 to 1; 1 - (1 / 2)^k is expected for as many fakes as reals, distributed alike.

    Raises:
        UsageError: Sets of different D, not finite, or too few reals for k neighbours.
    """
    (real,) = checks.matrices(minimum=neighbours + 1, real_features=real_features)
    real, fake = checks.matrices(real_features=real, fake_features=fake_features)
    reach = radii(real, neighbours)
    density = np.mean(balls_around(fake, real, reach)) / neighbours
    coverage = np.mean(nearest(real, fake, 1)[:, 0] <= reach)
    return {"density": float(density), "coverage": float(coverage)}
