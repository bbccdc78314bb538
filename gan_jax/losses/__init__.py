"""Losses as pure functions of arrays: one value per logit or sample, float32; take the mean yourself."""

from gan_jax.losses.adversarial import (
    minimax_discriminator,
    minimax_generator,
    non_saturating_discriminator,
    non_saturating_generator,
)

__all__ = [
    "minimax_discriminator",
    "minimax_generator",
    "non_saturating_discriminator",
    "non_saturating_generator",
]
