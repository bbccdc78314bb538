"""Losses of the introductory articles behind this project: for learning, not for training."""

import jax
import jax.numpy as jnp
from jax.nn import sigmoid, softplus

from gan_jax.losses.adversarial import non_saturating_generator
from gan_jax.losses.pairs import pair

__all__ = [
    "weighted_discriminator",
    "weighted_generator",
    "cross_entropy_and_squared_error_discriminator",
    "cross_entropy_and_squared_error_generator",
]


def weighted_discriminator(
    real_logits: jax.Array, fake_logits: jax.Array, *, a: float = 1.0, b: float = -1.0, c: float = 1.0
) -> jax.Array:
    """A didactic loss: a p(fake) + b log(1 - p(fake)) + c log(1 - p(real)), p the probability of real.

    No paper: from an introductory article. There all three weights are positive, and `b` then rewards the
    discriminator for being fooled. With a >= 0, b <= 0, c >= 0 (the defaults) it is a GAN's discriminator:
    each part pulls p(fake) to 0 or p(real) to 1. Even then the last part is unbounded below and its gradient
    vanishes where a real sample is taken for fake: to train, use `non_saturating_discriminator`.

    Args:
        real_logits: Discriminator logits of real samples, [B, ...].
        fake_logits: Discriminator logits of fake samples, [B, ...].
        a: Weight of the fake's probability.
        b: Weight of the log probability that the fake is fake.
        c: Weight of the log probability that the real sample is fake.

    Returns:
        One loss per pair of logits, float32 [B, ...].
    """
    real, fake = pair(real_logits, fake_logits)
    return a * sigmoid(fake) - b * softplus(fake) - c * softplus(real)


def weighted_generator(
    real_logits: jax.Array, fake_logits: jax.Array, *, a: float = -1.0, b: float = -1.0, c: float = 1.0
) -> jax.Array:
    """A didactic loss: a p(fake) - b log(1 - p(fake)) + c log(1 - p(real)), p the probability of real.

    No paper: from the same article as `weighted_discriminator`. The article's positive weights reward the
    generator for fakes that are recognised. It is a GAN's generator with a <= 0 and b <= 0 (the defaults);
    a = 0, b = -1 is `minimax_generator`. The last part does not depend on the generator.

    Args:
        real_logits: Discriminator logits of real samples, [B, ...].
        fake_logits: Discriminator logits of fake samples, [B, ...].
        a: Weight of the fake's probability.
        b: Weight of minus the log probability that the fake is fake.
        c: Weight of the log probability that the real sample is fake.

    Returns:
        One loss per pair of logits, float32 [B, ...].
    """
    real, fake = pair(real_logits, fake_logits)
    return a * sigmoid(fake) + b * softplus(fake) - c * softplus(real)


def cross_entropy_and_squared_error_discriminator(
    real_logits: jax.Array, fake_logits: jax.Array
) -> jax.Array:
    """A didactic loss: cross entropy on fakes, squared error of the probability on real samples.

    No paper: from an introductory article. Both parts have a GAN's signs: they pull p(fake) to 0 and p(real)
    to 1. But they do not balance: where real and fake are equally likely the best p is 1 - sqrt(1/2), 0.29,
    not 1/2, and the squared error's gradient vanishes where a real sample is taken for fake.

    Args:
        real_logits: Discriminator logits of real samples, [B, ...].
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per pair of logits, float32 [B, ...], at least 0.
    """
    real, fake = pair(real_logits, fake_logits)
    return softplus(fake) + jnp.square(sigmoid(real) - 1.0)


def cross_entropy_and_squared_error_generator(fake_logits: jax.Array) -> jax.Array:
    """The non-saturating loss: the article of this discriminator has no loss for the generator.

    No paper: the usual counterpart, Goodfellow et al. 2014, arXiv:1406.2661, section 3.

    Args:
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per logit, float32 [B, ...], at least 0.
    """
    return non_saturating_generator(fake_logits)
