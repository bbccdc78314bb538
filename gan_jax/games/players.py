"""The networks of a game's players."""

from collections.abc import Mapping, Sequence
from typing import Any

from gan_jax.errors import UsageError, unknown
from gan_jax.seams import described
from gan_jax.types import Net

# By player, the head that a game reads from its outputs.
HEADS = {"discriminator": "logits", "encoder": "latents"}


def networks(
    nets: Mapping[str, Any], players: Sequence[str], heads: Mapping[str, str] = HEADS
) -> dict[str, Net]:
    """The networks of players that have one each.

    Args:
        nets: Nets by player; further players are ignored.
        players: Names of the players.
        heads: By player, the head that the game reads from its outputs.

    Returns:
        Nets by player; those of players in `heads` check that they return it.

    Raises:
        UsageError: A player has no network, or several.
    """
    for player in players:
        if player not in nets:
            raise UsageError(f"nets: this game needs a network for {player!r}, got {', '.join(nets)}")
        if isinstance(nets[player], Mapping):
            raise UsageError(
                f"nets.{player}: this game needs one network, got several: {', '.join(nets[player])}"
            )
    return {
        player: with_head(nets[player], f"nets.{player}", heads[player]) if player in heads else nets[player]
        for player in players
    }


def with_head(net: Net, field: str, head: str) -> Net:
    """A network that checks that its outputs hold a head.

    Args:
        net: A Net.
        field: Where it stands in the recipe, for the message.
        head: A name among its outputs.

    Returns:
        The Net. Where its outputs are no dict with that name in it, `apply` raises a UsageError.
    """

    def apply(*inputs, **options):
        outputs, carry = net.apply(*inputs, **options)
        if not isinstance(outputs, dict) or head not in outputs:
            raise UsageError(
                f"{field}: expected a dict of heads with {head!r} among them, got {described(outputs)}"
            )
        return outputs, carry

    return net._replace(apply=apply)


def conditions(batch: Mapping[str, Any], names: Sequence[str]) -> tuple:
    """The entries of a batch that networks are conditioned on.

    Args:
        batch: Rows by name.
        names: The recipe's `game.condition_on`.

    Returns:
        The entries in the order of the names.

    Raises:
        UsageError: The data has no such entry.
    """
    for name in names:
        if name not in batch:
            raise unknown(
                "game.condition_on: the data does not have", name, [n for n in batch if n != "real"]
            )
    return tuple(batch[name] for name in names)
