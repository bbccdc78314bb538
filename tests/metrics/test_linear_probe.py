"""Probes of codes that tell everything, nothing, and what only a curve could tell."""

import numpy as np
import pytest
import sources

from gan_jax.errors import UsageError
from gan_jax.evaluation.evaluator import Evaluator
from gan_jax.features.types import Features
from gan_jax.metrics.linear_probe import linear_probe


def _set(count, seed):
    """Images whose first pixel is their label of three, in noise that is far larger."""
    random = np.random.default_rng(seed)
    images, labels = random.integers(0, 256, (count, 4, 4, 1), np.uint8), random.integers(0, 3, count)
    images[:, 0, 0, 0] = labels
    return images, labels


REAL, HELDOUT = _set(600, 0), _set(300, 1)


def _label(images):
    """A code on which one class is on, at places far from zero and of other sizes."""
    return 1e3 + np.eye(3)[images[:, 0, 0, 0]] * [1.0, 10.0, 1e-2]


def test_separable_codes_and_pixels_that_tell_nothing():
    actual = linear_probe(_label, *HELDOUT, *REAL, 0)
    assert list(actual) == ["linear_probe", "linear_probe_of_pca"]
    # The label is 1 % of a pixel's range: no principal component shows it.
    assert actual["linear_probe"] == 1.0 and actual["linear_probe_of_pca"] == pytest.approx(1 / 3, abs=0.08)


def test_the_components_are_those_of_the_pixels():
    """Along the axis of largest variance, which a code of one number must find, the classes lie apart."""

    def draw(count, seed):
        random = np.random.default_rng(seed)
        labels = random.integers(0, 2, count)
        images = random.integers(120, 136, (count, 4, 4, 1))
        images[:, 1] += 60 * (2 * labels[:, None, None] - 1)
        return np.uint8(images), labels

    def noise(images):
        return np.random.default_rng(len(images)).normal(size=(len(images), 1))

    actual = linear_probe(noise, *draw(300, 3), *draw(400, 2), 0)
    assert actual["linear_probe_of_pca"] == 1.0 and actual["linear_probe"] == pytest.approx(0.5, abs=0.1)


def test_more_codes_than_pixels_are_compared_with_all_pixels():
    actual = linear_probe(lambda images: np.ones((len(images), 50)), *HELDOUT, *REAL, 0)
    # Constant codes answer with the most frequent class.
    most = np.bincount(REAL[1]).argmax()
    assert actual["linear_probe"] == np.mean(HELDOUT[1] == most)
    # Standardised, all sixteen components tell what the first one does not.
    assert actual["linear_probe_of_pca"] == 1.0


def test_a_circle_inside_a_circle_is_no_matter_of_lines():
    def circles(images):
        label, angle = images[:, 0, 0, 0], images[:, 1, 1, 0] / 256 * 2 * np.pi
        return (1 + label[:, None]) * np.stack([np.cos(angle), np.sin(angle)], axis=1)

    actual = linear_probe(circles, *HELDOUT, *REAL, 0)["linear_probe"]
    assert actual == pytest.approx(1 / 3, abs=0.1)


def test_regularisation_is_the_weight_of_half_the_squared_norm():
    """At the optimum of two classes on one standardised code, the slope is 0."""
    labels = np.array([0, 0, 0, 1, 1, 1])
    codes = np.array([-1.0, -1.0, 1.0, -1.0, 1.0, 1.0])
    images = np.uint8(np.arange(6)).reshape(6, 1, 1, 1)
    grid = np.linspace(0, 3, 3001)
    margins = (2 * labels - 1) * codes
    best = {
        weight: grid[np.argmin([np.sum(np.log1p(np.exp(-w * margins))) + weight * w**2 / 2 for w in grid])]
        for weight in (0.1, 10.0)
    }
    probes = {weight: _weights(codes, images, labels, weight) for weight in best}
    np.testing.assert_allclose(list(probes.values()), list(best.values()), atol=2e-3)


def _weights(codes, images, labels, weight):
    """The slope of the fitted probe."""
    from sklearn.linear_model import LogisticRegression

    fitted, fit = [], LogisticRegression.fit

    def spy(self, *arguments):
        fitted.append(fit(self, *arguments))
        return fitted[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LogisticRegression, "fit", spy)
        linear_probe(
            lambda images: codes[images[:, 0, 0, 0]][:, None],
            images,
            labels,
            images,
            labels,
            0,
            regularisation=weight,
        )
    return fitted[0].coef_[0, 0]


def test_labels_and_images_of_a_judge_are_of_the_same_rows():
    """Both sets are in random order; labels of another row would be at chance."""
    pixels = Features("pixels", (), lambda _, x: {"features": x.reshape(len(x), -1)}, {})
    evaluator = Evaluator(sources.of_arrays(*REAL), sources.of_arrays(*HELDOUT), pixels)
    actual = evaluator({"linear_probe": linear_probe}, sources.noise(10, side=4), {"encode": lambda: _label})
    assert actual["linear_probe"] == {"value": 1.0}


@pytest.mark.parametrize(
    "changed, message",
    [
        (
            dict(encode=lambda images: np.full((len(images), 2), np.nan)),
            "real_codes: 600 of 600 samples are NaN",
        ),
        (dict(encode=lambda images: np.ones(len(images))), "real_codes: expected one row per sample"),
        (dict(real_labels=np.zeros(600, int)), "real_labels: expected at least two classes, got one"),
        (dict(heldout_images=HELDOUT[0][:0]), "heldout_images: expected at least 1 images, got 0"),
    ],
)
def test_mistakes(changed, message):
    arguments = dict(
        zip(
            ("encode", "heldout_images", "heldout_labels", "real_images", "real_labels", "seed"),
            (_label, *HELDOUT, *REAL, 0),
        )
    )
    with pytest.raises(UsageError, match=message):
        linear_probe(**{**arguments, **changed})
