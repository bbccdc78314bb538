"""Who plays a game."""

from gan_jax.errors import UsageError
from gan_jax.types import Net

# What a game reads of a player's outputs, whatever else they are.
HEADS = {"discriminator": "logits", "encoder": "latents"}


def networks(nets, players, heads=HEADS):
    """The networks of a game's players.

    Args:
        nets: Dict of Nets by player, perhaps with others among them.
        players: Names of the players.
        heads: By player, what the game reads of its outputs.

    Returns:
        Dict of Nets by player; those with a head make sure that they say it.

    Raises:
        UsageError: There is none for one of them.
    """
    for player in players:
        if player not in nets:
            raise UsageError(f"nets: nothing for {player!r}, who plays this game; it has {', '.join(nets)}")
    return {
        player: speaking(nets[player], player, heads[player]) if player in heads else nets[player]
        for player in players
    }


def speaking(net, player, head):
    """A network that is known to say something.

    Args:
        net: A Net.
        player: Whose, for the message.
        head: A name among its outputs.

    Returns:
        The Net. Where its outputs are no dict with that name in it, `apply` raises a UsageError.
    """

    def apply(*inputs, **options):
        outputs, carry = net.apply(*inputs, **options)
        if not isinstance(outputs, dict) or head not in outputs:
            said = ", ".join(outputs) if isinstance(outputs, dict) else f"a {type(outputs).__name__}"
            raise UsageError(f"nets.{player}: expected a dict of heads with {head!r} among them, got {said}")
        return outputs, carry

    return Net(net.init, apply)
