"""Distances between the features of a real and of a fake batch."""

import jax
import jax.numpy as jnp

from gan_jax.losses.adversarial import non_saturating_discriminator
from gan_jax.losses.pairs import flat_pair, mean_of_others

__all__ = [
    "cramer_discriminator",
    "cramer_generator",
    "maximum_mean_discrepancy_generator",
    "maximum_mean_discrepancy_discriminator",
    "sliced_wasserstein_discriminator",
    "sliced_wasserstein_generator",
]


def _squared_distances(left, right):
    """Squared Euclidean distance of every row of [A, D] from every row of [B, D], float32 [A, B]."""
    # Differences first: expanding the square cancels to noise between near neighbours.
    return jnp.sum(jnp.square(left[:, None] - right[None]), axis=-1)


def _distances(left, right, epsilon=1e-12):
    return jnp.sqrt(_squared_distances(left, right) + epsilon)


def cramer_discriminator(real_features: jax.Array, fake_features: jax.Array) -> jax.Array:
    """Minus the difference of the Cramer critic between real and fake samples.

    Bellemare et al. 2017, arXiv:1705.10743, algorithm 1: the critic of a sample is its features' mean
    distance from those of independent fakes, less their norm. The second set of fakes is here the rest of the
    batch, in all pairs; the paper samples one more fake. The paper adds 10 times a gradient penalty on that
    critic.

    Args:
        real_features: Discriminator's features of real samples, [B, ...], B at least 2.
        fake_features: Discriminator's features of fake samples, [B, ...].

    Returns:
        One loss per pair of samples, float32 [B]; its mean estimates the paper's without bias.

    Raises:
        UsageError: Fewer than two samples.
    """
    real, fake = flat_pair(real_features, fake_features)
    origin = jnp.zeros_like(real[:1])
    of_real = jnp.mean(_distances(real, fake), axis=1) - _distances(real, origin)[:, 0]
    of_fake = mean_of_others(_distances(fake, fake)) - _distances(fake, origin)[:, 0]
    return of_fake - of_real


def cramer_generator(real_features: jax.Array, fake_features: jax.Array) -> jax.Array:
    """Energy distance between the features of real and fake samples, less its part without fakes.

    Bellemare et al. 2017, arXiv:1705.10743, algorithm 1: twice the mean distance between real and fake, minus
    the mean distance between two fakes; without the constant distance between two reals, as in the paper.

    Args:
        real_features: Discriminator's features of real samples, [B, ...], B at least 2.
        fake_features: Discriminator's features of fake samples, [B, ...].

    Returns:
        One loss per fake, float32 [B]; its mean estimates the paper's without bias.

    Raises:
        UsageError: Fewer than two samples.
    """
    real, fake = flat_pair(real_features, fake_features)
    return 2.0 * jnp.mean(_distances(fake, real), axis=1) - mean_of_others(_distances(fake, fake))


def maximum_mean_discrepancy_generator(
    real_features: jax.Array,
    fake_features: jax.Array,
    *,
    bandwidths: tuple[float, ...] = (2.0, 5.0, 10.0, 20.0, 40.0, 80.0),
) -> jax.Array:
    """Squared maximum mean discrepancy between features, with a sum of Gaussian kernels.

    Gretton et al. 2012, JMLR 13, eq. 3 (the unbiased estimate, which may fall below 0); as a GAN: Li et
    al. 2017, arXiv:1705.08584; bandwidths of Binkowski et al. 2018, arXiv:1801.01401, section 4.

    Args:
        real_features: Discriminator's features of real samples, [B, ...], B at least 2.
        fake_features: Discriminator's features of fake samples, [B, ...].
        bandwidths: Standard deviations of the kernels, in units of the features, each above 0.

    Returns:
        One loss per pair of samples, float32 [B]; its mean is the squared discrepancy.

    Raises:
        UsageError: Fewer than two samples.
    """
    real, fake = flat_pair(real_features, fake_features)

    def kernel(left, right):
        # The kernel less 1, which cancels in the discrepancy: smaller numbers keep their digits.
        squares = _squared_distances(left, right)
        return sum(jnp.expm1(-squares / (2.0 * bandwidth**2)) for bandwidth in bandwidths)

    across = kernel(real, fake)
    within = mean_of_others(kernel(real, real)) + mean_of_others(kernel(fake, fake))
    return within - jnp.mean(across, axis=1) - jnp.mean(across, axis=0)


def maximum_mean_discrepancy_discriminator(
    real_features: jax.Array,
    fake_features: jax.Array,
    *,
    bandwidths: tuple[float, ...] = (2.0, 5.0, 10.0, 20.0, 40.0, 80.0),
) -> jax.Array:
    """Minus the squared maximum mean discrepancy between features.

    Li et al. 2017, arXiv:1705.08584, eq. 4: the discriminator is the kernel's feature map and makes the
    discrepancy large.

    Args:
        real_features: Discriminator's features of real samples, [B, ...], B at least 2.
        fake_features: Discriminator's features of fake samples, [B, ...].
        bandwidths: Standard deviations of the kernels, in units of the features, each above 0.

    Returns:
        One loss per pair of samples, float32 [B]; its mean is minus the squared discrepancy.

    Raises:
        UsageError: Fewer than two samples.
    """
    return -maximum_mean_discrepancy_generator(real_features, fake_features, bandwidths=bandwidths)


def sliced_wasserstein_discriminator(real_logits: jax.Array, fake_logits: jax.Array) -> jax.Array:
    """Cross entropy of telling real from fake: it trains the features that the generator's loss projects.

    Deshpande et al. 2018, arXiv:1803.11188, section 3: the discriminator is the ordinary one.

    Args:
        real_logits: Discriminator logits of real samples, [B, ...].
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per pair of logits, float32 [B, ...], at least 0.
    """
    return non_saturating_discriminator(real_logits, fake_logits)


def sliced_wasserstein_generator(
    real_features: jax.Array, fake_features: jax.Array, key: jax.Array, *, projections: int = 10_000
) -> jax.Array:
    """Squared Wasserstein-2 distance between features along random directions, averaged over directions.

    Deshpande et al. 2018, arXiv:1803.11188, section 3: along a direction the best transport pairs the sorted
    projections.

    Args:
        real_features: Discriminator's features of real samples, [B, ...].
        fake_features: Discriminator's features of fake samples, [B, ...].
        key: Random key of the directions.
        projections: Number of directions.

    Returns:
        One loss per rank (not per sample), float32 [B], at least 0; its mean is the paper's.
    """
    real, fake = flat_pair(real_features, fake_features)
    directions = jax.random.normal(key, (real.shape[1], projections))
    directions = directions / jnp.linalg.norm(directions, axis=0)
    real, fake = (jnp.sort(jnp.matmul(x, directions, precision="highest"), axis=0) for x in (real, fake))
    return jnp.mean(jnp.square(real - fake), axis=1)
