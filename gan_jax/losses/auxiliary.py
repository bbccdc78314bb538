"""Auxiliary losses: what a player learns besides real and fake. One value per sample.

They read heads of the discriminator (`class_logits`, `twin_logits`, `embedding`, `features`, ...), which a
table offers as `real_<head>` and `fake_<head>`; a fake's label is the one that the generator was told.
"""

import math

import chex
import jax
import jax.numpy as jnp
import optax
from jax.nn import relu

from gan_jax.errors import UsageError


def _cross_entropy(logits, labels):
    """Minus the log probability of the label, float32 [B]."""
    return optax.softmax_cross_entropy_with_integer_labels(jnp.float32(logits), labels)


def classification_real(real_class_logits, labels):
    """Cross entropy of the classes of real samples.

    Odena et al. 2016, arXiv:1610.09585, eq. 3 (AC-GAN). The paper's discriminator descends this and
    `classification_fake`, its generator `classification_fake`. StudioGAN's ACGAN-Mod gives the
    discriminator only this one, so that it never learns classes from bad fakes, and the generator
    `classification_fake`.

    Args:
        real_class_logits: Class logits of real samples, [B, K].
        labels: Their classes, int32 [B].

    Returns:
        One loss per sample, float32 [B], at least 0.
    """
    return _cross_entropy(real_class_logits, labels)


def classification_fake(fake_class_logits, labels):
    """Cross entropy of the classes that fakes were made for.

    Odena et al. 2016, arXiv:1610.09585, eq. 3 (AC-GAN): for both players; in StudioGAN's ACGAN-Mod for the
    generator only.

    Args:
        fake_class_logits: Class logits of fake samples, [B, K].
        labels: Classes that the generator was told, int32 [B].

    Returns:
        One loss per sample, float32 [B], at least 0.
    """
    return _cross_entropy(fake_class_logits, labels)


def twin_auxiliary_classifier_discriminator(fake_twin_logits, labels):
    """Cross entropy of a second classifier, which sees fakes only.

    Gong et al. 2019, arXiv:1907.02690, eq. 5 (TAC-GAN); beside the two terms of AC-GAN.

    Args:
        fake_twin_logits: The second classifier's logits of fake samples, [B, K].
        labels: Classes that the generator was told, int32 [B].

    Returns:
        One loss per sample, float32 [B], at least 0.
    """
    return _cross_entropy(fake_twin_logits, labels)


def twin_auxiliary_classifier_generator(fake_twin_logits, labels):
    """Minus the twin's cross entropy: fakes of different classes shall not be easier to tell than they are.

    Gong et al. 2019, arXiv:1907.02690, eq. 5 (TAC-GAN): against AC-GAN's loss of diversity inside a class.

    Args:
        fake_twin_logits: The second classifier's logits of fake samples, [B, K].
        labels: Classes that the generator was told, int32 [B].

    Returns:
        One loss per sample, float32 [B], at most 0.
    """
    return -_cross_entropy(fake_twin_logits, labels)


def auxiliary_discriminative_classifier_discriminator(real_class_logits, fake_class_logits, labels):
    """Cross entropy of a classifier with every class twice: real, and fake.

    Hou et al. 2021, arXiv:2107.10060, section 4 (ADC-GAN). Real samples of class y are class y here, fakes
    class K + y; the authors' code interleaves them.

    Args:
        real_class_logits: Class logits of real samples, [B, 2K].
        fake_class_logits: Class logits of fake samples, [B, 2K].
        labels: Classes in [0, K), int32 [B], of the real samples and told to the generator.

    Returns:
        One loss per pair of samples, float32 [B], at least 0.
    """
    chex.assert_equal_shape((real_class_logits, fake_class_logits))
    classes = real_class_logits.shape[-1] // 2
    return _cross_entropy(real_class_logits, labels) + _cross_entropy(fake_class_logits, classes + labels)


def auxiliary_discriminative_classifier_generator(fake_class_logits, labels):
    """Log odds of a fake being its class's fake rather than its class's real.

    Hou et al. 2021, arXiv:2107.10060, section 4 (ADC-GAN): cross entropy to the real class less that to the
    fake one; the classes' shared normalisation cancels, and what is left is a difference of two logits.

    Args:
        fake_class_logits: Class logits of fake samples, [B, 2K], the last K for fakes.
        labels: Classes in [0, K) that the generator was told, int32 [B].

    Returns:
        One loss per sample, float32 [B], unbounded.
    """
    classes = fake_class_logits.shape[-1] // 2
    return _cross_entropy(fake_class_logits, labels) - _cross_entropy(fake_class_logits, classes + labels)


def _crammer_singer(logits, labels):
    """By how much the label's logit fails to be 1 above every other, float32 [B]."""
    logits = jnp.float32(logits)
    own = jax.nn.one_hot(labels, logits.shape[-1], dtype=bool)
    best_other = jnp.max(jnp.where(own, -jnp.inf, logits), axis=-1)
    return relu(1.0 + best_other - jnp.sum(jnp.where(own, logits, 0.0), axis=-1))


def multi_hinge_discriminator(real_class_logits, fake_class_logits, labels):
    """Multi-class hinge loss over K classes and one more, the last, for fakes.

    Kavalerov et al. 2019, arXiv:1912.04216, section 3; in place of an adversarial loss.

    Args:
        real_class_logits: Class logits of real samples, [B, K + 1].
        fake_class_logits: Class logits of fake samples, [B, K + 1].
        labels: Classes of the real samples in [0, K), int32 [B].

    Returns:
        One loss per pair of samples, float32 [B], at least 0.
    """
    chex.assert_equal_shape((real_class_logits, fake_class_logits))
    fake_class = jnp.full_like(labels, real_class_logits.shape[-1] - 1)
    return _crammer_singer(real_class_logits, labels) + _crammer_singer(fake_class_logits, fake_class)


def multi_hinge_generator(fake_class_logits, labels):
    """Multi-class hinge loss of fakes, for the class that the generator was told.

    Kavalerov et al. 2019, arXiv:1912.04216, section 3; StudioGAN weights it 0.05 beside `feature_matching`.

    Args:
        fake_class_logits: Class logits of fake samples, [B, K + 1], the last for fakes.
        labels: Classes that the generator was told, in [0, K), int32 [B].

    Returns:
        One loss per sample, float32 [B], at least 0.
    """
    return _crammer_singer(fake_class_logits, labels)


def _unit(vectors, epsilon=1e-12):
    """float32 vectors of length 1 along the last axis."""
    vectors = jnp.float32(vectors)
    return vectors / jnp.sqrt(jnp.sum(jnp.square(vectors), axis=-1, keepdims=True) + epsilon)


def _similarities(embedding, class_embedding):
    """Cosines of each sample with its class [B, 1] and with every sample [B, B]."""
    embedding, class_embedding = _unit(embedding), _unit(class_embedding)
    to_class = jnp.sum(embedding * class_embedding, axis=-1, keepdims=True)
    return to_class, jnp.matmul(embedding, embedding.T, precision="highest")


def _log_sum_where(to_class, to_samples, mask):
    """log(exp(class) + sum of exp(samples) where the mask holds), [B]."""
    counted = jnp.where(mask, to_samples, -jnp.inf)
    return jax.nn.logsumexp(jnp.concatenate([to_class, counted], axis=1), axis=1)


def _conditional_contrastive(embedding, class_embedding, labels, temperature):
    to_class, to_samples = (x / temperature for x in _similarities(embedding, class_embedding))
    others = ~jnp.eye(len(labels), dtype=bool)
    alike = others & (labels[:, None] == labels[None])
    return _log_sum_where(to_class, to_samples, others) - _log_sum_where(to_class, to_samples, alike)


def conditional_contrastive_discriminator(real_embedding, real_class_embedding, labels, *, temperature=1.0):
    """Draws real samples to the embedding of their class and to each other within a class.

    Kang and Park 2020, arXiv:2006.12681, eq. 8 (2C loss of ContraGAN). Both embeddings are brought to unit
    length here. The class embedding is a head of the discriminator that looks up the label.

    Args:
        real_embedding: Embeddings of real samples, [B, D].
        real_class_embedding: Embeddings of their classes, [B, D].
        labels: Their classes, int32 [B].
        temperature: Divides the cosines, above 0.

    Returns:
        One loss per sample, float32 [B], at least 0.
    """
    return _conditional_contrastive(real_embedding, real_class_embedding, labels, temperature)


def conditional_contrastive_generator(fake_embedding, fake_class_embedding, labels, *, temperature=1.0):
    """Draws fakes to the embedding of the class they were made for and to each other within a class.

    Kang and Park 2020, arXiv:2006.12681, eq. 8 (2C loss of ContraGAN).

    Args:
        fake_embedding: Embeddings of fake samples, [B, D].
        fake_class_embedding: Embeddings of the classes that the generator was told, [B, D].
        labels: These classes, int32 [B].
        temperature: Divides the cosines, above 0.

    Returns:
        One loss per sample, float32 [B], at least 0.
    """
    return _conditional_contrastive(fake_embedding, fake_class_embedding, labels, temperature)


def _data_to_data(embedding, class_embedding, labels, temperature, positive_margin, negative_margin):
    to_class, to_samples = _similarities(embedding, class_embedding)
    to_class = jnp.minimum(to_class - positive_margin, 0.0) / temperature
    to_samples = relu(to_samples - negative_margin) / temperature
    return _log_sum_where(to_class, to_samples, labels[:, None] != labels[None]) - to_class[:, 0]


def data_to_data_cross_entropy_discriminator(
    real_embedding,
    real_class_embedding,
    labels,
    *,
    temperature=0.5,
    positive_margin=0.98,
    negative_margin=0.02,
):
    """Cross entropy of a sample's own class against the samples of other classes, with margins.

    Kang et al. 2021, arXiv:2111.01118, section 3.2 (D2D-CE of ReACGAN): easy positives, with a cosine above
    `positive_margin`, and easy negatives, below `negative_margin`, give no gradient. Weight 0.5 in StudioGAN.

    Args:
        real_embedding: Embeddings of real samples, [B, D]; brought to unit length here.
        real_class_embedding: Embeddings of their classes, the paper's proxies, [B, D].
        labels: Their classes, int32 [B].
        temperature: Divides the cosines, above 0.
        positive_margin: Cosine with the own class above which it is close enough, in [-1, 1].
        negative_margin: Cosine with a sample of another class below which that is far enough.

    Returns:
        One loss per sample, float32 [B], at least 0.
    """
    return _data_to_data(
        real_embedding, real_class_embedding, labels, temperature, positive_margin, negative_margin
    )


def data_to_data_cross_entropy_generator(
    fake_embedding,
    fake_class_embedding,
    labels,
    *,
    temperature=0.5,
    positive_margin=0.98,
    negative_margin=0.02,
):
    """Cross entropy of a fake's own class against the fakes of other classes, with margins.

    Kang et al. 2021, arXiv:2111.01118, section 3.2 (D2D-CE of ReACGAN).

    Args:
        fake_embedding: Embeddings of fake samples, [B, D]; brought to unit length here.
        fake_class_embedding: Embeddings of the classes that the generator was told, [B, D].
        labels: These classes, int32 [B].
        temperature: Divides the cosines, above 0.
        positive_margin: Cosine with the own class above which it is close enough, in [-1, 1].
        negative_margin: Cosine with a sample of another class below which that is far enough.

    Returns:
        One loss per sample, float32 [B], at least 0.
    """
    return _data_to_data(
        fake_embedding, fake_class_embedding, labels, temperature, positive_margin, negative_margin
    )


def _codes(latents, start, like):
    """The latents' columns from `start` on, as many as `like` [B, ...] needs, in its shape."""
    count = math.prod(like.shape[1:])
    size = latents.shape[1]
    if not 0 <= start <= size - count:
        raise UsageError(f"code_information: start={start}: expected {count} of {size} latents from there on")
    return jnp.float32(latents[:, start : start + count]).reshape(like.shape)


def code_information_discrete(fake_code_logits, latents, *, start=0):
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


def code_information_gaussian(fake_code_mean, fake_code_log_variance, latents, *, start=0):
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


def _rotation(discriminate, images, key):
    """Cross entropy of guessing by which of four quarter turns each image was rotated, float32 [B]."""
    if images.shape[1] != images.shape[2]:
        raise UsageError(f"rotation: expected square images, not {images.shape[1]} x {images.shape[2]}")
    turns = jax.random.randint(key, (len(images),), 0, 4)
    rotated = jnp.stack([jnp.rot90(images, turn, axes=(1, 2)) for turn in range(4)])
    rotated = rotated[turns, jnp.arange(len(images))]
    return _cross_entropy(discriminate(rotated)["rotation_logits"], turns)


def rotation_discriminator(discriminate, real, key):
    """Cross entropy of the quarter turns by which real images were rotated.

    Chen et al. 2019, arXiv:1811.11212, eq. 3 (SSGAN), with the paper's weight beta = 1. The expectation over
    the four turns is drawn, one for each image, where the paper's code turns a quarter of the batch four
    times.

    Args:
        discriminate: Function from images to the discriminator's heads, `rotation_logits` [B, 4] among them.
        real: Real images, [B, N, N, C].
        key: Random key of the turns.

    Returns:
        One loss per image, float32 [B], at least 0.

    Raises:
        UsageError: Images that are not square.
    """
    return _rotation(discriminate, real, key)


def rotation_generator(discriminate, fake, key):
    """Cross entropy of the quarter turns by which fakes were rotated.

    Chen et al. 2019, arXiv:1811.11212, eq. 3 (SSGAN), with the paper's weight alpha = 0.2.

    Args:
        discriminate: Function from images to the discriminator's heads, `rotation_logits` [B, 4] among them.
        fake: Fake images, [B, N, N, C].
        key: Random key of the turns.

    Returns:
        One loss per image, float32 [B], at least 0.

    Raises:
        UsageError: Images that are not square.
    """
    return _rotation(discriminate, fake, key)


def feature_matching(real_features, fake_features):
    """Squared distance between the mean features of real and of fake samples.

    Salimans et al. 2016, arXiv:1606.03498, section 3.1; for the generator, in place of an adversarial loss.
    StudioGAN takes the mean absolute difference instead.

    Args:
        real_features: Features of real samples, [B, ...].
        fake_features: Features of fake samples, [B, ...].

    Returns:
        The batch's loss, the same for every sample, float32 [B], at least 0.
    """
    chex.assert_equal_shape((real_features, fake_features))
    apart = jnp.mean(jnp.float32(real_features), axis=0) - jnp.mean(jnp.float32(fake_features), axis=0)
    return jnp.full((len(real_features),), jnp.sum(jnp.square(apart)))


def _mean_absolute(left, right):
    """Mean absolute difference of each sample, float32 [B]."""
    return jnp.mean(jnp.abs(jnp.float32(left) - jnp.float32(right)), axis=tuple(range(1, left.ndim)))


def mode_seeking(generate, latents, *, epsilon=1e-5):
    """Distance of two latents over the distance of their images, both generated under the same condition.

    Mao et al. 2019, arXiv:1903.05628, eq. 2, whose ratio is maximised; as in the authors' code its inverse is
    minimised, here for each pair. The second latents are the batch's next ones, so the distribution of
    latents does not matter.

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
    apart = _mean_absolute(generate(latents), generate(others))
    return _mean_absolute(latents, others) / (apart + epsilon)


def path_lengths(generate, latents, key, *, epsilon=1e-12):
    """How far a random direction in the image pulls the latents: the norm of the Jacobian's product.

    Karras et al. 2019, arXiv:1912.04958, section 3.2. The direction is normal over the root of height times
    width, as in the authors' code, so that lengths do not grow with the resolution. With latents for each
    layer, [B, L, D], the squares are averaged over the layers.

    Args:
        generate: Function from latents to images, [B, H, W, C].
        latents: Latents, the paper's w, or any others, [B, ..., D].
        key: Random key of the directions.
        epsilon: Added to the squared norm.

    Returns:
        One length per sample, float32 [B], at least 0.
    """
    images, pull_back = jax.vjp(generate, latents)
    direction = jax.random.normal(key, images.shape) / math.sqrt(images.shape[1] * images.shape[2])
    pulled = jnp.float32(pull_back(direction.astype(images.dtype))[0])
    squares = jnp.sum(jnp.square(pulled), axis=-1).reshape(len(pulled), -1)
    return jnp.sqrt(jnp.mean(squares, axis=1) + epsilon)


def path_length(generate, latents, key, average_path_lengths, *, share=0.01):
    """Squared distance of path lengths from their running mean.

    Karras et al. 2019, arXiv:1912.04958, eq. 4 (StyleGAN2), with weight 2, every 4 generator steps. As in the
    authors' code this batch enters the mean first, and its gradient flows through it.

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


def latent_consistency_discriminator(critic, generate, latents, key, *, deviation=0.05):
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


def latent_consistency_generator(generate, latents, key, *, deviation=0.05):
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
