"""Losses that a VAE-GAN adds to an adversarial loss: reconstructions are fakes too, compared by features.

Larsen et al. 2015, arXiv:1512.09300. The encoder also descends `kl_to_standard_normal`.
"""

import jax
import jax.numpy as jnp
from jax.nn import softplus

from gan_jax.losses.pairs import flat_pair

__all__ = [
    "reconstruction_discriminator",
    "reconstruction_generator",
    "learned_similarity",
]


def reconstruction_discriminator(reconstruction_logits: jax.Array) -> jax.Array:
    """Cross entropy of taking reconstructions for fakes.

    Larsen et al. 2015, arXiv:1512.09300, section 2.4: this and the two terms of
    `non_saturating_discriminator` are the three terms of the paper's L_GAN.

    Args:
        reconstruction_logits: Discriminator logits of reconstructions, [B, ...].

    Returns:
        One loss per logit, float32 [B, ...], at least 0.
    """
    return softplus(jnp.float32(reconstruction_logits))


def reconstruction_generator(reconstruction_logits: jax.Array) -> jax.Array:
    """Minus the log probability that a reconstruction is taken for real.

    Larsen et al. 2015, arXiv:1512.09300, section 2.4, in the form that does not saturate; the paper's
    algorithm descends minus `reconstruction_discriminator`.

    Args:
        reconstruction_logits: Discriminator logits of reconstructions, [B, ...].

    Returns:
        One loss per logit, float32 [B, ...], at least 0.
    """
    return softplus(-jnp.float32(reconstruction_logits))


def learned_similarity(reconstruction_features: jax.Array, real_features: jax.Array) -> jax.Array:
    """Half the squared distance between the features of a sample and of its reconstruction.

    Larsen et al. 2015, arXiv:1512.09300, eq. 8: minus the log density, up to a constant, of a normal
    distribution with unit variance around the reconstruction's features in a layer of the discriminator. A
    sum over features, so that it has the same scale as the divergence of the posterior in the encoder's loss.
    The generator's weight is the paper's gamma; the discriminator does not descend it.

    Args:
        reconstruction_features: The discriminator's features of reconstructions, [B, ...].
        real_features: Its features of the original samples, [B, ...].

    Returns:
        One loss per sample, float32 [B], at least 0.
    """
    reconstructed, real = flat_pair(reconstruction_features, real_features)
    return 0.5 * jnp.sum(jnp.square(reconstructed - real), axis=1)
