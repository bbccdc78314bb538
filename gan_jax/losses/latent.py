"""Losses between a fake and its latents; one value per sample."""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from gan_jax.errors import UsageError

__all__ = [
    "code_information_discrete",
    "code_information_gaussian",
    "mode_seeking",
    "path_lengths",
    "path_length",
    "latent_consistency_discriminator",
    "latent_consistency_generator",
]


def _codes(latents, start, like):
    """The latents' columns from `start` on, as many as `like` [B, ...] needs, in its shape."""
    count = math.prod(like.shape[1:])
    size = latents.shape[1]
    if not 0 <= start <= size - count:
        raise UsageError(f"code_information: start={start}: expected {count} of {size} latents from there on")
    return jnp.float32(latents[:, start : start + count]).reshape(like.shape)


def code_information_discrete(
    fake_code_logits: jax.Array, latents: jax.Array, *, start: int = 0
) -> jax.Array:
    """Cross entropy of recovering discrete codes from a fake, summed over the codes.

    Chen et al. 2016, arXiv:1606.03657, eq. 5 (InfoGAN), for both players: minus the variational bound of the
    mutual information, without the codes' constant entropy. The codes are one-hot columns of the latents.

    Args:
        fake_code_logits: Logits of the values of one code, [B, K], or of N codes, [B, N, K].
        latents: The generator's latents, [B, Z], with the one-hot codes side by side among their columns.
        start: First column of the codes.

    Returns:
        One loss per sample, float32 [B], at least 0.

    Raises:
        UsageError: The latents have too few columns.
    """
    each = -_codes(latents, start, fake_code_logits) * jax.nn.log_softmax(jnp.float32(fake_code_logits))
    return jnp.sum(each.reshape(len(each), -1), axis=1)


def code_information_gaussian(
    fake_code_mean: jax.Array, fake_code_log_variance: jax.Array, latents: jax.Array, *, start: int = 0
) -> jax.Array:
    """Negative log likelihood of continuous codes under a Gaussian recovered from a fake, summed over codes.

    Chen et al. 2016, arXiv:1606.03657, eq. 5 and section 6 (InfoGAN), for both players; the variance is
    learned as its logarithm, where the paper's code uses an exponential and others fix it at 1.

    Args:
        fake_code_mean: Means, [B, N].
        fake_code_log_variance: Natural logarithms of variances, [B, N].
        latents: The generator's latents, [B, Z], with the N codes among their columns.
        start: First column of the codes.

    Returns:
        One loss per sample, float32 [B], unbounded.

    Raises:
        UsageError: The latents have too few columns.
    """
    mean, log_variance = jnp.float32(fake_code_mean), jnp.float32(fake_code_log_variance)
    squares = jnp.square(_codes(latents, start, mean) - mean) * jnp.exp(-log_variance)
    return 0.5 * jnp.sum(math.log(2.0 * math.pi) + log_variance + squares, axis=-1)


def _mean_absolute(left, right):
    """Mean absolute difference of each sample, float32 [B]."""
    return jnp.mean(jnp.abs(jnp.float32(left) - jnp.float32(right)), axis=tuple(range(1, left.ndim)))


def mode_seeking(
    generate: Callable[[jax.Array], jax.Array], latents: jax.Array, *, epsilon: float = 1e-5
) -> jax.Array:
    """Distance of two latents over the distance of their images, both generated under the same condition.

    Mao et al. 2019, arXiv:1903.05628, eq. 2, maximises the inverse ratio; the authors' code minimises this
    one, here for each pair. The second latents are the batch's next ones, so the distribution of latents does
    not matter.

    Args:
        generate: Function from latents to images, [B, ...].
        latents: Latents, [B, ...], B at least 2.
        epsilon: Added to the distance of the images.

    Returns:
        One loss per sample, float32 [B], at least 0.

    Raises:
        UsageError: Fewer than two samples.
    """
    if len(latents) < 2:
        raise UsageError(f"mode_seeking compares samples of a batch and needs at least 2, not {len(latents)}")
    others = jnp.roll(latents, 1, axis=0)
    distance = _mean_absolute(generate(latents), generate(others))
    return _mean_absolute(latents, others) / (distance + epsilon)


def path_lengths(
    generate: Callable[[jax.Array], jax.Array], latents: jax.Array, key: jax.Array, *, epsilon: float = 1e-12
) -> jax.Array:
    """Norm of the product of a random direction in the image with the generator's Jacobian.

    Karras et al. 2019, arXiv:1912.04958, section 3.2. The direction is a normal sample divided by the root of
    height times width, as in the authors' code, so that lengths do not grow with the resolution. With latents
    for each layer, [B, L, D], the squares are averaged over the layers.

    Args:
        generate: Function from latents to images, [B, H, W, C].
        latents: Latents, such as the paper's w, [B, ..., D].
        key: Random key of the directions.
        epsilon: Added to the squared norm.

    Returns:
        One length per sample, float32 [B], at least 0.
    """
    images, pull_back = jax.vjp(generate, latents)
    direction = jax.random.normal(key, images.shape) / math.sqrt(images.shape[1] * images.shape[2])
    product = jnp.float32(pull_back(direction.astype(images.dtype))[0])
    squares = jnp.sum(jnp.square(product), axis=-1).reshape(len(product), -1)
    return jnp.sqrt(jnp.mean(squares, axis=1) + epsilon)


def path_length(
    generate: Callable[[jax.Array], jax.Array],
    latents: jax.Array,
    key: jax.Array,
    average_path_lengths: jax.Array,
    *,
    share: float = 0.01,
) -> jax.Array:
    """Squared distance of path lengths from their running mean.

    Karras et al. 2019, arXiv:1912.04958, eq. 4 (StyleGAN2), with weight 2, every 4 generator steps. As in the
    authors' code the mean includes this batch, and the gradient flows through the mean.

    Args:
        generate: Function from latents to images, [B, H, W, C].
        latents: Latents, [B, ..., D].
        key: Random key of the directions in the image.
        average_path_lengths: Running mean of `path_lengths` over past batches, scalar.
        share: Weight of this batch in the mean, in [0, 1].

    Returns:
        One loss per sample, float32 [B], at least 0.
    """
    lengths = path_lengths(generate, latents, key)
    return jnp.square(lengths - (average_path_lengths + share * (jnp.mean(lengths) - average_path_lengths)))


def _nearby(latents, key, deviation):
    return latents + deviation * jax.random.normal(key, latents.shape, latents.dtype)


def latent_consistency_discriminator(
    critic: Callable[[Any], jax.Array],
    generate: Callable[[jax.Array], jax.Array],
    latents: jax.Array,
    key: jax.Array,
    *,
    deviation: float = 0.05,
) -> jax.Array:
    """Squared difference between the logits of fakes from latents and from latents nearby.

    Zhao et al. 2020, arXiv:2002.04724, algorithm 2 (zCR); weight 20 in StudioGAN's ICR.

    Args:
        critic: Function from samples to logits, [B].
        generate: Function from latents to samples.
        latents: Latents, [B, ...].
        key: Random key of the perturbation.
        deviation: Standard deviation of the normal perturbation, in units of the latents.

    Returns:
        One loss per logit, float32 [B], at least 0.
    """
    here, there = (critic(generate(x)) for x in (latents, _nearby(latents, key, deviation)))
    return jnp.square(jnp.float32(here) - jnp.float32(there))


def latent_consistency_generator(
    generate: Callable[[jax.Array], jax.Array], latents: jax.Array, key: jax.Array, *, deviation: float = 0.05
) -> jax.Array:
    """Minus the mean squared difference between fakes from latents and from latents nearby.

    Zhao et al. 2020, arXiv:2002.04724, algorithm 2 (zCR), weight 0.5: the generator keeps nearby latents
    apart. A mean over a sample's entries, as in reference implementations, where the paper writes a squared
    norm.

    Args:
        generate: Function from latents to samples, [B, ...].
        latents: Latents, [B, ...].
        key: Random key of the perturbation.
        deviation: Standard deviation of the normal perturbation, in units of the latents.

    Returns:
        One loss per sample, float32 [B], at most 0.
    """
    here, there = (jnp.float32(generate(x)) for x in (latents, _nearby(latents, key, deviation)))
    return -jnp.mean(jnp.square(here - there), axis=tuple(range(1, here.ndim)))
