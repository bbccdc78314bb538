"""Distance between power spectra: what upsampling gets wrong at high frequencies."""

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.errors import UsageError
from gan_jax.metrics.image_checks import blocks, check_pair


@jax.jit
def _power(images):
    """Squared Fourier amplitudes of images less their own means, summed over images and channels, [H, W]."""
    x = images.astype(jnp.float32)
    # A mean is far larger than what stands at high frequencies, and would bury it in rounding.
    x = x - jnp.mean(x, axis=(1, 2), keepdims=True)
    return jnp.sum(jnp.square(jnp.abs(jnp.fft.fft2(x, axes=(1, 2)))), axis=(0, 3))


def radial_power_spectrum(images):
    """Mean power of images by radial frequency.

    The azimuthal average of Durall et al. 2020, arXiv:2003.01826, and the reduced spectrum of Dzanic et
    al. 2020, arXiv:1911.06465. The power is averaged over images, channels (the papers' images are grey) and
    the circle of all frequencies that round to a radius. Each image's mean is taken off. White noise of
    variance v has the power v at every frequency.

    Args:
        images: uint8 or float [N, H, W, C].

    Returns:
        Squared units of the images, float64 [R]: index k is the frequency of k cycles in the shorter side;
        0 has no power, half the side is the highest frequency along an axis, beyond lie the corners.

    Raises:
        UsageError: Not [N, H, W, C], or no images.
    """
    images = np.asarray(images)
    if images.ndim != 4 or len(images) == 0:
        raise UsageError(f"expected images [N, height, width, channels], got {images.shape}")
    height, width = images.shape[1:3]
    row_bytes = 32 * int(np.prod(images.shape[1:]))
    power = sum(np.float64(_power(images[part])) for part in blocks(len(images), row_bytes))
    vertical, horizontal = np.meshgrid(np.fft.fftfreq(height), np.fft.fftfreq(width), indexing="ij")
    radius = np.round(np.hypot(vertical, horizontal) * min(height, width)).astype(int).ravel()
    return np.bincount(radius, power.ravel()) / (np.bincount(radius) * images.size)


def power_spectrum_distance(real_images, fake_images, *, noise=1 / 12):
    """Root mean squared difference of two sets' radial power spectra, decibels.

    Durall et al. 2020, arXiv:2003.01826, and Dzanic et al. 2020, arXiv:1911.06465, show the spectra and
    classify by them; this distance between them is the plainest one. Every radial frequency but 0 counts
    the same. The upper quarter begins at three quarters of the highest frequency along an axis and has the
    corners, where a checkerboard shows. Before the logarithm the power of rounding to whole grey levels is
    added, so that constant images have a defined spectrum and nothing below it counts.

    Args:
        real_images: uint8 [N, H, W, C].
        fake_images: uint8 [M, H, W, C].
        noise: Power added, squared grey levels, above 0.

    Returns:
        Dict of `power_spectrum_distance` and `power_spectrum_distance_high`, the upper quarter's; decibels,
        at least 0, lower is better.

    Raises:
        UsageError: Not uint8 images of one size, or images below 2 pixels.
    """
    real, fake = check_pair(real_images, fake_images)
    side = min(real.shape[1:3])
    if side < 2:
        raise UsageError(f"expected images of at least 2 pixels, got {side}")
    real, fake = (10.0 * np.log10(radial_power_spectrum(images) + noise) for images in (real, fake))
    squares = np.square(real - fake)
    return {
        "power_spectrum_distance": float(np.sqrt(squares[1:].mean())),
        "power_spectrum_distance_high": float(np.sqrt(squares[-(-3 * side // 8) :].mean())),
    }
