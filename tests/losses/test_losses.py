"""Every loss is in its file's `__all__` and in `gan_jax.losses`, and the README's example is a loss."""

import importlib
import inspect
import pathlib
import pkgutil
import re

import jax
import numpy as np
import pytest

from gan_jax import losses
from gan_jax.losses.pairs import pair
from gan_jax.names import bind, find, offers
from gan_jax.terms import reads

HELPERS = ("gradient_norms", "pairs")
FOLDER = pathlib.Path(losses.__file__).parent
FILES = [module.name for module in pkgutil.iter_modules([FOLDER]) if module.name not in HELPERS]


def module(file):
    return importlib.import_module(f"gan_jax.losses.{file}")


@pytest.mark.parametrize("file", FILES)
def test_a_file_lists_its_public_functions_in_their_order(file):
    functions = [n for n, f in vars(module(file)).items() if inspect.isfunction(f) and not n.startswith("_")]
    own = [name for name in functions if vars(module(file))[name].__module__ == module(file).__name__]
    assert module(file).__all__ == own


def test_the_package_offers_the_losses_of_all_files_and_no_helpers():
    every = [name for file in FILES for name in module(file).__all__]
    assert losses.__all__ == sorted(every) and len(set(every)) == len(every)
    assert offers(losses) == losses.__all__
    for file in FILES:
        for name in module(file).__all__:
            assert find(name, (losses,), "losses") is getattr(losses, name) is vars(module(file))[name]
    assert not {"pair", "relu", "softplus", "jnp", "Callable", "name", "value"} & set(vars(losses))


def test_readme_lists_the_files_and_its_example_runs():
    readme = (FOLDER / "README.md").read_text()
    assert set(re.findall(r"^\| `(\w+)\.py`", readme, re.M)) == {*FILES, *HELPERS}
    names = {"jax": jax, "relu": jax.nn.relu, "pair": pair}
    exec(re.search(r"```python\n(.*?)```", readme, re.S).group(1), names)  # noqa: S102
    loss = names["hinge_margin_discriminator"]
    assert reads(loss) == ("real_logits", "fake_logits")
    assert bind(loss, {"margin": 2}, "losses.discriminator.hinge_margin_discriminator", reads(loss))
    value = loss(np.array([0.5, 3.0]), np.array([-3.0, 1.0]), margin=2.0)
    np.testing.assert_allclose(value, [1.5 + 0.0, 0.0 + 3.0])
