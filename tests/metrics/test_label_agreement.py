"""Agreement of labels with predicted classes, from a known table of confusions."""

import numpy as np
import pytest

from gan_jax.errors import UsageError
from gan_jax.metrics.label_agreement import label_agreement

# Rows are classes asked for, columns classes predicted: 3 + 0 + 4 of 12 agree.
CONFUSIONS = np.array([[3, 1, 0], [2, 0, 1], [0, 1, 4]])


def _samples():
    asked, predicted = np.repeat(np.indices((3, 3)).reshape(2, -1), CONFUSIONS.ravel(), axis=1)
    noise = np.random.default_rng(0).uniform(size=(12, 3))
    return noise + 2.0 * np.eye(3)[predicted], asked


def test_known_confusions():
    logits, asked = _samples()
    assert label_agreement(logits, asked) == {"label_agreement": pytest.approx(7 / 12, rel=1e-12)}


def test_order_does_not_matter_but_pairs_do():
    logits, asked = _samples()
    order = np.random.default_rng(1).permutation(12)
    assert label_agreement(logits[order], asked[order]) == label_agreement(logits, asked)
    # Every class asked for is renamed to the next: 1 + 1 + 0 agree.
    assert label_agreement(logits, (asked + 1) % 3)["label_agreement"] == pytest.approx(2 / 12, rel=1e-12)


@pytest.mark.parametrize(
    "asked, message",
    [
        ([0, 3], "fake_labels: expected labels below 3, the number of logits, got 3"),
        ([0], r"fake_labels: expected one label per sample, \[2\], got an array of shape \(1,\)"),
    ],
)
def test_labels_must_fit(asked, message):
    with pytest.raises(UsageError, match=message):
        label_agreement(np.eye(3)[:2], asked)
