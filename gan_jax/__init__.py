"""Generative adversarial networks in JAX: terms sum, transforms chain, networks wrap.

    import gan_jax

    recipe = gan_jax.load_recipe("dcgan:mnist", steps=1_000)
    model = gan_jax.train(recipe, "runs/dcgan-mnist")
    gan_jax.picture(model.sample(64, seed=0)).save("samples.png")

Importing the package imports nothing heavy: JAX comes with the first of these functions, or with a module
such as `gan_jax.losses`, `gan_jax.penalties` or `gan_jax.transforms`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gan_jax.api import Model, load, load_data, load_recipe, picture, train

__version__ = "0.1.0"
__all__ = ["Model", "load", "load_data", "load_recipe", "picture", "train"]


def __getattr__(name: str) -> Any:
    """Imports the Python interface when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module 'gan_jax' has no attribute {name!r}")
    from gan_jax import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
