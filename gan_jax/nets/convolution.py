"""The convolution layers: the contractions of `nets/contractions.py`, with derivatives of every order.

Transposed convolution `up(x, kernel)`, ordinary convolution `down(y, kernel)` and `kernel_gradient(x, y)` are
the three contractions of one trilinear form <up(x, kernel), y>: each is linear in its arguments, and its
derivatives are the other two. So each is written once, and derivatives of every order use the fast form.
They are differentiable in reverse mode (any number of times), not in forward mode.
"""

import functools
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.nets import contractions
from gan_jax.nets.contractions import Padding, Strides


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def up(x: jax.Array, kernel: jax.Array, strides: Strides, padding: Padding) -> jax.Array:
    """Transposed convolution of x.

    Args:
        x: [B, h, w, I].
        kernel: [kh, kw, I, O].
        strides: Pair of ints; the output is about that much larger than x.
        padding: Pair of pairs, as `jax.lax.conv_general_dilated` takes it beside `lhs_dilation`.

    Returns:
        [B, H, W, O].
    """
    return contractions.up(x, kernel, strides, padding)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def down(y: jax.Array, kernel: jax.Array, strides: Strides, padding: Padding) -> jax.Array:
    """The adjoint of `up` in x: an ordinary strided convolution, [B, H, W, O] to [B, h, w, I]."""
    return contractions.down(y, kernel, strides, padding)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4))
def kernel_gradient(
    x: jax.Array, y: jax.Array, size: tuple[int, int], strides: Strides, padding: Padding
) -> jax.Array:
    """The adjoint of `up` in its kernel: [B, h, w, I] and [B, H, W, O] to [kh, kw, I, O]."""
    return contractions.kernel_gradient(x, y, size, strides, padding)


up.defvjp(
    lambda x, kernel, strides, padding: (contractions.up(x, kernel, strides, padding), (x, kernel)),
    lambda strides, padding, saved, y: (
        down(y, saved[1], strides, padding),
        kernel_gradient(saved[0], y, saved[1].shape[:2], strides, padding),
    ),
)
down.defvjp(
    lambda y, kernel, strides, padding: (contractions.down(y, kernel, strides, padding), (y, kernel)),
    lambda strides, padding, saved, x: (
        up(x, saved[1], strides, padding),
        kernel_gradient(x, saved[0], saved[1].shape[:2], strides, padding),
    ),
)
kernel_gradient.defvjp(
    lambda x, y, size, strides, padding: (contractions.kernel_gradient(x, y, size, strides, padding), (x, y)),
    lambda size, strides, padding, saved, kernel: (
        down(saved[1], kernel, strides, padding),
        up(saved[0], kernel, strides, padding),
    ),
)


def conv(x: jax.Array, kernel: jax.Array, strides: Strides, padding: Padding | None = None) -> jax.Array:
    """Convolution, as `down`: its second derivatives are fast on the CPU too.

    Args:
        x: [B, H, W, I].
        kernel: [kh, kw, I, O].
        strides: Pair of ints.
        padding: Pair of (low, high) pairs, the zeros around x; None for TensorFlow's SAME padding.

    Returns:
        [B, h, w, O]; with SAME padding h is ceil(H / stride), else (H + low + high - kh) // stride + 1.
    """
    if kernel.shape[:2] == (1, 1) and tuple(strides) == (1, 1) and padding in (None, ((0, 0), (0, 0))):
        return (
            x @ kernel[0, 0]
        )  # The same product; XLA:CPU computes its derivatives too up to 6 times faster.

    def same(length: int, k: int, s: int) -> tuple[int, int]:
        total = max((-(-length // s) - 1) * s + k - length, 0)
        return total // 2, total - total // 2

    def adjoint(length: int, k: int, s: int, edges: tuple[int, int]) -> tuple[int, int]:
        spread = (length + sum(edges) - k) // s * s  # from the first window to the last
        return k - 1 - edges[0], length - 1 - spread + edges[0]

    lengths, size = x.shape[1:3], kernel.shape[:2]
    edges = padding or tuple(map(same, lengths, size, strides))
    rows, columns = map(adjoint, lengths, size, strides, edges)
    return down(x, jnp.flip(kernel, (0, 1)).swapaxes(2, 3), _pair(strides), (rows, columns))


def _pair(strides: Strides) -> Strides:
    """The strides as a tuple, which custom_vjp can hash."""
    return strides[0], strides[1]


def grouped_conv(x: jax.Array, kernel: jax.Array, strides: Strides, groups: int) -> jax.Array:
    """Convolution of each group of channels with its own kernels, as `conv`.

    Equal to `feature_group_count` in `jax.lax.conv_general_dilated`.

    Args:
        x: [B, H, W, I].
        kernel: [kh, kw, I / groups, O]; the first O / groups outputs depend on the first I / groups channels.
        strides: Pair of ints.
        groups: Number of groups, a divisor of I and O.

    Returns:
        [B, ceil(H / stride), ceil(W / stride), O].
    """

    def one_by_one(x: jax.Array, kernel: jax.Array) -> jax.Array:
        parts = zip(jnp.split(x, groups, axis=3), jnp.split(kernel, groups, axis=3))
        return jnp.concatenate([conv(x, kernel, strides) for x, kernel in parts], axis=3)

    def at_once(x: jax.Array, kernel: jax.Array) -> jax.Array:
        layout = ("NHWC", "HWIO", "NHWC")
        return jax.lax.conv_general_dilated(
            x, kernel, strides, "SAME", dimension_numbers=layout, feature_group_count=groups
        )

    # XLA:CPU computes a convolution in groups up to 14 times more slowly than one small convolution a group.
    return jax.lax.platform_dependent(x, kernel, cpu=one_by_one, default=at_once)


def same_padding(size: tuple[int, int], strides: Strides) -> Padding:
    """Padding of a transposed convolution whose output is `strides` times as large as its input.

    It is the adjoint of a convolution with TensorFlow's SAME padding, as in `jax.lax.conv_transpose`.

    Args:
        size: Kernel height and width.
        strides: Pair of ints.

    Returns:
        Pair of (low, high) pairs.
    """

    def one(k: int, s: int) -> tuple[int, int]:
        total = k + s - 2
        low = k - 1 if s > k - 1 else -(-total // 2)
        return low, total - low

    return one(size[0], strides[0]), one(size[1], strides[1])


class Conv(nn.Module):
    """Convolution over NHWC images with SAME padding.

    Attributes:
        features: Output channels.
        kernel_size: Height and width.
        strides: Vertical and horizontal step.
        use_bias: False in front of a normalisation, which removes a bias.
        kernel_init: Initializer of the kernel [kh, kw, I, O].
    """

    features: int
    kernel_size: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    use_bias: bool = True
    kernel_init: Callable[..., Any] = nn.initializers.lecun_normal()

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """[B, H, W, I] to [B, ceil(H / stride), ceil(W / stride), features]."""
        kernel = self.param("kernel", self.kernel_init, self.kernel_shape(x.shape[-1]))
        x = self.convolve(x, kernel.astype(x.dtype))
        if not self.use_bias:
            return x
        return x + self.param("bias", nn.initializers.zeros, (self.features,)).astype(x.dtype)

    def kernel_shape(self, channels: int) -> tuple[int, ...]:
        """The kernel's shape for an image with this number of channels."""
        return (*self.kernel_size, channels, self.features)

    def convolve(self, x: jax.Array, kernel: jax.Array) -> jax.Array:
        """The convolution without its bias."""
        return conv(x, kernel, self.strides)


class PaddedConv(Conv):
    """Convolution with as many zeros around the image as it says.

    Its further attributes are those of `Conv`.

    Attributes:
        padding: Rows and columns of zeros on each side: [B, H, W, I] to [B, h, w, features], where h is
            (H + 2 padding - kernel) // stride + 1.
    """

    padding: int = 0

    def convolve(self, x: jax.Array, kernel: jax.Array) -> jax.Array:
        """The convolution without its bias."""
        edges = (self.padding, self.padding)
        return conv(x, kernel, self.strides, (edges, edges))


class ReflectedConv(Conv):
    """Convolution of an image that goes on beyond its edges as in a mirror, where `Conv` has zeros.

    Its attributes are those of `Conv`. The image keeps its size at a stride of 1; one of a single pixel goes
    on with this pixel.
    """

    def convolve(self, x: jax.Array, kernel: jax.Array) -> jax.Array:
        """The convolution without its bias."""
        edges = [((k - 1) // 2, k // 2) for k in kernel.shape[:2]]
        return conv(jnp.pad(x, ((0, 0), *edges, (0, 0)), "reflect"), kernel, self.strides, ((0, 0), (0, 0)))


class GroupedConv(Conv):
    """Convolution in separate groups of channels; its kernel is [kh, kw, I / groups, O].

    Its further attributes are those of `Conv`.

    Attributes:
        groups: Number of groups, a divisor of input and output channels.
    """

    groups: int = 1

    def kernel_shape(self, channels: int) -> tuple[int, ...]:
        """The kernel's shape for an image with this number of channels."""
        return (*self.kernel_size, channels // self.groups, self.features)

    def convolve(self, x: jax.Array, kernel: jax.Array) -> jax.Array:
        """The convolution without its bias."""
        return grouped_conv(x, kernel, self.strides, self.groups)


class ConvTranspose(Conv):
    """Transposed convolution over NHWC images: [B, H, W, I] to [B, stride * H, stride * W, features].

    Equal to `jax.lax.conv_transpose(x, kernel, strides, "SAME")`; its attributes are those of `Conv`. A
    kernel size that is a multiple of the stride avoids checkerboards.
    """

    def convolve(self, x: jax.Array, kernel: jax.Array) -> jax.Array:
        """The transposed convolution without its bias."""
        strides = _pair(self.strides)
        return up(x, kernel, strides, same_padding(self.kernel_size, strides))
