"""Every study that ships has the variants of its docstring, and each of its recipes can be traced."""

import glob
import os
import re
import runpy

import pytest
import sources

from gan_jax import build, data
from gan_jax import recipe as recipe_lib
from gan_jax.study import definition
from gan_jax.training import setup

FOLDER = os.path.join(os.path.dirname(__file__), "..", "..", "configs", "studies")
STUDIES = sorted(glob.glob(os.path.join(FOLDER, "*.py")))
RING, GRID = data.ring(size=1).modality, data.grid(size=1).modality
STACKED = sources.modality(28, channels=3, classes=1000)


def _stem(path):
    return os.path.basename(path)[:-3]


def _study(stem):
    return runpy.run_path(os.path.join(FOLDER, f"{stem}.py"))["get_config"]()


def _trace(study, name, modality):
    recipe = definition.variant(study, name)
    setup.check(recipe, build.train_spec(recipe, modality), modality)


@pytest.mark.parametrize("path", STUDIES, ids=_stem)
def test_valid_and_with_its_source(path):
    study = _study(_stem(path))
    definition.validate(study)
    with open(path) as file:
        text = file.read()
    assert f"python -m gan_jax.study --config=configs/studies/{_stem(path)}.py" in text and "arXiv:" in text
    # No two variants are the same, and none but the first is the base.
    decided = [definition.decides(definition.variant(study, name)) for name in study.variants]
    assert all(one != other for number, one in enumerate(decided) for other in decided[:number])
    assert definition.decides(study.base) not in decided[1:]


def test_example_of_the_readme(monkeypatch):
    monkeypatch.chdir(os.path.join(FOLDER, "..", ".."))
    with open(os.path.join("gan_jax", "study", "README.md")) as file:
        (example,) = re.findall(r"```python\n(.*?)```", file.read(), re.DOTALL)
    names = {}
    exec(example, names)  # noqa: S102
    study = names["get_config"]()
    definition.validate(study)
    for name in study.variants:
        _trace(study, name, RING)


@pytest.mark.parametrize("name", list(_study("tricks_on_ring").variants))
def test_tricks_are_trace(name):
    _trace(_study("tricks_on_ring"), name, RING)


def test_ring_and_grid_share_their_tricks():
    ring, grid = _study("tricks_on_ring"), _study("tricks_on_grid")
    assert (ring.seeds, grid.seeds) == (8, 8) and list(ring.variants) == list(grid.variants)
    for name in ring.variants:
        one, other = (recipe_lib.to_dict(definition.variant(study, name)) for study in (ring, grid))
        assert (one.pop("data"), other.pop("data")) == tuple(
            dict(name=world, size=100_000, seed=0) for world in ("ring", "grid")
        )
        assert one == other


@pytest.mark.parametrize("name", list(_study("losses_and_penalties_on_grid").variants))
def test_losses_and_penalties_are_trace(name):
    _trace(_study("losses_and_penalties_on_grid"), name, GRID)


def test_every_loss_has_every_penalty():
    assert len(_study("losses_and_penalties_on_grid").variants) == 6 * 5


def test_packs_are_as_many_as_samples_of_others():
    study = _study("tricks_on_ring")
    sizes = {name: definition.variant(study, name).batch_size for name in ("plain", "pacgan2", "pacgan4")}
    assert sizes == {"plain": 100, "pacgan2": 200, "pacgan4": 400}


def test_recipes_on_stacked_mnist_share_its_data_and_steps():
    """Otherwise each recipe is the one of its name, which tests/test_configs.py traces."""
    study = _study("stacked_mnist")
    assert list(study.variants) == ["dcgan", "wgan_gp", "pacgan", "r3gan", "relativistic_r1_r2", "best"]
    steps = dict.fromkeys(study.variants, 2_000) | {"wgan_gp": 1_000, "r3gan": 500}
    for name in list(study.variants)[:4]:
        recipe = definition.variant(study, name)
        assert (recipe.data["name"], recipe.eval_samples) == ("stacked_mnist", 26_000)
        assert (recipe.steps, recipe.eval_every) == (steps[name], steps[name] // 2)
        assert recipe.batch_size == (128 if name == "pacgan" else 64)
        original = runpy.run_path(os.path.join(FOLDER, "..", f"{name}.py"))["get_config"]()
        for field in ("game", "nets", "losses", "optimizers", "updates", "average"):
            assert getattr(recipe, field) == getattr(original, field)
    _trace(study, "pacgan", STACKED)
    _trace(study, "relativistic_r1_r2", STACKED)
    _trace(study, "best", STACKED)
