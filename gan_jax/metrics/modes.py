"""How many classes a generator covers, and how far their shares are from the data's."""

import jax
import numpy as np

from gan_jax.metrics import checks


def modes(fake_label_logits: jax.Array, real_labels: jax.Array) -> dict[str, float]:
    """Number of classes predicted among fakes, and divergence of their shares from the real ones.

    The protocol of Stacked MNIST (Srivastava et al. 2017, arXiv:1705.07761, section 5; Lin et al. 2018,
    arXiv:1712.04086, section 4.2): a mode is captured if the classifier predicts it for at least one
    fake. Their divergence is from 1000 equal shares; this one is from the shares of the real labels. A
    perfect generator's divergence is about (K - 1) / (2 N), not 0.

    Args:
        fake_label_logits: A classifier's logits of the data's classes, float [N, K], N at least 1. For
            classes that are tuples, such as three digits, pass the sums of the parts' logits for all tuples.
        real_labels: Classes of the data, int [M], each below K.

    Returns:
        `modes`: number of classes predicted at least once, from 1 to K.
        `modes_kl`: Kullback-Leibler divergence KL(fake || real) in nats, at least 0. A class without fakes
        adds nothing; a class with fakes but without reals makes it infinite.

    Raises:
        UsageError: Logits are not a matrix or not finite, or labels do not fit them.
    """
    (logits,) = checks.matrices(fake_label_logits=fake_label_logits)
    classes = logits.shape[1]
    labels = checks.labels("real_labels", real_labels, classes=classes)
    fake = np.bincount(logits.argmax(axis=1), minlength=classes) / len(logits)
    real = np.bincount(labels, minlength=classes) / len(labels)
    covers = fake > 0
    with np.errstate(divide="ignore"):
        divergence = np.sum(fake[covers] * (np.log(fake[covers]) - np.log(real[covers])))
    return {"modes": float(covers.sum()), "modes_kl": max(0.0, float(divergence))}
