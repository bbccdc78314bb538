"""Codes of a run's data, what its grid shows, and the scatter plot."""

import dataclasses
import os

import jax
import numpy as np
import pytest
import sources
from PIL import Image

from gan_jax import build, data, images, latents
from gan_jax.checkpoints import checkpoint
from gan_jax.data import fingerprint
from gan_jax.errors import UsageError
from gan_jax.sampling import encode, loading, real_rows, samples
from gan_jax.training import train

pytestmark = pytest.mark.usefixtures("without_curves")


def _recipe(tiny, **changes):
    swapped = dict(non_saturating_discriminator=dict(wrap=dict(swapped={})))
    optimizer = dict(adam=dict(learning_rate=1e-3))
    fields = dict(
        game=dict(name="bigan", latents=dict(name="normal", size=3)),
        nets=dict(
            generator=dict(name="mlp.Generator", widths=(16,)),
            encoder=dict(name="encoders.DenseEncoder", size=3, widths=(16,)),
            discriminator=dict(name="discriminators.DensePairDiscriminator", widths=(16,)),
        ),
        losses=dict(discriminator=dict(non_saturating_discriminator=1.0), generator=swapped, encoder=swapped),
        optimizers=dict(discriminator=optimizer, generator=optimizer, encoder=optimizer),
        updates=dict(discriminator=1, generator=1, encoder=1),
        average=dict(generator=dict(half_life=100.0), encoder=dict(half_life=100.0)),
    )
    return tiny(**{**fields, **changes})


@pytest.fixture(scope="module")
def workdir(tiny, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("run"))
    train.run(_recipe(tiny), folder)
    return folder


def _by_hand(workdir, shown, averaged=True):
    """The encoder's one hidden layer, in NumPy."""
    state = loading.load(workdir).state
    params = jax.tree.map(np.float64, (state.average if averaged else state.params)["encoder"])
    hidden, last = params["_Layers_0"]["Dense_0"], params["Dense_0"]
    x = (shown / 127.5 - 1).reshape(len(shown), -1) @ hidden["kernel"] + hidden["bias"]
    return np.where(x > 0, x, 0.2 * x) @ last["kernel"] + last["bias"]


def test_codes_of_the_held_out_images(workdir):
    path = encode.run(workdir)
    stored, heldout = np.load(path), data.digits(split="test", resolution=8)
    given = heldout.read(np.arange(heldout.size))
    # More images than one call, and not a multiple of it.
    assert heldout.size > encode.CHUNK and heldout.size % encode.CHUNK
    assert stored["codes"].shape == (heldout.size, 3) and stored["codes"].dtype == np.float32
    np.testing.assert_array_equal(stored["label"], given["label"])
    np.testing.assert_allclose(stored["codes"], _by_hand(workdir, given["real"]), atol=1e-4)
    assert np.asarray(Image.open(path.replace(".npz", ".png"))).shape == (600, 700, 4)


def test_another_split_and_live_parameters(workdir):
    path = encode.run(workdir, split="train", averaged=False)
    given = data.digits(resolution=8).read(np.arange(1297))
    codes = np.load(path)["codes"]
    np.testing.assert_allclose(codes, _by_hand(workdir, given["real"], averaged=False), atol=1e-4)
    assert not np.allclose(codes, _by_hand(workdir, given["real"]), atol=1e-4)
    assert os.path.basename(path) == "step_0000010_train_live.npz"


def test_the_training_grid_shows_held_out_originals_above_reconstructions(workdir):
    heldout = data.digits(split="test", resolution=8).read(np.arange(4))["real"]
    grid = np.asarray(Image.open(os.path.join(workdir, "grids", "step_0000010.png")))
    # Four images: a row of two originals, and the row of their reconstructions.
    first, second = slice(2, 66, 8), slice(68, 132, 8)  # Pixels are eight wide and high.
    np.testing.assert_array_equal(grid[first, first], heldout[0, ..., 0])
    np.testing.assert_array_equal(grid[first, second], heldout[1, ..., 0])
    state, game = loading.load(workdir).state, loading.load(workdir).train_spec.game
    codes = np.float32(_by_hand(workdir, heldout[:2]))
    made = game.sample(state.average, state.carry, codes, {}, jax.random.key(0))
    expected = np.asarray(images.to_uint8(made))[..., 0]
    below = np.stack([grid[second, first], grid[second, second]])
    assert np.abs(np.int32(below) - expected).max() <= 1


def test_samples_of_a_game_with_an_encoder_are_samples(workdir):
    few = np.load(samples.run(workdir, num_images=2))["images"]
    assert few.shape == (2, 8, 8, 1)


def test_a_grid_of_codes_varies_one_a_row(tiny):
    recipe = tiny(
        game=dict(name="gan", latents=dict(name="codes", noise=2, discrete=(3,), continuous=1)),
        grid_size=9,
    )
    modality = sources.modality(classes=10)
    train_spec = build.train_spec(recipe, modality)
    state = jax.jit(build.start(train_spec, modality, 8))(jax.random.key(0))
    key = jax.random.key(1)
    real = samples.first_of(lambda: data.digits(resolution=8))
    picture = samples.previewer(train_spec.game, modality, None, real)(state, key, 9)
    drawn = latents.codes_grid(key, 9, noise=2, discrete=(3,), continuous=1)
    made = train_spec.game.sample(state.average, state.carry, drawn, {}, key)
    # Three rows of three images of 8 pixels, each eight wide and high, with lines of 2 pixels between them.
    tiles = [(row, column) for row in (2, 68, 134) for column in (2, 68, 134)]
    shown = np.stack([picture[row : row + 64 : 8, column : column + 64 : 8] for row, column in tiles])
    assert picture.shape == (200, 200, 1) and np.abs(shown - np.int32(images.to_uint8(made))).max() <= 1
    # The third row varies the discrete code as the first one does, but on other noise.
    assert (shown[:3] != shown[6:]).any() and (shown[0] != shown[1]).any()


def test_planar_is_the_projection_on_the_first_two_components():
    random = np.random.default_rng(0)
    rotation = np.linalg.qr(random.normal(size=(5, 5)))[0]
    drawn = random.normal(size=(50, 5))
    # Uncorrelated, lengths 2, 4, 1, 1, 1 along rotated axes, away from the origin: squares 4, 16, 3 of 23.
    plain = np.linalg.qr(drawn - drawn.mean(0))[0] * [2, 4, 1, 1, 1]
    points, names = encode.planar(plain @ rotation + 7.0)
    expected = plain[:, [1, 0]]
    signs = np.sign((points * expected).sum(0))
    np.testing.assert_allclose(points * signs, expected, atol=1e-9)
    assert names[0] == "first principal component, 70% of the variance"
    assert names[1] == "second principal component, 17% of the variance"


@pytest.mark.parametrize("size, second", [(1, ""), (2, "second latent")])
def test_codes_of_one_or_two_dimensions_are_drawn_as_they_are(size, second):
    codes = np.arange(6.0).reshape(-1, size)
    points, names = encode.planar(codes)
    np.testing.assert_array_equal(points[:, :size], codes)
    assert points.shape[1] == 2 and names == ("first latent", second)


def test_equal_codes_have_no_components_but_can_be_drawn(tmp_path):
    points, _ = encode.planar(np.ones((4, 3)))
    np.testing.assert_array_equal(points, np.zeros((4, 2)))
    encode.scatter(str(tmp_path / "one.png"), np.ones((4, 3)), None, ())
    assert (tmp_path / "one.png").exists()


def test_data_that_changed_since_the_training_is_said(workdir, tmp_path, caplog):
    model = loading.load(workdir)._replace(workdir=str(tmp_path))
    source = build.source(model.recipe)
    checkpoint.write_recipe(str(tmp_path), model.recipe, fingerprint.describe(source))
    assert real_rows.of(model).size == source.size and "changed" not in caplog.text
    checkpoint.write_recipe(str(tmp_path), model.recipe, fingerprint.describe(source._replace(size=7)))
    assert real_rows.of(model).size == source.size
    assert "the data has changed since the training (rows: 7 -> 1297)" in caplog.text


def test_a_split_that_is_asked_for_is_whole(workdir):
    model = loading.load(workdir)
    model = model._replace(
        recipe=dataclasses.replace(model.recipe, data={**model.recipe.data, "per_class": 2})
    )
    for split, size, name in (("train", 1297, "train"), (None, 500, "heldout")):
        source, which = encode._source(model, split, None)
        assert (source.size, which) == (size, name)


def test_rows_that_were_trained_on_are_called_so(workdir):
    """Of a split without held-out rows."""
    model = loading.load(workdir)
    model = model._replace(
        recipe=dataclasses.replace(model.recipe, data={**model.recipe.data, "split": "all"})
    )
    source, which = encode._source(model, None, None)
    assert (source.size, which) == (1797, "trained_on")


def test_mistakes(workdir, tmp_path):
    with pytest.raises(UsageError, match="data.split: unknown name 'tset'; did you mean test"):
        encode.run(workdir, split="tset")
    with pytest.raises(UsageError, match="holds no checkpoint of a run"):
        encode.run(str(tmp_path))
