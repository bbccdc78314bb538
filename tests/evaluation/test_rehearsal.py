"""Too few samples are found before any are generated and before features are loaded."""

import jax
import numpy as np
import pytest
import sources

from gan_jax.errors import UsageError
from gan_jax.evaluation import rehearsal
from gan_jax.evaluation.evaluator import Evaluator, select
from gan_jax.features.types import Features


def _apply(params, images):
    flat = images.reshape(len(images), -1)
    return {"features": flat[:, :5], "class_logits": flat[:, :3]}


NETWORK = Features(
    "network", {"gain": jax.ShapeDtypeStruct((), np.float32)}, _apply, {}, load=lambda: pytest.fail("loaded")
)


def _check(names, size, real=30, labels=None, real_labels=None):
    images = np.zeros((real, 8, 8, 1), np.uint8)
    source = sources.of_arrays(images, np.arange(real) % 3 if real_labels is None else real_labels)
    evaluator = Evaluator(source, None, NETWORK)
    known = None if labels is None else lambda: np.asarray(labels)
    rehearsal.check(select(names, (), NETWORK), evaluator, size, known)


@pytest.mark.parametrize(
    "names, sizes, message",
    [
        (
            ["frechet_distance"],
            (1, 30),
            "1 generated images and 30 of arrays: fake_features: expected at least 2",
        ),
        (
            ["frechet_distance"],
            (30, 1),
            "30 generated images and 1 of arrays: real_features: expected at least 2",
        ),
        (
            ["kernel_distance"],
            (1, 2000),
            "expected at least 2 samples, got 1",
        ),
        (["precision_recall"], (3, 30), "expected at least 4 samples, got 3"),
        ({"precision_recall": dict(neighbours=40)}, (50, 30), "expected at least 41 samples, got 30"),
        (["classifier_score"], (9, 30), "expected at least 10 samples, got 9"),
    ],
)
def test_too_few_samples(names, sizes, message):
    with pytest.raises(UsageError, match=f"^metric {list(names)[0]} cannot be computed of .*{message}"):
        _check(names, *sizes)


def test_a_rare_class():
    rare = np.r_[np.arange(58) % 2, 2, 2]
    names = ["intra_class_frechet_distance"]
    _check(names, 60, real=60, labels=rare, real_labels=rare)
    for fake, real, who in ((np.r_[rare[:59], 0], rare, "fake"), (rare, np.r_[rare[:59], 0], "real")):
        message = "expected at least 2 samples of each class, got 1 of class 2 .classes from 0 on: 0, 1, 2."
        with pytest.raises(UsageError, match=f"{who}_features: {message}"):
            _check(names, 60, real=60, labels=fake, real_labels=real)


def test_enough_samples_cost_nothing():
    def own(real_features, fake_features):
        pytest.fail("there are enough")

    def other(fake_images, fake_features):
        pytest.fail("images are not made up")

    evaluator = Evaluator(sources.noise(1000), None, NETWORK)
    rehearsal.check({"own": own}, evaluator, 1000)
    rehearsal.check({"other": other}, evaluator, 1)


def test_a_metric_that_does_not_bear_random_features_is_left_alone():
    def own(real_features, fake_features):
        raise ZeroDivisionError

    rehearsal.check({"own": own}, Evaluator(sources.noise(10), None, NETWORK), 1)
