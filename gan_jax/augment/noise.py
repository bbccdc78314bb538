"""Noise on every sample that the discriminator sees."""

import jax
import jax.numpy as jnp

from gan_jax.augment.chain import stateless
from gan_jax.errors import UsageError
from gan_jax.types import Augment


def instance_noise(*, start: float = 0.1, end: float = 0.0, steps: int = 10_000) -> Augment:
    """Adds normal noise of annealed strength to every sample that the discriminator sees, real or fake.

    Sonderby et al. 2017, arXiv:1610.04490, section 4.2; Arjovsky and Bottou 2017, arXiv:1701.04862.

    Args:
        start: Standard deviation at the first step; images are in [-1, 1].
        end: Standard deviation after `steps` steps, reached linearly.
        steps: Steps until then, at least 1.

    Returns:
        The Augment.

    Raises:
        UsageError: A negative deviation, or no steps.
    """
    if start < 0 or end < 0 or steps < 1:
        call = f"instance_noise(start={start}, end={end}, steps={steps})"
        raise UsageError(f"{call}: expected deviations of at least 0 and steps of at least 1")

    def apply(key, images, step):
        deviation = start + (end - start) * jnp.clip(step / steps, 0.0, 1.0)
        noise = jax.random.normal(key, images.shape, images.dtype)
        return images + jnp.asarray(deviation, images.dtype) * noise

    return stateless(apply)
