"""Density and coverage: how the fakes fill the neighbourhoods of real samples."""

import jax
import numpy as np

from gan_jax.metrics import checks
from gan_jax.metrics.neighbours import balls_around, nearest, radii


def density_coverage(
    real_features: jax.Array, fake_features: jax.Array, *, neighbours: int = 5
) -> dict[str, float]:
    """Mean number of real neighbourhoods around a fake, over k, and share of them that hold a fake.

    Naeem et al. 2020, arXiv:2002.09797, section 3.2, with balls around real samples that reach to the k-th
    nearest other one. Its code excludes the surfaces of balls (`<`), so that identical samples get 0; here
    surfaces belong to the balls, as in precision and recall. Both agree where no two distances are equal. A
    set with itself gives density (k + 1) / k and coverage 1; identical samples give density N / k.

    Args:
        real_features: float [N, D], N above `neighbours`.
        fake_features: float [M, D], M at least 1.
        neighbours: The k; a sample does not count as its own neighbour.

    Returns:
        `density`: from 0 to N / k; 1 is expected for fakes distributed like the reals, more where they crowd.
        `coverage`: from 0 to 1; 1 - (1 / 2)^k is expected for as many fakes as reals, distributed alike.

    Raises:
        UsageError: The sets differ in D or are not finite, or there are too few reals for k neighbours.
    """
    (real,) = checks.matrices(minimum=neighbours + 1, real_features=real_features)
    real, fake = checks.matrices(real_features=real, fake_features=fake_features)
    reach = radii(real, neighbours)
    density = np.mean(balls_around(fake, real, reach)) / neighbours
    coverage = np.mean(nearest(real, fake, 1)[:, 0] <= reach)
    return {"density": float(density), "coverage": float(coverage)}
