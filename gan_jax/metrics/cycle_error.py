"""How well translations are undone by the way back, also after they have been stored as 8-bit images."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.images import to_float, to_uint8
from gan_jax.metrics.image_checks import check_images

# Levels of 0..255.
DEVIATION = 2.0


def disturbed(samples: jax.Array, key: jax.Array, deviation: float = DEVIATION) -> jax.Array:
    """Images with noise that nobody sees, rounded to 8 bits.

    Args:
        samples: Images in [-1, 1].
        key: Random key.
        deviation: Standard deviation of the normal noise, levels of 0..255; 0 to round only.

    Returns:
        Images in [-1, 1] that 8 bits can store.
    """
    noise = deviation / 127.5 * jax.random.normal(key, samples.shape)
    return to_float(to_uint8(jnp.float32(samples) + noise))


def cycle_error(
    translate: Callable[[np.ndarray], jax.Array],
    translate_back: Callable[[jax.Array], jax.Array],
    source_images: np.ndarray,
    seed: int,
    *,
    deviation: float = DEVIATION,
    batch_size: int = 64,
) -> dict[str, float]:
    """Mean absolute difference of images and their translations back, with and without unseen noise between.

    Chu et al. 2017, arXiv:1712.02950: a cycle may hide the source in an imperceptible pattern of its
    translation, which noise and rounding destroy. The larger the second value beside the first, the more.

    Args:
        translate: Function from images, uint8 [B, H, W, C], to translations in [-1, 1].
        translate_back: Function from translations to images in [-1, 1], [B, H, W, C].
        source_images: Images that training has not seen, uint8 [N, H, W, C].
        seed: Of the noise.
        deviation: Standard deviation of the noise, levels of 0..255.
        batch_size: Images per call.

    Returns:
        `cycle_error` and `cycle_error_after_rounding`, in units of [-1, 1], at least 0.

    Raises:
        UsageError: These are no images.
    """
    images, errors = check_images("source_images", source_images), []
    for start in range(0, len(images), batch_size):
        batch = images[start : start + batch_size]
        there = translate(batch)
        rounded = disturbed(there, jax.random.fold_in(jax.random.key(seed), start), deviation)
        differences = [
            np.abs(np.asarray(translate_back(each), np.float64) - np.float64(to_float(batch)))
            for each in (there, rounded)
        ]
        errors.append(np.mean(differences, axis=(2, 3, 4)))
    of_samples, of_rounded = np.concatenate(errors, axis=1).mean(axis=1)
    return {"cycle_error": float(of_samples), "cycle_error_after_rounding": float(of_rounded)}
