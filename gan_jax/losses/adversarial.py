"""Adversarial losses: a discriminator's and a generator's side, per logit.

A logit is large where the discriminator takes its input for real. Every function is minimised. The mean
over what it returns is the paper's loss; references that halve or average the discriminator's two parts
differ from it by a factor.
"""

import functools
import inspect
import math

import chex
import jax
import jax.numpy as jnp
from jax.nn import relu, sigmoid, softplus

from gan_jax.errors import UsageError


def _pair(real, fake):
    """Both as float32 and of one shape: [B] beside [B, 1] would silently become [B, B]."""
    real, fake = jnp.float32(real), jnp.float32(fake)
    chex.assert_equal_shape((real, fake))
    return real, fake


def _flat_pair(real, fake):
    """Features of both as float32 [B, D], of one shape."""
    real, fake = _pair(real, fake)
    return real.reshape(len(real), -1), fake.reshape(len(fake), -1)


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
    real, fake = _pair(real_logits, fake_logits)
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


def least_squares_discriminator(real_logits, fake_logits, *, real_label=1.0, fake_label=0.0):
    """Half the squared distances of real and fake logits from their labels.

    Mao et al. 2016, arXiv:1611.04076, eq. 2 (its b is `real_label`, its a `fake_label`). The logits are taken
    as they are, without a sigmoid.

    Args:
        real_logits: Discriminator logits of real samples, [B, ...].
        fake_logits: Discriminator logits of fake samples, [B, ...].
        real_label: Target of a real logit.
        fake_label: Target of a fake logit.

    Returns:
        One loss per pair of logits, float32 [B, ...], at least 0.
    """
    real, fake = _pair(real_logits, fake_logits)
    return 0.5 * jnp.square(real - real_label) + 0.5 * jnp.square(fake - fake_label)


def least_squares_generator(fake_logits, *, target=1.0):
    """Half the squared distance of fake logits from the value that the generator wants.

    Mao et al. 2016, arXiv:1611.04076, eq. 2 (its c is `target`); with labels 1 and -1 and target 0 the game
    minimises Pearson's chi-squared divergence (theorem 1).

    Args:
        fake_logits: Discriminator logits of fake samples, [B, ...].
        target: Logit wanted of a fake.

    Returns:
        One loss per logit, float32 [B, ...], at least 0.
    """
    return 0.5 * jnp.square(jnp.float32(fake_logits) - target)


def wasserstein_discriminator(real_logits, fake_logits):
    """Fake minus real logit: minus the critic's estimate of the Wasserstein distance.

    Arjovsky et al. 2017, arXiv:1701.07875, eq. 2; needs a critic kept Lipschitz by a penalty or an
    optimizer that clips its weights.

    Args:
        real_logits: Critic's values of real samples, [B, ...].
        fake_logits: Critic's values of fake samples, [B, ...].

    Returns:
        One loss per pair of logits, float32 [B, ...], unbounded.
    """
    real, fake = _pair(real_logits, fake_logits)
    return fake - real


def wasserstein_generator(fake_logits):
    """Minus the critic's value of fakes.

    Arjovsky et al. 2017, arXiv:1701.07875, algorithm 1, line 10.

    Args:
        fake_logits: Critic's values of fake samples, [B, ...].

    Returns:
        One loss per logit, float32 [B, ...], unbounded.
    """
    return -jnp.float32(fake_logits)


def wasserstein_divergence_discriminator(real_logits, fake_logits):
    """Fake minus real logit, the part of the Wasserstein divergence that is not its gradient penalty.

    Wu et al. 2017, arXiv:1712.01026, section 3.2: equal to `wasserstein_discriminator`; what sets the
    divergence apart is its penalty, the critic's gradient norm to the power p = 6 with weight k = 2.

    Args:
        real_logits: Critic's values of real samples, [B, ...].
        fake_logits: Critic's values of fake samples, [B, ...].

    Returns:
        One loss per pair of logits, float32 [B, ...], unbounded.
    """
    return wasserstein_discriminator(real_logits, fake_logits)


def wasserstein_divergence_generator(fake_logits):
    """Minus the critic's value of fakes, the generator's side of the Wasserstein divergence.

    Wu et al. 2017, arXiv:1712.01026, section 3.2: equal to `wasserstein_generator`.

    Args:
        fake_logits: Critic's values of fake samples, [B, ...].

    Returns:
        One loss per logit, float32 [B, ...], unbounded.
    """
    return wasserstein_generator(fake_logits)


def hinge_discriminator(real_logits, fake_logits):
    """How far real logits stay below 1 and fake logits above -1.

    Lim and Ye 2017, arXiv:1705.02894, section 3; Miyato et al. 2018, arXiv:1802.05957, eq. 16.

    Args:
        real_logits: Discriminator logits of real samples, [B, ...].
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per pair of logits, float32 [B, ...], at least 0.
    """
    real, fake = _pair(real_logits, fake_logits)
    return relu(1.0 - real) + relu(1.0 + fake)


def hinge_generator(fake_logits):
    """Minus the fake logit.

    Lim and Ye 2017, arXiv:1705.02894, section 3; Miyato et al. 2018, arXiv:1802.05957, eq. 17.

    Args:
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per logit, float32 [B, ...], unbounded.
    """
    return -jnp.float32(fake_logits)


def relativistic_discriminator(real_logits, fake_logits):
    """Minus the log probability that the real sample of a pair is more real than the fake.

    Jolicoeur-Martineau 2018, arXiv:1807.00734, section 4 (RSGAN); Huang et al. 2024, arXiv:2501.05441, eq. 2
    (RpGAN of R3GAN). Real and fake are paired by index, so a conditional game must draw both under one label.

    Args:
        real_logits: Discriminator logits of real samples, [B, ...].
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per pair of logits, float32 [B, ...], at least 0.
    """
    real, fake = _pair(real_logits, fake_logits)
    return softplus(fake - real)


def relativistic_generator(real_logits, fake_logits):
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
    real, fake = _pair(real_logits, fake_logits)
    return real - jnp.mean(fake), fake - jnp.mean(real)


def relativistic_average_discriminator(real_logits, fake_logits):
    """Cross entropy of telling real from fake by how far a logit stands from the other side's mean.

    Jolicoeur-Martineau 2018, arXiv:1807.00734, section 4 (RaSGAN). The mean is over all logits of the batch,
    a patch discriminator's positions included.

    Args:
        real_logits: Discriminator logits of real samples, [B, ...].
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per pair of logits, float32 [B, ...], at least 0.
    """
    real, fake = _relative_to_average(real_logits, fake_logits)
    return softplus(-real) + softplus(fake)


def relativistic_average_generator(real_logits, fake_logits):
    """The relativistic average cross entropy with real and fake exchanged.

    Jolicoeur-Martineau 2018, arXiv:1807.00734, section 4 (RaSGAN).

    Args:
        real_logits: Discriminator logits of real samples, [B, ...].
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per pair of logits, float32 [B, ...], at least 0.
    """
    return relativistic_average_discriminator(fake_logits, real_logits)


def relativistic_average_hinge_discriminator(real_logits, fake_logits):
    """The hinge loss on distances from the other side's mean logit.

    Jolicoeur-Martineau 2018, arXiv:1807.00734, appendix (RaHingeGAN); the sum of the paper, not the half of
    it as in the author's code.

    Args:
        real_logits: Discriminator logits of real samples, [B, ...].
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per pair of logits, float32 [B, ...], at least 0.
    """
    real, fake = _relative_to_average(real_logits, fake_logits)
    return relu(1.0 - real) + relu(1.0 + fake)


def relativistic_average_hinge_generator(real_logits, fake_logits):
    """The relativistic average hinge loss with real and fake exchanged.

    Jolicoeur-Martineau 2018, arXiv:1807.00734, appendix (RaHingeGAN).

    Args:
        real_logits: Discriminator logits of real samples, [B, ...].
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per pair of logits, float32 [B, ...], at least 0.
    """
    return relativistic_average_hinge_discriminator(fake_logits, real_logits)


def relativistic_average_least_squares_discriminator(real_logits, fake_logits):
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


def relativistic_average_least_squares_generator(real_logits, fake_logits):
    """The relativistic average least squares loss with real and fake exchanged.

    Jolicoeur-Martineau 2018, arXiv:1807.00734, appendix (RaLSGAN).

    Args:
        real_logits: Discriminator logits of real samples, [B, ...].
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per pair of logits, float32 [B, ...], at least 0.
    """
    return relativistic_average_least_squares_discriminator(fake_logits, real_logits)


def _log_partition(real, fake):
    return jax.nn.logsumexp(jnp.concatenate([real.ravel(), fake.ravel()]))


def softmax_discriminator(real_logits, fake_logits):
    """Cross entropy between the batch's softmax and a uniform spread over its real samples.

    Lin 2017, arXiv:1704.06191, eq. 7. The paper's network gives an energy, low for real; the logit here is
    minus that energy. The partition function is over both halves of the batch.

    Args:
        real_logits: Discriminator logits of real samples, [B, ...].
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per pair of logits, float32 [B, ...]; its mean is the paper's and at least log B.
    """
    real, fake = _pair(real_logits, fake_logits)
    return _log_partition(real, fake) - real


def softmax_generator(real_logits, fake_logits):
    """Cross entropy between the batch's softmax and a uniform spread over all its samples.

    Lin 2017, arXiv:1704.06191, eq. 8, with logits for minus the paper's energies.

    Args:
        real_logits: Discriminator logits of real samples, [B, ...].
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per pair of logits, float32 [B, ...]; its mean is the paper's and at least log 2B.
    """
    real, fake = _pair(real_logits, fake_logits)
    return _log_partition(real, fake) - 0.5 * (real + fake)


def boundary_seeking_discriminator(real_logits, fake_logits):
    """Cross entropy of telling real from fake, the discriminator of the boundary-seeking game.

    Hjelm et al. 2017, arXiv:1702.08431, section 2: the discriminator is the ordinary one.

    Args:
        real_logits: Discriminator logits of real samples, [B, ...].
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per pair of logits, float32 [B, ...], at least 0.
    """
    return non_saturating_discriminator(real_logits, fake_logits)


def boundary_seeking_generator(fake_logits):
    """Half the squared log odds of a fake: least where the discriminator cannot decide.

    Hjelm et al. 2017, arXiv:1702.08431, section 3 (the continuous case): (log D - log(1 - D))^2 / 2, and the
    log odds are the logit.

    Args:
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per logit, float32 [B, ...], at least 0.
    """
    return 0.5 * jnp.square(jnp.float32(fake_logits))


# Of each divergence the output activation g_f and the conjugate after it, f* o g_f, as functions of the
# logit: composed by hand, because f* alone takes logarithms of what g_f lets underflow.
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
    real, fake = _pair(real_logits, fake_logits)
    return conjugate(fake) - activation(real)


def _variational_generator(divergence, fake_logits):
    """The part of that bound that depends on the generator, one per logit."""
    _, conjugate = _ACTIVATION_AND_CONJUGATE[divergence]
    return -conjugate(jnp.float32(fake_logits))


def kullback_leibler_discriminator(real_logits, fake_logits):
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


def kullback_leibler_generator(fake_logits):
    """Minus the conjugate at fakes: the generator's part of the Kullback-Leibler divergence.

    Nowozin et al. 2016, arXiv:1606.00709, eq. 6, the saddle point as derived and not the paper's practical
    alternative of section 3.2, which maximises the activation instead.

    Args:
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per logit, float32 [B, ...], at most 0.
    """
    return _variational_generator("kullback_leibler", fake_logits)


def reverse_kullback_leibler_discriminator(real_logits, fake_logits):
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


def reverse_kullback_leibler_generator(fake_logits):
    """Minus the conjugate at fakes: the generator's part of the reverse Kullback-Leibler divergence.

    Nowozin et al. 2016, arXiv:1606.00709, eq. 6, the saddle point as derived and not the paper's practical
    alternative of section 3.2, which maximises the activation instead.

    Args:
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per logit, float32 [B, ...].
    """
    return _variational_generator("reverse_kullback_leibler", fake_logits)


def pearson_discriminator(real_logits, fake_logits):
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


def pearson_generator(fake_logits):
    """Minus the conjugate at fakes: the generator's part of the Pearson chi-squared divergence.

    Nowozin et al. 2016, arXiv:1606.00709, eq. 6, the saddle point as derived and not the paper's practical
    alternative of section 3.2, which maximises the activation instead.

    Args:
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per logit, float32 [B, ...], at most 1.
    """
    return _variational_generator("pearson", fake_logits)


def squared_hellinger_discriminator(real_logits, fake_logits):
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


def squared_hellinger_generator(fake_logits):
    """Minus the conjugate at fakes: the generator's part of the squared Hellinger distance.

    Nowozin et al. 2016, arXiv:1606.00709, eq. 6, the saddle point as derived and not the paper's practical
    alternative of section 3.2, which maximises the activation instead.

    Args:
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per logit, float32 [B, ...], at most 1.
    """
    return _variational_generator("squared_hellinger", fake_logits)


def jensen_shannon_discriminator(real_logits, fake_logits):
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


def jensen_shannon_generator(fake_logits):
    """Minus the conjugate at fakes: the generator's part of the Jensen-Shannon divergence.

    Nowozin et al. 2016, arXiv:1606.00709, eq. 6, the saddle point as derived and not the paper's practical
    alternative of section 3.2, which maximises the activation instead.

    Args:
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per logit, float32 [B, ...], at most log 2.
    """
    return _variational_generator("jensen_shannon", fake_logits)


def total_variation_discriminator(real_logits, fake_logits):
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


def total_variation_generator(fake_logits):
    """Minus the conjugate at fakes: the generator's part of the total variation distance.

    Nowozin et al. 2016, arXiv:1606.00709, eq. 6, the saddle point as derived and not the paper's practical
    alternative of section 3.2, which maximises the activation instead.

    Args:
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per logit, float32 [B, ...], in [-1/2, 1/2].
    """
    return _variational_generator("total_variation", fake_logits)


def energy_based_discriminator(real_energy, fake_energy, *, margin=10.0):
    """Energy of real samples, and how far fake energies stay below the margin.

    Zhao et al. 2016, arXiv:1609.03126, eq. 1. An energy is low for real: for an autoencoder as the
    discriminator, the mean squared error of its reconstruction. The paper's margins are between 10 (MNIST)
    and 80 (LSUN).

    Args:
        real_energy: Energies of real samples, [B, ...], at least 0.
        fake_energy: Energies of fake samples, [B, ...], at least 0.
        margin: Energy above which fakes are let alone, in units of the energy, above 0.

    Returns:
        One loss per pair of energies, float32 [B, ...], at least 0.
    """
    real, fake = _pair(real_energy, fake_energy)
    return real + relu(margin - fake)


def energy_based_generator(fake_energy):
    """Energy of fake samples.

    Zhao et al. 2016, arXiv:1609.03126, eq. 2; the paper adds 0.1 of `pull_away`.

    Args:
        fake_energy: Energies of fake samples, [B, ...], at least 0.

    Returns:
        One loss per energy, float32 [B, ...], at least 0.
    """
    return jnp.float32(fake_energy)


def pull_away(fake_features, *, epsilon=1e-12):
    """Mean squared cosine between a fake's features and those of the other fakes: keeps them apart.

    Zhao et al. 2016, arXiv:1609.03126, eq. 4, where the features are the autoencoder's code. Squared as in
    the paper; several implementations leave the square out.

    Args:
        fake_features: Features of fake samples, [B, ...], B at least 2.
        epsilon: Added to a squared norm.

    Returns:
        One loss per fake, float32 [B], in [0, 1]; its mean is the paper's.

    Raises:
        UsageError: Fewer than two samples.
    """
    features = jnp.float32(fake_features).reshape(len(fake_features), -1)
    unit = features / jnp.sqrt(jnp.sum(jnp.square(features), axis=1, keepdims=True) + epsilon)
    return _mean_of_others(jnp.square(jnp.matmul(unit, unit.T, precision="highest")))


def boundary_equilibrium_discriminator(real_energy, fake_energy, balance):
    """Energy of real samples less `balance` times the energy of fakes.

    Berthelot et al. 2017, arXiv:1703.10717, section 3.4; an energy is the mean absolute error of an
    autoencoder's reconstruction, and `balance` is the paper's k_t.

    Args:
        real_energy: Energies of real samples, [B, ...], at least 0.
        fake_energy: Energies of fake samples, [B, ...], at least 0.
        balance: How much fakes count, scalar in [0, 1], kept by `boundary_equilibrium_balance`.

    Returns:
        One loss per pair of energies, float32 [B, ...].
    """
    real, fake = _pair(real_energy, fake_energy)
    return real - jax.lax.stop_gradient(jnp.float32(balance)) * fake


def boundary_equilibrium_generator(fake_energy):
    """Energy of fake samples.

    Berthelot et al. 2017, arXiv:1703.10717, section 3.4.

    Args:
        fake_energy: Energies of fake samples, [B, ...], at least 0.

    Returns:
        One loss per energy, float32 [B, ...], at least 0.
    """
    return jnp.float32(fake_energy)


def boundary_equilibrium_balance(balance, real_energy, fake_energy, *, diversity_ratio=0.5, gain=0.001):
    """The next `balance`, so that fake energies keep the wanted ratio to real ones.

    Berthelot et al. 2017, arXiv:1703.10717, section 3.4; kept in [0, 1], from 0 at the start. It is a state's
    update and no loss: a game keeps what it returns in the discriminator's carry.

    Args:
        balance: The present one, scalar in [0, 1].
        real_energy: Energies of real samples, [B, ...].
        fake_energy: Energies of fake samples, [B, ...].
        diversity_ratio: Wanted ratio of mean fake to mean real energy, in [0, 1]; the paper's gamma.
        gain: Change of the balance for each unit of energy off the ratio; the paper's lambda_k.

    Returns:
        The next balance, float32 scalar in [0, 1], without a gradient.
    """
    error = diversity_ratio * jnp.mean(jnp.float32(real_energy)) - jnp.mean(jnp.float32(fake_energy))
    return jax.lax.stop_gradient(jnp.clip(balance + gain * error, 0.0, 1.0))


def boundary_equilibrium_convergence(real_energy, fake_energy, *, diversity_ratio=0.5):
    """How far the game is from its end: a figure to watch, not to descend.

    Berthelot et al. 2017, arXiv:1703.10717, section 3.4.1.

    Args:
        real_energy: Energies of real samples, [B, ...].
        fake_energy: Energies of fake samples, [B, ...].
        diversity_ratio: Wanted ratio of mean fake to mean real energy, in [0, 1].

    Returns:
        The measure, float32 scalar, at least 0, without a gradient.
    """
    real, fake = jnp.mean(jnp.float32(real_energy)), jnp.mean(jnp.float32(fake_energy))
    return jax.lax.stop_gradient(real + jnp.abs(diversity_ratio * real - fake))


def _squared_distances(left, right):
    """Squared Euclidean distance of every row of [A, D] from every row of [B, D], float32 [A, B]."""
    # Differences first: expanding the square cancels to noise between near neighbours.
    return jnp.sum(jnp.square(left[:, None] - right[None]), axis=-1)


def _distances(left, right, epsilon=1e-12):
    return jnp.sqrt(_squared_distances(left, right) + epsilon)


def _mean_of_others(matrix):
    """Mean of each row of [B, B] without its diagonal, [B]."""
    count = len(matrix)
    if count < 2:
        raise UsageError(f"a loss that compares samples of a batch needs at least 2 of them, not {count}")
    return (jnp.sum(matrix, axis=1) - jnp.diagonal(matrix)) / (count - 1)


def cramer_discriminator(real_features, fake_features):
    """Minus the difference of the Cramer critic between real and fake samples.

    Bellemare et al. 2017, arXiv:1705.10743, algorithm 1: the critic of a sample is its features' mean
    distance from those of independent fakes, less their norm. The second set of fakes is here the rest of the
    batch, all pairs of it, where the paper draws one more fake. The paper adds 10 times a gradient penalty on
    that critic.

    Args:
        real_features: Discriminator's features of real samples, [B, ...], B at least 2.
        fake_features: Discriminator's features of fake samples, [B, ...].

    Returns:
        One loss per pair of samples, float32 [B]; its mean estimates the paper's without bias.

    Raises:
        UsageError: Fewer than two samples.
    """
    real, fake = _flat_pair(real_features, fake_features)
    origin = jnp.zeros_like(real[:1])
    of_real = jnp.mean(_distances(real, fake), axis=1) - _distances(real, origin)[:, 0]
    of_fake = _mean_of_others(_distances(fake, fake)) - _distances(fake, origin)[:, 0]
    return of_fake - of_real


def cramer_generator(real_features, fake_features):
    """Energy distance between the features of real and fake samples, less its part without fakes.

    Bellemare et al. 2017, arXiv:1705.10743, algorithm 1: twice the mean distance between real and fake, minus
    the mean distance between two fakes; the constant distance between two reals is left out as there.

    Args:
        real_features: Discriminator's features of real samples, [B, ...], B at least 2.
        fake_features: Discriminator's features of fake samples, [B, ...].

    Returns:
        One loss per fake, float32 [B]; its mean estimates the paper's without bias.

    Raises:
        UsageError: Fewer than two samples.
    """
    real, fake = _flat_pair(real_features, fake_features)
    return 2.0 * jnp.mean(_distances(fake, real), axis=1) - _mean_of_others(_distances(fake, fake))


def maximum_mean_discrepancy_generator(
    real_features, fake_features, *, bandwidths=(2.0, 5.0, 10.0, 20.0, 40.0, 80.0)
):
    """Squared maximum mean discrepancy between features, with a sum of Gaussian kernels.

    Gretton et al. 2012, JMLR 13, eq. 3 (the unbiased estimate, which may fall below 0); as a GAN: Li et
    al. 2017, arXiv:1705.08584; bandwidths of Binkowski et al. 2018, arXiv:1801.01401, section 4.

    Args:
        real_features: Discriminator's features of real samples, [B, ...], B at least 2.
        fake_features: Discriminator's features of fake samples, [B, ...].
        bandwidths: Standard deviations of the kernels, in units of the features, each above 0.

    Returns:
        One loss per pair of samples, float32 [B]; its mean is the squared discrepancy.

    Raises:
        UsageError: Fewer than two samples.
    """
    real, fake = _flat_pair(real_features, fake_features)

    def kernel(left, right):
        # Less 1, which cancels in the discrepancy: what is left is small and keeps its digits.
        squares = _squared_distances(left, right)
        return sum(jnp.expm1(-squares / (2.0 * bandwidth**2)) for bandwidth in bandwidths)

    across = kernel(real, fake)
    within = _mean_of_others(kernel(real, real)) + _mean_of_others(kernel(fake, fake))
    return within - jnp.mean(across, axis=1) - jnp.mean(across, axis=0)


def maximum_mean_discrepancy_discriminator(
    real_features, fake_features, *, bandwidths=(2.0, 5.0, 10.0, 20.0, 40.0, 80.0)
):
    """Minus the squared maximum mean discrepancy between features.

    Li et al. 2017, arXiv:1705.08584, eq. 4: the discriminator is the kernel's feature map and makes the
    discrepancy large.

    Args:
        real_features: Discriminator's features of real samples, [B, ...], B at least 2.
        fake_features: Discriminator's features of fake samples, [B, ...].
        bandwidths: Standard deviations of the kernels, in units of the features, each above 0.

    Returns:
        One loss per pair of samples, float32 [B]; its mean is minus the squared discrepancy.

    Raises:
        UsageError: Fewer than two samples.
    """
    return -maximum_mean_discrepancy_generator(real_features, fake_features, bandwidths=bandwidths)


def sliced_wasserstein_discriminator(real_logits, fake_logits):
    """Cross entropy of telling real from fake, which teaches the features that are sliced.

    Deshpande et al. 2018, arXiv:1803.11188, section 3: the discriminator is the ordinary one.

    Args:
        real_logits: Discriminator logits of real samples, [B, ...].
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per pair of logits, float32 [B, ...], at least 0.
    """
    return non_saturating_discriminator(real_logits, fake_logits)


def sliced_wasserstein_generator(real_features, fake_features, key, *, projections=10_000):
    """Squared Wasserstein-2 distance between features along random directions, averaged over these.

    Deshpande et al. 2018, arXiv:1803.11188, section 3: along a direction the best transport pairs the sorted
    projections.

    Args:
        real_features: Discriminator's features of real samples, [B, ...].
        fake_features: Discriminator's features of fake samples, [B, ...].
        key: Random key of the directions.
        projections: Number of directions.

    Returns:
        One loss per rank (not per sample), float32 [B], at least 0; its mean is the paper's.
    """
    real, fake = _flat_pair(real_features, fake_features)
    directions = jax.random.normal(key, (real.shape[1], projections))
    directions = directions / jnp.linalg.norm(directions, axis=0)
    real, fake = (jnp.sort(jnp.matmul(x, directions, precision="highest"), axis=0) for x in (real, fake))
    return jnp.mean(jnp.square(real - fake), axis=1)


def weighted_discriminator(real_logits, fake_logits, *, a=1.0, b=-1.0, c=1.0):
    """A didactic loss: a p(fake) + b log(1 - p(fake)) + c log(1 - p(real)), p the probability of real.

    No paper: from an introductory article. There all three weights are positive, and the discriminator is
    then rewarded by `b` for being fooled. It is a GAN's discriminator with a >= 0, b <= 0, c >= 0 (the
    defaults), when each part pulls p(fake) to 0 or p(real) to 1. Even so the last part is unbounded below and
    its gradient vanishes where a real sample is taken for fake: to train, use `non_saturating_discriminator`.

    Args:
        real_logits: Discriminator logits of real samples, [B, ...].
        fake_logits: Discriminator logits of fake samples, [B, ...].
        a: Weight of the fake's probability.
        b: Weight of the log probability that the fake is fake.
        c: Weight of the log probability that the real sample is fake.

    Returns:
        One loss per pair of logits, float32 [B, ...].
    """
    real, fake = _pair(real_logits, fake_logits)
    return a * sigmoid(fake) - b * softplus(fake) - c * softplus(real)


def weighted_generator(real_logits, fake_logits, *, a=-1.0, b=-1.0, c=1.0):
    """A didactic loss: a p(fake) - b log(1 - p(fake)) + c log(1 - p(real)), p the probability of real.

    No paper: from the same article as `weighted_discriminator`. With its positive weights the generator is
    rewarded for being found out. It is a GAN's generator with a <= 0 and b <= 0 (the defaults); a = 0, b = -1
    is `minimax_generator`. The last part does not depend on the generator.

    Args:
        real_logits: Discriminator logits of real samples, [B, ...].
        fake_logits: Discriminator logits of fake samples, [B, ...].
        a: Weight of the fake's probability.
        b: Weight of minus the log probability that the fake is fake.
        c: Weight of the log probability that the real sample is fake.

    Returns:
        One loss per pair of logits, float32 [B, ...].
    """
    real, fake = _pair(real_logits, fake_logits)
    return a * sigmoid(fake) + b * softplus(fake) - c * softplus(real)


def cross_entropy_and_squared_error_discriminator(real_logits, fake_logits):
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
    real, fake = _pair(real_logits, fake_logits)
    return softplus(fake) + jnp.square(sigmoid(real) - 1.0)


def cross_entropy_and_squared_error_generator(fake_logits):
    """The non-saturating loss: what the didactic discriminator's article leaves to the generator.

    No paper: the usual partner, Goodfellow et al. 2014, arXiv:1406.2661, section 3.

    Args:
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per logit, float32 [B, ...], at least 0.
    """
    return non_saturating_generator(fake_logits)


def top_k(loss, k):
    """A generator's loss over the k fakes of the batch that the discriminator finds most real.

    Sinha et al. 2020, arXiv:2002.06224, eq. 3. The paper lowers k from the batch size to half of it while
    training; here k is fixed for a compiled step.

    Args:
        loss: Loss that reads `fake_logits` [B, ...], with one value per logit.
        k: Number of logits that count, between 1 and their number.

    Returns:
        Loss with the same parameters that returns the k values, float32 [k], best fake first.

    Raises:
        UsageError: k below 1 or a loss without `fake_logits`; at the call, k above the number of logits.
    """
    signature = inspect.signature(loss)
    if "fake_logits" not in signature.parameters:
        raise UsageError(f"top_k: expected a loss of fake_logits, not of {', '.join(signature.parameters)}")
    if k < 1:
        raise UsageError(f"top_k: k={k}: expected at least 1")

    @functools.wraps(loss)
    def of_best(*args, **kwargs):
        fake = jnp.float32(signature.bind(*args, **kwargs).arguments["fake_logits"])
        if k > fake.size:
            raise UsageError(f"top_k: k={k}: expected at most the {fake.size} logits of the batch")
        _, best = jax.lax.top_k(fake.ravel(), k)
        return loss(*args, **kwargs).ravel()[best]

    return of_best


def smooth(loss, amount=0.1):
    """A discriminator's loss with both labels smoothed: its mean if that share of pairs had labels exchanged.

    Szegedy et al. 2015, arXiv:1512.00567, section 7. Two-sided, unlike `real_label` of
    `non_saturating_discriminator`: Salimans et al. 2016, arXiv:1606.03498, section 3.4, warn that the best
    discriminator then depends on the fakes' density where there is no data.

    Args:
        loss: Loss that reads `real_logits` and `fake_logits`, first and in this order.
        amount: Share of wrong labels, in [0, 1].

    Returns:
        Loss with the same parameters and shapes.

    Raises:
        UsageError: An amount outside [0, 1], or a loss that does not read the two.
    """
    first = tuple(inspect.signature(loss).parameters)[:2]
    if first != ("real_logits", "fake_logits"):
        raise UsageError(f"smooth: expected a loss of real_logits and fake_logits, not of {', '.join(first)}")
    if not 0.0 <= amount <= 1.0:
        raise UsageError(f"smooth: amount={amount}: expected a share in [0, 1]")

    @functools.wraps(loss)
    def smoothed(real_logits, fake_logits, *args, **kwargs):
        right, wrong = (real_logits, fake_logits), (fake_logits, real_logits)
        return (1.0 - amount) * loss(*right, *args, **kwargs) + amount * loss(*wrong, *args, **kwargs)

    return smoothed
