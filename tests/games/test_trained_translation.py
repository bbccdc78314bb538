"""A run of translation, with perceptual losses, from training to samples of its workdir."""

import os
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import build, data
from gan_jax.data.source import Source
from gan_jax.errors import UsageError
from gan_jax.features import perceptual
from gan_jax.features.types import Maps
from gan_jax.sampling import loading
from gan_jax.sampling.samples import sampler
from gan_jax.step import TrainState
from gan_jax.training import initial, report, train

sys.path.append(os.path.join(os.path.dirname(__file__), "..", "features"))
import torch_writer  # noqa: E402
from test_vgg import _weights  # noqa: E402


def small_digits(*, size: int = 32, labelled: bool = True):
    """Digits of 16 pixels, and as `source` every second pixel of them."""
    digits = data.digits(resolution=16)

    def read(rows):
        chosen = digits.read(np.asarray(rows) % size)
        own = {"real": chosen["real"], "source": chosen["real"][:, ::2, ::2]}
        return {**own, "label": chosen["label"]} if labelled else own

    spec = {"real": digits.spec["real"], "source": jax.ShapeDtypeStruct((8, 8, 1), np.uint8)}
    spec |= {"label": digits.spec["label"]} if labelled else {}
    facts = {"modality": "images", "class_names": digits.classes if labelled else ()}
    return Source("small digits", size, spec, facts, read)


def _recipe(tiny, features, **changes):
    adam = dict(adam=dict(learning_rate=1e-3))
    return tiny(
        **{
            **dict(
                data=dict(name=f"{__name__}.small_digits", labelled=False),
                game=dict(name="translation", conditional=False, residual=True, features=features),
                nets=dict(
                    generator=dict(name="super_resolution.SRResNet", scale=2, width=4, blocks=1),
                    discriminator=dict(name="patch_gan.Discriminator", width=2, halvings=1),
                ),
                losses=dict(
                    discriminator=dict(non_saturating_discriminator=1.0),
                    generator=dict(non_saturating_generator=1e-3, l1=1.0, perceptual=dict(distance="l1")),
                ),
                optimizers=dict(discriminator=adam, generator=adam),
                steps=2, checkpoint_every=2, grid_every=2, log_every=1, eval_every=0,
            ),
            **changes,
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def vgg(tmp_path_factory):
    packed = {name: torch_writer.tensor(array) for name, array in _weights(16).items()}
    path = str(torch_writer.WRITERS["zip"](tmp_path_factory.mktemp("vgg") / "vgg.pth", packed))
    return dict(name="vgg", path=path, layers=("conv1_2", "relu2_1"))


@pytest.fixture(scope="module")
def workdir(tiny, vgg, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("translation"))
    train.run(_recipe(tiny, vgg), folder)
    return folder


def test_losses_are_finite_and_the_grid_is_there(workdir):
    *_, record = report.read_metrics(os.path.join(workdir, "metrics.jsonl"))
    losses = [record[f"generator/{name}"] for name in ("l1", "perceptual", "non_saturating_generator")]
    assert np.isfinite(losses).all() and min(losses) > 0
    assert os.path.exists(os.path.join(workdir, "grids", "step_0000002.png"))


def test_a_trained_model_needs_no_file_of_features(vgg, workdir):
    """Its arrays are those of the file, unchanged by training, and come out of the checkpoint."""
    expected = perceptual.vgg(vgg["path"], layers=vgg["layers"]).params
    os.rename(vgg["path"], f"{vgg['path']}.away")
    try:
        model = loading.load(workdir, trust=True)
    finally:
        os.rename(f"{vgg['path']}.away", vgg["path"])
    jax.tree.map(np.testing.assert_array_equal, model.state.carry["generator"]["features"], expected)
    real = small_digits(labelled=False)
    drawn = sampler(model.game, model.modality)(model.state, jax.random.key(0), np.arange(3), real.read)
    assert drawn.shape == (3, 16, 16, 1)


def test_features_that_have_yet_to_be_loaded_fill_the_zeros_of_the_first_state():
    shapes = {"k": jax.ShapeDtypeStruct((2,), np.float32)}
    pending = Maps("it", shapes, lambda p, x: {"a": x}, {}, lambda: ({"k": np.float32([3, 4])}, {}))
    carry = {"generator": {"net": jnp.ones(1), "features": {"k": jnp.zeros(2)}}, "other": jnp.zeros(1)}
    state = TrainState(step=0, params={}, carry=carry, opt={}, average={})
    filled = initial.with_features(state, pending).carry
    np.testing.assert_array_equal(filled["generator"]["features"]["k"], [3, 4])
    assert filled["generator"]["net"] is carry["generator"]["net"] and filled["other"] is carry["other"]
    assert initial.with_features(state, pending.loaded()) is state is initial.with_features(state, None)


def test_the_classifier_of_the_data_is_not_trained_while_mistakes_are_searched_for(tiny):
    features = build.perceptual(_recipe(tiny, dict(name="classifier", layers=("conv1",))), small_digits())
    assert features.load is not None
    shown = jax.ShapeDtypeStruct((2, 16, 16, 1), np.float32)
    assert list(jax.eval_shape(features.maps, features.params, shown)) == ["conv1"]


@pytest.mark.parametrize(
    "features, message",
    [
        (dict(name="classifier"), "small digits has no labels to train a classifier on; give other features"),
        (dict(name="vggg", path="x"), "game.features.name: unknown name 'vggg'; did you mean vgg"),
        (dict(name="vgg"), "game.features needs path"),
        (dict(name="vgg", path="absent.pth"), "absent.pth"),
        ("vgg", "game.features='vgg': expected a dict with a 'name'"),
    ],
)
def test_mistakes_are_one_line(tiny, features, message):
    with pytest.raises(UsageError) as error:
        build.perceptual(_recipe(tiny, features), small_digits(labelled=False))
    assert message in str(error.value).splitlines()[0]


def test_features_of_a_game_that_compares_none(tiny):
    recipe = tiny()
    recipe.game["features"] = dict(name="vgg", path="x")
    with pytest.raises(UsageError, match="game.features: gan compares no features"):
        build.train_spec(recipe, data.digits(resolution=8).modality)
