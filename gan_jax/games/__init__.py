"""Games: what the players see of each other. One family a file."""

from gan_jax.games.gan import gan

__all__ = ["gan"]
