import logging
import os
import shutil

import jax
import numpy as np
import pytest
import sources
from PIL import Image

from gan_jax import build, data
from gan_jax.errors import UsageError
from gan_jax.sampling import loading, samples
from gan_jax.training import train


@pytest.fixture(scope="module")
def workdir(tiny, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("run"))
    train.run(tiny(), folder)
    return folder


def _images(path):
    return np.load(path)["images"]


def test_writes_images_and_their_grid(workdir):
    path = samples.run(workdir, num_images=5)
    images = _images(path)
    assert images.shape == (5, 8, 8, 1) and images.dtype == np.uint8
    grid = np.asarray(Image.open(path.replace(".npz", ".png")))
    # Pixels are eight wide and high, so that a tile has 64; lines have 2.
    assert grid.shape == (2 * 66 + 2, 3 * 66 + 2)
    np.testing.assert_array_equal(grid[68:132:8, 68:132:8], images[4, ..., 0])


def test_seed_decides_and_more_images_begin_with_the_same(workdir):
    few, many = _images(samples.run(workdir, num_images=3)), _images(samples.run(workdir, num_images=130))
    np.testing.assert_array_equal(many[:3], few)
    assert many.shape[0] == 130 and not np.array_equal(many[:64], many[64:128])
    assert not np.array_equal(_images(samples.run(workdir, num_images=3, sample_seed=1)), few)


def test_no_seed_gives_the_training_grid_again(workdir):
    """The grid of the last step shows other latents than samples of any small seed."""
    grid = np.asarray(Image.open(f"{workdir}/grids/step_0000010.png"))
    for seed in range(4):
        path = samples.run(workdir, num_images=4, sample_seed=seed)
        assert not np.array_equal(np.asarray(Image.open(path.replace(".npz", ".png"))), grid)


def test_checkpoint_and_parameters_can_be_chosen(workdir):
    last, five, live = (
        _images(samples.run(workdir, **options)) for options in ({}, dict(step=5), dict(averaged=False))
    )
    assert not np.array_equal(last, five) and not np.array_equal(last, live)


def test_needs_nothing_but_the_workdir(workdir, tmp_path):
    shutil.copytree(
        workdir, tmp_path / "moved", ignore=shutil.ignore_patterns("grids", "samples", "events*", "*.png")
    )
    np.testing.assert_array_equal(
        _images(samples.run(str(tmp_path / "moved"))), _images(samples.run(workdir))
    )


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(step=7), "step 7 has no checkpoint in .*; these exist: 5, 10"),
        (dict(num_images=0), "num_images=0: expected at least 1"),
        (dict(labels=(1,)), "labels=1: the networks of .* are not conditioned on labels"),
    ],
)
def test_mistakes(workdir, options, message):
    with pytest.raises(UsageError, match=message):
        samples.run(workdir, **options)


def test_empty_workdir(tmp_path):
    with pytest.raises(UsageError, match="holds no checkpoint of a run"):
        samples.run(str(tmp_path))


@pytest.fixture
def cats(tiny, monkeypatch):
    """An untrained model of three named classes, in place of every run."""
    game = dict(name="gan", latents=dict(name="normal", size=4), condition_on=("label",))
    recipe = tiny(game=game)
    modality = sources.of_arrays(np.zeros((1, 8, 8, 1), np.uint8), [0]).modality
    modality = modality._replace(
        facts={**modality.facts, "class_names": ("cat", "dog", "10", "1"), "classes": 4}
    )
    train_spec = build.train_spec(recipe, modality)
    state = jax.jit(build.start(train_spec, modality, recipe.batch_size))(jax.random.key(0))

    def load(workdir, step=None, trust=False):
        return loading.LoadedModel(workdir, recipe, modality, train_spec, 7, state)

    monkeypatch.setattr(loading, "load", load)
    return load


def test_classes_by_name_and_by_number(cats, tmp_path):
    def labels(*asked):
        return np.load(samples.run(str(tmp_path), num_images=5, labels=asked))["label"].tolist()

    assert labels("cat", "dog") == labels(0, 1) == labels("0", "dog") == [0, 1, 0, 1, 0]
    # What is a name is no number: the class called 1 is the last one, and the one called 10 exists.
    assert labels("1", "10", "2") == [3, 2, 2, 3, 2] and labels(1) == [1] * 5


def test_unknown_classes_are_told_what_exists(cats, tmp_path):
    for asked, message in [
        (("cta",), "labels: unknown name 'cta'; did you mean cat.; these exist: 1, 10, cat, dog"),
        (("cat", "4"), "labels=cat,4: expected 0 to 3, or names: cat, dog, 10, 1"),
        ((-1,), "labels=-1: expected 0 to 3"),
    ]:
        with pytest.raises(UsageError, match=message):
            samples.run(str(tmp_path), labels=asked)
    assert not os.path.exists(tmp_path / "samples")


def test_the_log_and_the_file_tell_the_names_of_classes(cats, tmp_path, caplog):
    with caplog.at_level(logging.INFO, "gan_jax"):
        path = samples.run(str(tmp_path), num_images=6)
    assert "classes of samples, from 0 on: 0 to 2: cat, 3 to 5: dog" in caplog.messages
    assert np.load(path)["class_names"].tolist() == ["cat", "dog", "10", "1"]


def test_other_requests_are_other_files_and_the_same_one_is_the_same(cats, tmp_path, caplog):
    asked = [
        dict(), dict(num_images=5), dict(sample_seed=1), dict(averaged=False), dict(labels=("cat",)),
        dict(labels=("cat", "dog")), dict(labels=("1",)), dict(labels=("10",)),
        dict(labels=("cat", "dog", "10", "1") * 9), dict(labels=("cat", "dog", "1", "10") * 9),
    ]  # fmt: skip
    paths = [samples.run(str(tmp_path), **{"num_images": 4, **options}) for options in asked]
    assert len(set(paths)) == len(asked)
    assert os.path.basename(paths[5]) == "step_0000007_seed_0_4_images_averaged_labels_0-cat_1-dog.npz"
    before = open(paths[4], "rb").read()
    assert samples.run(str(tmp_path), num_images=4, labels=("cat",)) == paths[4]
    assert open(paths[4], "rb").read() == before and "replaced" not in caplog.text
    np.savez(paths[4], images=np.zeros(3))
    samples.run(str(tmp_path), num_images=4, labels=("cat",))
    assert f"{paths[4]} existed with other contents and was replaced" in caplog.messages


def test_a_file_for_each_sample_in_a_folder_for_each_class(cats, tmp_path):
    path = samples.run(str(tmp_path), num_images=12, labels=("cat", "1"), form="files")
    stem, images = path.removesuffix(".npz"), _images(path)
    assert sorted(os.listdir(stem)) == ["0-cat", "3-1"] and not os.path.exists(f"{stem}.png")
    for number in range(12):
        folder = ("0-cat", "3-1")[number % 2]
        stored = np.asarray(Image.open(os.path.join(stem, folder, f"{number:02}.png")))
        np.testing.assert_array_equal(stored, images[number, ..., 0])
    # It is a data set with these classes.
    found = data.folder(path=stem, heldout=0.0)
    assert found.classes == ("0-cat", "3-1") and found.size == 12
    only = samples.run(str(tmp_path), num_images=2, form="npz")
    assert not os.path.exists(only.replace(".npz", ".png"))


def test_files_of_other_modalities_are_what_save_makes_of_one_row(cats, tmp_path, monkeypatch):
    model, saved = cats("nowhere"), []
    text = model.modality._replace(save=lambda stem, rows: saved.append((stem, len(rows))), save_one=None)
    monkeypatch.setattr(loading, "load", lambda *given, **options: model._replace(modality=text))
    path = samples.run(str(tmp_path), num_images=2, labels=("dog",), form="files")
    stem = path.removesuffix(".npz")
    assert saved == [(f"{stem}/1-dog/0", 1), (f"{stem}/1-dog/1", 1)]


def test_a_folder_in_the_way_is_found_before_the_work(cats, tmp_path, monkeypatch):
    monkeypatch.setattr(samples, "draw", lambda *given: pytest.fail("samples are not drawn"))
    (tmp_path / "samples" / "step_0000007_seed_0_64_images_averaged.npz").mkdir(parents=True)
    with pytest.raises(UsageError, match="cannot be written: it is the name of a folder"):
        samples.run(str(tmp_path))


def test_a_generators_own_numbers_are_not_those_of_its_latents(cats):
    """A generator that draws normal numbers from its key gets others than the latents of the same chunk."""
    model = cats("nowhere")
    seen = []

    def sample(params, carry, latents, batch, key):
        seen.append((latents, jax.random.normal(key, latents.shape)))
        return jax.numpy.zeros((len(latents), 8, 8, 1))

    game = model.game._replace(sample=sample)
    with jax.disable_jit():
        samples.sampler(game, model.modality)(
            model.state, jax.random.key(0), np.arange(3), lambda rows: {"label": rows % 3}
        )
    ((latents, own),) = seen
    assert not np.allclose(latents, own)
