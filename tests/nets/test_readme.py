"""The README's example is a network, and its list of files is complete."""

import pathlib
import re

import jax
import jax.numpy as jnp

from gan_jax import nets
from gan_jax.names import bind
from gan_jax.nets.linen import from_linen

FOLDER = pathlib.Path(nets.__file__).parent
README = (FOLDER / "README.md").read_text()


def test_the_example_is_a_network():
    scope = {"__name__": "my_nets"}
    exec(re.search(r"```python\n(.*?)```", README, re.S).group(1), scope)  # noqa: S102
    network = scope["Linear"]
    options = bind(network, dict(resolution=(5, 7), channels=3, scale=2.0), "nets.generator")
    net = from_linen(network(**options))

    def run(key):
        params, carry = net.init(key, jnp.ones((2, 4)))
        return net.apply(params, carry, jnp.ones((2, 4)), key=key, train=True)[0]

    assert jax.eval_shape(run, jax.random.key(0)).shape == (2, 5, 7, 3)


def test_every_file_has_its_line():
    listed = set(re.findall(r"`(\w+\.py)`", README.partition("## Add a network")[0]))
    assert listed == {path.name for path in FOLDER.glob("*.py")} - {"__init__.py"}
