"""Frechet distance: how far the normal distributions fitted to two sets of features are apart.

Everything is NumPy in float64, on the host: the distance is a small difference of large numbers.

With a factor of each covariance, S = A^T A, the trace of the root of S1 S2 is the sum of the singular values
of A1 A2^T: their squares are the eigenvalues of A1 S2 A1^T, which are those of S1 S2 that are not 0. No root
of a matrix that is not symmetric is taken, and nothing becomes complex. Fewer samples than features are their
own factor; otherwise it comes from the eigenvectors of the covariance. So singular covariances (few samples,
dead features, identical samples) need no special case and no epsilon on the diagonal.
"""

from typing import NamedTuple

import numpy as np

from gan_jax.errors import UsageError
from gan_jax.metrics import checks


class Moments(NamedTuple):
    """What a normal distribution is fitted from; moments of parts of a set `merge` into those of the whole.

    Attributes:
        count: Number of samples N, an int.
        mean: Their mean, float64 [D].
        scatter: Sum of the outer products of what each differs from the mean, float64 [D, D].
    """

    count: int
    mean: np.ndarray
    scatter: np.ndarray


class Gaussian(NamedTuple):
    """A normal distribution.

    Attributes:
        mean: float64 [D].
        factor: Matrix A, float64 [R, D], whose A^T A is the covariance.
    """

    mean: np.ndarray
    factor: np.ndarray


def moments(features):
    """Number, mean and scatter of a set of features.

    Chan, Golub and LeVeque 1983, Algorithms for computing the sample variance.

    Args:
        features: One batch or all of a set, float [N, D], N at least 1.

    Returns:
        The Moments.

    Raises:
        UsageError: Features that are no matrix or not finite, or no sample at all.
    """
    (features,) = checks.matrices(features=features)
    mean = features.mean(axis=0)
    centred = features - mean
    return Moments(len(features), mean, centred.T @ centred)


def merge(left, right):
    """The moments of two disjoint parts of a set together, as one pass over both would find them.

    Chan, Golub and LeVeque 1983, The American Statistician 37, eq. 2.1, for vectors: parts may be batches, or
    what each device or host has seen, in any order.

    Args:
        left: Moments of one part.
        right: Moments of the other.

    Returns:
        The Moments of the whole.
    """
    count = left.count + right.count
    apart = right.mean - left.mean
    mean = left.mean + apart * (right.count / count)
    between = np.outer(apart, apart) * (left.count * right.count / count)
    return Moments(count, mean, left.scatter + right.scatter + between)


def gaussian_of_moments(moments):
    """The normal distribution with the mean and the covariance (divided by N - 1) of a set.

    Args:
        moments: Moments of at least 2 samples.

    Returns:
        The Gaussian, its factor made of the covariance's eigenvectors; variances below D times float64's
        epsilon (4.5e-13 for 2048 features) of the largest are 0.

    Raises:
        UsageError: Moments of fewer than 2 samples.
    """
    if moments.count < 2:
        raise UsageError(f"a covariance needs the moments of at least 2 samples, got {moments.count}")
    values, vectors = np.linalg.eigh(moments.scatter / (moments.count - 1))
    # What is so small is the rounding of 0, whose root would not be small.
    rounding = len(values) * np.finfo(np.float64).eps * values[-1]
    spread = np.sqrt(np.where(values > rounding, values, 0.0))
    return Gaussian(moments.mean, spread[:, None] * vectors.T)


def gaussian(features):
    """The normal distribution with the mean and the covariance (divided by N - 1) of features.

    Args:
        features: float64 [N, D], N at least 2.

    Returns:
        The Gaussian; for no more samples than features these, centred, are its factor.
    """
    count, width = features.shape
    if count > width:
        return gaussian_of_moments(moments(features))
    mean = features.mean(axis=0)
    return Gaussian(mean, (features - mean) / np.sqrt(count - 1))


def frechet_distance_of_gaussians(left, right):
    """Frechet distance of two normal distributions: the square of their Wasserstein-2 distance.

    Dowson and Landau 1982, Journal of Multivariate Analysis 12; see the head of this file for its trace.

    Args:
        left: One Gaussian.
        right: The other, of as many dimensions.

    Returns:
        The distance in squared units of the features, a float. Rounding is about 1e-14 of the sum of the
        variances; where it would make the distance of (almost) equal distributions negative, it is 0.
    """
    means = np.sum((left.mean - right.mean) ** 2)
    variances = np.sum(left.factor**2) + np.sum(right.factor**2)
    return max(0.0, float(means + variances - 2.0 * np.linalg.norm(left.factor @ right.factor.T, ord="nuc")))


def frechet_distance_of_moments(real, fake):
    """Frechet distance of two sets of which only the moments are known.

    Heusel et al. 2017, arXiv:1706.08500, eq. 6.

    Args:
        real: Moments of at least 2 real samples.
        fake: Moments of at least 2 fakes.

    Returns:
        What `frechet_distance` gives for the sets, a float.

    Raises:
        UsageError: Moments of fewer than 2 samples.
    """
    return frechet_distance_of_gaussians(gaussian_of_moments(real), gaussian_of_moments(fake))


def frechet_distance(real_features, fake_features):
    """Frechet distance between real and fake features; with those of Inception-v3 it is the FID.

    Heusel et al. 2017, arXiv:1706.08500, eq. 6; covariances divided by N - 1 as in its code. That code takes
    the root of the product of the covariances and adds 1e-6 to their diagonals where this fails; here nothing
    is added. It depends on the number of samples (`frechet_distance_infinity` does much less), and fewer than
    features are allowed but make it large.

    Args:
        real_features: float [N, D], N at least 2.
        fake_features: float [M, D], M at least 2.

    Returns:
        `frechet_distance`: squared units of the features, at least 0; a set with itself gives rounding,
        about 1e-14 of the sum of its variances.

    Raises:
        UsageError: Sets of different D, not finite, or of fewer than 2 samples.
    """
    sets = checks.matrices(minimum=2, real_features=real_features, fake_features=fake_features)
    return {"frechet_distance": frechet_distance_of_gaussians(*map(gaussian, sets))}
