"""Fields of view: which pixels of its input an output pixel depends on, followed from the output back.

A layer is a function from the interval of pixels that somebody reads of its output to the interval that it
reads of its input, along one side; both ends are included.
"""

from collections.abc import Callable, Sequence
from typing import Any

from gan_jax.names import find
from gan_jax.nets import norms, upsampling
from gan_jax.nets.convolution import same_padding

Interval = tuple[int, int]
Layer = Callable[[Interval], Interval]


def convolution(size: int, stride: int = 1) -> Layer:
    """A convolution with SAME padding of an image whose side is a multiple of the stride.

    Args:
        size: Side of the kernel, pixels.
        stride: Its step, pixels.

    Returns:
        The Layer.
    """
    low = (size - 1) // 2 if stride == 1 else max(size - stride, 0) // 2
    return lambda read: (stride * read[0] - low, stride * read[1] - low + size - 1)


def _transposed(size: int) -> Layer:
    (low, _), _ = same_padding((size, size), (2, 2))
    # Its kernel lies on an image with a zero behind every pixel.
    return lambda read: (-((low - read[0]) // 2), (read[1] - low + size - 1) // 2)


def _repeated(read: Interval) -> Interval:
    """Pixels, each of which became two."""
    return read[0] // 2, read[1] // 2


def blurred(read: Interval) -> Interval:
    """Every second pixel of an image after a filter of three."""
    return 2 * read[0] - 1, 2 * read[1] + 1


def _smoothed(size: int) -> Layer:
    smooth = convolution(size - 1 + size % 2)

    def between(read):
        first, last = smooth(read)
        return (first - 1) // 2, (last + 1) // 2

    return between


def _resized(size: int) -> Layer:
    smooth = convolution(size - 1 + size % 2)
    return lambda read: _repeated(smooth(read))


def _shuffled(size: int) -> Layer:
    small = convolution(size)
    return lambda read: small(_repeated(read))


_DOUBLINGS: dict[Any, Callable[[int], Layer]] = {
    upsampling.transposed: _transposed,
    upsampling.resized: _resized,
    upsampling.shuffled: _shuffled,
    upsampling.smoothed: _smoothed,
}


def doubling(upsample: Any, size: int) -> Layer | None:
    """A layer that doubles an image.

    Args:
        upsample: Name of a layer, see `nets/upsampling.py`, or a function like them.
        size: Side of its kernel, pixels.

    Returns:
        The Layer; None of a function that is not in that file.
    """
    of = _DOUBLINGS.get(find(upsample, (upsampling,), "upsample"))
    return of and of(size)


def is_local(norm: Any) -> bool:
    """Whether a normalisation, in samples, leaves a pixel independent of the others.

    Args:
        norm: Name of a normalisation, see `nets/norms.py`, or a function like them.

    Returns:
        bool; False of a function that is not in that file.
    """
    return find(norm, (norms,), "norm") in (norms.batch_norm, norms.no_norm)


def chained(layers: Sequence[Layer]) -> Layer:
    """Layers one after the other.

    Args:
        layers: The layers in the order in which a network applies them.

    Returns:
        The Layer that they are together.
    """

    def read_by_all(read):
        for layer in reversed(layers):
            read = layer(read)
        return read

    return read_by_all


def radius(network: Layer, *, multiple: int = 1, scale: int = 1) -> int:
    """How many pixels of the input on each side an output pixel depends on, at most.

    Args:
        network: All layers.
        multiple: What the side of the input is a multiple of, pixels: the layers look alike from so many
            pixels on.
        scale: Side of the output over that of the input.

    Returns:
        The number of pixels of the input.
    """

    def reach(pixel):
        first, last = network((pixel, pixel))
        return max(pixel // scale - first, last - pixel // scale)

    return max(map(reach, range(scale * multiple)))
