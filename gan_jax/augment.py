"""Augmentations between images and discriminator: differentiable, each sample on its own."""

import jax

from gan_jax.types import Augment


def chain(*augments):
    """Augmentations one after the other; none of them leaves images as they are.

    Args:
        *augments: Augments.

    Returns:
        The Augment that applies them from left to right.
    """

    def apply(carry, key, images, step):
        for part, owned, part_key in zip(augments, carry, jax.random.split(key, max(len(augments), 1))):
            images = part.apply(owned, part_key, images, step)
        return images

    def adapt(carry, real_logits):
        return tuple(part.adapt(owned, real_logits) for part, owned in zip(augments, carry))

    return Augment(lambda: tuple(part.init() for part in augments), apply, adapt)


def _stateless(apply):
    """An Augment without a carry, from a function `(key, images, step) -> images`."""
    return Augment(
        lambda: (), lambda carry, key, images, step: apply(key, images, step), lambda carry, _: carry
    )


def instance_noise(*, start=0.1, end=0.0, steps=10_000):
    """Adds normal noise to everything the discriminator sees, real and fake, less and less.

    Sonderby et al. 2017, arXiv:1610.04490, section 4.2; Arjovsky and Bottou 2017, arXiv:1701.04862.

    Args:
        start: Standard deviation at the first step; images are in [-1, 1].
        end: Standard deviation after `steps` steps, reached linearly.
        steps: Steps until then.

    Returns:
        The Augment.
    """

    def apply(key, images, step):
        deviation = start + (end - start) * jax.numpy.clip(step / steps, 0.0, 1.0)
        return images + deviation * jax.random.normal(key, images.shape, images.dtype)

    return _stateless(apply)
