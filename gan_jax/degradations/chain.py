"""Several degradations as one."""

from collections.abc import Callable

import jax

from gan_jax import images
from gan_jax.types import Degradation


def chain(*links: Degradation | Callable[[jax.Array, dict], dict]) -> Degradation:
    """Degradations one after the other; at the end the source is clipped and rounded to 8 bits, as files are.

    Args:
        *links: Degradations, or functions `(key, entries) -> entries`.

    Returns:
        The Degradation that applies them from left to right. Its margin is in pixels of `real`, and its
        `apply` takes `margin=0`: so many pixels of `real`, a multiple of the factor, are cut from each side
        after the last link that looks at neighbours, so that holes lie in what is left.
    """
    parts = [link if isinstance(link, Degradation) else Degradation(link) for link in links]
    reaching = max([number for number, part in enumerate(parts) if part.margin], default=0)
    margin, factor = 0, 1
    for part in parts:
        margin, factor = margin + part.margin * factor, factor * part.factor

    def apply(key: jax.Array, entries: dict, margin: int = 0) -> dict:
        entries = {"source": entries["real"], **entries}
        for number, (part, own) in enumerate(zip(parts, jax.random.split(key, len(parts)))):
            entries = part.apply(own, entries)
            if number == reaching:
                entries = without_margin(entries, margin)
        return {**entries, "source": images.to_float(images.to_uint8(entries["source"]))}

    return Degradation(apply, margin, factor)


def without_margin(entries: dict, margin: int) -> dict:
    """The central part of each entry.

    Args:
        entries: Arrays [H, W, C] of several sizes, among them `real`, whose height is a multiple of each.
        margin: Pixels of `real` to cut from each side, a multiple of its height over that of each other.

    Returns:
        The entries, smaller.
    """
    height = entries["real"].shape[0]

    def cut(entry):
        here = margin * entry.shape[0] // height
        return entry[here : entry.shape[0] - here, here : entry.shape[1] - here]

    return {name: cut(entry) for name, entry in entries.items()}
