"""How many classes a generator draws, and how far their shares are from the data's."""

import numpy as np

from gan_jax.metrics import checks


def modes(fake_label_logits, real_labels):
    """Number of classes predicted among fakes, and divergence of their shares from the real ones.

    The protocol of Stacked MNIST (Srivastava et al. 2017, arXiv:1705.07761, section 5; Lin et al. 2018,
    arXiv:1712.04086, section 4.2): a mode is captured if at least one fake is taken for it. There the
    divergence is from 1000 equal shares; here it is from the shares of the real labels. A perfect generator's
    divergence is about (K - 1) / (2 N) and not 0.

    Args:
        fake_label_logits: A classifier's logits of the data's classes, float [N, K], N at least 1. For
            classes that are tuples, such as three digits, sums of the parts' logits over all tuples do.
        real_labels: Classes of the data, int [M], each below K.

    Returns:
        `modes`: number of classes predicted at least once, from 1 to K.
        `modes_kl`: Kullback-Leibler divergence KL(fake || real) in nats, at least 0; a class that no fake is
        taken for adds nothing, one that is predicted but does not occur among the reals makes it infinite.

    Raises:
        UsageError: Logits that are no matrix or not finite, or labels that do not fit them.
    """
    (logits,) = checks.matrices(fake_label_logits=fake_label_logits)
    classes = logits.shape[1]
    real_labels = checks.labels("real_labels", real_labels, classes=classes)
    fake = np.bincount(logits.argmax(axis=1), minlength=classes) / len(logits)
    real = np.bincount(real_labels, minlength=classes) / len(real_labels)
    seen = fake > 0
    with np.errstate(divide="ignore"):
        divergence = np.sum(fake[seen] * (np.log(fake[seen]) - np.log(real[seen])))
    return {"modes": float(seen.sum()), "modes_kl": max(0.0, float(divergence))}
