"""Inception score against plain loops over probabilities and against its two extremes."""

import math

import numpy as np
import pytest

from gan_jax.errors import UsageError
from gan_jax.metrics.inception_score import inception_score

LOGITS = 3.0 * np.random.default_rng(4).normal(size=(23, 6))


def score(logits):
    total = 0.0
    probabilities = [[math.exp(a) / sum(map(math.exp, row)) for a in row] for row in logits]
    marginal = [sum(column) / len(logits) for column in zip(*probabilities)]
    for row in probabilities:
        total += sum(p * math.log(p / q) for p, q in zip(row, marginal))
    return math.exp(total / len(logits))


def test_one_split():
    actual = inception_score(LOGITS, 0, splits=1)
    assert list(actual) == ["inception_score", "inception_score_spread"]
    np.testing.assert_allclose(actual["inception_score"], score(LOGITS), rtol=1e-12)
    assert actual["inception_score_spread"] == 0.0


def test_documented_splits():
    shuffled = LOGITS[np.random.default_rng([6]).permutation(23)]
    scores = [score(shuffled[i * 23 // 4 : (i + 1) * 23 // 4]) for i in range(4)]
    actual = inception_score(LOGITS, 6, splits=4)
    np.testing.assert_allclose(actual["inception_score"], np.mean(scores), rtol=1e-12)
    np.testing.assert_allclose(actual["inception_score_spread"], np.std(scores), rtol=1e-10)


def test_extremes():
    sure = 1e4 * np.tile(np.eye(5), (8, 1))  # all but one probability underflow to 0
    assert inception_score(sure, 0, splits=1)["inception_score"] == pytest.approx(5.0, rel=1e-12)
    for same in (np.zeros((40, 5)), np.tile(LOGITS[0], (40, 1)), 1e4 * np.tile(np.eye(5)[2], (40, 1))):
        assert inception_score(same, 0)["inception_score"] == pytest.approx(1.0, rel=1e-12)


def test_logits_count_up_to_a_constant_per_sample():
    shifted = LOGITS + 1000.0 * np.arange(23)[:, None]
    for name, value in inception_score(LOGITS, 3, splits=5).items():
        np.testing.assert_allclose(inception_score(shifted, 3, splits=5)[name], value, rtol=1e-9)


def test_as_many_samples_as_splits_score_one_and_fewer_are_a_mistake():
    actual = inception_score(LOGITS[:4], 0, splits=4)
    assert actual["inception_score"] == pytest.approx(1.0, rel=1e-12)
    with pytest.raises(UsageError, match="fake_class_logits: expected at least 10 samples, got 9"):
        inception_score(LOGITS[:9], 0)
