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
        for number, (part, owned) in enumerate(zip(augments, carry, strict=True)):
            images = part.apply(owned, jax.random.fold_in(key, number), images, step)
        return images

    def mix(carry, key, real, fake):
        for number, (part, owned) in enumerate(zip(augments, carry, strict=True)):
            real = part.mix(owned, jax.random.fold_in(key, number), real, fake)
        return real

    def adapt(carry, real_logits):
        return tuple(part.adapt(owned, real_logits) for part, owned in zip(augments, carry, strict=True))

    return Augment(lambda: tuple(part.init() for part in augments), apply, adapt, mix)


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
