"""Whether a conditional generator follows its label."""

import jax
import numpy as np

from gan_jax.metrics import checks


def label_agreement(fake_label_logits: jax.Array, fake_labels: jax.Array) -> dict[str, float]:
    """Share of generated images that a classifier assigns to their label.

    Odena et al. 2016, arXiv:1610.09585, section 4.1, with a pretrained Inception network and its classes;
    others call it classification accuracy. A generator of one image per class can reach 1, so read it
    together with recall. With held-out real images instead of generated ones, it is the classifier's own
    accuracy. A translation should keep the class of its source, as digits do in Hoffman et al. 2018 (CyCADA),
    arXiv:1711.03213.

    Args:
        fake_label_logits: A classifier's logits of the labels' classes, float [N, K], N at least 1.
        fake_labels: Classes that the generator was conditioned on, or those of the sources, int [N], each
            below K.

    Returns:
        Dict of `label_agreement`, in [0, 1].

    Raises:
        UsageError: Logits are not a matrix or not finite, or labels do not fit them.
    """
    (logits,) = checks.matrices(fake_label_logits=fake_label_logits)
    labels = checks.labels("fake_labels", fake_labels, *logits.shape)
    return {"label_agreement": float(np.mean(logits.argmax(axis=1) == labels))}
