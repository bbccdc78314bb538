import importlib

import numpy as np
import pytest

from gan_jax import data
from gan_jax.errors import UsageError
from gan_jax.metrics import classifier_accuracy_score


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Classifiers of few images have learned them long before the usual 600 steps."""
    monkeypatch.setattr(importlib.import_module("gan_jax.features.classifier"), "STEPS", (150, 150))


@pytest.fixture(scope="module")
def digits():
    train = data.digits(resolution=8)
    parts = [train.read(np.arange(400)), train.heldout().read(np.arange(500)), train.read(np.arange(1297))]
    return [array for part in parts for array in (part["real"], part["label"])]


def test_real_images_teach_as_much_as_real_ones(digits):
    score = classifier_accuracy_score(*digits, 0)
    assert score["classifier_accuracy_score"] == score["classifier_accuracy_score_real"] > 0.9


def test_wrong_labels_teach_nothing_but_themselves(digits):
    digits = list(digits)
    digits[1] = (digits[1] + 1) % 10
    score = classifier_accuracy_score(*digits, 0)
    assert score["classifier_accuracy_score"] < 0.05 and score["classifier_accuracy_score_real"] > 0.9


def test_empty():
    none = np.zeros((0, 8, 8, 1), np.uint8)
    with pytest.raises(UsageError, match="expected at least one generated and one held-out image"):
        classifier_accuracy_score(none, [], none, [], none, [], 0)
