"""Peak signal-to-noise ratio: how exactly outputs match their targets, pixel by pixel."""

import functools

import numpy as np

from gan_jax.metrics import classical
from gan_jax.metrics.image_checks import check_aligned, check_images, compared, protocol
from gan_jax.names import FromZero

# Mean squared error of rounding to 8 bits. No smaller difference can be told from none.
ROUNDING = 1 / 12


def decibels(squared_errors: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratios of 8-bit images from mean squared errors.

    Args:
        squared_errors: Squared levels of 0..255, any shape.

    Returns:
        Decibels, float64 of the same shape, at most 58.92: the error of rounding to 8 bits.
    """
    return 10 * np.log10(255**2 / np.maximum(squared_errors, ROUNDING))


def psnr(
    fake_images: np.ndarray,
    target_images: np.ndarray,
    source_images: np.ndarray,
    *,
    channels: str = "all",
    border: FromZero = 0,
    baselines: dict = {"bicubic": {}},  # noqa: B006 (Never changed.)
) -> dict[str, float]:
    """Mean peak signal-to-noise ratio of outputs against their targets, beside that of classical methods.

    The mean over images of 10 log10(255^2 / mean squared error). Super-resolution has `channels="y"` and a
    border of as many pixels as the scale (Ledig et al. 2016, arXiv:1609.04802, section 3.1). Colourisation has
    `channels="cbcr"`, beside which the grey input stands as `bicubic`.

    Args:
        fake_images: Outputs, uint8 [N, H, W, C].
        target_images: The target of each, uint8 [N, H, W, C].
        source_images: The input of each, uint8 [N, h, w, c].
        channels: `all`; `y`, luma of ITU-R BT.601, from 16 to 235; or `cbcr`, its chroma, from 16 to 240.
        border: Pixels left out at each edge.
        baselines: Restorations of the sources by name (`gan_jax.metrics.classical`) with hyperparameters;
            `bicubic` leaves images of the target's size as they are.

    Returns:
        `psnr_rgb`, `psnr_grey`, `psnr_y` or `psnr_cbcr`, perhaps with `_border_<n>`, and the same `_of_<baseline>`;
        decibels, at most 58.92.

    Raises:
        UsageError: Shapes differ, or there is no such baseline.
    """
    fakes, targets = check_aligned(fake_images=fake_images, target_images=target_images)
    sources = check_images("source_images", source_images)
    part = functools.partial(compared, channels=channels, border=border)
    name, target = protocol("psnr", targets, channels, border), part(targets)

    def measure(images):
        return {name: float(decibels(np.square(part(images) - target).mean(axis=(1, 2, 3))).mean())}

    return classical.beside(measure, fakes, baselines, sources)
