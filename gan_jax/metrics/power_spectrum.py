"""Distance between power spectra, which shows the artefacts of upsampling at high frequencies.

Images may be rectangles. Frequencies are isotropic, in cycles per pixel times the shorter side, so that a
circle of equal frequency is a circle in both axes and index k is k cycles in the shorter side.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from gan_jax.errors import UsageError
from gan_jax.metrics.image_checks import blocks, check_pair


@jax.jit
def _power(images):
    """Squared Fourier amplitudes of images minus their means, summed over images and channels, [H, W]."""
    x = images.astype(jnp.float32)
    # A mean is far larger than the power at high frequencies, and its rounding would hide that.
    x = x - jnp.mean(x, axis=(1, 2), keepdims=True)
    return jnp.sum(jnp.square(jnp.abs(jnp.fft.fft2(x, axes=(1, 2)))), axis=(0, 3))


def _radii(height, width):
    """Radial frequency of each Fourier coefficient, rounded, in cycles in the shorter side, int [H * W]."""
    vertical, horizontal = np.meshgrid(np.fft.fftfreq(height), np.fft.fftfreq(width), indexing="ij")
    return np.round(np.hypot(vertical, horizontal) * min(height, width)).astype(int).ravel()


def radial_power_spectrum(images: ArrayLike) -> np.ndarray:
    """Mean power of images by radial frequency.

    The azimuthal average of Durall et al. 2020, arXiv:2003.01826, and the reduced spectrum of Dzanic et
    al. 2020, arXiv:1911.06465. It averages the power over images, channels (the papers' images are grey) and
    the circle of all frequencies that round to a radius, after it subtracts each image's mean. White noise of
    variance v has the power v at every frequency.

    Args:
        images: uint8 or float [N, H, W, C].

    Returns:
        Squared units of the images, float64 [R]: index k is the frequency of k cycles in the shorter side.
        Half the side is the highest frequency along an axis; beyond it are the corners. Index 0 is 0 for
        squares. Where the longer side is at least twice the shorter one, it is the mean over the lower
        frequencies that fit only the longer side, without the image's mean.

    Raises:
        UsageError: The array is not [N, H, W, C], or has no images.
    """
    array = np.asarray(images)
    if array.ndim != 4 or len(array) == 0:
        raise UsageError(f"expected images [N, height, width, channels], got {array.shape}")
    row_bytes = 32 * int(np.prod(array.shape[1:]))
    power = sum(np.asarray(_power(array[part]), np.float64) for part in blocks(len(array), row_bytes))
    radius = _radii(*array.shape[1:3])
    counts = np.bincount(radius)
    counts[0] = max(counts[0] - 1, 1)  # The mean, which has no power, is not one of several frequencies.
    return np.bincount(radius, np.ravel(power)) / (counts * array.size)


def power_spectrum_distance(
    real_images: np.ndarray, fake_images: np.ndarray, *, noise: float = 1 / 12
) -> dict[str, float]:
    """Root mean squared difference of two sets' radial power spectra, decibels.

    Durall et al. 2020, arXiv:2003.01826, and Dzanic et al. 2020, arXiv:1911.06465, show the spectra and
    classify by them; this is the simplest distance between them. Every radial frequency has the same weight,
    except the image's mean, which does not count. The upper quarter begins at three quarters of the highest
    frequency along an axis of the shorter side and includes the corners, where a checkerboard shows. The
    power of rounding to whole grey levels is added before the logarithm, so that constant images have a
    defined spectrum and power below it does not count.

    Args:
        real_images: uint8 [N, H, W, C].
        fake_images: uint8 [M, H, W, C].
        noise: Power added, squared grey levels, above 0.

    Returns:
        Dict of `power_spectrum_distance` and `power_spectrum_distance_high`, the upper quarter's; decibels,
        at least 0, lower is better.

    Raises:
        UsageError: The images are not uint8 of one size, or a side is below 2 pixels.
    """
    real, fake = check_pair(real_images, fake_images)
    height, width = real.shape[1:3]
    side = min(height, width)
    if side < 2:
        raise UsageError(f"expected sides of at least 2 pixels, got {height}x{width}")
    decibels = [10.0 * np.log10(radial_power_spectrum(images) + noise) for images in (real, fake)]
    squares = np.square(decibels[0] - decibels[1])
    lowest = int(np.sum(_radii(height, width) == 0) == 1)  # Index 0 counts if it is more than the mean.
    return {
        "power_spectrum_distance": float(np.sqrt(squares[lowest:].mean())),
        "power_spectrum_distance_high": float(np.sqrt(squares[-(-3 * side // 8) :].mean())),
    }
