"""Several augmentations as one."""

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
        keys = jax.random.split(key, max(len(augments), 1))
        for part, owned, part_key in zip(augments, carry, keys, strict=False):
            images = part.apply(owned, part_key, images, step)
        return images

    def adapt(carry, real_logits):
        return tuple(part.adapt(owned, real_logits) for part, owned in zip(augments, carry, strict=True))

    return Augment(lambda: tuple(part.init() for part in augments), apply, adapt)


def stateless(apply):
    """An Augment without a carry.

    Args:
        apply: Function `(key, images, step) -> images`.

    Returns:
        The Augment.
    """
    return Augment(
        init=lambda: (),
        apply=lambda carry, key, images, step: apply(key, images, step),
        adapt=lambda carry, real_logits: carry,
    )
