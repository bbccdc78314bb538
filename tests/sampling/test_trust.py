"""Workdirs of somebody else: opening one runs none of its code unless it is trusted."""

import copy
import functools
import itertools
import json
import operator
import os

import jax
import optax
import pytest

import gan_jax
from gan_jax import augment, build, data, metrics, modalities, names
from gan_jax import recipe as recipe_lib
from gan_jax.errors import UsageError
from gan_jax.sampling import loading

COUNT = itertools.count()


@pytest.fixture
def payload(tmp_path, monkeypatch):
    """A module below the current folder, as in `runs/x/payload.py`, that leaves a file when imported."""
    folder = f"foreign{next(COUNT)}"
    (tmp_path / folder / "run").mkdir(parents=True)
    (tmp_path / folder / "run" / "payload.py").write_text(
        f"open({str(tmp_path / 'ran')!r}, 'w').close()\ndef make(*args, **options): raise RuntimeError\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    return f"{folder}.run.payload.make"


@functools.cache
def _digits():
    digits = data.digits(resolution=8)
    return modalities.to_plain(digits.spec, digits.facts)


def _described(tiny):
    """What `recipe.json` holds of a tiny run."""
    return {"recipe": recipe_lib.to_dict(tiny()), "data": copy.deepcopy(_digits())}


def _written(folder, described):
    """A workdir with this `recipe.json`, and a folder in the place of a checkpoint."""
    os.makedirs(folder / "checkpoints" / "1")
    (folder / "recipe.json").write_text(json.dumps(described))
    return str(folder)


PLACES = {
    "data": ("recipe.data.name", lambda name: name),
    "schedule in the data": ("recipe.data", lambda name: {"name": "ring", "deviation": {name: {}}}),
    "modality": ("data.facts.modality", lambda name: name),
    "network": ("recipe.nets.generator.name", lambda name: name),
    "wrapper": ("recipe.nets.generator.wrap", lambda name: {name: {}}),
    "heads": ("recipe.nets.discriminator.heads", lambda name: {"logits": {}, name: {}}),
    "loss": ("recipe.losses.generator", lambda name: {name: 1.0}),
    "wrapper of a loss": (
        "recipe.losses.generator",
        lambda name: {"non_saturating_generator": {"wrap": {name: {}}}},
    ),
    "schedule of a weight": (
        "recipe.losses.generator",
        lambda name: {"non_saturating_generator": {"weight": {name: {}}}},
    ),
    "optimizer": ("recipe.optimizers.generator", lambda name: {name: {}}),
    "schedule": ("recipe.optimizers.generator", lambda name: {"adam": {"learning_rate": {name: {}}}}),
    "latents": ("recipe.game.latents.name", lambda name: name),
    "augmentation": ("recipe.game.augment", lambda name: {name: {}}),
    "game": ("recipe.game.name", lambda name: name),
    "move": ("recipe.moves", lambda name: {"generator": {"name": name}}),
    "average": ("recipe.average.generator", lambda name: {"half_life": {name: {}}}),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_foreign_name_anywhere_is_listed_and_its_module_is_not_imported(tiny, tmp_path, payload, place):
    path, value = PLACES[place]
    described = _described(tiny)
    *parents, last = path.split(".")
    functools.reduce(operator.getitem, parents, described)[last] = value(payload)
    workdir = _written(tmp_path / "workdir", described)
    with pytest.raises(UsageError) as caught:
        loading.load(workdir)
    assert str(caught.value) == (
        f"{workdir} names code outside of gan_jax, optax, flax.linen and jax.nn: {payload}; to open it runs that "
        "code: if you trust it, add --trust, or in Python trust=True"
    )
    assert not (tmp_path / "ran").exists()


def test_all_foreign_names_are_listed_at_once(tiny, tmp_path, payload):
    described = _described(tiny)
    described["recipe"]["losses"]["generator"] = {payload: 1.0, "my.own_loss": 1.0}
    described["data"]["facts"]["modality"] = "sounds.waves"
    with pytest.raises(UsageError, match=f": {payload}, my.own_loss, sounds.waves; "):
        loading.load(_written(tmp_path / "workdir", described))


def test_evaluations_in_training_are_not_looked_up(tiny, tmp_path, payload):
    described = _described(tiny)
    described["recipe"] |= {"eval_every": 1, "eval_features": payload, "eval_metrics": {payload: {}}}
    with pytest.raises(UsageError, match="checkpoint 1 in .* is damaged"):
        loading.load(_written(tmp_path / "workdir", described))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("load", [loading.load, gan_jax.load])
def test_a_trusted_workdir_runs_its_code(tiny, tmp_path, payload, load):
    described = _described(tiny)
    described["recipe"]["nets"]["generator"]["name"] = payload
    workdir = _written(tmp_path / "workdir", described)
    with pytest.raises(UsageError, match="unknown name 'widths'"):  # The function takes no hyperparameters.
        load(workdir, trust=True)
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "name",
    [
        "os.system", "builtins.exec", "jax.os.system", "optax.jax.os.system", "subprocess.run", "functools.partial",
        # Functions of this package and of its libraries that run files, write files or call functions.
        "gan_jax.recipe.run_config", "gan_jax.runtime.files.write_atomically", "gan_jax.build.find",
        "gan_jax.data.folder.os.system", "flax.io.rmtree", "jax.numpy.save", "jax.experimental.io_callback",
        "jax.pure_callback", "optax.functools.partial", "kaggle:photos", "huggingface:photos/all",
    ],
)  # fmt: skip
def test_no_name_reaches_code_that_is_no_idea(name):
    for places in ((), build.PLACES, (optax,)):
        with names.library_alone(), pytest.raises(names.Foreign):
            names.find(name, places, "x")


def test_names_of_the_library_need_no_trust():
    """By name or by the dotted path that a recipe file's own function gets, in all places."""
    assert {place.__name__ for place in (*build.PLACES, metrics, modalities)} - {
        "gan_jax.losses.modifiers"
    } == set(names.IDEAS)
    for place in (*build.PLACES, metrics, modalities):
        for name in names.offers(place):
            function = names.find(name, (place,), "x")
            with names.library_alone():
                assert names.find(name, (place,), "x") is function
                assert names.find(f"{function.__module__}.{function.__qualname__}", (place,), "x") is function
    with names.library_alone():
        assert names.find("optax._src.alias.adam", (), "x") is optax.adam
        assert names.find("nadam", (optax,), "x") is optax.nadam
        assert names.find("relu", (augment, jax.nn), "x") is jax.nn.relu


def test_a_file_that_looks_like_a_path_of_a_module_is_data(tiny):
    described = _described(tiny)
    described["recipe"]["data"] = dict(name="archive", path="photos.npz")
    build.opener(recipe_lib.from_dict(described["recipe"]))
    assert loading._foreign(described["recipe"], described["data"]) == []


def test_no_data_set_has_a_function_among_its_options():
    """Strings among a data set's options are files and splits; names of functions would be looked up."""
    for name in names.offers(data):
        defaults = getattr(names.find(name, (data,), "x"), "__kwdefaults__", None) or {}
        assert not [option for option, default in defaults.items() if callable(default)]


def test_a_version_of_a_data_set_is_no_community():
    assert not names.names_code("mnist:3.0.1") and not names.names_code("cifar10")
