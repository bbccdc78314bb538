"""Whether a discriminator has learned its training images by heart."""

import numpy as np

from gan_jax.metrics import checks


def discriminator_overfitting(real_logits, heldout_logits, fake_logits):
    """The two gauges of overfitting of adaptive augmentation, from a discriminator's own logits.

    Karras et al. 2020, arXiv:2006.06676, eq. 1: r_v, how far held-out images have moved from the training
    images towards the fakes, and r_t, the mean sign of the logits of training images. There over four
    minibatches, here over the sets given. Held-out images in the place of the fakes give r_v = 1.

    Args:
        real_logits: Of training images, float [N].
        heldout_logits: Of real images the discriminator has not seen, float [M].
        fake_logits: Of fakes, float [L].

    Returns:
        `discriminator_overfitting`: r_v; 0 is none, 1 means that held-out images look like fakes. It may lie
        outside of [0, 1], and is 0 where the discriminator does not tell training images from fakes at all.
        `discriminator_sign`: r_t, from -1 to 1; 0 is none, 1 is complete. The paper keeps it at 0.6.

    Raises:
        UsageError: Logits that are no vector, empty, or not finite.
    """
    arrays = checks.vectors(real_logits=real_logits, heldout_logits=heldout_logits, fake_logits=fake_logits)
    real, heldout, fake = map(np.mean, arrays)
    ratio = (real - heldout) / (real - fake) if real != fake else 0.0
    return {
        "discriminator_overfitting": float(ratio),
        "discriminator_sign": float(np.sign(arrays[0]).mean()),
    }
