"""The three contractions of convolution, each in the form that its platform computes fast.

All come from one trilinear form <up(x, kernel), y>, with x the smaller image [B, h, w, I], the kernel
[kh, kw, I, O] and y the larger image [B, H, W, O]: transposed convolution, ordinary convolution and the
gradient of a kernel. GPU and TPU get XLA's own forms; XLA:CPU computes some of these up to a hundred times
too slowly. Derivatives are in `nets/convolution.py`.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp

_LAYOUT = ("NHWC", "HWIO", "NHWC")

# Vertical and horizontal step; (low, high) padding of each axis.
Strides = tuple[int, int]
Padding = tuple[tuple[int, int], tuple[int, int]]
_Contraction = Callable[[jax.Array, jax.Array, Strides, Padding], jax.Array]

# Bytes. XLA:CPU stores the products of an image's pixels with all taps; more bytes leave its cache.
_PRODUCTS = 320 * 2**10


def up(x: jax.Array, kernel: jax.Array, strides: Strides, padding: Padding) -> jax.Array:
    """Transposed convolution, [B, h, w, I] to [B, H, W, O]; `padding` is the one beside `lhs_dilation`."""
    on_cpu = _up if _is_fast(x, kernel, strides) else _up_in_phases
    return _on_platform(on_cpu, _up, x, kernel, strides, padding)


def down(y: jax.Array, kernel: jax.Array, strides: Strides, padding: Padding) -> jax.Array:
    """The adjoint of `up` in x, [B, H, W, O] to [B, h, w, I]: an ordinary convolution."""
    kernel, padding = _adjoint(kernel, padding)
    return _ordinary(y, kernel, strides, padding)


def kernel_gradient(
    x: jax.Array, y: jax.Array, size: tuple[int, int], strides: Strides, padding: Padding
) -> jax.Array:
    """The adjoint of `up` in its kernel: that of `down`, which is equal and has a program on GPUs."""
    shape = jax.ShapeDtypeStruct((*size, x.shape[-1], y.shape[-1]), x.dtype)

    def elsewhere(x: jax.Array, y: jax.Array) -> jax.Array:
        def down(kernel: jax.Array) -> jax.Array:
            kernel, ordinary = _adjoint(kernel, padding)
            return _convolution(y, kernel, strides, ordinary)

        return jax.linear_transpose(down, shape)(x)[0]

    def on_cpu(x: jax.Array, y: jax.Array) -> jax.Array:
        # y's channels are the batch and its batch the channels, which XLA:CPU arranges so itself outside
        # loops only; in loops its own form is up to a hundred times slower.
        spans = [(n - 1) * s + k for n, s, k in zip(x.shape[1:3], strides, size)]
        lows = [k - 1 - low for k, (low, _) in zip(size, padding)]
        rows, columns = ((low, span - n - low) for low, span, n in zip(lows, spans, y.shape[1:3]))
        taps = _convolution(
            y.transpose(3, 1, 2, 0), x.transpose(1, 2, 0, 3), (1, 1), (rows, columns), strides
        )
        return jnp.flip(taps, (1, 2)).transpose(1, 2, 3, 0)

    return jax.lax.platform_dependent(x, y, cpu=on_cpu, default=elsewhere)


def _adjoint(kernel: jax.Array, padding: Padding) -> tuple[jax.Array, Padding]:
    """Kernel and padding of the ordinary convolution that is the adjoint of a transposed one."""
    rows, columns = ((k - 1 - low, k - 1 - high) for k, (low, high) in zip(kernel.shape, padding))
    return jnp.flip(kernel, (0, 1)).swapaxes(2, 3), (rows, columns)


def _up(x: jax.Array, kernel: jax.Array, strides: Strides, padding: Padding) -> jax.Array:
    """XLA's form: a convolution of x with strides - 1 zeros between its pixels."""
    return jax.lax.conv_general_dilated(
        x, kernel, (1, 1), padding, lhs_dilation=strides, dimension_numbers=_LAYOUT
    )


def _is_fast(x: jax.Array, kernel: jax.Array, strides: Strides) -> bool:
    """Whether XLA:CPU computes `_up` faster than `_up_in_phases`, by measurements of both."""
    if any(k < s for k, s in zip(kernel.shape, strides)):
        return True  # Some phases have no tap at all.
    features = kernel.shape[3]
    products = math.prod(x.shape[1:3]) * math.prod(kernel.shape[:2]) * features * x.dtype.itemsize
    # Ordinary convolutions to few features are slow too.
    return _fits(x, kernel) and (features < 8 or products <= _PRODUCTS)


class _Phase(NamedTuple):
    """Every stride-th pixel of a transposed convolution's output along an axis: an ordinary convolution.

    Attributes:
        tap: The first tap of the kernel in this phase; the others follow at the stride.
        padding: Padding of the image, low and high.
    """

    tap: int
    padding: tuple[int, int]


def _up_in_phases(x: jax.Array, kernel: jax.Array, strides: Strides, padding: Padding) -> jax.Array:
    """Without the zeros: pixels of the output with the same taps of the kernel are one convolution."""
    (height, rows), (width, columns) = map(_phases, x.shape[1:3], kernel.shape[:2], strides, padding)

    def pixels(row: _Phase, column: _Phase) -> jax.Array:
        taps = kernel[row.tap :: strides[0], column.tap :: strides[1]]
        return _ordinary(x, taps, (1, 1), (row.padding, column.padding))

    y = jnp.stack([jnp.stack([pixels(row, column) for column in columns], axis=3) for row in rows], axis=2)
    y = y.reshape(y.shape[0], y.shape[1] * strides[0], y.shape[3] * strides[1], -1)
    return y[:, :height, :width]


def _phases(length: int, taps: int, stride: int, padding: tuple[int, int]) -> tuple[int, list[_Phase]]:
    """The output's length along an axis, and its Phases, all of one length: the last may pass the end."""
    low, high = padding
    full = (length - 1) * stride + low + high - taps + 2
    count, phases = -(-full // stride), []
    for phase in range(stride):
        tap = (low - phase) % stride
        first, count_of_taps = (phase - low + tap) // stride, len(range(tap, taps, stride))
        phases.append(_Phase(tap, (-first, first + count - 1 + count_of_taps - length)))
    return full, phases


def _ordinary(x: jax.Array, kernel: jax.Array, strides: Strides, padding: Padding) -> jax.Array:
    """Ordinary convolution; XLA:CPU has no fast one for kernels larger than the image."""
    on_cpu = _convolution if _fits(x, kernel) else _matrix_product
    return _on_platform(on_cpu, _convolution, x, kernel, strides, padding)


def _convolution(
    x: jax.Array, kernel: jax.Array, strides: Strides, padding: Padding, dilation: Strides = (1, 1)
) -> jax.Array:
    """XLA's form on a cropped image, since XLA:CPU computes wrong numbers with negative padding.

    `dilation` is the distance between two taps of the kernel.
    """
    x = _padded(x, [[min(edge, 0) for edge in edges] for edges in padding])
    rest = [(max(low, 0), max(high, 0)) for low, high in padding]
    return jax.lax.conv_general_dilated(
        x, kernel, strides, rest, rhs_dilation=dilation, dimension_numbers=_LAYOUT
    )


def _matrix_product(x: jax.Array, kernel: jax.Array, strides: Strides, padding: Padding) -> jax.Array:
    """The window around each pixel as one vector, times the kernel."""
    x = _padded(x, padding)
    (kh, kw), (sh, sw) = kernel.shape[:2], strides
    h, w = x.shape[1] - kh + 1, x.shape[2] - kw + 1
    taps = [x[:, row : row + h : sh, column : column + w : sw] for row in range(kh) for column in range(kw)]
    return jnp.concatenate(taps, axis=3) @ kernel.reshape(-1, kernel.shape[3])


def _padded(x: jax.Array, padding: Sequence[Sequence[int]]) -> jax.Array:
    """The image with rows and columns of zeros at both ends, or cropped where the padding is negative."""
    edges = [(low, high, 0) for low, high in ((0, 0), *padding, (0, 0))]
    return jax.lax.pad(x, jnp.zeros((), x.dtype), edges)


def _fits(x: jax.Array, kernel: jax.Array) -> bool:
    """Whether the kernel is no larger than the image."""
    return all(k <= length for k, length in zip(kernel.shape[:2], x.shape[1:3]))


def _on_platform(
    on_cpu: _Contraction,
    elsewhere: _Contraction,
    x: jax.Array,
    kernel: jax.Array,
    strides: Strides,
    padding: Padding,
) -> jax.Array:
    """One of two forms, by the platform of the computation."""
    if on_cpu is elsewhere:
        return elsewhere(x, kernel, strides, padding)

    def of(form: _Contraction) -> Callable[[jax.Array, jax.Array], jax.Array]:
        return lambda x, kernel: form(x, kernel, strides, padding)

    return jax.lax.platform_dependent(x, kernel, cpu=of(on_cpu), default=of(elsewhere))
