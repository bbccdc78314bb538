"""Frechet distance between normal distributions fitted to two sets of features.

All of it is NumPy in float64 on the host, since the distance is a small difference of large numbers.

With a factor of each covariance, S = A^T A, the trace of the root of S1 S2 is the sum of the singular values
of A1 A2^T: their squares are the eigenvalues of A1 S2 A1^T, which are the nonzero ones of S1 S2. This avoids
the root of an asymmetric matrix, and complex numbers. With fewer samples than features the centred samples
are the factor; otherwise it comes from the eigenvectors of the covariance. So singular covariances (few
samples, dead features, identical samples) need no special case and no epsilon on the diagonal.
"""

from typing import NamedTuple

import jax
import numpy as np
from jax.typing import ArrayLike

from gan_jax.errors import UsageError
from gan_jax.metrics import checks


class Moments(NamedTuple):
    """Statistics of a set for a fit of a normal distribution; `merge` joins those of two parts of a set.

    Attributes:
        count: Number of samples N, an int.
        mean: Their mean, float64 [D].
        scatter: Sum of the outer products of deviations from the mean, float64 [D, D].
    """

    count: int  # type: ignore[assignment]  # the field hides tuple.count
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


def moments(features: ArrayLike) -> Moments:
    """Number, mean and scatter of a set of features.

    Chan, Golub and LeVeque 1983, Algorithms for computing the sample variance.

    Args:
        features: One batch or a whole set, float [N, D], N at least 1.

    Returns:
        The Moments.

    Raises:
        UsageError: The features are not a matrix, are not finite, or have no samples.
    """
    (rows,) = checks.matrices(features=features)
    mean = rows.mean(axis=0)
    centred = rows - mean
    return Moments(len(rows), mean, centred.T @ centred)


def merge(left: Moments, right: Moments) -> Moments:
    """The moments of the union of two disjoint parts of a set, equal to those of one pass over both.

    Chan, Golub and LeVeque 1983, The American Statistician 37, eq. 2.1, for vectors. Parts may be batches, or
    the samples of each device or host, in any order.

    Args:
        left: Moments of one part.
        right: Moments of the other.

    Returns:
        The Moments of the whole.
    """
    count = left.count + right.count
    difference = right.mean - left.mean
    mean = left.mean + difference * (right.count / count)
    between = np.outer(difference, difference) * (left.count * right.count / count)
    return Moments(count, mean, left.scatter + right.scatter + between)


def gaussian_of_moments(moments: Moments) -> Gaussian:
    """The normal distribution with the mean and the covariance (divided by N - 1) of a set.

    Args:
        moments: Moments of at least 2 samples.

    Returns:
        The Gaussian, with a factor from the covariance's eigenvectors. Variances below D times float64's
        epsilon (4.5e-13 for 2048 features) times the largest become 0.

    Raises:
        UsageError: The moments are of fewer than 2 samples.
    """
    if moments.count < 2:
        raise UsageError(f"a covariance needs the moments of at least 2 samples, got {moments.count}")
    values, vectors = np.linalg.eigh(moments.scatter / (moments.count - 1))
    # Smaller variances are the rounding of 0, and the root of that would not be small.
    rounding = len(values) * np.finfo(np.float64).eps * values[-1]
    spread = np.sqrt(np.where(values > rounding, values, 0.0))
    return Gaussian(moments.mean, spread[:, None] * vectors.T)


def gaussian(features: np.ndarray) -> Gaussian:
    """The normal distribution with the mean and the covariance (divided by N - 1) of features.

    Args:
        features: float64 [N, D], N at least 2.

    Returns:
        The Gaussian; with no more samples than features, its factor is the scaled centred samples.
    """
    count, width = features.shape
    if count > width:
        return gaussian_of_moments(moments(features))
    mean = features.mean(axis=0)
    return Gaussian(mean, (features - mean) / np.sqrt(count - 1))


def frechet_distance_of_gaussians(left: Gaussian, right: Gaussian) -> float:
    """Frechet distance of two normal distributions: the square of their Wasserstein-2 distance.

    Dowson and Landau 1982, Journal of Multivariate Analysis 12; the docstring of this file has the trace.

    Args:
        left: One Gaussian.
        right: The other, of as many dimensions.

    Returns:
        The distance in squared units of the features, a float. Rounding is about 1e-14 of the sum of the
        variances; a distance that rounding makes negative becomes 0.
    """
    means = np.sum((left.mean - right.mean) ** 2)
    variances = np.sum(left.factor**2) + np.sum(right.factor**2)
    return max(0.0, float(means + variances - 2.0 * np.linalg.norm(left.factor @ right.factor.T, ord="nuc")))


def frechet_distance_of_moments(real: Moments, fake: Moments) -> float:
    """Frechet distance of two sets from their moments.

    Heusel et al. 2017, arXiv:1706.08500, eq. 6.

    Args:
        real: Moments of at least 2 real samples.
        fake: Moments of at least 2 fakes.

    Returns:
        The value of `frechet_distance` for the sets, a float.

    Raises:
        UsageError: Moments are of fewer than 2 samples.
    """
    return frechet_distance_of_gaussians(gaussian_of_moments(real), gaussian_of_moments(fake))


def frechet_distance(real_features: jax.Array, fake_features: jax.Array) -> dict[str, float]:
    """Frechet distance between real and fake features; with features of Inception-v3 it is the FID.

    Heusel et al. 2017, arXiv:1706.08500, eq. 6; covariances are divided by N - 1 as in its code. That code
    takes the root of the product of the covariances and adds 1e-6 to their diagonals where this fails; this
    function adds nothing. The distance depends on the number of samples (`frechet_distance_infinity` depends
    much less), and is large for fewer samples than features.

    Args:
        real_features: float [N, D], N at least 2.
        fake_features: float [M, D], M at least 2.

    Returns:
        `frechet_distance`: squared units of the features, at least 0; a set with itself gives only rounding,
        about 1e-14 of the sum of its variances.

    Raises:
        UsageError: The sets differ in D, are not finite, or have fewer than 2 samples.
    """
    sets = checks.matrices(minimum=2, real_features=real_features, fake_features=fake_features)
    return {"frechet_distance": frechet_distance_of_gaussians(*map(gaussian, sets))}
