"""Losses of discriminators that give an energy, low for real samples, such as a reconstruction error."""

import jax
import jax.numpy as jnp
from jax.nn import relu

from gan_jax.losses.pairs import mean_of_others, pair

__all__ = [
    "energy_based_discriminator",
    "energy_based_generator",
    "pull_away",
    "boundary_equilibrium_discriminator",
    "boundary_equilibrium_generator",
    "boundary_equilibrium_balance",
    "boundary_equilibrium_convergence",
]


def energy_based_discriminator(
    real_energy: jax.Array, fake_energy: jax.Array, *, margin: float = 10.0
) -> jax.Array:
    """Energy of real samples, and how far fake energies stay below the margin.

    Zhao et al. 2016, arXiv:1609.03126, eq. 1. An energy is low for real: for an autoencoder as the
    discriminator, the Euclidean norm of its reconstruction's error (section 2.3; `losses.euclidean`). The
    paper's margins, between 10 (MNIST) and 80 (LSUN), are in these units, which grow with the resolution.
    Mean squared errors of images in [-1, 1] are at most 4 and never reach them.

    Args:
        real_energy: Energies of real samples, [B, ...], at least 0.
        fake_energy: Energies of fake samples, [B, ...], at least 0.
        margin: Fakes with a higher energy give no gradient; in units of the energy, above 0.

    Returns:
        One loss per pair of energies, float32 [B, ...], at least 0.
    """
    real, fake = pair(real_energy, fake_energy)
    return real + relu(margin - fake)


def energy_based_generator(fake_energy: jax.Array) -> jax.Array:
    """Energy of fake samples.

    Zhao et al. 2016, arXiv:1609.03126, eq. 2; the paper adds 0.1 of `pull_away`.

    Args:
        fake_energy: Energies of fake samples, [B, ...], at least 0.

    Returns:
        One loss per energy, float32 [B, ...], at least 0.
    """
    return jnp.float32(fake_energy)


def pull_away(fake_features: jax.Array, *, epsilon: float = 1e-12) -> jax.Array:
    """Mean squared cosine between a fake's features and those of the other fakes: keeps them apart.

    Zhao et al. 2016, arXiv:1609.03126, eq. 4, where the features are the autoencoder's code. Squared as in
    the paper; several implementations omit the square.

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
    return mean_of_others(jnp.square(jnp.matmul(unit, unit.T, precision="highest")))


def boundary_equilibrium_discriminator(
    real_energy: jax.Array, fake_energy: jax.Array, balance: jax.Array
) -> jax.Array:
    """Energy of real samples less `balance` times the energy of fakes.

    Berthelot et al. 2017, arXiv:1703.10717, section 3.4; an energy is the mean absolute error of an
    autoencoder's reconstruction, and `balance` is the paper's k_t.

    Args:
        real_energy: Energies of real samples, [B, ...], at least 0.
        fake_energy: Energies of fake samples, [B, ...], at least 0.
        balance: Weight of fakes, scalar in [0, 1], from `boundary_equilibrium_balance`.

    Returns:
        One loss per pair of energies, float32 [B, ...].
    """
    real, fake = pair(real_energy, fake_energy)
    return real - jax.lax.stop_gradient(jnp.float32(balance)) * fake


def boundary_equilibrium_generator(fake_energy: jax.Array) -> jax.Array:
    """Energy of fake samples.

    Berthelot et al. 2017, arXiv:1703.10717, section 3.4.

    Args:
        fake_energy: Energies of fake samples, [B, ...], at least 0.

    Returns:
        One loss per energy, float32 [B, ...], at least 0.
    """
    return jnp.float32(fake_energy)


def boundary_equilibrium_balance(
    balance: jax.Array,
    real_energy: jax.Array,
    fake_energy: jax.Array,
    *,
    diversity_ratio: float = 0.5,
    gain: float = 0.001,
) -> jax.Array:
    """The next `balance`: it keeps fake energies at the target ratio to real ones.

    Berthelot et al. 2017, arXiv:1703.10717, section 3.4; clipped to [0, 1]; 0 at the start. It updates a
    state and is not a loss: a game keeps the returned value in the discriminator's carry.

    Args:
        balance: The current balance, scalar in [0, 1].
        real_energy: Energies of real samples, [B, ...].
        fake_energy: Energies of fake samples, [B, ...].
        diversity_ratio: Target ratio of mean fake to mean real energy, in [0, 1]; the paper's gamma.
        gain: Change of the balance for each unit of energy off the ratio; the paper's lambda_k.

    Returns:
        The next balance, float32 scalar in [0, 1], without a gradient.
    """
    error = diversity_ratio * jnp.mean(jnp.float32(real_energy)) - jnp.mean(jnp.float32(fake_energy))
    return jax.lax.stop_gradient(jnp.clip(balance + gain * error, 0.0, 1.0))


def boundary_equilibrium_convergence(
    real_energy: jax.Array, fake_energy: jax.Array, *, diversity_ratio: float = 0.5
) -> jax.Array:
    """How far the game is from convergence: a number to monitor, not a loss.

    Berthelot et al. 2017, arXiv:1703.10717, section 3.4.1.

    Args:
        real_energy: Energies of real samples, [B, ...].
        fake_energy: Energies of fake samples, [B, ...].
        diversity_ratio: Target ratio of mean fake to mean real energy, in [0, 1].

    Returns:
        The measure, float32 scalar, at least 0, without a gradient.
    """
    real, fake = jnp.mean(jnp.float32(real_energy)), jnp.mean(jnp.float32(fake_energy))
    return jax.lax.stop_gradient(real + jnp.abs(diversity_ratio * real - fake))
