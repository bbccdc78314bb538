"""A mixture of normal distributions as the exact classifier of its own points."""

import jax.numpy as jnp
import numpy as np

from gan_jax.features.types import Features, fingerprint

# Points further out are moved here: their squared distances would overflow float32.
FAR = 1e6


def mixture(centres: np.ndarray, deviation: float) -> Features:
    """Points, their distances to the modes, and Bayes' classifier, of equally likely normal distributions.

    Args:
        centres: float [K, D].
        deviation: Standard deviation of each, in every direction.

    Returns:
        The Features of images with D numbers: `features`, the numbers themselves; `mode_distances` [B, K], in
        standard deviations; `class_logits` [B, K], whose largest is that of the nearest mode.
    """
    centres = np.asarray(centres, np.float32)
    params = {"centres": centres, "deviation": np.float32(deviation)}

    def apply(params, images):
        points = images.reshape(images.shape[0], -1)
        offsets = (jnp.clip(points, -FAR, FAR)[:, None] - params["centres"]) / params["deviation"]
        squares = jnp.sum(jnp.square(offsets), axis=-1)
        return {"features": points, "mode_distances": jnp.sqrt(squares), "class_logits": -squares / 2}

    facts = {"weights": fingerprint(params), "layer": "the points themselves", "resize": "none"}
    return Features(f"the mixture of {len(centres)} modes itself", params, apply, facts)
