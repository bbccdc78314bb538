"""Frechet distance within each class, for generators that are told a class."""

import numpy as np

from gan_jax.errors import UsageError
from gan_jax.metrics import checks
from gan_jax.metrics.frechet_distance import frechet_distance_of_gaussians, gaussian


def _of_class(name, features, labels, label):
    """A class's features, or a UsageError if these are fewer than 2."""
    rows = features[labels == label]
    if len(rows) < 2:
        raise UsageError(
            f"{name}: expected at least 2 samples of each class, got {len(rows)} of class {label}"
        )
    return rows


def intra_class_frechet_distance(real_features, fake_features, real_labels, fake_labels):
    """Mean over classes of the Frechet distance between the real and the fake features of a class.

    Miyato and Koyama 2018, arXiv:1802.05637, section 5.1 (intra FID). Every class weighs the same; classes
    are those that occur in either set. Few samples per class make the value large: compare equal numbers.

    Args:
        real_features: float [N, D].
        fake_features: float [M, D].
        real_labels: Classes of the reals, int [N].
        fake_labels: Classes that the generator was told, int [M].

    Returns:
        `intra_class_frechet_distance`: mean over classes, squared units of the features, at least 0.
        `worst_class_frechet_distance`: the largest of them.

    Raises:
        UsageError: Sets of different D or not finite, labels that do not fit them, or a class of which either
            set has fewer than 2 samples.
    """
    real, fake = checks.matrices(real_features=real_features, fake_features=fake_features)
    real_labels = checks.labels("real_labels", real_labels, len(real))
    fake_labels = checks.labels("fake_labels", fake_labels, len(fake))
    distances = []
    for label in np.union1d(real_labels, fake_labels):
        of_real = gaussian(_of_class("real_features", real, real_labels, label))
        of_fake = gaussian(_of_class("fake_features", fake, fake_labels, label))
        distances.append(frechet_distance_of_gaussians(of_real, of_fake))
    return {
        "intra_class_frechet_distance": float(np.mean(distances)),
        "worst_class_frechet_distance": float(np.max(distances)),
    }
