"""Structural similarity of outputs and their targets."""

import functools

import jax
import numpy as np

from gan_jax.metrics import classical
from gan_jax.metrics.image_checks import blocks, check_aligned, check_images, compared, protocol
from gan_jax.metrics.multiscale_ssim import multiscale_structural_similarity, structural_similarity
from gan_jax.names import FromZero

_of_one_scale = jax.jit(lambda left, right: structural_similarity(left, right)[0])
_of_all_scales = jax.jit(multiscale_structural_similarity)


def _mean(similarity, left, right):
    """Mean similarity of pairs of images [N, H, W, C], computed in blocks."""
    parts = blocks(len(left), 64 * int(np.prod(left.shape[1:])))
    pairs = ((np.float32(left[part]), np.float32(right[part])) for part in parts)
    return float(np.concatenate([np.float64(similarity(*pair)) for pair in pairs]).mean())


def ssim(
    fake_images: np.ndarray,
    target_images: np.ndarray,
    source_images: np.ndarray,
    *,
    channels: str = "all",
    border: FromZero = 0,
    baselines: dict = {"bicubic": {}},  # noqa: B006 (Never changed.)
) -> dict[str, float]:
    """Mean structural similarity of outputs and their targets, beside that of classical methods.

    Wang et al. 2004, Image quality assessment: from error visibility to structural similarity: a Gaussian
    window of 11 pixels and deviation 1.5, only where it lies inside the image.

    Args:
        fake_images: Outputs, uint8 [N, H, W, C].
        target_images: The target of each, uint8 [N, H, W, C].
        source_images: The input of each, uint8 [N, h, w, c].
        channels: `all`, whose similarities are averaged; `y`, luma of ITU-R BT.601, from 16 to 235; or
            `cbcr`, its chroma.
        border: Pixels left out at each edge.
        baselines: As for `psnr`.

    Returns:
        `ssim_rgb`, `ssim_grey`, `ssim_y` or `ssim_cbcr`, perhaps with `_border_<n>`, and the same
        `_of_<baseline>`; in [-1, 1].

    Raises:
        UsageError: Shapes differ, or there is no such baseline.
    """
    fakes, targets = check_aligned(fake_images=fake_images, target_images=target_images)
    sources = check_images("source_images", source_images)
    part = functools.partial(compared, channels=channels, border=border)
    name, target = protocol("ssim", targets, channels, border), part(targets)
    return classical.beside(
        lambda images: {name: _mean(_of_one_scale, part(images), target)}, fakes, baselines, sources
    )


def multiscale_ssim_of_targets(
    fake_images: np.ndarray,
    target_images: np.ndarray,
    source_images: np.ndarray,
    *,
    baselines: dict = {"bicubic": {}},  # noqa: B006 (Never changed.)
) -> dict[str, float]:
    """Mean multi-scale structural similarity of outputs and their targets.

    Wang et al. 2003, Multiscale structural similarity for image quality assessment, as
    `multiscale_structural_similarity` computes it.

    Args:
        fake_images: Outputs, uint8 [N, H, W, C].
        target_images: The target of each, uint8 [N, H, W, C].
        source_images: The input of each, uint8 [N, h, w, c].
        baselines: As for `psnr`.

    Returns:
        `multiscale_ssim_of_targets`, and the same `_of_<baseline>`; in [0, 1].

    Raises:
        UsageError: Shapes differ, or there is no such baseline.
    """
    fakes, targets = check_aligned(fake_images=fake_images, target_images=target_images)
    sources, name = check_images("source_images", source_images), "multiscale_ssim_of_targets"
    return classical.beside(
        lambda images: {name: _mean(_of_all_scales, images, targets)}, fakes, baselines, sources
    )
