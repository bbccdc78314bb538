"""The game whose discriminator is an autoencoder that reconstructs fake samples badly."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from gan_jax.games.gan import gan
from gan_jax.games.players import networks
from gan_jax.losses import boundary_equilibrium_balance, euclidean, l1, l2
from gan_jax.types import Augment, Game, Net

# Energies by the names that a recipe may give: EBGAN's, BEGAN's, and a mean over pixels.
__all__ = ["autoencoding", "euclidean", "l1", "l2"]


def autoencoding(
    nets: Mapping[str, Net],
    latents: Callable[..., Any],
    augment: Augment,
    *,
    energy: Callable[[jax.Array, jax.Array], jax.Array] = euclidean,
    diversity_ratio: float = 0.5,
    gain: float = 0.001,
    condition_on: Sequence[str] = (),
    averages: Mapping[str, Sequence[str]] | None = None,
    average_decay: float = 0.99,
) -> Game:
    """A generator against a discriminator that is an autoencoder and reconstructs fake samples badly.

    Zhao et al. 2016, arXiv:1609.03126 (EBGAN), and Berthelot et al. 2017, arXiv:1703.10717 (BEGAN).

    The game `gan` with all its outputs, and besides
    `real_energy`, `fake_energy`: distance of the discriminator's reconstruction from its input, [B];
    `real_logits`, `fake_logits`: minus these, so that real ones are the higher ones as everywhere;
    `real_reconstruction`, `real_features` and the fakes': the discriminator's own heads, the features being
    its autoencoder's code;
    `balance`: BEGAN's k, kept in the discriminator's carry, from 0 at the start.

    EBGAN takes `energy="euclidean"`, the norm of the error; BEGAN takes `l1`, its mean absolute value.

    Args:
        nets: Dict of Nets: `generator` from latents to images, `discriminator` from images to a dict of
            `reconstruction`, images of the same shape, and `features`.
        latents: Function `(key, count) -> [count, size]`.
        augment: The Augment in front of the discriminator, which reconstructs augmented images.
        energy: Function `(prediction, target) -> [B]`: `euclidean`, `l1`, `l2`, or any other.
        diversity_ratio: Ratio of fake to real energy that the balance keeps, in [0, 1]; BEGAN's gamma.
        gain: Change of the balance for each unit of energy off the ratio; BEGAN's lambda_k.
        condition_on: As in `gan`.
        averages: As in `gan`.
        average_decay: As in `gan`.

    Returns:
        The Game.

    Raises:
        UsageError: As `gan`.
    """
    players = networks(nets, ("generator", "discriminator"), {"discriminator": "reconstruction"})
    players = {**players, "discriminator": _with_energy(players["discriminator"], energy)}
    inner = gan(
        players, latents, augment, condition_on=condition_on, averages=averages, average_decay=average_decay
    )

    def init(key, batch):
        params, carry = inner.init(key, batch)
        return params, {**carry, "discriminator": {**carry["discriminator"], "balance": jnp.zeros(())}}

    def play(context):
        outputs, carry = inner.play(context)
        balance = context.carry["discriminator"]["balance"]
        following = boundary_equilibrium_balance(
            balance,
            outputs["real_energy"],
            outputs["fake_energy"],
            diversity_ratio=diversity_ratio,
            gain=gain,
        )
        updated = {**carry, "discriminator": {**carry["discriminator"], "balance": following}}
        return {**outputs, "balance": balance}, updated

    return inner._replace(init=init, play=play)


def _with_energy(net, energy):
    """The autoencoder as a discriminator, with heads for the energy of its input and minus that energy."""

    def apply(params, carry, images, *conditions, key, train):
        heads, carry = net.apply(params, carry, images, *conditions, key=key, train=train)
        value = energy(heads["reconstruction"], images)
        return {**heads, "energy": value, "logits": -value}, carry

    return net._replace(apply=apply)
