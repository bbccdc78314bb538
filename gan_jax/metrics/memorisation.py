"""Memorisation: whether fakes lie nearer to training images than unseen real images do."""

import jax
import numpy as np

from gan_jax.metrics import checks
from gan_jax.metrics.neighbours import nearest


def probability_below(left: np.ndarray, right: np.ndarray) -> float:
    """Probability that a random left value is below a random right one; equal values count half.

    Mann and Whitney 1947, their U over the number of pairs.

    Args:
        left: float [N], N at least 1.
        right: float [M], M at least 1.

    Returns:
        A float from 0 to 1; a set with itself gives 0.5.
    """
    ordered = np.sort(right)
    above = len(ordered) - np.searchsorted(ordered, left, side="right")
    not_below = len(ordered) - np.searchsorted(ordered, left, side="left")
    return float(np.mean(above + not_below) / (2 * len(ordered)))


def memorisation(
    real_features: jax.Array, fake_features: jax.Array, heldout_features: jax.Array
) -> dict[str, float]:
    """Distances of fakes and of unseen real images to the nearest training image, compared.

    The test for data copying of Meehan et al. 2020, arXiv:2004.05675, section 3, over the whole space
    instead of cells, and as a probability instead of its z-score: theirs counts fakes that are farther, and
    is negative for copies. By chance `closer_than_heldout` deviates from 0.5 by
    sqrt((M + L + 1) / (12 M L)); an excess of more than about twice that is a sign of copying. Held-out
    images instead of fakes give 0.5. Copies of training images in the held-out set hide copying: remove them
    first.

    Args:
        real_features: Features of the training images, float [N, D].
        fake_features: float [M, D].
        heldout_features: Features of real images outside the training set, float [L, D].

    Returns:
        `nearest_training_distance`: mean Euclidean distance of a fake to the nearest training image.
        `nearest_training_distance_heldout`: the same for held-out images.
        `closer_than_heldout`: probability that a random fake is nearer to the training set than a random
            held-out image, ties count half: 0.5 for unseen real images, 1 for copies, 0 for fakes far away.

    Raises:
        UsageError: The sets differ in D, are not finite, or are empty.
    """
    real, fake, heldout = checks.matrices(
        real_features=real_features, fake_features=fake_features, heldout_features=heldout_features
    )
    of_fake, of_heldout = (np.sqrt(nearest(features, real, 1)[:, 0]) for features in (fake, heldout))
    return {
        "nearest_training_distance": float(np.mean(of_fake)),
        "nearest_training_distance_heldout": float(np.mean(of_heldout)),
        "closer_than_heldout": probability_below(of_fake, of_heldout),
    }
