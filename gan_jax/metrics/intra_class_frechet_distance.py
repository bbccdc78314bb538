"""Frechet distance within each class, for class-conditional generators."""

import jax
import numpy as np

from gan_jax.errors import UsageError
from gan_jax.metrics import checks
from gan_jax.metrics.frechet_distance import frechet_distance_of_gaussians, gaussian


def _of_class(name, features, labels, label):
    """A class's features, or a UsageError if the class has fewer than 2 samples."""
    rows = features[labels == label]
    if len(rows) < 2:
        raise UsageError(
            f"{name}: expected at least 2 samples of each class, got {len(rows)} of class {label}"
        )
    return rows


def intra_class_frechet_distance(
    real_features: jax.Array,
    fake_features: jax.Array,
    real_labels: jax.Array,
    fake_labels: jax.Array,
) -> dict[str, float]:
    """Mean over classes of the Frechet distance between the real and the fake features of a class.

    Miyato and Koyama 2018, arXiv:1802.05637, section 5.1 (intra FID). Every class has the same weight;
    classes are those that occur in either set. Few samples per class make the value large: compare equal
    numbers.

    Args:
        real_features: float [N, D].
        fake_features: float [M, D].
        real_labels: Classes of the reals, int [N].
        fake_labels: Classes that the generator was conditioned on, int [M].

    Returns:
        `intra_class_frechet_distance`: mean over classes, squared units of the features, at least 0.
        `worst_class_frechet_distance`: the largest of them.

    Raises:
        UsageError: The sets differ in D or are not finite, labels do not fit them, or a class has fewer than
            2 samples in either set.
    """
    real, fake = checks.matrices(real_features=real_features, fake_features=fake_features)
    real_classes = checks.labels("real_labels", real_labels, len(real))
    fake_classes = checks.labels("fake_labels", fake_labels, len(fake))
    distances = []
    for label in np.union1d(real_classes, fake_classes):
        of_real = gaussian(_of_class("real_features", real, real_classes, label))
        of_fake = gaussian(_of_class("fake_features", fake, fake_classes, label))
        distances.append(frechet_distance_of_gaussians(of_real, of_fake))
    return {
        "intra_class_frechet_distance": float(np.mean(distances)),
        "worst_class_frechet_distance": float(np.max(distances)),
    }
