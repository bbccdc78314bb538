"""Losses as pure functions of arrays: one value per logit or sample, float32; take the mean yourself.

Each file lists its losses in its own `__all__`. README.md says how to add one.
"""

from gan_jax.losses.adversarial import *
from gan_jax.losses.auxiliary import *
from gan_jax.losses.contrastive import *
from gan_jax.losses.didactic import *
from gan_jax.losses.distances import *
from gan_jax.losses.divergences import *
from gan_jax.losses.energies import *
from gan_jax.losses.latent import *
from gan_jax.losses.modifiers import *
from gan_jax.losses.reconstruction import *
from gan_jax.losses.relativistic import *
from gan_jax.losses.variational import *

__all__ = sorted(name for name, value in globals().items() if callable(value) and not name.startswith("_"))
