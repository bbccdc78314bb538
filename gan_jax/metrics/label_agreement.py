"""Whether a conditional generator obeys its label."""

import numpy as np

from gan_jax.metrics import checks


def label_agreement(fake_label_logits, fake_labels):
    """Share of generated images that a classifier takes for the class they were asked for.

    Odena et al. 2016, arXiv:1610.09585, section 4.1, with a pretrained Inception network and its classes;
    elsewhere called classification accuracy. A generator of one image a class can have all of it: read it
    beside recall. With held-out real images in the place of the generated ones, it is the classifier's own
    accuracy.

    Args:
        fake_label_logits: A classifier's logits of the labels' classes, float [N, K], N at least 1.
        fake_labels: Classes that were asked for, int [N], each below K.

    Returns:
        Dict of `label_agreement`, in [0, 1].

    Raises:
        UsageError: Logits that are no matrix or not finite, or labels that do not fit them.
    """
    (logits,) = checks.matrices(fake_label_logits=fake_label_logits)
    labels = checks.labels("fake_labels", fake_labels, *logits.shape)
    return {"label_agreement": float(np.mean(logits.argmax(axis=1) == labels))}
