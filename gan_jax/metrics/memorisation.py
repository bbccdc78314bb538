"""Memorisation: whether fakes lie nearer to training images than unseen real images do."""

import numpy as np

from gan_jax.metrics import checks
from gan_jax.metrics.neighbours import nearest


def probability_below(left, right):
    """Probability that one of the left values is below one of the right, half of it for equal ones.

    Mann and Whitney 1947, their U over the number of pairs.

    Args:
        left: float [N], N at least 1.
        right: float [M], M at least 1.

    Returns:
        A float from 0 to 1; a set with itself gives 0.5.
    """
    right = np.sort(right)
    above = len(right) - np.searchsorted(right, left, side="right")
    not_below = len(right) - np.searchsorted(right, left, side="left")
    return float(np.mean(above + not_below) / (2 * len(right)))


def memorisation(real_features, fake_features, heldout_features):
    """Distances of fakes and of unseen real images to the nearest training image, and which are nearer.

    The test for data copying of Meehan et al. 2020, arXiv:2004.05675, section 3, over all of the space and
    not by cells, and as a probability and not its z-score: theirs counts fakes that are farther, and is
    negative for copies. By chance `closer_than_heldout` deviates from 0.5 by sqrt((M + L + 1) / (12 M L)); an
    excess of more than about twice that is a sign of copying. Held-out images in the place of the fakes give
    0.5. Copies of training images among the held-out ones hide copying: remove them first.

    Args:
        real_features: Of the training images, float [N, D].
        fake_features: float [M, D].
        heldout_features: Of real images the GAN has not seen, float [L, D].

    Returns:
        `nearest_training_distance`: mean Euclidean distance of a fake to the nearest training image.
        `nearest_training_distance_heldout`: the same for held-out images.
        `closer_than_heldout`: probability that a random fake is nearer to the training set than a random
            held-out image, ties counted half: 0.5 as unseen real images, 1 copies, 0 fakes far from the data.

    Raises:
        UsageError: Sets of different D, not finite, or empty.
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
