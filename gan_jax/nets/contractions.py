"""The three contractions of convolution, each in the form that its platform computes fast.

They are those of one trilinear form <up(x, kernel), y>, with x the smaller image [B, h, w, I], the kernel
[kh, kw, I, O] and y the larger image [B, H, W, O]: transposed convolution, ordinary convolution and the
gradient of a kernel. GPU and TPU get XLA's own forms; XLA:CPU computes some of these up to a hundred times
too slowly. Derivatives are not here but in `nets/convolution.py`.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp

_LAYOUT = ("NHWC", "HWIO", "NHWC")

# Bytes. XLA:CPU writes down the products of an image's pixels with all taps; more than these leave its cache.
_PRODUCTS = 320 * 2**10


def up(x, kernel, strides, padding):
    """Transposed convolution, [B, h, w, I] to [B, H, W, O]; `padding` is that beside `lhs_dilation`."""
    on_cpu = _up if _is_fast(x, kernel, strides) else _up_in_phases
    return _on_platform(on_cpu, _up, x, kernel, strides, padding)


def down(y, kernel, strides, padding):
    """The adjoint of `up` in x, [B, H, W, O] to [B, h, w, I], as the ordinary convolution that it is."""
    kernel, padding = _adjoint(kernel, padding)
    return _ordinary(y, kernel, strides, padding)


def kernel_gradient(x, y, size, strides, padding):
    """The adjoint of `up` in its kernel; on the CPU, of `down`, which is the same and far faster there."""
    kernel = jax.ShapeDtypeStruct((*size, x.shape[-1], y.shape[-1]), x.dtype)

    def of_up(x, y):
        return jax.linear_transpose(lambda k: _up(x, k, strides, padding), kernel)(y)[0]

    def of_down(x, y):
        def down(kernel):
            kernel, ordinary = _adjoint(kernel, padding)
            return _convolution(y, kernel, strides, ordinary)

        return jax.linear_transpose(down, kernel)(x)[0]

    return jax.lax.platform_dependent(x, y, cpu=of_down, default=of_up)


def _adjoint(kernel, padding):
    """Kernel and padding of the ordinary convolution that is the adjoint of a transposed one."""
    ordinary = tuple((k - 1 - low, k - 1 - high) for k, (low, high) in zip(kernel.shape, padding))
    return jnp.flip(kernel, (0, 1)).swapaxes(2, 3), ordinary


def _up(x, kernel, strides, padding):
    """As XLA has it: a convolution of x with strides - 1 zeros between its pixels."""
    return jax.lax.conv_general_dilated(
        x, kernel, (1, 1), padding, lhs_dilation=strides, dimension_numbers=_LAYOUT
    )


def _is_fast(x, kernel, strides):
    """Whether XLA:CPU is better at `_up` than `_up_in_phases` is, by what was measured for both."""
    if any(k < s for k, s in zip(kernel.shape, strides)):
        return True  # Some phases see no tap at all.
    features = kernel.shape[3]
    products = math.prod(x.shape[1:3]) * math.prod(kernel.shape[:2]) * features * x.dtype.itemsize
    # Ordinary convolutions to a few features are slow themselves.
    return _fits(x, kernel) and (features < 8 or products <= _PRODUCTS)


class _Phase(NamedTuple):
    """Every stride-th pixel of a transposed convolution's output along an axis: an ordinary convolution.

    Attributes:
        tap: The first tap of the kernel that it sees; the others follow at the stride.
        padding: Padding of the image, low and high.
    """

    tap: int
    padding: tuple[int, int]


def _up_in_phases(x, kernel, strides, padding):
    """Without the zeros: pixels of the output that see the same taps of the kernel are a convolution each."""
    (height, rows), (width, columns) = map(_phases, x.shape[1:3], kernel.shape[:2], strides, padding)

    def pixels(row, column):
        taps = kernel[row.tap :: strides[0], column.tap :: strides[1]]
        return _ordinary(x, taps, (1, 1), (row.padding, column.padding))

    y = jnp.stack([jnp.stack([pixels(row, column) for column in columns], axis=3) for row in rows], axis=2)
    y = y.reshape(y.shape[0], y.shape[1] * strides[0], y.shape[3] * strides[1], -1)
    return y[:, :height, :width]


def _phases(length, taps, stride, padding):
    """The output's length along an axis, and its Phases: equally long, so the last may reach over the end."""
    low, high = padding
    full = (length - 1) * stride + low + high - taps + 2
    count, phases = -(-full // stride), []
    for phase in range(stride):
        tap = (low - phase) % stride
        first, seen = (phase - low + tap) // stride, len(range(tap, taps, stride))
        phases.append(_Phase(tap, (-first, first + count - 1 + seen - length)))
    return full, phases


def _ordinary(x, kernel, strides, padding):
    """Ordinary convolution; XLA:CPU has no fast one for kernels larger than the image."""
    on_cpu = _convolution if _fits(x, kernel) else _matrix_product
    return _on_platform(on_cpu, _convolution, x, kernel, strides, padding)


def _convolution(x, kernel, strides, padding):
    """As XLA has it, but cropped beforehand: XLA:CPU makes wrong numbers of negative padding."""
    x = _padded(x, [[min(edge, 0) for edge in edges] for edges in padding])
    rest = [[max(edge, 0) for edge in edges] for edges in padding]
    return jax.lax.conv_general_dilated(x, kernel, strides, rest, dimension_numbers=_LAYOUT)


def _matrix_product(x, kernel, strides, padding):
    """Each pixel's surroundings side by side, times the kernel."""
    x = _padded(x, padding)
    (kh, kw), (sh, sw) = kernel.shape[:2], strides
    h, w = x.shape[1] - kh + 1, x.shape[2] - kw + 1
    seen = [x[:, row : row + h : sh, column : column + w : sw] for row in range(kh) for column in range(kw)]
    return jnp.concatenate(seen, axis=3) @ kernel.reshape(-1, kernel.shape[3])


def _padded(x, padding):
    """With so many rows and columns of zeros at both ends, or cropped where that is negative."""
    edges = [(low, high, 0) for low, high in ((0, 0), *padding, (0, 0))]
    return jax.lax.pad(x, jnp.zeros((), x.dtype), edges)


def _fits(x, kernel):
    """Whether the kernel is no larger than the image."""
    return all(k <= length for k, length in zip(kernel.shape[:2], x.shape[1:3]))


def _on_platform(on_cpu, elsewhere, x, kernel, strides, padding):
    """What one of two forms makes, by the platform that this will run on."""
    if on_cpu is elsewhere:
        return elsewhere(x, kernel, strides, padding)

    def of(form):
        return lambda x, kernel: form(x, kernel, strides, padding)

    return jax.lax.platform_dependent(x, kernel, cpu=of(on_cpu), default=of(elsewhere))
