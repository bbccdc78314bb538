"""Relativistic losses: how much more real one side of a pair, or of a batch, looks than the other."""

import jax
import jax.numpy as jnp
from jax.nn import relu, softplus

from gan_jax.losses.pairs import pair

__all__ = [
    "relativistic_discriminator",
    "relativistic_generator",
    "relativistic_average_discriminator",
    "relativistic_average_generator",
    "relativistic_average_hinge_discriminator",
    "relativistic_average_hinge_generator",
    "relativistic_average_least_squares_discriminator",
    "relativistic_average_least_squares_generator",
]


def relativistic_discriminator(real_logits: jax.Array, fake_logits: jax.Array) -> jax.Array:
    """Minus the log probability that the real sample of a pair is more real than the fake.

    Jolicoeur-Martineau 2018, arXiv:1807.00734, section 4 (RSGAN); Huang et al. 2024, arXiv:2501.05441, eq. 2
    (RpGAN of R3GAN). Real and fake are paired by index, so a conditional game must draw both under one label.

    Args:
        real_logits: Discriminator logits of real samples, [B, ...].
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per pair of logits, float32 [B, ...], at least 0.
    """
    real, fake = pair(real_logits, fake_logits)
    return softplus(fake - real)


def relativistic_generator(real_logits: jax.Array, fake_logits: jax.Array) -> jax.Array:
    """Minus the log probability that the fake sample of a pair is more real than the real one.

    Jolicoeur-Martineau 2018, arXiv:1807.00734, section 4 (RSGAN); Huang et al. 2024, arXiv:2501.05441, eq. 2.

    Args:
        real_logits: Discriminator logits of real samples, [B, ...].
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per pair of logits, float32 [B, ...], at least 0.
    """
    return relativistic_discriminator(fake_logits, real_logits)


def _relative_to_average(real_logits, fake_logits):
    """Each side's logits less the mean of all the other side's."""
    real, fake = pair(real_logits, fake_logits)
    return real - jnp.mean(fake), fake - jnp.mean(real)


def relativistic_average_discriminator(real_logits: jax.Array, fake_logits: jax.Array) -> jax.Array:
    """Cross entropy of telling real from fake by the difference of a logit from the other side's mean.

    Jolicoeur-Martineau 2018, arXiv:1807.00734, section 4 (RaSGAN). The mean is over all logits of the batch,
    including the positions of a patch discriminator.

    Args:
        real_logits: Discriminator logits of real samples, [B, ...].
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per pair of logits, float32 [B, ...], at least 0.
    """
    real, fake = _relative_to_average(real_logits, fake_logits)
    return softplus(-real) + softplus(fake)


def relativistic_average_generator(real_logits: jax.Array, fake_logits: jax.Array) -> jax.Array:
    """The relativistic average cross entropy with real and fake exchanged.

    Jolicoeur-Martineau 2018, arXiv:1807.00734, section 4 (RaSGAN).

    Args:
        real_logits: Discriminator logits of real samples, [B, ...].
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per pair of logits, float32 [B, ...], at least 0.
    """
    return relativistic_average_discriminator(fake_logits, real_logits)


def relativistic_average_hinge_discriminator(real_logits: jax.Array, fake_logits: jax.Array) -> jax.Array:
    """The hinge loss on distances from the other side's mean logit.

    Jolicoeur-Martineau 2018, arXiv:1807.00734, appendix (RaHingeGAN): the sum, as in the paper; the author's
    code halves it.

    Args:
        real_logits: Discriminator logits of real samples, [B, ...].
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per pair of logits, float32 [B, ...], at least 0.
    """
    real, fake = _relative_to_average(real_logits, fake_logits)
    return relu(1.0 - real) + relu(1.0 + fake)


def relativistic_average_hinge_generator(real_logits: jax.Array, fake_logits: jax.Array) -> jax.Array:
    """The relativistic average hinge loss with real and fake exchanged.

    Jolicoeur-Martineau 2018, arXiv:1807.00734, appendix (RaHingeGAN).

    Args:
        real_logits: Discriminator logits of real samples, [B, ...].
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per pair of logits, float32 [B, ...], at least 0.
    """
    return relativistic_average_hinge_discriminator(fake_logits, real_logits)


def relativistic_average_least_squares_discriminator(
    real_logits: jax.Array, fake_logits: jax.Array
) -> jax.Array:
    """Squared distances from 1 and -1 of logits relative to the other side's mean.

    Jolicoeur-Martineau 2018, arXiv:1807.00734, appendix (RaLSGAN); no half before the squares, unlike
    `least_squares_discriminator`.

    Args:
        real_logits: Discriminator logits of real samples, [B, ...].
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per pair of logits, float32 [B, ...], at least 0.
    """
    real, fake = _relative_to_average(real_logits, fake_logits)
    return jnp.square(real - 1.0) + jnp.square(fake + 1.0)


def relativistic_average_least_squares_generator(real_logits: jax.Array, fake_logits: jax.Array) -> jax.Array:
    """The relativistic average least squares loss with real and fake exchanged.

    Jolicoeur-Martineau 2018, arXiv:1807.00734, appendix (RaLSGAN).

    Args:
        real_logits: Discriminator logits of real samples, [B, ...].
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per pair of logits, float32 [B, ...], at least 0.
    """
    return relativistic_average_least_squares_discriminator(fake_logits, real_logits)
