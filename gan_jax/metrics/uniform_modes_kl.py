"""How far a generator is from drawing all classes equally often."""

import numpy as np

from gan_jax.metrics import checks


def uniform_modes_kl(fake_label_logits):
    """Divergence of the shares of classes among fakes from equal ones, beside that of a perfect generator.

    The reverse Kullback-Leibler divergence of the ring, the grid and Stacked MNIST (Srivastava et al. 2017,
    arXiv:1705.07761, section 5; Lin et al. 2018, arXiv:1712.04086, section 4): each fake counts for the most
    probable class, which in a mixture is the nearest mode. `modes` has the divergence from the data's shares.

    Args:
        fake_label_logits: A classifier's logits of the data's classes, float [N, K], N at least 1.

    Returns:
        `uniform_modes_kl`: KL(fake || uniform) in nats, from 0 to log K; a class without fakes adds nothing.
        `uniform_modes_kl_of_perfect`: its expectation over N draws from K equally likely classes, exactly;
        about (K - 1) / (2 N) where N is many times K.

    Raises:
        UsageError: Logits that are no matrix or not finite.
    """
    from scipy.stats import binom  # Here, since it takes half a second that most runs need not wait.

    (logits,) = checks.matrices(fake_label_logits=fake_label_logits)
    count, classes = logits.shape
    counts = np.bincount(logits.argmax(axis=1), minlength=classes)
    divergence = np.sum(_summands(counts, count, classes))
    draws = np.arange(count + 1)
    expected = classes * np.sum(binom.pmf(draws, count, 1 / classes) * _summands(draws, count, classes))
    return {
        "uniform_modes_kl": max(0.0, float(divergence)),
        "uniform_modes_kl_of_perfect": max(0.0, float(expected)),
    }


def _summands(counts, count, classes):
    """What a class that is counted so often adds to the divergence."""
    shares = counts / count
    return shares * np.log(np.maximum(shares, np.finfo(float).tiny) * classes)
