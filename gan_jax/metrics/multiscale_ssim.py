"""Multi-scale structural similarity between generated images: high similarity means low diversity.

Images may be rectangles: each scale halves both sides, and the window is a square that fits the shorter one.
"""

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.errors import UsageError
from gan_jax.metrics.image_checks import blocks, check_images

# Wang et al. 2003: the exponent of each scale, finest first.
_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_WINDOW, _SIGMA = 11, 1.5
_LUMINANCE, _CONTRAST = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def _window(length, size):
    """Gaussian weights of every window of `size` in `length` pixels, [length - size + 1, length]."""
    places = np.arange(size) - (size - 1) / 2
    weights = np.exp(-0.5 * np.square(places / (_SIGMA * size / _WINDOW)))
    windows = np.zeros((length - size + 1, length))
    for start, row in enumerate(windows):
        row[start : start + size] = weights / weights.sum()
    return jnp.asarray(windows, jnp.float32)


def structural_similarity(left: jax.Array, right: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Structural similarity of pairs of images at one scale.

    Wang et al. 2004, Image quality assessment: from error visibility to structural similarity, eq. 13 and
    section III.C: a Gaussian window of 11 pixels and deviation 1.5, only where it lies inside the image, and
    constants 0.01 and 0.03. A window larger than the shorter side shrinks to it. Channels have equal weight.

    Args:
        left: Images, float in 0..255, [B, H, W, C].
        right: Images of the same shape.

    Returns:
        One similarity per pair, float32 [B], in [-1, 1], and its part without luminance, [B].
    """
    height, width = left.shape[1:3]
    size = min(_WINDOW, height, width)
    rows, columns = _window(height, size), _window(width, size)

    def smooth(x):
        return jnp.einsum("ih,bhwc,jw->bijc", rows, x, columns, precision=jax.lax.Precision.HIGHEST)

    # Variances are differences of squares; about the image's own mean they keep their digits.
    left_mean, right_mean = (jnp.mean(x, axis=(1, 2), keepdims=True) for x in (left, right))
    left, right = left - left_mean, right - right_mean
    m, n = smooth(left), smooth(right)
    variances = smooth(left * left) - m * m + smooth(right * right) - n * n
    contrast = (2.0 * (smooth(left * right) - m * n) + _CONTRAST) / (variances + _CONTRAST)
    m, n = m + left_mean, n + right_mean
    luminance = (2.0 * m * n + _LUMINANCE) / (m * m + n * n + _LUMINANCE)
    return jnp.mean(luminance * contrast, axis=(1, 2, 3)), jnp.mean(contrast, axis=(1, 2, 3))


def _halve(x):
    """Means of 2 x 2 pixels; an odd last row or column stands for its missing neighbour too."""
    batch, height, width, channels = x.shape
    x = jnp.pad(x, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return x.reshape(batch, -(-height // 2), 2, -(-width // 2), 2, channels).mean(axis=(2, 4))


def multiscale_structural_similarity(left: jax.Array, right: jax.Array) -> jax.Array:
    """Structural similarity of pairs of images over five scales.

    Wang et al. 2003, Multiscale structural similarity for image quality assessment, eq. 7, with its five
    exponents; a Gaussian window of 11 pixels and deviation 1.5; constants 0.01 and 0.03. As in the
    implementation of Odena et al. 2017 (arXiv:1610.09585) and Karras et al. 2018 (arXiv:1710.10196), there
    are always five scales. A window larger than the shorter side shrinks to it, and its deviation in
    proportion (at 128 pixels only on the last scale; at 8 pixels the last two are one pixel and compare no
    contrast). Channels have equal weight, and a negative mean of a scale becomes 0.

    Args:
        left: Images, uint8 or float in 0..255, [B, H, W, C].
        right: Images of the same shape.

    Returns:
        One similarity per pair, float32 [B], in [0, 1]; 1 for equal images.

    Raises:
        UsageError: The shapes differ or do not have four dimensions.
    """
    if left.ndim != 4 or left.shape != right.shape:
        raise UsageError(f"expected two arrays [B, height, width, channels], got {left.shape}, {right.shape}")
    left, right = jnp.asarray(left, jnp.float32), jnp.asarray(right, jnp.float32)
    product = jnp.ones(len(left))
    for scale, weight in enumerate(_WEIGHTS):
        whole, contrast = structural_similarity(left, right)
        last = scale == len(_WEIGHTS) - 1
        product = product * jnp.maximum(whole if last else contrast, 0.0) ** weight
        left, right = _halve(left), _halve(right)
    return product


_compiled = jax.jit(multiscale_structural_similarity)


def _of_pairs(images, pairs):
    """Similarities of images [N, H, W, C] by pairs of rows [P, 2], float64 [P]."""
    row_bytes = 64 * int(np.prod(images.shape[1:]))
    parts = [pairs[part] for part in blocks(len(pairs), row_bytes)]
    return np.concatenate([np.float64(_compiled(images[part[:, 0]], images[part[:, 1]])) for part in parts])


def _pairs(generator, rows, count):
    """Random pairs of two different rows, [count, 2]."""
    left = generator.integers(len(rows), size=count)
    right = (left + generator.integers(1, len(rows), size=count)) % len(rows)
    return np.stack([rows[left], rows[right]], axis=1)


def multiscale_ssim(fake_images: np.ndarray, seed: int, *, pairs: int = 10_000) -> dict[str, float]:
    """Mean multi-scale structural similarity of random pairs of generated images.

    Karras et al. 2018, arXiv:1710.10196, section 6.1, whose implementation takes 20,000 images in 10,000
    pairs. Its first use was within classes: `intra_class_multiscale_ssim`. Here a pair is two different
    random rows, so an image may occur in several pairs.

    Args:
        fake_images: uint8 [N, H, W, C], N at least 2.
        seed: Seed of the pairs, int at least 0.
        pairs: Number of pairs.

    Returns:
        Dict of `multiscale_ssim`, in [0, 1]; lower is more diverse; compare it with the value of real images.

    Raises:
        UsageError: The images are not uint8, or are fewer than two.
    """
    images = check_images("fake images", fake_images, least=2)
    rows = _pairs(np.random.default_rng([seed]), np.arange(len(images)), pairs)
    return {"multiscale_ssim": float(_of_pairs(images, rows).mean())}


def intra_class_multiscale_ssim(
    fake_images: np.ndarray, fake_labels: jax.Array, seed: int, *, pairs: int = 100
) -> dict[str, float]:
    """Mean multi-scale structural similarity of random pairs within each class.

    Odena et al. 2017, arXiv:1610.09585, section 4.2, with 100 pairs per class. Classes with a single image
    have no pair and do not count.

    Args:
        fake_images: uint8 [N, H, W, C].
        fake_labels: Classes, int [N], at least 0.
        seed: Seed of the pairs, int at least 0.
        pairs: Number of pairs per class.

    Returns:
        Dict of `intra_class_multiscale_ssim`, the mean over classes, and `highest_class_multiscale_ssim`,
        that of the least diverse class; in [0, 1].

    Raises:
        UsageError: The images are not uint8, labels do not fit them, or no class has two images.
    """
    images, labels = check_images("fake images", fake_images), np.asarray(fake_labels)
    if labels.shape != images.shape[:1]:
        raise UsageError(f"expected one label per image, got {labels.shape} for {len(images)} images")
    members = {int(label): np.flatnonzero(labels == label) for label in np.unique(labels)}
    rows = [
        _pairs(np.random.default_rng([seed, label]), own, pairs)
        for label, own in members.items()
        if len(own) > 1
    ]
    if not rows:
        raise UsageError(f"expected a class with two images, got {len(members)} classes of one image")
    by_class = _of_pairs(images, np.concatenate(rows)).reshape(-1, pairs).mean(axis=1)
    return {
        "intra_class_multiscale_ssim": float(by_class.mean()),
        "highest_class_multiscale_ssim": float(by_class.max()),
    }
