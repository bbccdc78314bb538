"""Whether a discriminator has memorised its training images."""

import jax
import numpy as np

from gan_jax.metrics import checks


def discriminator_overfitting(
    real_logits: jax.Array, heldout_logits: jax.Array, fake_logits: jax.Array
) -> dict[str, float]:
    """The two gauges of overfitting of adaptive augmentation, from a discriminator's own logits.

    Karras et al. 2020, arXiv:2006.06676, eq. 1: r_v, how far held-out images have moved from the training
    images towards the fakes, and r_t, the mean sign of the logits of training images. The paper
    averages over four minibatches, this function over whole sets. Held-out images instead of fakes give
    r_v = 1.

    Args:
        real_logits: Of training images, float [N].
        heldout_logits: Of real images outside the training set, float [M].
        fake_logits: Of fakes, float [L].

    Returns:
        `discriminator_overfitting`: r_v; 0 is none, 1 means that held-out images look like fakes. It may lie
        outside [0, 1], and is 0 where training images and fakes have the same mean logit.
        `discriminator_sign`: r_t, from -1 to 1; 0 is none, 1 is complete. The paper keeps it at 0.6.

    Raises:
        UsageError: Logits are not a vector, are empty, or are not finite.
    """
    arrays = checks.vectors(real_logits=real_logits, heldout_logits=heldout_logits, fake_logits=fake_logits)
    real, heldout, fake = map(np.mean, arrays)
    ratio = (real - heldout) / (real - fake) if real != fake else 0.0
    return {
        "discriminator_overfitting": float(ratio),
        "discriminator_sign": float(np.sign(arrays[0]).mean()),
    }
