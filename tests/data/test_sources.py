import importlib
import io
import os
import sys

import numpy as np
import pytest
import tensorflow_datasets
from PIL import Image

from gan_jax import data
from gan_jax.data.source import facts, fit
from gan_jax.errors import UsageError

# The package offers the function under the module's name.
MODULE = importlib.import_module("gan_jax.data.tfds")


class _Mocked:
    """A builder whose mock can be read many rows at once, which TFDS's own cannot, and is decoded already."""

    def __init__(self, name, folder):
        self._builder = tensorflow_datasets.builder(name, data_dir=folder)
        self.info, self.name = self._builder.info, name

    def as_data_source(self, split, decoders):
        rows = self._builder.as_data_source(split=split)
        many = type(
            "Rows", (), {"__len__": lambda _: len(rows), "__getitems__": lambda _, at: [rows[i] for i in at]}
        )
        return many()


def test_digits():
    source = data.digits(split="all")
    assert (source.size, facts(source)) == (1797, {"resolution": 28, "channels": 1, "classes": 10})
    batch = source.read(np.array([0, 1, 1796]))
    assert batch["images"].shape == (3, 28, 28, 1) and batch["images"].dtype == np.uint8
    np.testing.assert_array_equal(batch["labels"], [0, 1, 8])
    small = data.digits(split="all", resolution=8).read(np.arange(1797))["images"]
    from sklearn.datasets import load_digits

    np.testing.assert_allclose(small[..., 0], load_digits().images * 255 / 16, atol=0.51)


def test_digits_held_out_are_not_trained_on():
    train = data.digits(resolution=8)
    test = train.heldout()
    assert (train.size, test.size, test.resolution, test.heldout()) == (1297, 500, 8, None)
    both = [source.read(np.arange(source.size)) for source in (train, test)]
    rows = [image.tobytes() for split in both for image in split["images"]]
    everything = data.digits(split="all", resolution=8).read(np.arange(1797))["images"]
    assert sorted(rows) == sorted(image.tobytes() for image in everything)
    # All classes are in both, in about equal shares.
    assert all(
        np.bincount(split["labels"], minlength=10).min() > 0.07 * len(split["labels"]) for split in both
    )
    with pytest.raises(UsageError, match="data.split: unknown name 'tests'; did you mean test"):
        data.digits(split="tests")


def test_fit_crops_the_centre_and_antialiases():
    wide = np.zeros((4, 8), np.uint8)
    wide[:, 2:6] = np.tile([[0, 200], [200, 0]], (2, 2))
    small = fit(Image.fromarray(wide), 1, 1)
    assert small.shape == (1, 1, 1) and abs(int(small[0, 0, 0]) - 100) <= 1
    assert fit(Image.fromarray(wide), 2, 3).shape == (2, 2, 3)


@pytest.mark.parametrize("name, shape, classes", [("mnist", (28, 28, 1), 10), ("cifar10", (32, 32, 3), 10)])
def test_tfds_without_tensorflow(name, shape, classes, monkeypatch, tmp_path):
    monkeypatch.setattr(MODULE, "_prepared", _Mocked)
    with tensorflow_datasets.testing.mock_data(num_examples=16):
        source = data.tfds(name=name, data_dir=str(tmp_path))
        batch = source.read(np.arange(4))
    assert (source.size, len(source.classes)) == (16, classes)
    assert batch["images"].shape == (4, *shape) and batch["images"].dtype == np.uint8
    assert batch["labels"].dtype == np.int32
    assert "tensorflow" not in sys.modules


def test_tfds_needs_a_resolution_where_images_differ(monkeypatch, tmp_path):
    monkeypatch.setattr(MODULE, "_prepared", _Mocked)
    with tensorflow_datasets.testing.mock_data(num_examples=4):
        with pytest.raises(
            UsageError, match=r"'tf_flowers' have the shape \(None, None, 3\): give data.resolution"
        ):
            data.tfds(name="tf_flowers", data_dir=str(tmp_path))
        source = data.tfds(name="tf_flowers", data_dir=str(tmp_path), resolution=16)
        assert source.read(np.arange(2))["images"].shape == (2, 16, 16, 3)


@pytest.mark.parametrize(
    "name, message",
    [
        (
            "mnits",
            "data.name: unknown name 'mnits'; did you mean .*mnist.*; these exist: digits, folder, archive, "
            "and .* TFDS names",
        ),
        ("mnist", "not prepared in .*; preparing it needs TensorFlow once: start with EXTRAS=prepare"),
        ("imdb_reviews", "not prepared in|has no image; its features are"),
    ],
)
def test_tfds_mistakes(name, message, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(UsageError, match=message):
        data.tfds(name=name, data_dir=str(tmp_path))


def test_tfds_decodes_what_files_hold():
    png = io.BytesIO()
    grey = np.arange(16, dtype=np.uint8).reshape(4, 4)
    Image.fromarray(grey).save(png, "PNG")
    np.testing.assert_array_equal(np.asarray(MODULE._opened(png.getvalue())), grey)


REAL = os.path.join(os.path.dirname(__file__), "..", "..", "..", "shared", "tfds")


@pytest.mark.skipif(not os.path.isdir(REAL), reason="no prepared TFDS data beside the checkout")
def test_real_mnist():
    source = data.tfds(name="mnist", data_dir=REAL, split="test")
    batch = source.read(np.arange(100))
    assert (source.size, source.resolution, source.channels) == (10_000, 28, 1)
    assert set(batch["labels"]) == set(range(10)) and 20 < batch["images"].mean() < 50
    with pytest.raises(UsageError, match="data.split='tets'"):
        data.tfds(name="mnist", data_dir=REAL, split="tets")
