"""How far the classes of generated samples are from equally frequent."""

import functools

import jax
import numpy as np

from gan_jax.metrics import checks


def uniform_modes_kl(fake_label_logits: jax.Array) -> dict[str, float]:
    """Divergence of the shares of classes among fakes from equal shares, beside that of a perfect generator.

    The reverse Kullback-Leibler divergence of Stacked MNIST (Srivastava et al. 2017, arXiv:1705.07761,
    section 5; Lin et al. 2018, arXiv:1712.04086, section 4.2): each fake counts for its most probable class,
    which in a mixture is the nearest mode at any distance. The second paper's code for the ring and the grid
    ignores fakes far from all modes; that is `captured_modes_kl` of `captured_modes`. `modes` returns the
    divergence from the data's shares.

    Args:
        fake_label_logits: A classifier's logits of the data's classes, float [N, K], N at least 1.

    Returns:
        `uniform_modes_kl`: KL(fake || uniform) in nats, from 0 to log K; a class without fakes adds nothing.
        `uniform_modes_kl_of_perfect`: its expectation over N draws from K equally likely classes, exactly;
        about (K - 1) / (2 N) where N is many times K.

    Raises:
        UsageError: Logits are not a matrix or not finite.
    """
    (logits,) = checks.matrices(fake_label_logits=fake_label_logits)
    counts = np.bincount(logits.argmax(axis=1), minlength=logits.shape[1])
    return {
        "uniform_modes_kl": kl_to_uniform(counts),
        "uniform_modes_kl_of_perfect": expected_kl_to_uniform(*logits.shape),
    }


def kl_to_uniform(counts: np.ndarray) -> float:
    """Divergence of the shares of classes from equal shares.

    Args:
        counts: Number of samples of each class, int [K].

    Returns:
        KL(shares || uniform) in nats, from 0 to log K; log K if all counts are 0.
    """
    if not counts.any():
        return float(np.log(len(counts)))
    return max(0.0, float(np.sum(_summands(counts, counts.sum(), len(counts)))))


@functools.cache
def expected_kl_to_uniform(count: int, classes: int) -> float:
    """The expectation of `kl_to_uniform` for draws from equally likely classes.

    Args:
        count: Number of draws, at least 1.
        classes: Number of classes.

    Returns:
        In nats, exactly; about (classes - 1) / (2 count) where count is many times classes.
    """
    from scipy.stats import binom  # Imported here: it takes half a second, and few runs need it.

    draws = np.arange(count + 1)
    each = np.sum(binom.pmf(draws, count, 1 / classes) * _summands(draws, count, classes))
    return max(0.0, float(classes * each))


def _summands(counts, count, classes):
    """The summands of the divergence for classes with these counts."""
    shares = counts / count
    return shares * np.log(np.maximum(shares, np.finfo(float).tiny) * classes)
