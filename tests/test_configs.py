"""Every recipe that ships is traced, and its numbers are its paper's."""

import glob
import os
import runpy

import jax
import pytest

from gan_jax import build, train
from gan_jax import recipe as recipe_lib

CONFIGS = sorted(glob.glob(os.path.join(os.path.dirname(__file__), "..", "configs", "*.py")))
NAMES = [os.path.basename(path)[:-3] for path in CONFIGS]

# By recipe: the numbers of its paper, and whether each is there. Radford et al. 2016, section 4.
PAPER = {
    "dcgan": {
        "optimizers.generator.adam": {"learning_rate": 2e-4, "b1": 0.5},
        "optimizers.discriminator.adam": {"learning_rate": 2e-4, "b1": 0.5},
        "game.latents": {"name": "uniform", "size": 100},
        "turns": {"discriminator": 1, "generator": 1},
    },
}


def _recipe(path, *data):
    return runpy.run_path(path)["get_config"](*data)


def _at(tree, path):
    for part in path.split("."):
        tree = tree[part]
    return tree


@pytest.mark.parametrize("path", CONFIGS, ids=NAMES)
@pytest.mark.parametrize("facts", [(28, 1, 10), (32, 3, 10), (64, 3, 0)], ids=["digits", "cifar10", "64"])
def test_traced(path, facts):
    recipe = _recipe(path)
    recipe_lib.validate(recipe)
    facts = dict(zip(("resolution", "channels", "classes"), facts))
    train.check(recipe, build.rules(recipe, facts), facts, jax.random.key(0))


@pytest.mark.parametrize("path", CONFIGS, ids=NAMES)
def test_any_data_name(path):
    assert _recipe(path).data["name"] == "digits"
    assert _recipe(path, "mnist").data["name"] == "mnist"


@pytest.mark.parametrize("path", CONFIGS, ids=NAMES)
def test_numbers_are_the_papers(path):
    recipe = recipe_lib.to_dict(_recipe(path))
    for where, expected in PAPER[os.path.basename(path)[:-3]].items():
        assert _at(recipe, where) == expected


@pytest.mark.parametrize("path", CONFIGS, ids=NAMES)
def test_short_and_with_its_source(path):
    with open(path) as file:
        text = file.read()
    assert len(text.splitlines()) <= 60 and "arXiv:" in text and "python -m gan_jax.main" in text
