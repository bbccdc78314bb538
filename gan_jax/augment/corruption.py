"""ADA's image-space corruptions: filtering of frequency bands, additive noise, cutout."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from gan_jax.augment.draw import chosen, reflected

# The sym2 wavelet's low pass; alternating signs turn it into the high pass.
SYM2 = np.array([-0.12940952255092145, 0.22414386804185735, 0.836516303737469, 0.48296291314469025])
_POWER = np.array([10, 1, 1, 1]) / 13  # Share of each band, low to high, in the power of natural images.


def filter_bank() -> np.ndarray:
    """Zero-phase filters of four octaves, low to high; they sum to the identity.

    Karras et al. 2020, arXiv:2006.06676, appendix B: split by sym2's low and high pass, each convolved with
    its own mirror image, three times.

    Returns:
        float64 [4, 43]; tap 21 is at the pixel itself.
    """
    low, high = (np.convolve(h, h[::-1]) / 2 for h in (SYM2, SYM2 * [1, -1, 1, -1]))
    bank = [np.ones(1)]
    for _ in range(3):
        finer = []
        for band in bank:
            spread = np.zeros(2 * len(band) - 1)
            spread[::2] = band
            finer.append(np.convolve(spread, low))
        highest = np.zeros_like(finer[0])
        middle = len(highest) // 2
        highest[middle - 3 : middle + 4] = high
        bank = [*finer, highest]
    return np.stack(bank)


def _band_matrices(size):
    """Each band's filter along a side of `size` pixels with reflected borders, [4, size, size]."""
    bank = filter_bank()
    target = np.arange(size)[:, None]
    source = reflected(target + np.arange(bank.shape[1]) - bank.shape[1] // 2, size)
    matrices = np.zeros((len(bank), size, size))
    for band, taps in zip(matrices, bank, strict=True):
        np.add.at(band, (target, source), taps)
    return jnp.asarray(matrices, jnp.float32)


def image_filter(key: jax.Array, images: jax.Array, p: ArrayLike, *, deviation: float = 1.0) -> jax.Array:
    """Amplifies each of four frequency bands, keeping the expected power of natural images.

    Karras et al. 2020, arXiv:2006.06676, appendix B. Frequencies are in cycles per pixel along either axis.

    Args:
        key: Random key.
        images: [B, H, W, C].
        p: Probability of each band.
        deviation: Standard deviation of an amplification's logarithm to base 2.

    Returns:
        The shape and type of `images`.
    """
    gains = jnp.ones((images.shape[0], 4))
    for band in range(4):
        choice_key, gain_key = jax.random.split(jax.random.fold_in(key, band))
        gain = jnp.exp2(deviation * jax.random.normal(gain_key, gains.shape[:1]))
        one = jnp.ones_like(gains).at[:, band].set(chosen(choice_key, p, gain, 1.0))
        gains *= one / jnp.sqrt(jnp.sum(_POWER * one**2, axis=1, keepdims=True))
    height, width = images.shape[1:3]
    rows = jnp.einsum("bk,kij->bij", gains, _band_matrices(height), precision="highest")
    columns = jnp.einsum("bk,kij->bij", gains, _band_matrices(width), precision="highest")
    once = jnp.asarray(images, jnp.float32)
    return jnp.einsum("byh,bxw,bhwc->byxc", rows, columns, once, precision="highest").astype(images.dtype)


def noise(key: jax.Array, images: jax.Array, p: ArrayLike, *, deviation: float = 0.1) -> jax.Array:
    """Adds normal noise whose standard deviation is itself half normal.

    Karras et al. 2020, arXiv:2006.06676, appendix B.

    Args:
        key: Random key.
        images: [B, H, W, C].
        p: Probability.
        deviation: Scale of the standard deviation.

    Returns:
        The shape and type of `images`.
    """
    choice_key, sigma_key, noise_key = jax.random.split(key, 3)
    sigma = jnp.abs(deviation * jax.random.normal(sigma_key, (images.shape[0], 1, 1, 1), images.dtype))
    sigma = chosen(choice_key, p, sigma, 0.0)
    return images + sigma * jax.random.normal(noise_key, images.shape, images.dtype)


def cutout(key: jax.Array, images: jax.Array, p: ArrayLike, *, size: float = 0.5) -> jax.Array:
    """Sets a rectangle of `size` times each side, centred anywhere in the image, to zero.

    Karras et al. 2020, arXiv:2006.06676, appendix B.

    Args:
        key: Random key.
        images: [B, H, W, C].
        p: Probability.
        size: Height of the rectangle over the image's height, and width over width.

    Returns:
        The shape and type of `images`.
    """
    choice_key, centre_key = jax.random.split(key)
    height, width = images.shape[1:3]
    centre = jax.random.uniform(centre_key, (images.shape[0], 2, 1))
    rows = jnp.abs((np.arange(height) + 0.5) / height - centre[:, 0]) < size / 2
    columns = jnp.abs((np.arange(width) + 0.5) / width - centre[:, 1]) < size / 2
    covered = rows[:, :, None, None] & columns[:, None, :, None]
    return jnp.where(chosen(choice_key, p, covered, False), 0, images)
