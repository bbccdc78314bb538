"""A recipe of which a name was changed, without the hyperparameters of the function named before."""

import inspect
import logging
from collections.abc import Collection
from types import ModuleType
from typing import Any

from gan_jax import build, games, latents, moves, nets, overrides
from gan_jax import data as data_lib
from gan_jax.errors import Unknown
from gan_jax.features import perceptual
from gan_jax.names import find
from gan_jax.recipe import Recipe, from_dict

log = logging.getLogger("gan_jax")


def adapted(before: Recipe, after: Recipe) -> Recipe:
    """A changed recipe without the hyperparameters that were written for functions which it no longer names.

    What is left out, and lengths that no longer fit the number of steps, are said in the log.

    Args:
        before: The Recipe as it was written.
        after: The Recipe with some values changed.

    Returns:
        The changed Recipe; its other names may still be unknown.
    """
    tree = overrides.fields(after)
    written = overrides.fields(before)
    for path, places in _named(tree):
        old, new = overrides.at(written, path), overrides.at(tree, path)
        if not isinstance(old, dict) or not isinstance(new, dict) or old.get("name") == new.get("name"):
            continue
        takes = _parameters(new.get("name"), places, path)
        left = [name for name, value in new.items() if takes and name not in takes and old.get(name) == value]
        for name in left:
            del new[name]
        if left:
            name = getattr(new["name"], "__name__", new["name"])
            log.info("%s.name=%s takes no %s: left out", path, name, ", ".join(left))
    if lengths := overrides.stale(before, after):
        log.warning("%s", lengths)
    return from_dict(tree)


def _named(tree: dict[str, Any]) -> list[tuple[str, tuple[ModuleType, ...]]]:
    """The paths of a recipe's parts that have a `name`, and the modules in which that is looked up."""
    several = [
        f"nets.{player}.{part}"
        for player, parts in tree["nets"].items()
        if isinstance(parts, dict) and "name" not in parts
        for part in parts
    ]
    return [
        ("data", (data_lib,)),
        ("game", (games,)),
        ("game.latents", (latents,)),
        ("game.features", (perceptual,)),
        *((f"nets.{player}", (nets,)) for player in tree["nets"]),
        *((path, (nets,)) for path in several),
        *((f"moves.{player}", (moves,)) for player in tree["moves"]),
    ]


def _parameters(name: Any, places: tuple[ModuleType, ...], path: str) -> Collection[str]:
    """What may stand beside the name of a function; nothing if there is no such function."""
    own = {"data": build.COMMON, "game": ("name", "latents", "augment", "features")}.get(
        path, ("name", "wrap")
    )
    try:
        function = find(name, places, f"{path}.name")
    except Unknown:  # It is said where the name is used.
        if places != (data_lib,):
            return ()
        function = data_lib.tfds
    return (*own, *inspect.signature(function).parameters)
