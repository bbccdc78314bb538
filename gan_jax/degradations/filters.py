"""Images under a kernel, reflected at their borders."""

import math

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.types import Degradation


def gaussian(deviation: float) -> np.ndarray:
    """A Gaussian in one dimension, cut off at four standard deviations; it sums to one.

    Args:
        deviation: Standard deviation, pixels; 0 for no blur.

    Returns:
        float32 [an odd number].
    """
    if deviation == 0:
        return np.ones(1, np.float32)
    reach = math.ceil(4 * deviation)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    return (weights / weights.sum()).astype(np.float32)


def separable(image: jax.Array, down: jax.typing.ArrayLike, across: jax.typing.ArrayLike) -> jax.Array:
    """An image under the product of two kernels, one along its columns and one along its rows.

    Args:
        image: float32 [H, W, C].
        down: Weights of the pixels from above to below, [an odd number].
        across: Weights of those from left to right, [an odd number].

    Returns:
        float32 [H, W, C].
    """
    for axis, weights in enumerate((jnp.asarray(down), jnp.asarray(across))):
        size, reach = image.shape[axis], len(weights) // 2
        padded = _reflected(image, tuple(reach if axis == each else 0 for each in (0, 1)))
        parts = [jax.lax.slice_in_dim(padded, k, k + size, axis=axis) for k in range(len(weights))]
        image = sum((weight * part for weight, part in zip(weights, parts)), jnp.zeros_like(image))
    return image


def filtered(image: jax.Array, kernel: jax.Array) -> jax.Array:
    """An image under a kernel, by the fast Fourier transform: each sample may have a kernel of its own.

    Args:
        image: float32 [H, W, C].
        kernel: float32 [an odd number, the same number]; the kernel's centre is its middle.

    Returns:
        float32 [H, W, C], the correlation.
    """
    reach = kernel.shape[0] // 2
    padded = _reflected(image, (reach, reach))
    shape = padded.shape[:2]
    of_image = jnp.fft.rfft2(padded, axes=(0, 1))
    of_kernel = jnp.fft.rfft2(kernel[::-1, ::-1], s=shape)[..., None]
    whole = jnp.fft.irfft2(of_image * of_kernel, s=shape, axes=(0, 1))
    return whole[2 * reach :, 2 * reach :]


def _reflected(image, reach):
    """The image with so many reflected rows and columns on each side."""
    return jnp.pad(image, (*((each, each) for each in reach), (0, 0)), mode="reflect")


def gaussian_blur(*, deviation: float = 1.6) -> Degradation:
    """The same Gaussian blur of every sample: the simplest task of deblurring.

    No paper has it first; a deviation of 1.6 with a noise of 2.55 levels is common (Zhang et al. 2017,
    arXiv:1704.03264, section 4.3).

    Args:
        deviation: Standard deviation, pixels.

    Returns:
        The Degradation.
    """
    weights = gaussian(deviation)

    def apply(key: jax.Array, entries: dict) -> dict:
        return {**entries, "source": separable(entries["source"], weights, weights)}

    return Degradation(apply, margin=len(weights) // 2)
