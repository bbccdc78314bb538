"""The losses of the cases in TensorFlow: one forward pass serves a loss and its penalty."""

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

# From images [B, H, W, C] to logits [B].
Network = Callable[[tf.Tensor], tf.Tensor]


def non_saturating_discriminator(
    discriminator: Network, real: tf.Tensor, fake: tf.Tensor, weights: Mapping[str, Any]
) -> tf.Tensor:
    """Cross entropy of a classifier of real and fake."""
    return tf.reduce_mean(tf.nn.softplus(-discriminator(real))) + tf.reduce_mean(
        tf.nn.softplus(discriminator(fake))
    )


def non_saturating_generator(discriminator: Network, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """Cross entropy of fakes classified as real."""
    return tf.reduce_mean(tf.nn.softplus(-discriminator(fake)))


def hinge_discriminator(
    discriminator: Network, real: tf.Tensor, fake: tf.Tensor, weights: Mapping[str, Any]
) -> tf.Tensor:
    """The hinge loss with margins of 1."""
    return tf.reduce_mean(tf.nn.relu(1 - discriminator(real))) + tf.reduce_mean(
        tf.nn.relu(1 + discriminator(fake))
    )


def minus_fake(discriminator: Network, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """The generator's loss of hinge and Wasserstein games."""
    return -tf.reduce_mean(discriminator(fake))


def wasserstein_discriminator(
    discriminator: Network,
    real: tf.Tensor,
    fake: tf.Tensor,
    weights: Mapping[str, Any],
    share: tf.Tensor | None = None,
) -> tf.Tensor:
    """WGAN's loss with the gradient penalty; `share` is the place between real and fake, [B, 1, 1, 1]."""
    share = tf.random.uniform((real.shape[0], 1, 1, 1)) if share is None else share
    between = real + share * (fake - real)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(between)
        logits = discriminator(between)
    slope = tape.gradient(logits, between)
    norm = tf.sqrt(tf.reduce_sum(tf.square(slope), (1, 2, 3)) + 1e-12)
    distance = tf.reduce_mean(discriminator(fake)) - tf.reduce_mean(discriminator(real))
    return distance + weights["gradient_penalty"] * tf.reduce_mean(tf.square(norm - 1))


def relativistic_discriminator(
    discriminator: Network, real: tf.Tensor, fake: tf.Tensor, weights: Mapping[str, Any]
) -> tf.Tensor:
    """R3GAN's loss with R1 and R2; one forward pass for all three."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch((real, fake))
        real_logits, fake_logits = discriminator(real), discriminator(fake)
        summed = tf.reduce_sum(real_logits) + tf.reduce_sum(fake_logits)
    slopes = tape.gradient(summed, (real, fake))
    r1, r2 = (0.5 * tf.reduce_mean(tf.reduce_sum(tf.square(slope), (1, 2, 3))) for slope in slopes)
    loss = tf.reduce_mean(tf.nn.softplus(fake_logits - real_logits))
    return loss + weights["r1"] * r1 + weights["r2"] * r2


def relativistic_generator(discriminator: Network, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """R3GAN's loss; the real images' logits depend on no parameter of the generator."""
    return tf.reduce_mean(tf.nn.softplus(discriminator(real) - discriminator(fake)))


LOSSES = {
    "non_saturating": (non_saturating_discriminator, non_saturating_generator),
    "hinge": (hinge_discriminator, minus_fake),
    "wasserstein": (wasserstein_discriminator, minus_fake),
    "relativistic": (relativistic_discriminator, relativistic_generator),
}
