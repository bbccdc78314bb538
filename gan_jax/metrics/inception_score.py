"""Inception score: sure classes for each fake, many classes over all."""

import numpy as np

from gan_jax.metrics import checks


def _log_sum_exp(values, axis):
    peak = values.max(axis=axis, keepdims=True)
    return peak + np.log(np.exp(values - peak).sum(axis=axis, keepdims=True))


def split_score(log_probabilities):
    """Exponential of the mean divergence of each sample's classes from those of all samples.

    Args:
        log_probabilities: Logarithms of class probabilities, float64 [N, K].

    Returns:
        The score, a float from 1 to K.
    """
    marginal = _log_sum_exp(log_probabilities, axis=0) - np.log(len(log_probabilities))
    divergence = np.sum(np.exp(log_probabilities) * (log_probabilities - marginal), axis=1)
    return float(np.exp(divergence.mean()))


def inception_score(fake_class_logits, seed, *, splits=10):
    """Inception score of fakes under any classifier; it bears that name rightly with Inception-v3's logits.

    Salimans et al. 2016, arXiv:1606.03498, section 4, over shuffled splits as in torch-fidelity (float64;
    split i holds samples i N / splits to (i + 1) N / splits, rounded down), whose permutation is another.
    Logarithms are never taken of a probability that underflowed. The score grows with N / splits.

    Args:
        fake_class_logits: A classifier's logits, float [N, K], N at least `splits`.
        seed: Non-negative int; samples are permuted by `default_rng([seed])`.
        splits: Number of splits.

    Returns:
        `inception_score`: mean over splits, from 1 to K; splits of one sample each give 1.
        `inception_score_spread`: standard deviation over splits (divided by their number).

    Raises:
        UsageError: Logits that are no matrix, not finite, or fewer samples than splits.
    """
    (logits,) = checks.matrices(minimum=splits, fake_class_logits=fake_class_logits)
    logits = logits[np.random.default_rng([seed]).permutation(len(logits))]
    log_probabilities = logits - _log_sum_exp(logits, axis=1)
    edges = np.arange(splits + 1) * len(logits) // splits
    scores = [split_score(log_probabilities[low:high]) for low, high in zip(edges[:-1], edges[1:])]
    return {"inception_score": float(np.mean(scores)), "inception_score_spread": float(np.std(scores))}
