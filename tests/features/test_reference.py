"""Classifiers that ship with the package: what they are, whom they judge, and how they are built."""

import importlib
import logging
import os

import jax
import numpy as np
import pytest
import sources

from gan_jax import data
from gan_jax.data.source import of_images, per_class, subset
from gan_jax.errors import UsageError
from gan_jax.evaluation import reference_classifier
from gan_jax.features import classifier, named, reference
from gan_jax.features.classifier import Classifier, fit
from gan_jax.features.extract import extractor
from gan_jax.features.types import fingerprint
from gan_jax.nets.linen import from_linen

# The package offers the function under the name of its module.
classifier_lib = importlib.import_module("gan_jax.features.classifier")
DIGITS, ANIMALS = (
    tuple("0123456789"),
    "airplane automobile bird cat deer dog frog horse ship truck".split(),
)
SETS = {
    "digits": ("digits of scikit-learn, {}", {"train": 1297, "test": 500}, (28, 28, 1), DIGITS, ""),
    "mnist": ("mnist/3.0.1 {}", {"train": 60_000, "test": 10_000}, (28, 28, 1), DIGITS, "mnist/3.0.1"),
    "cifar10": (
        "cifar10/3.0.2 {}", {"train": 50_000, "test": 10_000}, (32, 32, 3), ANIMALS, "cifar10/3.0.2",
    ),
}  # fmt: skip
SHIPPED = sorted(reference.shipped())


@pytest.fixture
def not_fitted(monkeypatch):
    monkeypatch.setattr(
        classifier_lib, "fit", lambda *args, **options: pytest.fail("a classifier is trained")
    )


@pytest.fixture(scope="module")
def digits():
    """The Features of digits, and what they see in the two splits."""
    train = data.digits()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classifier_lib, "fit", lambda *args, **options: pytest.fail("a classifier is trained"))
        loaded = named("classifier", train, train.heldout()).loaded()
    extract = extractor(loaded, train.modality)
    return loaded, extract(train), extract(train.heldout())


@pytest.mark.parametrize("name", SHIPPED)
def test_ships_whole_and_small_and_judges_both_splits(name):
    kept = reference.shipped()[name]
    variables, facts = reference.variables(kept), kept.about["facts"]
    assert fingerprint(variables) == facts["weights"] and os.path.getsize(kept.path) < 1_000_000
    title, sizes, shape, classes, identity = SETS[name]
    net = from_linen(Classifier(len(classes)))
    params, carry = jax.eval_shape(lambda: net.init(jax.random.key(0), np.zeros((1, *shape), np.float32)))
    expected = {"params": params, "carry": carry, "scale": np.float32(1)}
    assert jax.tree.map(np.shape, variables) == jax.tree.map(lambda leaf: leaf.shape, expected)
    assert {leaf.dtype for leaf in jax.tree.leaves(variables)} == {np.dtype(np.float32)}
    for split, size in sizes.items():
        known = of_images(title.format(split), size, shape, classes, None, identity=identity)
        assert reference.found(known) == kept
        assert reference.found(known._replace(size=size - 1)) is None
        assert reference.found(known._replace(name="my copy")) is None
    assert kept.about["data"] == title.format("train") and kept.about["trained"]["seed"] == 0
    assert facts["accuracy_on"] == f"{sizes['test']} images of {title.format('test')}"


def test_other_sizes_and_subsets_have_none():
    assert reference.found(data.digits(resolution=8)) is None
    assert reference.found(per_class(data.digits(), 3)) is None
    assert reference.found(data.digits(split="all")) is None


def test_accuracy_calibration_and_moments_are_as_stated(digits):
    loaded, real, unseen = digits
    about = reference.shipped()["digits"].about
    assert loaded.facts == about["facts"]
    assert loaded.name == "classifier of digits of scikit-learn, train, 28 x 28 px"
    logits = np.float64(unseen["class_logits"])
    stated = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    right = logits.argmax(axis=1) == unseen["labels"]
    assert np.mean(right) == pytest.approx(about["facts"]["accuracy"], abs=5e-5) and np.mean(right) > 0.99
    gaps = [
        abs(np.sum(stated.max(axis=1)[chosen] - right[chosen])) / 500
        for low in np.arange(15) / 15
        for chosen in [(low <= stated.max(axis=1)) & (stated.max(axis=1) < low + 1 / 15)]
    ]
    assert about["calibration_error"] == pytest.approx(sum(gaps), abs=2e-4)
    moments, features = reference.moments(reference.shipped()["digits"]), np.float64(real["features"])
    np.testing.assert_allclose(moments.mean, features.mean(axis=0), rtol=1e-3, atol=1e-4)
    centred = features - features.mean(axis=0)
    np.testing.assert_allclose(moments.covariance, centred.T @ centred / 1296, rtol=1e-3, atol=1e-3)


def _frechet(left, right):
    """By the eigenvalues of the product of the covariances, in float64."""
    (mean, covariance), (other, others) = ((x.mean(axis=0), np.cov(x, rowvar=False)) for x in (left, right))
    roots = np.sqrt(np.maximum(np.linalg.eigvals(covariance @ others).real, 0))
    return np.sum((mean - other) ** 2) + np.trace(covariance + others) - 2 * np.sum(roots)


def test_the_real_baseline_of_digits_is_the_stated_one(digits):
    _, real, unseen = digits
    stated = reference.shipped()["digits"].about["baselines"]["frechet_distance"]
    value = _frechet(np.float64(real["features"]), np.float64(unseen["features"]))
    assert value == pytest.approx(stated, rel=2e-3)


REAL = os.path.join(os.path.dirname(__file__), "..", "..", "..", "shared", "tfds")


@pytest.mark.slow
@pytest.mark.skipif(not os.path.isdir(REAL), reason="no prepared data")
@pytest.mark.parametrize("name", [name for name in SHIPPED if name != "digits"])
def test_the_real_baselines_of_other_sets_are_the_stated_ones(name):
    train, about = data.opened(name, data_dir=REAL), reference.shipped()[name].about
    loaded = classifier(train, train.heldout()).loaded()
    extract = extractor(loaded, train.modality)
    real, unseen = extract(train), extract(train.heldout())
    assert loaded.facts == about["facts"]
    right = np.mean(unseen["class_logits"].argmax(axis=1) == unseen["labels"])
    assert right == pytest.approx(about["facts"]["accuracy"], abs=2e-4)
    value = _frechet(np.float64(real["features"]), np.float64(unseen["features"]))
    assert value == pytest.approx(about["baselines"]["frechet_distance"], rel=2e-3)


def test_images_that_it_does_not_know_get_a_classifier_of_their_own(monkeypatch, caplog):
    train = data.digits()
    monkeypatch.setattr(classifier_lib, "_kept", lambda real, tested: ("own", {"weights": "own"}))
    inverted = train._replace(read=lambda rows: {**train.read(rows), "real": 255 - train.read(rows)["real"]})
    with caplog.at_level(logging.WARNING, "gan_jax"):
        assert classifier(inverted, train.heldout()).loaded().facts == {"weights": "own"}
    (line,) = caplog.messages
    assert line.startswith(
        "digits of scikit-learn, train: these are other images than those of the classifier that ships with gan_jax"
    )
    caplog.clear()
    # A grey level more or less, as another decoder gives, is the same data.
    brighter = np.random.default_rng(0).integers(-1, 2, (28, 28, 1))

    def read(rows):
        kept = train.read(rows)
        return {**kept, "real": np.uint8(np.clip(kept["real"] + brighter, 0, 255))}

    known = classifier(train._replace(read=read), train.heldout()).loaded()
    assert not caplog.messages and known.facts == reference.shipped()["digits"].about["facts"]


def test_the_test_images_alone_are_judged_by_the_same(not_fitted):
    test = data.digits(split="test")
    assert classifier(test, None).loaded().facts == reference.shipped()["digits"].about["facts"]


def test_kernels_are_whole_numbers_of_a_unit_by_output_channel():
    kernel = np.float32([[1.0, -0.5, 0.0], [0.25, 0.2, 0.0]])
    variables = {"params": {"Dense_0": {"kernel": kernel, "bias": np.float32([0.1, 0.2, 0.3])}}}
    variables["scale"] = np.float32(3.7)
    arrays = reference.packed(variables)
    assert arrays["params/Dense_0/kernel"].dtype == np.int8
    np.testing.assert_array_equal(arrays["params/Dense_0/kernel"], [[127, -127, 0], [32, 51, 0]])
    back = reference.unpacked(arrays)
    expected = [[1.0, -0.5, 0.0], [32 / 127, 51 * 0.5 / 127, 0.0]]
    np.testing.assert_allclose(back["params"]["Dense_0"]["kernel"], expected, rtol=1e-6)
    np.testing.assert_array_equal(back["params"]["Dense_0"]["bias"], np.float32([0.1, 0.2, 0.3]))
    assert back["scale"] == np.float32(3.7)
    assert {leaf.dtype for leaf in jax.tree.leaves(back)} == {np.dtype(np.float32)}


def test_calibration_error_of_bins():
    """Six say 0.8 and four are right: 0.8 - 4/6 too sure; two say 0.6 and both are right: 0.4 too modest."""
    sure = np.log(np.float64([[0.8, 0.2]] * 6 + [[0.4, 0.6]] * 2))
    labels = [0, 0, 0, 0, 1, 1, 1, 1]
    expected = (6 * (0.8 - 4 / 6) + 2 * 0.4) / 8
    assert reference_classifier.calibration_error(sure, labels) == pytest.approx(expected)
    assert reference_classifier.calibration_error([[1000.0, 0.0]], [0]) == 0.0


def test_a_build_is_what_its_data_determine_and_is_found_afterwards(monkeypatch, tmp_path):
    monkeypatch.setattr(reference_classifier, "fit", lambda source, seed: fit(source, seed, steps=2))
    monkeypatch.setattr(reference_classifier, "BASELINES", ("frechet_distance",))
    source = sources.noise(40, classes=3, name="noise", heldout=sources.noise(20, seed=1, classes=3))
    about = reference_classifier.build(source, "mine", str(tmp_path))
    again = reference.packed(fit(source, 0, steps=2))
    assert about["facts"]["weights"] == fingerprint(reference.unpacked(again))
    monkeypatch.setattr(reference, "FOLDER", str(tmp_path))
    kept = reference.found(source)
    assert (
        fingerprint(reference.variables(kept)) == about["facts"]["weights"] and kept.about["data"] == "noise"
    )
    assert kept.about["trained"]["command"] == "python -m gan_jax.evaluation.build_reference --data=mine"
    with pytest.raises(UsageError, match="noise: expected data with classes and held-out images"):
        reference_classifier.build(subset(source, np.arange(9))._replace(name="noise"), "mine", str(tmp_path))


def test_the_readme_has_the_shipped_ones():
    with open(os.path.join(os.path.dirname(reference.__file__), "README.md")) as file:
        text = file.read()
    for name, kept in reference.shipped().items():
        assert f"| `{name}` | `{kept.about['facts']['weights']}` |" in text
