"""The f-GAN family: variational bounds of f-divergences, per logit."""

import math

import jax
import jax.numpy as jnp
from jax.nn import softplus

from gan_jax.losses.pairs import pair

__all__ = [
    "kullback_leibler_discriminator",
    "kullback_leibler_generator",
    "reverse_kullback_leibler_discriminator",
    "reverse_kullback_leibler_generator",
    "pearson_discriminator",
    "pearson_generator",
    "squared_hellinger_discriminator",
    "squared_hellinger_generator",
    "jensen_shannon_discriminator",
    "jensen_shannon_generator",
    "total_variation_discriminator",
    "total_variation_generator",
]

# For each divergence: the output activation g_f and the conjugate after it, f* o g_f, as functions of the
# logit. Composed by hand, because f* alone takes logarithms of values that underflow in g_f.
_ACTIVATION_AND_CONJUGATE = {
    "kullback_leibler": (lambda v: v, lambda v: jnp.exp(v - 1.0)),
    "reverse_kullback_leibler": (lambda v: -jnp.exp(-v), lambda v: v - 1.0),
    "pearson": (lambda v: v, lambda v: 0.25 * jnp.square(v) + v),
    "squared_hellinger": (lambda v: -jnp.expm1(-v), jnp.expm1),
    "jensen_shannon": (lambda v: math.log(2.0) - softplus(-v), lambda v: softplus(v) - math.log(2.0)),
    "total_variation": (lambda v: 0.5 * jnp.tanh(v), lambda v: 0.5 * jnp.tanh(v)),
}


def _variational_discriminator(divergence, real_logits, fake_logits):
    """Minus the variational lower bound of an f-divergence: eq. 6 of arXiv:1606.00709, one per pair."""
    activation, conjugate = _ACTIVATION_AND_CONJUGATE[divergence]
    real, fake = pair(real_logits, fake_logits)
    return conjugate(fake) - activation(real)


def _variational_generator(divergence, fake_logits):
    """The part of that bound that depends on the generator, one per logit."""
    _, conjugate = _ACTIVATION_AND_CONJUGATE[divergence]
    return -conjugate(jnp.float32(fake_logits))


def kullback_leibler_discriminator(real_logits: jax.Array, fake_logits: jax.Array) -> jax.Array:
    """Minus the variational lower bound of the Kullback-Leibler divergence KL(real || fake).

    Nowozin et al. 2016, arXiv:1606.00709, eq. 6 with tables 2 and 6:
    g_f(v) = v, f*(t) = exp(t - 1).

    Args:
        real_logits: Discriminator logits of real samples, [B, ...].
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per pair of logits, float32 [B, ...].
    """
    return _variational_discriminator("kullback_leibler", real_logits, fake_logits)


def kullback_leibler_generator(fake_logits: jax.Array) -> jax.Array:
    """Minus the conjugate at fakes: the generator's part of the Kullback-Leibler divergence.

    Nowozin et al. 2016, arXiv:1606.00709, eq. 6: the derived saddle point, not the paper's practical
    alternative of section 3.2, which maximises the activation instead.

    Args:
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per logit, float32 [B, ...], at most 0.
    """
    return _variational_generator("kullback_leibler", fake_logits)


def reverse_kullback_leibler_discriminator(real_logits: jax.Array, fake_logits: jax.Array) -> jax.Array:
    """Minus the variational lower bound of the reverse Kullback-Leibler divergence KL(fake || real).

    Nowozin et al. 2016, arXiv:1606.00709, eq. 6 with tables 2 and 6:
    g_f(v) = -exp(-v), f*(t) = -1 - log(-t).

    Args:
        real_logits: Discriminator logits of real samples, [B, ...].
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per pair of logits, float32 [B, ...].
    """
    return _variational_discriminator("reverse_kullback_leibler", real_logits, fake_logits)


def reverse_kullback_leibler_generator(fake_logits: jax.Array) -> jax.Array:
    """Minus the conjugate at fakes: the generator's part of the reverse Kullback-Leibler divergence.

    Nowozin et al. 2016, arXiv:1606.00709, eq. 6: the derived saddle point, not the paper's practical
    alternative of section 3.2, which maximises the activation instead.

    Args:
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per logit, float32 [B, ...].
    """
    return _variational_generator("reverse_kullback_leibler", fake_logits)


def pearson_discriminator(real_logits: jax.Array, fake_logits: jax.Array) -> jax.Array:
    """Minus the variational lower bound of the Pearson chi-squared divergence.

    Nowozin et al. 2016, arXiv:1606.00709, eq. 6 with tables 2 and 6:
    g_f(v) = v, f*(t) = t^2 / 4 + t.

    Args:
        real_logits: Discriminator logits of real samples, [B, ...].
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per pair of logits, float32 [B, ...].
    """
    return _variational_discriminator("pearson", real_logits, fake_logits)


def pearson_generator(fake_logits: jax.Array) -> jax.Array:
    """Minus the conjugate at fakes: the generator's part of the Pearson chi-squared divergence.

    Nowozin et al. 2016, arXiv:1606.00709, eq. 6: the derived saddle point, not the paper's practical
    alternative of section 3.2, which maximises the activation instead.

    Args:
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per logit, float32 [B, ...], at most 1.
    """
    return _variational_generator("pearson", fake_logits)


def squared_hellinger_discriminator(real_logits: jax.Array, fake_logits: jax.Array) -> jax.Array:
    """Minus the variational lower bound of the squared Hellinger distance.

    Nowozin et al. 2016, arXiv:1606.00709, eq. 6 with tables 2 and 6:
    g_f(v) = 1 - exp(-v), f*(t) = t / (1 - t).

    Args:
        real_logits: Discriminator logits of real samples, [B, ...].
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per pair of logits, float32 [B, ...].
    """
    return _variational_discriminator("squared_hellinger", real_logits, fake_logits)


def squared_hellinger_generator(fake_logits: jax.Array) -> jax.Array:
    """Minus the conjugate at fakes: the generator's part of the squared Hellinger distance.

    Nowozin et al. 2016, arXiv:1606.00709, eq. 6: the derived saddle point, not the paper's practical
    alternative of section 3.2, which maximises the activation instead.

    Args:
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per logit, float32 [B, ...], at most 1.
    """
    return _variational_generator("squared_hellinger", fake_logits)


def jensen_shannon_discriminator(real_logits: jax.Array, fake_logits: jax.Array) -> jax.Array:
    """Minus the variational lower bound of the Jensen-Shannon divergence.

    Nowozin et al. 2016, arXiv:1606.00709, eq. 6 with tables 2 and 6:
    g_f(v) = log 2 - softplus(-v), f*(t) = -log(2 - exp(t)). Without the half of the usual definition.

    Args:
        real_logits: Discriminator logits of real samples, [B, ...].
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per pair of logits, float32 [B, ...], at least -2 log 2.
    """
    return _variational_discriminator("jensen_shannon", real_logits, fake_logits)


def jensen_shannon_generator(fake_logits: jax.Array) -> jax.Array:
    """Minus the conjugate at fakes: the generator's part of the Jensen-Shannon divergence.

    Nowozin et al. 2016, arXiv:1606.00709, eq. 6: the derived saddle point, not the paper's practical
    alternative of section 3.2, which maximises the activation instead.

    Args:
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per logit, float32 [B, ...], at most log 2.
    """
    return _variational_generator("jensen_shannon", fake_logits)


def total_variation_discriminator(real_logits: jax.Array, fake_logits: jax.Array) -> jax.Array:
    """Minus the variational lower bound of the total variation distance.

    Nowozin et al. 2016, arXiv:1606.00709, eq. 6 with tables 2 and 6:
    g_f(v) = tanh(v) / 2, f*(t) = t.

    Args:
        real_logits: Discriminator logits of real samples, [B, ...].
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per pair of logits, float32 [B, ...], in [-1, 1].
    """
    return _variational_discriminator("total_variation", real_logits, fake_logits)


def total_variation_generator(fake_logits: jax.Array) -> jax.Array:
    """Minus the conjugate at fakes: the generator's part of the total variation distance.

    Nowozin et al. 2016, arXiv:1606.00709, eq. 6: the derived saddle point, not the paper's practical
    alternative of section 3.2, which maximises the activation instead.

    Args:
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per logit, float32 [B, ...], in [-1/2, 1/2].
    """
    return _variational_generator("total_variation", fake_logits)
