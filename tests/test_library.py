"""Every public function has a source and shapes, LIBRARY.md lists it, and the README's example runs."""

import inspect
import os
import re

import jax
import library_table
import numpy as np
import pytest

from gan_jax import library, recipe
from gan_jax.errors import UsageError
from gan_jax.terms import reads

SOURCED = (
    "losses", "penalties", "transforms", "augmentations", "degradations", "wrappers", "moves", "metrics",
)  # fmt: skip
FUNCTIONS = [(kind, name) for kind in SOURCED for name in library.entries(kind)]
KEYWORDS_ONLY = {"losses", "penalties", "augmentations", "degradations", "metrics"}


@pytest.mark.parametrize("section, name", FUNCTIONS)
def test_docstring_says_what_from_where_and_of_which_shapes(section, name):
    function = library.entries(section)[name]
    text = inspect.getdoc(function)
    assert len(text.partition("\n")[0]) <= 110 and text.partition("\n\n")[0].endswith(".")
    assert library.sources(function) or "No paper" in text
    assert "Returns:" in text
    arguments = text.partition("Args:")[2].partition("Returns:")[0]
    for parameter in inspect.signature(function).parameters.values():
        assert re.search(rf"^ *\*?{parameter.name}: ", arguments, re.M), parameter.name
        if section in KEYWORDS_ONLY and parameter.name not in reads(function):
            assert parameter.kind is parameter.KEYWORD_ONLY
    if section in ("losses", "penalties") and not name.startswith(("top_k", "smooth")):
        assert re.search(r"\[(B|\d|count|kh|N|A)|scalar|[Tt]he same shape|logits' shape", text)


def test_library_tables_are_up_to_date():
    with open(library_table.LIBRARY) as file:
        assert file.read() == library_table.table(), "run: python tests/library_table.py"


def test_library_lists_networks_games_latents_and_data():
    listed = {
        name
        for kind in ("games", "nets", "heads", "norms", "upsampling", "latents", "data")
        for name in library.entries(kind)
    }
    assert {
        "gan",
        "dcgan.Generator",
        "projection",
        "instance_norm",
        "resized",
        "normal",
        "digits",
        "folder",
        "ring",
    } <= listed


def test_readme_counts_the_library():
    with open(os.path.join(library_table.ROOT, "README.md")) as file:
        text = " ".join(file.read().split())
    for section in ("losses", "penalties", "transforms", "metrics"):
        assert f"{len(library.entries(section))} {section}" in text
    recipes = [name for name in library.entries("recipes") if "/" not in name]
    assert f"{len(recipes)} recipes" in text
    assert [name for name in recipes if f"`{name}`" not in text] == []


def test_lists_recipes_and_studies_by_the_names_that_find_them():
    folder = os.path.join(library_table.ROOT, "configs")
    for name in ("dcgan", "tricks/dropout"):
        assert library.entries("recipes")[name] == os.path.join(folder, f"{name}.py")
    assert "studies/stacked_mnist" in library.entries("studies")
    for kind in ("recipes", "studies"):
        for name, path in library.entries(kind).items():
            assert recipe.of_data(f"{name}:mnist") == (path, "mnist")


def test_a_line_has_the_sentence_and_the_paper():
    lines = {kind: library.shown(kind).splitlines() for kind in ("recipes", "penalties")}
    assert any(
        re.fullmatch(r"dcgan +DCGAN: Radford, Metz and Chintala 2016, arXiv:1511.06434\.", line)
        for line in lines["recipes"]
    )
    (r1,) = [line for line in lines["penalties"] if line.startswith("r1 ")]
    assert (
        r1.split(maxsplit=1)[1]
        == "Half the squared norm of the critic's gradient at real samples. arXiv:1801.04406"
    )
    with pytest.raises(UsageError, match="list: unknown name 'loses'; did you mean losses"):
        library.shown("loses")


def test_readme_example_runs_in_somebody_elses_loop():
    with open(os.path.join(library_table.ROOT, "gan_jax", "examples", "README.md")) as file:
        example = re.search(r"## Use the library.*?```python\n(.*?)```", file.read(), re.S).group(1)
    assert len([line for line in example.splitlines() if line.strip() and "import" not in line]) <= 12
    names = {}
    exec(example, names)  # noqa: S102
    key = jax.random.key(0)
    params = {"w": jax.random.normal(key, (6, 1))}
    assert np.isfinite(names["params"]["w"]).all()
    real, fake = jax.random.normal(key, (2, 5, 6))
    opt = names["optimizer"].init(params)
    after, opt = names["critic_step"](params, opt, real + 1, fake, key)
    # By hand: the hinge pulls w along the difference of the means, and the penalty of a linear critic is
    # (|w| - 1)^2 whatever the samples.
    w = np.asarray(params["w"], np.float64)[:, 0]
    r, f = np.asarray(real, np.float64) + 1, np.asarray(fake, np.float64)
    slope = ((r @ w < 1)[:, None] * -r + (f @ w > -1)[:, None] * f).mean(0)
    slope += 10 * 2 * (np.linalg.norm(w) - 1) * w / np.linalg.norm(w)
    step = np.asarray(after["w"], np.float64)[:, 0] - w
    np.testing.assert_allclose(np.sign(step), -np.sign(slope))
    # Adam's first step is the learning rate; a float32 near 1 is rounded to 1e-7.
    np.testing.assert_allclose(np.abs(step), 1e-4, atol=2e-7)
