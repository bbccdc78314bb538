"""Inception score: a confident class for each fake, many classes over all fakes."""

import jax
import numpy as np

from gan_jax.metrics import checks


def _log_sum_exp(values, axis):
    peak = values.max(axis=axis, keepdims=True)
    return peak + np.log(np.exp(values - peak).sum(axis=axis, keepdims=True))


def split_score(log_probabilities: np.ndarray) -> float:
    """Exponential of the mean divergence of each sample's class probabilities from their mean.

    Args:
        log_probabilities: Logarithms of class probabilities, float64 [N, K].

    Returns:
        The score, a float from 1 to K.
    """
    marginal = _log_sum_exp(log_probabilities, axis=0) - np.log(len(log_probabilities))
    divergence = np.sum(np.exp(log_probabilities) * (log_probabilities - marginal), axis=1)
    return float(np.exp(divergence.mean()))


def inception_score(fake_class_logits: jax.Array, seed: int, *, splits: int = 10) -> dict[str, float]:
    """Inception score of fakes under any classifier; the standard score takes the logits of Inception-v3.

    Salimans et al. 2016, arXiv:1606.03498, section 4, over shuffled splits as in torch-fidelity (float64;
    split i holds samples i N / splits to (i + 1) N / splits, rounded down), but with another permutation.
    It works with log probabilities, so that none underflows. The score grows with N / splits.

    Args:
        fake_class_logits: A classifier's logits, float [N, K], N at least `splits`.
        seed: Non-negative int; `default_rng([seed])` permutes the samples.
        splits: Number of splits.

    Returns:
        `inception_score`: mean over splits, from 1 to K; splits of one sample give 1.
        `inception_score_spread`: standard deviation over splits (divided by their number).

    Raises:
        UsageError: Logits are not a matrix or not finite, or there are fewer samples than splits.
    """
    (logits,) = checks.matrices(minimum=splits, fake_class_logits=fake_class_logits)
    logits = logits[np.random.default_rng([seed]).permutation(len(logits))]
    log_probabilities = logits - _log_sum_exp(logits, axis=1)
    edges = np.arange(splits + 1) * len(logits) // splits
    scores = [split_score(log_probabilities[low:high]) for low, high in zip(edges[:-1], edges[1:])]
    return {"inception_score": float(np.mean(scores)), "inception_score_spread": float(np.std(scores))}
