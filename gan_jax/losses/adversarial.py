"""Adversarial losses: a discriminator's and a generator's side, per logit.

A logit is large where the discriminator takes its input for real. Every function is minimised.
"""

import jax.numpy as jnp
from jax.nn import softplus


def non_saturating_discriminator(real_logits, fake_logits, *, real_label=1.0):
    """Cross entropy of telling real from fake.

    Goodfellow et al. 2014, arXiv:1406.2661, eq. 1; `real_label` below 1 is the one-sided label
    smoothing of Salimans et al. 2016, arXiv:1606.03498, section 3.4.

    Args:
        real_logits: Discriminator logits of real samples, [B, ...].
        fake_logits: Discriminator logits of fake samples, [B, ...].
        real_label: Target probability of a real sample, in (0, 1].

    Returns:
        One loss per pair of logits, float32 [B, ...], at least 0.
    """
    real, fake = jnp.float32(real_logits), jnp.float32(fake_logits)
    return real_label * softplus(-real) + (1.0 - real_label) * softplus(real) + softplus(fake)


def non_saturating_generator(fake_logits):
    """Minus the log probability that a fake is taken for real.

    Goodfellow et al. 2014, arXiv:1406.2661, section 3: strong gradients where `minimax_generator`'s vanish.

    Args:
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per logit, float32 [B, ...], at least 0.
    """
    return softplus(-jnp.float32(fake_logits))


def minimax_discriminator(real_logits, fake_logits):
    """Cross entropy of telling real from fake, the discriminator's side of the minimax game.

    Goodfellow et al. 2014, arXiv:1406.2661, eq. 1.

    Args:
        real_logits: Discriminator logits of real samples, [B, ...].
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per pair of logits, float32 [B, ...], at least 0.
    """
    return non_saturating_discriminator(real_logits, fake_logits)


def minimax_generator(fake_logits):
    """The log probability that a fake is taken for fake, to be minimised.

    Goodfellow et al. 2014, arXiv:1406.2661, eq. 1; saturates where the discriminator is sure.

    Args:
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per logit, float32 [B, ...], at most 0.
    """
    return -softplus(jnp.float32(fake_logits))
