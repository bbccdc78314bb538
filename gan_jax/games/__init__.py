"""Games: what the players see of each other. One family a file."""

from gan_jax.games.autoencoding import autoencoding
from gan_jax.games.bigan import bigan
from gan_jax.games.cut import cut
from gan_jax.games.cyclegan import cyclegan
from gan_jax.games.gan import gan
from gan_jax.games.translation import translation
from gan_jax.games.vaegan import vaegan

__all__ = ["autoencoding", "bigan", "cut", "cyclegan", "gan", "translation", "vaegan"]
