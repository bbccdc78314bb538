"""Walks between latents: their ends, their middle, and the files."""

import jax
import numpy as np
import pytest
import sources
from PIL import Image

from gan_jax import build, images
from gan_jax.errors import UsageError
from gan_jax.sampling import interpolate, loading
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


def test_ends_and_middle_of_walks_on_great_circles(workdir):
    model = loading.load(workdir)
    made = interpolate.walks(model, 3, seed=4)
    assert made.shape == (3, interpolate.STEPS + 1, 8, 8, 1) and made.dtype == np.uint8
    latents = np.float64(model.train_spec.game.draw(jax.random.key(4), 3))
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
    made = interpolate.walks(model, 2, seed=0)
    latents = np.float64(model.train_spec.game.draw(jax.random.key(0), 2))
    middle = _images(model, np.tile(latents.mean(0), (2, 1)))
    assert np.abs(made[:, interpolate.STEPS // 2] - np.int32(middle)).max() <= 1


def test_files(workdir):
    path = interpolate.run(workdir, num_images=3, sample_seed=4)
    made = interpolate.walks(loading.load(workdir), 3, seed=4)
    grid = np.asarray(Image.open(path))
    # Three rows of every second image of seventeen.
    assert grid.shape == (3 * 10 + 2, 9 * 10 + 2)
    np.testing.assert_array_equal(grid[12:20, 22:30], made[1, 4, ..., 0])
    film = Image.open(path.replace(".png", ".webp"))
    assert film.n_frames == 2 * interpolate.STEPS and film.info["loop"] == 0
    for frame, place in ((0, 0), (16, 16), (17, 15), (31, 1)):
        film.seek(frame)
        shown = np.asarray(film.convert("RGB"))
        np.testing.assert_array_equal(shown[2:10, 2:10, 1], made[0, place, ..., 0])


def test_a_class_a_row(tiny):
    model = _untrained(
        tiny(game=dict(name="gan", latents=dict(name="normal", size=4), condition_on=("label",)))
    )
    made = interpolate.walks(model, 12, seed=0)
    latents = model.train_spec.game.draw(jax.random.key(0), 12)
    expected = _images(model, latents, np.arange(12) % 10)
    assert np.abs(made[:, 0] - np.int32(expected)).max() <= 1


def test_mistakes(workdir, tmp_path):
    with pytest.raises(UsageError, match="num_images=1: expected at least 2 latents"):
        interpolate.run(workdir, num_images=1)
    with pytest.raises(UsageError, match="holds no checkpoint of a run"):
        interpolate.run(str(tmp_path))
