"""Precision and recall: the share of each set that lies within the other's neighbourhoods."""

import jax
import numpy as np

from gan_jax.metrics import checks
from gan_jax.metrics.neighbours import balls_around, radii


def precision_recall(
    real_features: jax.Array, fake_features: jax.Array, *, neighbours: int = 3
) -> dict[str, float]:
    """Share of fakes within the manifold of reals, and of reals within the manifold of fakes.

    Kynkaanniemi et al. 2019, arXiv:1904.06991, eq. 1 and 2: a set's manifold is the union of balls around its
    samples that reach to the k-th nearest other sample, surfaces included (`<=`), as in its code and
    torch-fidelity. The paper recommends equally large sets and VGG-16 features. A set of identical samples is
    its own manifold, with precision and recall 1.

    Args:
        real_features: float [N, D], N above `neighbours`.
        fake_features: float [M, D], M above `neighbours`.
        neighbours: The k; a sample does not count as its own neighbour.

    Returns:
        `precision`: from 0 to 1, the share of fakes.
        `recall`: from 0 to 1, the share of reals.

    Raises:
        UsageError: The sets differ in D, are not finite, or have too few samples for k neighbours.
    """
    real, fake = checks.matrices(
        minimum=neighbours + 1, real_features=real_features, fake_features=fake_features
    )
    precision = np.mean(balls_around(fake, real, radii(real, neighbours)) > 0)
    recall = np.mean(balls_around(real, fake, radii(fake, neighbours)) > 0)
    return {"precision": float(precision), "recall": float(recall)}
