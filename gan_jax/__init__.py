"""Generative adversarial networks in JAX: terms sum, transforms chain, networks wrap.

Importing the package imports nothing heavy: `from gan_jax import losses, penalties, transforms`
brings JAX and optax, and only `gan_jax.training.train` and its neighbours bring data sets and checkpoints.
"""

__version__ = "0.1.0"
