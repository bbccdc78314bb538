"""Walks between latents: their ends, their middle, and the files."""

import os

import jax
import numpy as np
import pytest
import sources
from PIL import Image

from gan_jax import build, images
from gan_jax.errors import UsageError
from gan_jax.sampling import interpolate, loading, samples
from gan_jax.training import train


@pytest.fixture(scope="module")
def workdir(tiny, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("run"))
    train.run(tiny(), folder)
    return folder


def _untrained(recipe):
    """A model as it starts."""
    modality = sources.modality(classes=10)
    train_spec = build.train_spec(recipe, modality)
    state = jax.jit(build.start(train_spec, modality, recipe.batch_size))(jax.random.key(0))
    return loading.LoadedModel("", recipe, modality, train_spec, 0, state)


def _images(model, latents, labels=None):
    params = {**model.state.params, **model.state.average}
    batch = {} if labels is None else {"label": np.asarray(labels)}
    made = model.train_spec.game.sample(
        params, model.state.carry, np.float32(latents), batch, jax.random.key(0)
    )
    return np.asarray(images.to_uint8(made))


def _walks(model, count, seed, labels=()):
    conditions = samples.conditions_of(model, count, labels)
    return interpolate.walks(model, np.arange(count), np.roll(np.arange(count), -1), seed, conditions)


def _latents(model, seed, rows):
    """Chunks of 64 have keys of their own."""
    draw = model.train_spec.game.draw
    chunks = {row // 64: draw(jax.random.fold_in(jax.random.key(seed), row // 64), 64) for row in rows}
    return np.stack([np.float64(chunks[row // 64][row % 64]) for row in rows])


def test_ends_and_middle_of_walks_on_great_circles(workdir):
    model = loading.load(workdir)
    made = _walks(model, 3, seed=4)
    assert made.shape == (3, interpolate.STEPS + 1, 8, 8, 1) and made.dtype == np.uint8
    latents = _latents(model, 4, range(3))
    following = latents[[1, 2, 0]]
    for place, expected in ((0, latents), (-1, following)):
        assert np.abs(made[:, place] - np.int32(_images(model, expected))).max() <= 1
    # Half of the way on a circle: the sum over twice the cosine of half the angle.
    lengths = np.linalg.norm(latents, axis=1) * np.linalg.norm(following, axis=1)
    angle = np.arccos((latents * following).sum(1) / lengths)
    middle = (latents + following) / (2 * np.cos(angle / 2))[:, None]
    found = made[:, interpolate.STEPS // 2]
    assert np.abs(found - np.int32(_images(model, middle))).max() <= 1
    assert np.abs(found - np.int32(_images(model, (latents + following) / 2))).max() > 1


def test_other_latents_go_straight(tiny):
    model = _untrained(tiny(game=dict(name="gan", latents=dict(name="uniform", size=4))))
    made = _walks(model, 2, seed=0)
    middle = _images(model, np.tile(_latents(model, 0, range(2)).mean(0), (2, 1)))
    assert np.abs(made[:, interpolate.STEPS // 2] - np.int32(middle)).max() <= 1


def test_ends_are_the_samples_of_the_seed_pixel_for_pixel(workdir):
    seen = np.load(samples.run(workdir, num_images=130, sample_seed=4))["images"]
    model = loading.load(workdir)
    conditions = samples.conditions_of(model, 130)
    made = interpolate.walks(model, np.array([12, 129]), np.array([40, 70]), 4, conditions)
    np.testing.assert_array_equal(made[:, 0], seen[[12, 129]])
    np.testing.assert_array_equal(made[:, -1], seen[[40, 70]])
    np.testing.assert_array_equal(_walks(model, 5, seed=4)[:, 0], seen[:5])


def test_files(workdir):
    path = interpolate.run(workdir, num_images=3, sample_seed=4)
    assert os.path.basename(path) == "walk_0000010_seed_4_3_images_averaged.png"
    made = _walks(loading.load(workdir), 3, seed=4)
    grid = np.asarray(Image.open(path))
    # Three rows of every second image of seventeen; pixels are eight wide and high, so that a tile has 64.
    assert grid.shape == (3 * 66 + 2, 9 * 66 + 2)
    np.testing.assert_array_equal(grid[68:132:8, 134:198:8], made[1, 4, ..., 0])
    film = Image.open(path.replace(".png", ".webp"))
    assert film.n_frames == 2 * interpolate.STEPS and film.info["loop"] == 0
    for frame, place in ((0, 0), (16, 16), (17, 15), (31, 1)):
        film.seek(frame)
        shown = np.asarray(film.convert("RGB"))
        np.testing.assert_array_equal(shown[2:66:8, 2:66:8, 1], made[0, place, ..., 0])


def test_one_walk_between_two_samples(workdir):
    seen = np.load(samples.run(workdir, sample_seed=4))["images"]
    path = interpolate.run(workdir, first=12, last=40, sample_seed=4)
    assert os.path.basename(path) == "walk_0000010_seed_4_12_to_40_of_64_images_averaged.png"
    grid = np.asarray(Image.open(path))
    assert grid.shape == (66 + 2, 9 * 66 + 2)
    np.testing.assert_array_equal(grid[2:66:8, 2:66:8], seen[12, ..., 0])
    np.testing.assert_array_equal(grid[2:66:8, -66:-2:8], seen[40, ..., 0])


def test_classes_are_those_of_the_samples_and_change_halfway(tiny):
    model = _untrained(
        tiny(game=dict(name="gan", latents=dict(name="normal", size=4), condition_on=("label",)))
    )
    latents = _latents(model, 0, range(12))
    # Twelve samples are a grid of four columns.
    for asked, labels in (((), np.arange(12) // 4), (("7", 3), np.resize([7, 3], 12))):
        made = _walks(model, 12, seed=0, labels=asked)
        following = np.roll(labels, -1)
        assert np.abs(made[:, 0] - np.int32(_images(model, latents, labels))).max() <= 1
        assert np.abs(made[:, -1] - np.int32(_images(model, np.roll(latents, -1, 0), following))).max() <= 1
        beside = _beside_the_middle(latents)
        for place, of_place in ((7, labels), (9, following)):
            expected = _images(model, beside[place], of_place)
            assert np.abs(made[:, place] - np.int32(expected)).max() <= 1


def _beside_the_middle(latents):
    """Great circles at 7 and 9 of 16 steps, by the textbook's formula."""
    following = np.roll(latents, -1, axis=0)
    lengths = np.linalg.norm(latents, axis=1) * np.linalg.norm(following, axis=1)
    angle = np.arccos((latents * following).sum(1) / lengths)[:, None]
    return {
        place: (np.sin((1 - place / 16) * angle) * latents + np.sin(place / 16 * angle) * following)
        / np.sin(angle)
        for place in (7, 9)
    }


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(num_images=1), "num_images=1: expected at least 2 latents"),
        (dict(first=3), "--to is missing: --from and --to are the numbers of two samples"),
        (dict(last=3), "--from is missing"),
        (dict(first=3, last=64), "to=64: expected 0 to 63, the number of one of num_images=64 samples"),
        (dict(first=-1, last=4), "from=-1: expected 0 to 63"),
        (dict(first=4, last=4), "from=4 and to=4: expected two samples"),
        (
            dict(first=4, last=5, labels=("cat",)),
            "labels=cat: the networks of .* are not conditioned on labels",
        ),
    ],
)
def test_mistakes(workdir, options, message):
    with pytest.raises(UsageError, match=message):
        interpolate.run(workdir, **options)


def test_no_run(tmp_path):
    with pytest.raises(UsageError, match="holds no checkpoint of a run"):
        interpolate.run(str(tmp_path))
