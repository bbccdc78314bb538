"""Several augmentations as one."""

from typing import Callable

import jax

from gan_jax.types import Augment


def chain(*augments: Augment) -> Augment:
    """Augmentations one after the other; without any, images stay as they are.

    Args:
        *augments: Augments.

    Returns:
        The Augment that applies them from left to right.
    """

    def apply(carry, key, images, step):
        for number, (part, own) in enumerate(zip(augments, carry, strict=True)):
            images = part.apply(own, jax.random.fold_in(key, number), images, step)
        return images

    def mix(carry, key, real, fake):
        for number, (part, own) in enumerate(zip(augments, carry, strict=True)):
            real = part.mix(own, jax.random.fold_in(key, number), real, fake)
        return real

    def adapt(carry, real_logits, count):
        return tuple(part.adapt(own, real_logits, count) for part, own in zip(augments, carry, strict=True))

    return Augment(lambda: tuple(part.init() for part in augments), apply, adapt, mix)


def stateless(apply: Callable[..., jax.Array]) -> Augment:
    """An Augment without a carry.

    Args:
        apply: Function `(key, images, step) -> images`.

    Returns:
        The Augment.
    """
    return Augment(
        init=lambda: (),
        apply=lambda carry, key, images, step: apply(key, images, step),
        adapt=lambda carry, real_logits, count: carry,
    )
