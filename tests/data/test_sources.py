import importlib
import io
import json
import os
import sys
import types

import numpy as np
import pytest
import sources
import tensorflow_datasets
from PIL import Image

from gan_jax import build, data
from gan_jax.data import source as source_lib
from gan_jax.data.source import of_arrays, per_class
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


def test_a_set_of_two_domains_in_tfds(monkeypatch, tmp_path):
    monkeypatch.setattr(MODULE, "_prepared", _Mocked)
    with tensorflow_datasets.testing.mock_data(num_examples=4):
        source = data.unpaired(path="cycle_gan/horse2zebra", resolution=8, data_dir=str(tmp_path))
        assert [part.name.split()[-1] for part in source.parts] == ["trainB", "trainA"]
        read = source.heldout().read(np.arange(2))
        swapped = data.unpaired(path="cycle_gan/horse2zebra", resolution=8, swap=True, data_dir=str(tmp_path))
    assert read["real"].shape == read["source"].shape == (2, 8, 8, 3) and "label" not in read
    assert [part.name.split()[-1] for part in swapped.parts] == ["trainA", "trainB"]


@pytest.mark.parametrize(
    "name, message",
    [
        (
            "mnits",
            "data.name: unknown name 'mnits'; did you mean .*mnist.*; these exist: digits, folder, archive, "
            "paired, unpaired, photographs, printed_digits, digits_to_printed, stacked_digits, stacked_mnist, ring, "
            "grid, swiss_roll, and .* TFDS names",
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
    with pytest.raises(Fault, match=r"^mnist/3.0.1 train cannot be read: RuntimeError"):
        data.tfds(name="mnist", data_dir=str(tmp_path))  # Some labels are read at once.
    source = data.tfds(name="mnist", data_dir=str(tmp_path), classes=False)
    assert source.read(np.arange(2))["real"].shape == (2, 28, 28, 1)
    with pytest.raises(Fault, match=r"^image 2 of mnist/3.0.1 train cannot be read: \w+: "):
        source.read(np.arange(3))
    with pytest.raises(Fault, match=r"^mnist/3.0.1 train cannot be read: RuntimeError: Corr.* at byte 7$"):
        source.read(np.array([3]))


def test_floats_of_tfds_are_refused():
    kind = tensorflow_datasets.features.Image
    for dtype, shape in ((np.float32, (4, 4, 1)), (np.uint16, (4, 4, 1)), (np.uint8, (4, 4, 3))):
        features = {"image": kind(shape=shape, dtype=dtype)}
        builder = types.SimpleNamespace(name="depths", info=types.SimpleNamespace(features=features))
        if dtype == np.float32:
            with pytest.raises(
                UsageError, match="'depths': expected images of 8 or 16 bits a channel, got float32"
            ):
                MODULE._image_key(builder)
        else:
            assert MODULE._image_key(builder) == "image"


def _with_labels(given):
    """A builder of as many grey images as labels; the number of a row is its brightness."""

    class Builder(_Mocked):
        def as_data_source(self, split, decoders):
            rows = [
                {"image": np.full((28, 28, 1), row, np.uint8), "label": each}
                for row, each in enumerate(given)
            ]
            kind = {"__len__": lambda _: len(rows), "__getitems__": lambda _, at: [rows[row] for row in at]}
            return type("Rows", (), kind)()

    return Builder


def test_rows_without_a_label_are_left_out(monkeypatch, tmp_path, caplog):
    monkeypatch.setattr(MODULE, "_prepared", _with_labels([3, -1, 5, -1, -1, 9]))
    source = data.tfds(name="mnist", data_dir=str(tmp_path))
    assert source.size == 3 and len(source.classes) == 10
    rows = source.read(np.arange(3))
    np.testing.assert_array_equal(rows["label"], [3, 5, 9])
    np.testing.assert_array_equal(rows["real"][:, 0, 0, 0], [0, 2, 5])
    assert [each.levelname for each in caplog.records] == ["WARNING"]
    assert "left out 3 of 6 rows, which have no label (-1); data.classes=False keeps all" in caplog.text
    everything = data.tfds(name="mnist", data_dir=str(tmp_path), classes=False)
    assert everything.size == 6 and everything.classes == () and "label" not in everything.read(np.arange(6))


def test_a_set_without_any_label_has_no_classes(monkeypatch, tmp_path, caplog):
    monkeypatch.setattr(MODULE, "_prepared", _with_labels([-1] * 4))
    with caplog.at_level("INFO", "gan_jax"):
        source = data.tfds(name="mnist", data_dir=str(tmp_path))
    assert source.size == 4 and source.classes == () and list(source.read(np.arange(4))) == ["real"]
    assert "its rows have no labels (-1), so it has no classes" in caplog.text


def test_labels_are_looked_for_in_few_rows(monkeypatch, tmp_path):
    """A set of labelled rows is not read whole at the start."""
    asked = []
    source = sources.noise(10_000, side=2, classes=3)
    assert source_lib.labelled(source, lambda rows: asked.extend(rows) or np.zeros(len(rows), int)) is source
    assert len(asked) == 256 and (asked[0], asked[-1]) == (0, 9_999)


@pytest.mark.parametrize("wrong", [-1, 3])
def test_a_label_that_is_no_class_is_an_error_when_it_is_read(wrong):
    """Indexing with -1 would give the last class, and so would 3, since JAX keeps indices inside."""
    images = np.zeros((5, 8, 8, 1), np.uint8)
    inner = of_arrays("inner", images, [0, 1, 2, 1, wrong], "abc")
    source = source_lib.checked(
        of_arrays("outer", images, [0, 1, 2, 1, 0], "abc")._replace(heldout=lambda: inner)
    )
    assert source.read(np.arange(5))["label"].tolist() == [0, 1, 2, 1, 0]
    held = source.heldout()
    assert held.read(np.arange(4))["label"].tolist() == [0, 1, 2, 1]
    with pytest.raises(
        UsageError, match=f"inner: row 4 has the label {wrong}, expected 0 to 2; give labelled"
    ):
        held.read(np.array([2, 4]))


def test_every_recipe_reads_checked_labels(tiny, monkeypatch):
    broken = of_arrays("broken", np.zeros((4, 8, 8, 1), np.uint8), [0, 1, 0, -1], "ab")
    monkeypatch.setattr(data, "digits", lambda *, resolution=0: broken)
    with pytest.raises(UsageError, match="broken: row 3 has the label -1"):
        build.source(tiny()).read(np.arange(4))


def test_a_set_in_another_format_is_refused_with_the_command_that_converts_it(tmp_path):
    folder = tmp_path / "a b" / "mnist" / "3.0.1"
    folder.mkdir(parents=True)
    split = {"name": "train", "numBytes": "1", "shardLengths": ["1"],
             "filepathTemplate": "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"}  # fmt: skip
    info = {"name": "mnist", "version": "3.0.1", "fileFormat": "tfrecord", "splits": [split]}
    (folder / "dataset_info.json").write_text(json.dumps(info))
    with pytest.raises(UsageError) as error:
        data.tfds(name="mnist", data_dir=str(tmp_path / "a b"))
    assert str(error.value) == (
        f"data set 'mnist' is prepared as tfrecord in {folder}, whose rows cannot be read by number; expected "
        "array_record or parquet; this converts it, where tensorflow and apache-beam are installed: python -m "
        "tensorflow_datasets.scripts.convert_format --out_file_format=array_record "
        f"--dataset_version_dir='{folder}'"
    )
    # What the command leaves: the new files beside the old ones, and a note.
    features = {
        "image": {
            "pythonClassName": "tensorflow_datasets.core.features.image_feature.Image",
            "image": {"shape": {"dimensions": ["28", "28", "1"]}, "dtype": "uint8", "encodingFormat": "png"},
        }
    }
    kind = "tensorflow_datasets.core.features.features_dict.FeaturesDict"
    (folder / "features.json").write_text(
        json.dumps({"pythonClassName": kind, "featuresDict": {"features": features}})
    )
    (folder / "dataset_info.json").write_text(
        json.dumps({**info, "alternativeFileFormats": ["array_record"]})
    )
    builder = MODULE._prepared("mnist", str(tmp_path / "a b"))
    assert "array_record" in [each.value for each in builder.info.available_file_formats()]


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
