"""Codes against classes: permuted, merged and uninformative ones, with closed forms."""

import numpy as np
import pytest
from sklearn.metrics import normalized_mutual_info_score

from gan_jax.errors import UsageError
from gan_jax.metrics.code_agreement import code_agreement


def _agreement(values, classes, count=3, seed=0, **options):
    """The metric where the image is the latent, the latent its class, and the classifier right."""
    latents = np.float32(classes)[:, None]
    codes = np.reshape(values, (len(classes), -1))
    batches = []

    def generate(chunk):
        batches.append(len(chunk))
        return chunk.reshape(-1, 1, 1, 1)

    def classify(images):
        return 5.0 * np.eye(count)[images[:, 0, 0, 0].astype(int)]

    actual = code_agreement(generate, latents, codes, classify, seed, **options)
    return actual, batches


def test_a_three_cycle_of_the_classes_is_perfect():
    values = np.arange(90) % 3
    actual, batches = _agreement(values, (values + 1) % 3, batch_size=40)
    assert actual["code_agreement"] == 1.0
    assert actual["code_mutual_information"] == pytest.approx(1.0, rel=1e-12)
    # The classifier is always shown as many, so that it is compiled once.
    assert batches == [40, 40, 40]


def test_by_hand():
    """Counts [[4, 2, 0], [3, 3, 0], [0, 0, 6]]: the best assignment is the diagonal, 13 of 18."""
    values = np.repeat([0, 0, 1, 1, 2], [4, 2, 3, 3, 6])
    classes = np.repeat([0, 1, 0, 1, 2], [4, 2, 3, 3, 6])
    actual, _ = _agreement(values, classes)
    assert actual["code_agreement"] == pytest.approx(13 / 18, rel=1e-12)
    expected = normalized_mutual_info_score(values, classes)
    assert actual["code_mutual_information"] == pytest.approx(expected, rel=1e-10)


def test_the_assignment_is_not_greedy():
    """Counts [[5, 4], [4, 0]]: the largest cell first gives 5 of 13, the best assignment 8."""
    actual, _ = _agreement(np.repeat([0, 0, 1], [5, 4, 4]), np.repeat([0, 1, 0], [5, 4, 4]), count=2)
    assert actual["code_agreement"] == pytest.approx(8 / 13, rel=1e-12)


def test_two_values_of_one_class_are_not_both_right():
    values = np.arange(40) % 4
    actual, _ = _agreement(values, values // 2, count=2)
    assert actual["code_agreement"] == 0.5
    # The class has one bit, the code two, and they share one: 1 / ((1 + 2) / 2).
    assert actual["code_mutual_information"] == pytest.approx(2 / 3, rel=1e-12)


def test_a_code_that_tells_nothing_is_at_chance():
    values, classes = (grid.ravel() for grid in np.indices((10, 10)).repeat(4, axis=1))
    actual, _ = _agreement(values, classes, count=10)
    assert actual["code_agreement"] == pytest.approx(0.1, rel=1e-12)
    assert actual["code_mutual_information"] == pytest.approx(0.0, abs=1e-12)


def test_chance_is_what_the_docstring_says():
    classes = np.arange(4000) % 10
    actual = [_agreement(classes, classes, count=10, seed=seed)[0] for seed in range(4)]
    chance = [each["code_agreement_by_chance"] for each in actual]
    assert np.mean(chance) == pytest.approx(0.12, abs=0.005) and len(set(chance)) > 1
    assert all(each["code_agreement"] == 1.0 for each in actual)


def test_a_collapsed_generator_knows_nothing():
    actual, _ = _agreement(np.arange(30) % 3, np.zeros(30, int))
    assert actual == {
        "code_agreement": pytest.approx(1 / 3, rel=1e-12),
        "code_agreement_by_chance": pytest.approx(1 / 3, rel=1e-12),
        "code_mutual_information": 0.0,
    }


def test_which_code():
    classes = np.random.default_rng(0).integers(0, 3, 50)
    codes = np.stack([np.zeros(50, int), 2 - classes], axis=1)
    assert _agreement(codes, classes, code=1)[0]["code_agreement"] == 1.0
    assert _agreement(codes, classes)[0]["code_agreement"] < 1.0
    with pytest.raises(UsageError, match=r"code=2 does not exist in codes of shape \(50, 2\)"):
        _agreement(codes, classes, code=2)
