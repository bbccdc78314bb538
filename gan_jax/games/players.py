"""Who plays a game."""

from gan_jax.errors import UsageError


def networks(nets, players):
    """The networks of a game's players.

    Args:
        nets: Dict of Nets by player, perhaps with others among them.
        players: Names of the players.

    Returns:
        Dict of Nets by player.

    Raises:
        UsageError: There is none for one of them.
    """
    for player in players:
        if player not in nets:
            raise UsageError(f"nets: nothing for {player!r}, who plays this game; it has {', '.join(nets)}")
    return {player: nets[player] for player in players}
