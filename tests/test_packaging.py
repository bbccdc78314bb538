"""The wheel holds every folder of code, the recipes where an installed package looks for them, and the classifiers."""

import configparser
import pathlib

import gan_jax

ROOT = pathlib.Path(__file__).parents[1]


def _setup():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    return setup


def test_packages_are_the_folders_of_code_and_of_recipes():
    listed = _setup()["options"]["packages"].split()
    code = {path.parent for path in (ROOT / "gan_jax").rglob("*.py")}
    recipes = {path.parent for path in (ROOT / "configs").rglob("*.py")}
    expected = [".".join(path.relative_to(ROOT).parts) for path in code]
    expected += [".".join(("gan_jax", *path.relative_to(ROOT).parts)) for path in recipes]
    assert sorted(listed) == sorted(expected)
    assert _setup()["options"]["package_dir"].split() == ["gan_jax.configs", "=", "configs"]


def test_the_notebook_is_packed_with_the_recipes():
    assert _setup()["options.package_data"]["gan_jax.configs"] == "*.ipynb"
    assert [path.name for path in ROOT.glob("configs/*.ipynb")] == ["first_hour.ipynb"]


def test_the_citation_is_of_this_version():
    citation = (ROOT / "gan_jax" / "CITATION.cff").read_text()
    fields = dict(line.split(": ", 1) for line in citation.splitlines() if ": " in line and line[0] != " ")
    assert fields["version"] == gan_jax.__version__ and fields["cff-version"] == "1.2.0"
    assert set(fields) >= {"message", "title", "type", "license", "date-released"} and "authors:" in citation


def test_every_reference_classifier_is_package_data():
    patterns = _setup()["options.package_data"]["gan_jax.features"].split(", ")
    features = ROOT / "gan_jax" / "features"
    listed = {path for pattern in patterns for path in features.glob(pattern)}
    assert listed and listed == set((features / "reference").iterdir())
