"""Adversarial losses: a discriminator's and a generator's side, per logit.

A logit is high where the discriminator takes its input for real. Training minimises every function. The mean
of the returned values is the paper's loss; references that halve or average the discriminator's two parts
differ from it by a factor.
"""

import jax
import jax.numpy as jnp
from jax.nn import relu, softplus

from gan_jax.losses.pairs import pair

__all__ = [
    "non_saturating_discriminator",
    "non_saturating_generator",
    "minimax_discriminator",
    "minimax_generator",
    "least_squares_discriminator",
    "least_squares_generator",
    "wasserstein_discriminator",
    "wasserstein_generator",
    "wasserstein_divergence_discriminator",
    "wasserstein_divergence_generator",
    "hinge_discriminator",
    "hinge_generator",
    "softmax_discriminator",
    "softmax_generator",
    "boundary_seeking_discriminator",
    "boundary_seeking_generator",
]


def non_saturating_discriminator(
    real_logits: jax.Array, fake_logits: jax.Array, *, real_label: float = 1.0
) -> jax.Array:
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
    real, fake = pair(real_logits, fake_logits)
    return real_label * softplus(-real) + (1.0 - real_label) * softplus(real) + softplus(fake)


def non_saturating_generator(fake_logits: jax.Array) -> jax.Array:
    """Minus the log probability that a fake is taken for real.

    Goodfellow et al. 2014, arXiv:1406.2661, section 3: strong gradients where `minimax_generator`'s vanish.

    Args:
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per logit, float32 [B, ...], at least 0.
    """
    return softplus(-jnp.float32(fake_logits))


def minimax_discriminator(real_logits: jax.Array, fake_logits: jax.Array) -> jax.Array:
    """Cross entropy of telling real from fake, the discriminator's side of the minimax game.

    Goodfellow et al. 2014, arXiv:1406.2661, eq. 1.

    Args:
        real_logits: Discriminator logits of real samples, [B, ...].
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per pair of logits, float32 [B, ...], at least 0.
    """
    return non_saturating_discriminator(real_logits, fake_logits)


def minimax_generator(fake_logits: jax.Array) -> jax.Array:
    """The log probability that a fake is taken for fake, to be minimised.

    Goodfellow et al. 2014, arXiv:1406.2661, eq. 1; saturates where the discriminator is sure.

    Args:
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per logit, float32 [B, ...], at most 0.
    """
    return -softplus(jnp.float32(fake_logits))


def least_squares_discriminator(
    real_logits: jax.Array, fake_logits: jax.Array, *, real_label: float = 1.0, fake_label: float = 0.0
) -> jax.Array:
    """Half the squared distances of real and fake logits from their labels.

    Mao et al. 2016, arXiv:1611.04076, eq. 2 (its b is `real_label`, its a `fake_label`). There is no sigmoid
    on the logits.

    Args:
        real_logits: Discriminator logits of real samples, [B, ...].
        fake_logits: Discriminator logits of fake samples, [B, ...].
        real_label: Target of a real logit.
        fake_label: Target of a fake logit.

    Returns:
        One loss per pair of logits, float32 [B, ...], at least 0.
    """
    real, fake = pair(real_logits, fake_logits)
    return 0.5 * jnp.square(real - real_label) + 0.5 * jnp.square(fake - fake_label)


def least_squares_generator(fake_logits: jax.Array, *, target: float = 1.0) -> jax.Array:
    """Half the squared distance of fake logits from the generator's target.

    Mao et al. 2016, arXiv:1611.04076, eq. 2 (its c is `target`); with labels 1 and -1 and target 0 the game
    minimises Pearson's chi-squared divergence (theorem 1).

    Args:
        fake_logits: Discriminator logits of fake samples, [B, ...].
        target: Target of a fake logit.

    Returns:
        One loss per logit, float32 [B, ...], at least 0.
    """
    return 0.5 * jnp.square(jnp.float32(fake_logits) - target)


def wasserstein_discriminator(real_logits: jax.Array, fake_logits: jax.Array) -> jax.Array:
    """Fake minus real logit: minus the critic's estimate of the Wasserstein distance.

    Arjovsky et al. 2017, arXiv:1701.07875, eq. 2; a penalty, or an optimizer that clips weights, must keep
    the critic Lipschitz.

    Args:
        real_logits: Critic's values of real samples, [B, ...].
        fake_logits: Critic's values of fake samples, [B, ...].

    Returns:
        One loss per pair of logits, float32 [B, ...], unbounded.
    """
    real, fake = pair(real_logits, fake_logits)
    return fake - real


def wasserstein_generator(fake_logits: jax.Array) -> jax.Array:
    """Minus the critic's value of fakes.

    Arjovsky et al. 2017, arXiv:1701.07875, algorithm 1, line 10.

    Args:
        fake_logits: Critic's values of fake samples, [B, ...].

    Returns:
        One loss per logit, float32 [B, ...], unbounded.
    """
    return -jnp.float32(fake_logits)


def wasserstein_divergence_discriminator(real_logits: jax.Array, fake_logits: jax.Array) -> jax.Array:
    """Fake minus real logit, the part of the Wasserstein divergence that is not its gradient penalty.

    Wu et al. 2017, arXiv:1712.01026, section 3.2: equal to `wasserstein_discriminator`; the divergence
    differs by its penalty, the critic's gradient norm to the power p = 6 with weight k = 2.

    Args:
        real_logits: Critic's values of real samples, [B, ...].
        fake_logits: Critic's values of fake samples, [B, ...].

    Returns:
        One loss per pair of logits, float32 [B, ...], unbounded.
    """
    return wasserstein_discriminator(real_logits, fake_logits)


def wasserstein_divergence_generator(fake_logits: jax.Array) -> jax.Array:
    """Minus the critic's value of fakes, the generator's side of the Wasserstein divergence.

    Wu et al. 2017, arXiv:1712.01026, section 3.2: equal to `wasserstein_generator`.

    Args:
        fake_logits: Critic's values of fake samples, [B, ...].

    Returns:
        One loss per logit, float32 [B, ...], unbounded.
    """
    return wasserstein_generator(fake_logits)


def hinge_discriminator(real_logits: jax.Array, fake_logits: jax.Array) -> jax.Array:
    """How far real logits stay below 1 and fake logits above -1.

    Lim and Ye 2017, arXiv:1705.02894, section 3; Miyato et al. 2018, arXiv:1802.05957, eq. 16.

    Args:
        real_logits: Discriminator logits of real samples, [B, ...].
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per pair of logits, float32 [B, ...], at least 0.
    """
    real, fake = pair(real_logits, fake_logits)
    return relu(1.0 - real) + relu(1.0 + fake)


def hinge_generator(fake_logits: jax.Array) -> jax.Array:
    """Minus the fake logit.

    Lim and Ye 2017, arXiv:1705.02894, section 3; Miyato et al. 2018, arXiv:1802.05957, eq. 17.

    Args:
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per logit, float32 [B, ...], unbounded.
    """
    return -jnp.float32(fake_logits)


def _log_partition(real, fake):
    return jax.nn.logsumexp(jnp.concatenate([real.ravel(), fake.ravel()]))


def softmax_discriminator(real_logits: jax.Array, fake_logits: jax.Array) -> jax.Array:
    """Cross entropy between the batch's softmax and a uniform spread over its real samples.

    Lin 2017, arXiv:1704.06191, eq. 7. The paper's network gives an energy, low for real; the logit here is
    minus that energy. The partition function is over both halves of the batch.

    Args:
        real_logits: Discriminator logits of real samples, [B, ...].
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per pair of logits, float32 [B, ...]; its mean is the paper's and at least log B.
    """
    real, fake = pair(real_logits, fake_logits)
    return _log_partition(real, fake) - real


def softmax_generator(real_logits: jax.Array, fake_logits: jax.Array) -> jax.Array:
    """Cross entropy between the batch's softmax and a uniform spread over all its samples.

    Lin 2017, arXiv:1704.06191, eq. 8, with logits for minus the paper's energies.

    Args:
        real_logits: Discriminator logits of real samples, [B, ...].
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per pair of logits, float32 [B, ...]; its mean is the paper's and at least log 2B.
    """
    real, fake = pair(real_logits, fake_logits)
    return _log_partition(real, fake) - 0.5 * (real + fake)


def boundary_seeking_discriminator(real_logits: jax.Array, fake_logits: jax.Array) -> jax.Array:
    """Cross entropy of telling real from fake, the discriminator of the boundary-seeking game.

    Hjelm et al. 2017, arXiv:1702.08431, section 2: the discriminator is the ordinary one.

    Args:
        real_logits: Discriminator logits of real samples, [B, ...].
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per pair of logits, float32 [B, ...], at least 0.
    """
    return non_saturating_discriminator(real_logits, fake_logits)


def boundary_seeking_generator(fake_logits: jax.Array) -> jax.Array:
    """Half the squared log odds of a fake: smallest where the discriminator cannot decide.

    Hjelm et al. 2017, arXiv:1702.08431, section 3 (the continuous case): (log D - log(1 - D))^2 / 2, and the
    log odds are the logit.

    Args:
        fake_logits: Discriminator logits of fake samples, [B, ...].

    Returns:
        One loss per logit, float32 [B, ...], at least 0.
    """
    return 0.5 * jnp.square(jnp.float32(fake_logits))
