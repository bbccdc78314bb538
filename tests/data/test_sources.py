import importlib
import io
import os
import sys

import numpy as np
import pytest
import sources
import tensorflow_datasets
from PIL import Image

from gan_jax import data
from gan_jax.data import source as source_lib
from gan_jax.data.source import fit, of_arrays, per_class
from gan_jax.errors import Fault, UsageError

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
    assert (source.size, *sources.described(source)) == (1797, "images", (28, 28, 1), 10)
    batch = source.read(np.array([0, 1, 1796]))
    assert batch["real"].shape == (3, 28, 28, 1) and batch["real"].dtype == np.uint8
    np.testing.assert_array_equal(batch["label"], [0, 1, 8])
    small = data.digits(split="all", resolution=8).read(np.arange(1797))["real"]
    from sklearn.datasets import load_digits

    np.testing.assert_allclose(small[..., 0], load_digits().images * 255 / 16, atol=0.51)


def test_digits_held_out_are_not_trained_on():
    train = data.digits(resolution=8)
    test = train.heldout()
    assert (train.size, test.size, test.spec["real"].shape, test.heldout()) == (1297, 500, (8, 8, 1), None)
    both = [source.read(np.arange(source.size)) for source in (train, test)]
    rows = [image.tobytes() for split in both for image in split["real"]]
    everything = data.digits(split="all", resolution=8).read(np.arange(1797))["real"]
    assert sorted(rows) == sorted(image.tobytes() for image in everything)
    # All classes are in both, in about equal shares.
    assert all(np.bincount(split["label"], minlength=10).min() > 0.07 * len(split["label"]) for split in both)
    with pytest.raises(UsageError, match="data.split: unknown name 'tests'; did you mean test"):
        data.digits(split="tests")


def test_per_class_keeps_the_first_of_each_class_of_one_order():
    full = data.digits(resolution=8)
    everything = full.read(np.arange(1297))
    rows = [
        [row for row in np.random.default_rng(0).permutation(1297) if everything["label"][row] == label][:3]
        for label in range(10)
    ]
    few = per_class(full, 3)
    assert (few.size, few.name) == (30, "3 images of each class of digits of scikit-learn, train")
    given, expected = few.read(np.arange(30)), np.sort(np.concatenate(rows))
    np.testing.assert_array_equal(given["real"], everything["real"][expected])
    np.testing.assert_array_equal(given["label"], everything["label"][expected])
    # Fewer are among more, and what is held out stays.
    kept = {image.tobytes() for image in given["real"]}
    fewer = per_class(full, 2)
    assert {image.tobytes() for image in fewer.read(np.arange(20))["real"]} < kept
    assert (few.heldout().size, few.heldout().name) == (500, "digits of scikit-learn, test")


def test_per_class_reads_no_more_than_it_takes(monkeypatch):
    monkeypatch.setattr(source_lib, "READ", 16)
    labels, asked = np.arange(400) % 4, []
    source = sources.of_arrays(np.zeros((400, 8, 8, 1), np.uint8), labels)
    counted = source._replace(read=lambda rows: asked.append(len(rows)) or source.read(rows))
    assert per_class(counted, 2).size == 8
    assert set(asked) == {16} and sum(asked) < 100
    # All four classes are looked for, however late the last one comes.
    late = np.zeros(400, int)
    late[np.random.default_rng(0).permutation(400)[-1]] = 1
    few = per_class(sources.of_arrays(np.zeros((400, 8, 8, 1), np.uint8), late), 1)
    assert sorted(few.read(np.arange(2))["label"]) == [0, 1]


def test_per_class_mistakes():
    images = np.zeros((4, 8, 8, 1), np.uint8)
    with pytest.raises(UsageError, match="2 images of each class of arrays: the data has no labels"):
        per_class(sources.of_arrays(images), 2)
    named = of_arrays("pets", images, [0, 1, 0, -1], ("cat", "dog"))
    with pytest.raises(
        UsageError, match="2 images of each class of pets: there are only 1 of the class 'dog'"
    ):
        per_class(named, 2)
    assert per_class(named, 1).size == 2


def test_of_arrays():
    images = np.arange(3 * 4, dtype=np.uint8).reshape(3, 2, 2, 1)
    source = of_arrays("three", images, [1, 0, 1], ["a", "b"])
    assert (source.name, source.size, source.classes) == ("three", 3, ("a", "b")) and source.heldout() is None
    assert sources.described(source) == ("images", (2, 2, 1), 2)
    read = source.read(np.array([2, 0]))
    np.testing.assert_array_equal(read["real"], images[[2, 0]])
    np.testing.assert_array_equal(read["label"], [1, 1])
    assert read["label"].dtype == np.int32


def test_fit_crops_the_centre_and_antialiases():
    wide = np.zeros((4, 8), np.uint8)
    wide[:, 2:6] = np.tile([[0, 200], [200, 0]], (2, 2))
    small = fit(Image.fromarray(wide), (1, 1), 1)
    assert small.shape == (1, 1, 1) and abs(int(small[0, 0, 0]) - 100) <= 1
    assert fit(Image.fromarray(wide), (2, 2), 3).shape == (2, 2, 3)


@pytest.mark.parametrize(
    "size, wanted, part",
    [
        ((4, 8), (4, 4), (slice(0, 4), slice(2, 6))),
        ((8, 4), (4, 4), (slice(2, 6), slice(0, 4))),
        ((6, 8), (6, 3), (slice(0, 6), slice(2, 5))),
        ((8, 6), (3, 6), (slice(2, 5), slice(0, 6))),
    ],
)
def test_fit_takes_the_largest_central_part_of_the_aspect(size, wanted, part):
    """Parts that need no resizing are the pixels themselves."""
    pixels = np.random.default_rng(0).integers(0, 256, size, np.uint8)
    np.testing.assert_array_equal(fit(Image.fromarray(pixels), wanted, 1)[..., 0], pixels[part])


@pytest.mark.parametrize("name, shape, classes", [("mnist", (28, 28, 1), 10), ("cifar10", (32, 32, 3), 10)])
def test_tfds_without_tensorflow(name, shape, classes, monkeypatch, tmp_path):
    monkeypatch.setattr(MODULE, "_prepared", _Mocked)
    with tensorflow_datasets.testing.mock_data(num_examples=16):
        source = data.tfds(name=name, data_dir=str(tmp_path))
        batch = source.read(np.arange(4))
    assert (source.size, len(source.classes)) == (16, classes)
    assert batch["real"].shape == (4, *shape) and batch["real"].dtype == np.uint8
    assert batch["label"].dtype == np.int32
    assert "tensorflow" not in sys.modules


def test_tfds_needs_a_resolution_where_images_differ(monkeypatch, tmp_path):
    monkeypatch.setattr(MODULE, "_prepared", _Mocked)
    with tensorflow_datasets.testing.mock_data(num_examples=4):
        with pytest.raises(
            UsageError, match=r"'tf_flowers' have the shape \(None, None, 3\): give data.resolution"
        ):
            data.tfds(name="tf_flowers", data_dir=str(tmp_path))
        source = data.tfds(name="tf_flowers", data_dir=str(tmp_path), resolution=16)
        assert source.read(np.arange(2))["real"].shape == (2, 16, 16, 3)


@pytest.mark.parametrize(
    "name, message",
    [
        (
            "mnits",
            "data.name: unknown name 'mnits'; did you mean .*mnist.*; these exist: digits, folder, archive, "
            "stacked_digits, stacked_mnist, ring, grid, swiss_roll, and .* TFDS names",
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


class _Damaged(_Mocked):
    """A builder whose third image is cut short, and whose last rows lie in a damaged chunk."""

    def as_data_source(self, split, decoders):
        png = io.BytesIO()
        Image.fromarray(np.zeros((28, 28), np.uint8)).save(png, "PNG")
        images = [png.getvalue()] * 2 + [png.getvalue()[:-40]]

        class Rows:
            def __len__(self):
                return 4

            def __getitems__(self, at):
                if 3 in at:
                    raise RuntimeError("Corrupted Riegeli/records file; at byte 7\nmore")
                return [{"image": images[row], "label": 0} for row in at]

        return Rows()


def test_damaged_tfds_files_are_named(monkeypatch, tmp_path):
    monkeypatch.setattr(MODULE, "_prepared", _Damaged)
    source = data.tfds(name="mnist", data_dir=str(tmp_path))
    assert source.read(np.arange(2))["real"].shape == (2, 28, 28, 1)
    with pytest.raises(Fault, match=r"^image 2 of mnist/3.0.1 train cannot be read: \w+: "):
        source.read(np.arange(3))
    with pytest.raises(Fault, match=r"^mnist/3.0.1 train cannot be read: RuntimeError: Corr.* at byte 7$"):
        source.read(np.array([3]))


REAL = os.path.join(os.path.dirname(__file__), "..", "..", "..", "shared", "tfds")


@pytest.mark.skipif(not os.path.isdir(REAL), reason="no prepared TFDS data beside the checkout")
def test_real_mnist():
    source = data.tfds(name="mnist", data_dir=REAL, split="test")
    batch = source.read(np.arange(100))
    assert (source.size, *sources.described(source)) == (10_000, "images", (28, 28, 1), 10)
    assert set(batch["label"]) == set(range(10)) and 20 < batch["real"].mean() < 50
    with pytest.raises(UsageError, match="data.split='tets'"):
        data.tfds(name="mnist", data_dir=REAL, split="tets")


@pytest.mark.parametrize("key", ["pythonClassName", "python\\u0043lassName"])
def test_a_prepared_folder_that_names_other_code_is_refused_and_runs_none(tmp_path, monkeypatch, key):
    """TFDS imports the classes that `features.json` names."""
    folder = tmp_path / "photos" / "1.0.0"
    folder.mkdir(parents=True)
    (tmp_path / "payload_of_tfds.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    (folder / "features.json").write_text(f'{{"{key}": "payload_of_tfds.Image"}}')
    (folder / "dataset_info.json").write_text(
        '{"name": "photos", "version": "1.0.0", "fileFormat": "array_record"}'
    )
    with pytest.raises(UsageError, match="names code outside of tensorflow_datasets: payload_of_tfds.Image$"):
        data.tfds(name="photos", data_dir=str(tmp_path))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["photos", "photos:1.0.0", "photos/1.0.0"])
def test_a_prepared_folder_whose_description_is_broken_is_one_line(tmp_path, name):
    folder = tmp_path / "photos" / "1.0.0"
    folder.mkdir(parents=True)
    (folder / "features.json").write_text("[" * 100_000)
    with pytest.raises(UsageError, match="features.json cannot be read: RecursionError"):
        data.tfds(name=name, data_dir=str(tmp_path))
