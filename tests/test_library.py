"""Every public function has a source and shapes, LIBRARY.md lists it, and the README's example runs."""

import inspect
import os
import re

import jax
import library_table
import numpy as np
import pytest

from gan_jax.terms import reads

FUNCTIONS = [(section, name) for section, names in library_table.public().items() for name in names]
KEYWORDS_ONLY = {"losses", "penalties", "augment", "metrics"}


@pytest.mark.parametrize("section, name", FUNCTIONS)
def test_docstring_says_what_from_where_and_of_which_shapes(section, name):
    function = library_table.public()[section][name]
    text = inspect.getdoc(function)
    assert len(text.partition("\n")[0]) <= 110 and text.partition("\n\n")[0].endswith(".")
    assert library_table.sources(function) or "No paper" in text
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
    listed = {name for functions in library_table.parts().values() for name in functions}
    assert {"gan", "dcgan.Generator", "projection", "normal", "digits", "folder", "ring"} <= listed


def test_readme_counts_the_library():
    with open(os.path.join(library_table.ROOT, "README.md")) as file:
        text = " ".join(file.read().split())
    for section in ("losses", "penalties", "transforms", "metrics"):
        assert f"{len(library_table.public()[section])} {section}" in text
    recipes = [
        name for name in os.listdir(os.path.join(library_table.ROOT, "configs")) if name.endswith(".py")
    ]
    assert f"{len(recipes)} recipes" in text
    assert sorted(f"{name[:-3]}" for name in recipes) == sorted(re.findall(r"\| `(\w+)` \| \[\d{4}\.", text))


def test_readme_example_runs_in_somebody_elses_loop():
    with open(os.path.join(library_table.ROOT, "README.md")) as file:
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
