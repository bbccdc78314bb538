"""Auxiliary losses: classes, rotations and features that a player learns besides real and fake.

They read heads of the discriminator (`class_logits`, `twin_logits`, `features`, ...), which a game outputs
as `real_<head>` and `fake_<head>`; a fake's label is the generator's condition. One value per sample, 0 where
a label is below 0: that sample has no class.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.nn import relu

from gan_jax.errors import UsageError
from gan_jax.losses.pairs import check_labelled, of_labelled, pair

__all__ = [
    "classification_real",
    "classification_fake",
    "twin_auxiliary_classifier_discriminator",
    "twin_auxiliary_classifier_generator",
    "auxiliary_discriminative_classifier_discriminator",
    "auxiliary_discriminative_classifier_generator",
    "multi_hinge_discriminator",
    "multi_hinge_generator",
    "rotation_discriminator",
    "rotation_generator",
    "feature_matching",
]


def _cross_entropy(logits, label):
    """Minus the log probability of the label, float32 [B]; 0 without a label."""
    check_labelled(logits, label)
    log_probabilities = jax.nn.log_softmax(jnp.float32(logits))
    of_label = jnp.take_along_axis(log_probabilities, jnp.asarray(label)[..., None], axis=-1)[..., 0]
    return of_labelled(-of_label, label)


def classification_real(real_class_logits: jax.Array, label: jax.Array) -> jax.Array:
    """Cross entropy of the classes of real samples.

    Odena et al. 2016, arXiv:1610.09585, eq. 3 (AC-GAN). The paper's discriminator descends this and
    `classification_fake`, its generator `classification_fake`. StudioGAN's ACGAN-Mod gives the
    discriminator only this one, so that it never learns classes from bad fakes, and the generator
    `classification_fake`.

    Args:
        real_class_logits: Class logits of real samples, [B, K].
        label: Their classes, int32 [B].

    Returns:
        One loss per sample, float32 [B], at least 0.
    """
    return _cross_entropy(real_class_logits, label)


def classification_fake(fake_class_logits: jax.Array, label: jax.Array) -> jax.Array:
    """Cross entropy of the classes of fakes, which are the generator's conditions.

    Odena et al. 2016, arXiv:1610.09585, eq. 3 (AC-GAN): for both players; in StudioGAN's ACGAN-Mod for the
    generator only.

    Args:
        fake_class_logits: Class logits of fake samples, [B, K].
        label: Classes that the generator was conditioned on, int32 [B].

    Returns:
        One loss per sample, float32 [B], at least 0.
    """
    return _cross_entropy(fake_class_logits, label)


def twin_auxiliary_classifier_discriminator(fake_twin_logits: jax.Array, label: jax.Array) -> jax.Array:
    """Cross entropy of a second classifier, which sees fakes only.

    Gong et al. 2019, arXiv:1907.02690, eq. 5 (TAC-GAN); beside the two terms of AC-GAN.

    Args:
        fake_twin_logits: The second classifier's logits of fake samples, [B, K].
        label: Classes that the generator was conditioned on, int32 [B].

    Returns:
        One loss per sample, float32 [B], at least 0.
    """
    return _cross_entropy(fake_twin_logits, label)


def twin_auxiliary_classifier_generator(fake_twin_logits: jax.Array, label: jax.Array) -> jax.Array:
    """Minus the twin's cross entropy: the generator does not exaggerate the differences between classes.

    Gong et al. 2019, arXiv:1907.02690, eq. 5 (TAC-GAN): against AC-GAN's loss of diversity inside a class.

    Args:
        fake_twin_logits: The second classifier's logits of fake samples, [B, K].
        label: Classes that the generator was conditioned on, int32 [B].

    Returns:
        One loss per sample, float32 [B], at most 0.
    """
    return -_cross_entropy(fake_twin_logits, label)


def auxiliary_discriminative_classifier_discriminator(
    real_class_logits: jax.Array, fake_class_logits: jax.Array, label: jax.Array
) -> jax.Array:
    """Cross entropy of a classifier with every class twice: real, and fake.

    Hou et al. 2021, arXiv:2107.10060, section 4 (ADC-GAN). Real samples of class y are class y here, fakes
    class K + y; the authors' code interleaves them.

    Args:
        real_class_logits: Class logits of real samples, [B, 2K].
        fake_class_logits: Class logits of fake samples, [B, 2K].
        label: Classes in [0, K), int32 [B], of the real samples and of the generator's conditions.

    Returns:
        One loss per pair of samples, float32 [B], at least 0.
    """
    real_class_logits, fake_class_logits = pair(real_class_logits, fake_class_logits)
    classes = real_class_logits.shape[-1] // 2
    return of_labelled(
        _cross_entropy(real_class_logits, label) + _cross_entropy(fake_class_logits, classes + label), label
    )


def auxiliary_discriminative_classifier_generator(
    fake_class_logits: jax.Array, label: jax.Array
) -> jax.Array:
    """Log odds of a fake being its class's fake rather than its class's real.

    Hou et al. 2021, arXiv:2107.10060, section 4 (ADC-GAN): cross entropy to the real class less that to the
    fake one; the classes' shared normalisation cancels, and a difference of two logits remains.

    Args:
        fake_class_logits: Class logits of fake samples, [B, 2K], the last K for fakes.
        label: Classes in [0, K) that the generator was conditioned on, int32 [B].

    Returns:
        One loss per sample, float32 [B], unbounded.
    """
    classes = fake_class_logits.shape[-1] // 2
    return of_labelled(
        _cross_entropy(fake_class_logits, label) - _cross_entropy(fake_class_logits, classes + label), label
    )


def _crammer_singer(logits, label):
    """How far the label's logit stays below every other logit plus 1, float32 [B]; 0 without a label."""
    check_labelled(logits, label)
    logits = jnp.float32(logits)
    own = jax.nn.one_hot(label, logits.shape[-1], dtype=bool)
    best_other = jnp.max(jnp.where(own, -jnp.inf, logits), axis=-1)
    return of_labelled(relu(1.0 + best_other - jnp.sum(jnp.where(own, logits, 0.0), axis=-1)), label)


def multi_hinge_discriminator(
    real_class_logits: jax.Array, fake_class_logits: jax.Array, label: jax.Array
) -> jax.Array:
    """Multi-class hinge loss over K classes and one more, the last, for fakes.

    Kavalerov et al. 2019, arXiv:1912.04216, section 3; replaces an adversarial loss.

    Args:
        real_class_logits: Class logits of real samples, [B, K + 1].
        fake_class_logits: Class logits of fake samples, [B, K + 1].
        label: Classes of the real samples in [0, K), int32 [B].

    Returns:
        One loss per pair of samples, float32 [B], at least 0.
    """
    real_class_logits, fake_class_logits = pair(real_class_logits, fake_class_logits)
    fake_class = jnp.full_like(label, real_class_logits.shape[-1] - 1)
    return _crammer_singer(real_class_logits, label) + _crammer_singer(fake_class_logits, fake_class)


def multi_hinge_generator(fake_class_logits: jax.Array, label: jax.Array) -> jax.Array:
    """Multi-class hinge loss of fakes, for the class that the generator was conditioned on.

    Kavalerov et al. 2019, arXiv:1912.04216, section 3; StudioGAN uses weight 0.05 beside `feature_matching`.

    Args:
        fake_class_logits: Class logits of fake samples, [B, K + 1], the last for fakes.
        label: Classes that the generator was conditioned on, in [0, K), int32 [B].

    Returns:
        One loss per sample, float32 [B], at least 0.
    """
    return _crammer_singer(fake_class_logits, label)


def _rotation(discriminate, images, key):
    """Rotates each image by a random number of quarter turns; cross entropy of predicting it, float32 [B]."""
    if images.shape[1] != images.shape[2]:
        raise UsageError(f"rotation: expected square images, not {images.shape[1]} x {images.shape[2]}")
    turns = jax.random.randint(key, (len(images),), 0, 4)
    rotated = jnp.stack([jnp.rot90(images, count, axes=(1, 2)) for count in range(4)])
    rotated = rotated[turns, jnp.arange(len(images))]
    return _cross_entropy(discriminate(rotated)["rotation_logits"], turns)


def rotation_discriminator(
    discriminate: Callable[[jax.Array], dict[str, jax.Array]], real: jax.Array, key: jax.Array
) -> jax.Array:
    """Cross entropy of predicting the quarter turns of rotated real images.

    Chen et al. 2019, arXiv:1811.11212, eq. 3 (SSGAN), with the paper's weight beta = 1. One random turn for
    each image estimates the expectation over the four turns; the paper's code rotates a quarter of the batch
    by all four.

    Args:
        discriminate: Function from images to the discriminator's heads, including `rotation_logits` [B, 4].
        real: Real images, [B, N, N, C].
        key: Random key of the turns.

    Returns:
        One loss per image, float32 [B], at least 0.

    Raises:
        UsageError: Images that are not square.
    """
    return _rotation(discriminate, real, key)


def rotation_generator(
    discriminate: Callable[[jax.Array], dict[str, jax.Array]], fake: jax.Array, key: jax.Array
) -> jax.Array:
    """Cross entropy of predicting the quarter turns of rotated fakes.

    Chen et al. 2019, arXiv:1811.11212, eq. 3 (SSGAN), with the paper's weight alpha = 0.2.

    Args:
        discriminate: Function from images to the discriminator's heads, including `rotation_logits` [B, 4].
        fake: Fake images, [B, N, N, C].
        key: Random key of the turns.

    Returns:
        One loss per image, float32 [B], at least 0.

    Raises:
        UsageError: Images that are not square.
    """
    return _rotation(discriminate, fake, key)


def feature_matching(real_features: jax.Array, fake_features: jax.Array) -> jax.Array:
    """Squared distance between the mean features of real and of fake samples.

    Salimans et al. 2016, arXiv:1606.03498, section 3.1; for the generator, instead of an adversarial loss.
    StudioGAN uses the mean absolute difference.

    Args:
        real_features: Features of real samples, [B, ...].
        fake_features: Features of fake samples, [B, ...].

    Returns:
        The batch's loss, the same for every sample, float32 [B], at least 0.
    """
    real_features, fake_features = pair(real_features, fake_features)
    difference = jnp.mean(jnp.float32(real_features), axis=0) - jnp.mean(jnp.float32(fake_features), axis=0)
    return jnp.full((len(real_features),), jnp.sum(jnp.square(difference)))
