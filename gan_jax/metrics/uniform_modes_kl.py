"""How far a generator is from drawing all classes equally often."""

import functools

import numpy as np

from gan_jax.metrics import checks


def uniform_modes_kl(fake_label_logits):
    """Divergence of the shares of classes among fakes from equal ones, beside that of a perfect generator.

    The reverse Kullback-Leibler divergence of Stacked MNIST (Srivastava et al. 2017, arXiv:1705.07761,
    section 5; Lin et al. 2018, arXiv:1712.04086, section 4.2): each fake counts for the most probable class,
    which in a mixture is the nearest mode, however far. That of the ring and the grid in the second paper's
    code, where fakes far from all modes do not count, is `captured_modes_kl` of `captured_modes`. `modes` has
    the divergence from the data's shares.

    Args:
        fake_label_logits: A classifier's logits of the data's classes, float [N, K], N at least 1.

    Returns:
        `uniform_modes_kl`: KL(fake || uniform) in nats, from 0 to log K; a class without fakes adds nothing.
        `uniform_modes_kl_of_perfect`: its expectation over N draws from K equally likely classes, exactly;
        about (K - 1) / (2 N) where N is many times K.

    Raises:
        UsageError: Logits that are no matrix or not finite.
    """
    (logits,) = checks.matrices(fake_label_logits=fake_label_logits)
    counts = np.bincount(logits.argmax(axis=1), minlength=logits.shape[1])
    return {
        "uniform_modes_kl": kl_to_uniform(counts),
        "uniform_modes_kl_of_perfect": expected_kl_to_uniform(*logits.shape),
    }


def kl_to_uniform(counts):
    """Divergence of the shares of classes from equal ones.

    Args:
        counts: How often each class was drawn, int [K].

    Returns:
        KL(shares || uniform) in nats, from 0 to log K, which it also is if nothing was drawn.
    """
    if not counts.any():
        return float(np.log(len(counts)))
    return max(0.0, float(np.sum(_summands(counts, counts.sum(), len(counts)))))


@functools.cache
def expected_kl_to_uniform(count, classes):
    """The expectation of that over draws from equally likely classes.

    Args:
        count: Draws, at least 1.
        classes: How many.

    Returns:
        In nats, exactly; about (classes - 1) / (2 count) where count is many times classes.
    """
    from scipy.stats import binom  # Here, since it takes half a second that most runs need not wait.

    draws = np.arange(count + 1)
    each = np.sum(binom.pmf(draws, count, 1 / classes) * _summands(draws, count, classes))
    return max(0.0, float(classes * each))


def _summands(counts, count, classes):
    """What a class that is counted so often adds to the divergence."""
    shares = counts / count
    return shares * np.log(np.maximum(shares, np.finfo(float).tiny) * classes)
