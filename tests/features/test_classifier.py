"""The embedded classifier: trained on the data, kept, and known by its hash."""

import importlib
import logging
import os

import jax
import numpy as np
import pytest
import sources

from gan_jax import data, images
from gan_jax.errors import UsageError
from gan_jax.features import classifier, classifier_maps
from gan_jax.features.classifier import Classifier, accuracy, fit, use, usual_steps
from gan_jax.features.types import Features
from gan_jax.nets.linen import from_linen

# The package offers the function under the name of its module.
classifier_lib = importlib.import_module("gan_jax.features.classifier")


@pytest.fixture(scope="module")
def cached(tmp_path_factory):
    """A classifier of digits of 8 pixels in a cache of its own, and what was logged."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        train = data.digits(resolution=8)
        yield train, classifier(train, train.heldout()).loaded(), os.environ["XDG_CACHE_HOME"]


@pytest.fixture
def quick(monkeypatch, tmp_path):
    """Another cache, for classifiers of thirty steps; the digits."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(classifier_lib, "STEPS", (30, 30))
    return data.digits(resolution=8), str(tmp_path)


def _file(home):
    (name,) = os.listdir(os.path.join(home, "gan_jax", "classifiers"))
    return os.path.join(home, "gan_jax", "classifiers", name)


def test_tells_unseen_digits_apart_and_says_how_well(cached):
    train, trained, _ = cached
    test = train.heldout()
    read = test.read(np.arange(test.size))
    outputs = jax.jit(trained.apply)(trained.params, images.to_float(read["real"]))
    assert outputs["features"].shape == (500, 128) and outputs["class_logits"].shape == (500, 10)
    right = np.mean(np.argmax(outputs["class_logits"], axis=1) == read["label"])
    assert right == pytest.approx(trained.facts["accuracy"], abs=1e-4) and right > 0.96
    assert trained.facts["accuracy_on"] == "500 images of digits of scikit-learn, test"
    assert trained.name == "classifier of digits of scikit-learn, train, 8 x 8 px" and not trained.standard


def test_features_have_mean_square_one(cached):
    train, trained, _ = cached
    read = train.read(np.arange(train.size))["real"]
    features = jax.jit(trained.apply)(trained.params, images.to_float(read))["features"]
    assert np.mean(np.square(features, dtype=np.float64)) == pytest.approx(1.0, rel=1e-5)


def test_is_trained_once(cached, caplog):
    train, trained, _ = cached
    with caplog.at_level(logging.INFO, "gan_jax"):
        again = classifier(train, train.heldout()).loaded()
    assert not caplog.messages and again.facts == trained.facts
    jax.tree.map(np.testing.assert_array_equal, again.params, trained.params)


def _not_fitted(patch):
    patch.setattr(classifier_lib, "fit", lambda *args, **options: pytest.fail("a classifier is trained"))


def test_is_described_before_it_is_trained(cached, monkeypatch, tmp_path):
    """Its outputs can be traced for any number of images, and nothing is read, trained or written."""
    train, trained, _ = cached
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    _not_fitted(monkeypatch)
    unread = train._replace(read=lambda rows: pytest.fail("data is read"))
    described = classifier(unread, train.heldout())
    assert (described.name, described.facts, described.batch) == (trained.name, {}, trained.batch)
    assert not os.listdir(tmp_path)
    # Shapes and dtypes are those of the arrays, in the same tree.
    leaves = jax.tree.leaves(described.params)
    assert leaves and all(isinstance(leaf, jax.ShapeDtypeStruct) for leaf in leaves)
    abstract = jax.tree.map(lambda array: (array.shape, array.dtype), trained.params)
    assert jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), described.params) == abstract
    outputs = jax.eval_shape(described.apply, described.params, np.zeros((3, 8, 8, 1), np.float32))
    shapes = {name: (array.shape, array.dtype) for name, array in outputs.items()}
    assert shapes == {"features": ((3, 128), np.float32), "class_logits": ((3, 10), np.float32)}


def test_describes_images_that_are_not_square():
    """The variables of a classifier depend on both sides of the images."""
    source = sources.of_arrays(np.zeros((4, 9, 30, 3), np.uint8), np.arange(4) % 2)
    described = classifier(source, source)
    assert described.name == "classifier of arrays, 9 x 30 px"
    variables = fit(source, steps=1)
    shapes = jax.tree.map(np.shape, variables)
    assert jax.tree.map(lambda leaf: leaf.shape, described.params) == shapes


def test_loads_from_the_cache_without_training_and_only_once(cached, monkeypatch):
    train, trained, home = cached
    _not_fitted(monkeypatch)
    described, reads, read = classifier(train, train.heldout()), [], classifier_lib._read
    monkeypatch.setattr(classifier_lib, "_read", lambda path: reads.append(path) or read(path))
    loaded = described.loaded()
    assert loaded.load is None and loaded.loaded() is loaded and reads == [_file(home)]
    jax.tree.map(np.testing.assert_array_equal, loaded.params, trained.params)
    assert loaded.facts == trained.facts and described.facts == {}


def test_a_damaged_file_is_named_and_trained_anew(quick, caplog):
    train, home = quick
    trained = classifier(train, train.heldout()).loaded()
    with open(_file(home), "r+b") as file:
        file.seek(5000)
        file.write(bytes(8))
    with caplog.at_level(logging.INFO, "gan_jax"):
        again = classifier(train, train.heldout()).loaded()
    assert (
        f"{_file(home)} is damaged (its weights have another hash) and will be trained again"
        in caplog.messages
    )
    # Training is a function of the data alone.
    assert again.facts["weights"] == trained.facts["weights"]


def test_other_images_are_another_classifier(quick):
    train, home = quick
    trained = classifier(train, train.heldout()).loaded()
    before = set(os.listdir(os.path.join(home, "gan_jax", "classifiers")))
    inverted = train._replace(read=lambda rows: {**train.read(rows), "real": 255 - train.read(rows)["real"]})
    other = classifier(inverted, None).loaded()
    assert len(set(os.listdir(os.path.join(home, "gan_jax", "classifiers"))) - before) == 1
    assert other.facts["weights"] != trained.facts["weights"]
    # Without held-out images a tenth is kept out of training.
    expected = "130 images of 130 of 1297 images of digits of scikit-learn, train"
    assert other.facts["accuracy_on"] == expected and other.name.startswith(
        "classifier of 1167 of 1297 images"
    )


def test_as_many_steps_as_asked_for():
    assert [usual_steps(size) for size in (10, 60_000, 10**6)] == [600, 3750, 6000]
    source = sources.noise(20, classes=2)
    # Adam's first step moves a weight by the learning rate, whatever its gradient; a second would add to it.
    start = from_linen(Classifier(2)).init(jax.random.key(3), np.zeros((1, 8, 8, 1), np.float32))[0]
    moved = jax.tree.map(lambda a, b: np.max(np.abs(a - b)), fit(source, 3, steps=1)["params"], start)
    assert max(jax.tree.leaves(moved)) == pytest.approx(2e-3, rel=1e-2)


def test_its_step_is_compiled_once(caplog):
    with caplog.at_level(logging.WARNING), jax.log_compiles():
        fit(sources.noise(20, classes=2), steps=3)
    assert caplog.text.count("Finished XLA compilation of jit(step)") == 1


def test_says_why_it_is_trained_and_where_it_is_kept(monkeypatch, tmp_path, caplog):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(classifier_lib, "_trained", lambda real, tested: ({}, {}))
    source = sources.noise(20, classes=2)
    with caplog.at_level(logging.INFO, "gan_jax"):
        classifier(source, source).loaded()
    assert caplog.messages == [
        "training a classifier of arrays: evaluations compare its features of real and generated images; it is "
        f"trained once and kept in {tmp_path}/gan_jax/classifiers"
    ]


def test_needs_labels():
    with pytest.raises(
        UsageError,
        match="arrays has no labels to train a classifier on; give other features: pixels or inception",
    ):
        classifier(sources.noise(10), None)
    with pytest.raises(UsageError, match="a classifier of arrays cannot be trained: the data has no labels"):
        fit(sources.noise(10))


def test_needs_images():
    plain = sources.noise(10, classes=2)
    clips = plain._replace(spec={**plain.spec, "real": jax.ShapeDtypeStruct((16, 1), np.int16)})
    with pytest.raises(
        UsageError, match="arrays: a classifier is trained on images only; give other features"
    ):
        classifier(clips, None)


def test_accuracy_counts_every_image_once():
    labels = np.array([0, 1, 1, 0, 1] * 30)
    images = np.repeat(labels * 200, 64).reshape(-1, 8, 8, 1).astype(np.uint8)
    plain = sources.of_arrays(images, labels)
    variables = fit(plain, steps=100)
    assert accuracy(variables, plain) == 1.0
    flipped = np.where(np.arange(150) < 15, 1 - labels, labels)
    assert accuracy(variables, sources.of_arrays(images, flipped)) == pytest.approx(0.9)
    assert use(2)(variables, np.zeros((3, 8, 8, 1), np.float32))["class_logits"].shape == (3, 2)


def _normed(x, kernel, stride, statistics, learned):
    """A convolution with SAME padding, batch norm by running statistics, and ReLU."""
    layout = ("NHWC", "HWIO", "NHWC")
    y = jax.lax.conv_general_dilated(x, kernel, (stride, stride), "SAME", dimension_numbers=layout)
    y = (np.float64(y) - statistics["mean"]) / np.sqrt(statistics["var"] + 1e-5)
    return np.maximum(y * learned["scale"] + learned["bias"], 0)


def test_maps_are_what_the_convolutions_see():
    net = from_linen(Classifier(3))
    shown = np.random.default_rng(0).uniform(-1, 1, (2, 9, 8, 1)).astype(np.float32)
    params, carry = net.init(jax.random.key(0), shown)
    statistics = carry["batch_stats"]
    statistics["BatchNorm_0"]["mean"] += 0.3
    statistics["BatchNorm_1"]["var"] *= 2.0
    loaded = Features("it", {"params": params, "carry": carry, "scale": 2.0}, use(3), {})
    maps = classifier_maps(loaded)
    first = _normed(
        shown, params["Conv_0"]["kernel"], 2, statistics["BatchNorm_0"], params["BatchNorm_0"]
    ).astype(np.float32)
    second = _normed(first, params["Conv_1"]["kernel"], 1, statistics["BatchNorm_1"], params["BatchNorm_1"])
    found = jax.jit(maps.maps)(maps.params, shown)
    assert list(found) == ["conv1", "conv2"]
    np.testing.assert_allclose(found["conv1"], first, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found["conv2"], second, rtol=1e-4, atol=1e-4)
    assert set(loaded.apply(loaded.params, shown)) == {"features", "class_logits"}
    # Images of any size have them, and of other channels.
    large = maps.maps(maps.params, np.zeros((1, 40, 30, 3), np.float32))
    assert [value.shape[1:3] for value in large.values()] == [(20, 15), (20, 15)]
    assert list(classifier_maps(loaded, layers=("conv2",)).maps(maps.params, shown)) == ["conv2"]
    with pytest.raises(UsageError, match="layers of the it: unknown name 'conv3'"):
        classifier_maps(loaded, layers=("conv3",))


def test_maps_of_a_classifier_that_has_yet_to_be_loaded_have_its_shapes():
    net = from_linen(Classifier(3))
    params, carry = net.init(jax.random.key(0), np.zeros((1, 9, 8, 1), np.float32))
    variables = {"params": params, "carry": carry, "scale": 2.0}
    shapes = jax.eval_shape(lambda: variables)
    pending = Features("it", shapes, use(3), {}, load=lambda: (variables, {"accuracy": 1.0}))
    maps, loaded = classifier_maps(pending), classifier_maps(pending).loaded()
    assert maps.facts == {} and loaded.facts["layers"] == "conv1 conv2" and loaded.load is None
    assert jax.tree.map(np.shape, maps.params) == jax.tree.map(np.shape, loaded.params)
    np.testing.assert_array_equal(loaded.params["params"]["Conv_0"]["kernel"], params["Conv_0"]["kernel"])
