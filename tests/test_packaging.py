"""The wheel holds every folder of code, and the recipes where an installed package looks for them."""

import configparser
import pathlib

ROOT = pathlib.Path(__file__).parents[1]


def _setup():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    return setup["options"]


def test_packages_are_the_folders_of_code_and_of_recipes():
    listed = _setup()["packages"].split()
    code = {path.parent for path in (ROOT / "gan_jax").rglob("*.py")}
    recipes = {path.parent for path in (ROOT / "configs").rglob("*.py")}
    expected = [".".join(path.relative_to(ROOT).parts) for path in code]
    expected += [".".join(("gan_jax", *path.relative_to(ROOT).parts)) for path in recipes]
    assert sorted(listed) == sorted(expected)
    assert _setup()["package_dir"].split() == ["gan_jax.configs", "=", "configs"]
