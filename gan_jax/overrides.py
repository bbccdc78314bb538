"""Changes of a recipe by dotted paths: the same in flags, in Python and in studies. Imports no JAX."""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from gan_jax import recipe as recipe_lib
from gan_jax.errors import UsageError, unknown
from gan_jax.recipe import Recipe

# Fields whose players must exist before a part of them is changed.
_PLAYERS = ("nets", "losses", "optimizers", "updates")
# Paths of numbers that are as long as a run, such as `decay_steps` of a schedule or `steps` of an augmentation.
_LENGTHS = re.compile(r".+\.((\w+_)?steps|transition_begin)|.+\.boundaries_and_scales\..+")


def fields(recipe: Recipe) -> dict[str, Any]:
    """The fields of a recipe as nested dicts, none shared with the recipe or with another field.

    Args:
        recipe: The Recipe.

    Returns:
        Dict by field.
    """
    return {field.name: _copy(getattr(recipe, field.name)) for field in dataclasses.fields(recipe)}


def _copy(tree):
    """A copy of every nested dict: two fields that share one dict would change together."""
    return {name: _copy(part) for name, part in tree.items()} if isinstance(tree, dict) else tree


def changed(recipe: Recipe, values: Mapping[str, Any]) -> Recipe:
    """A recipe with other values.

    Args:
        recipe: The Recipe; it stays unchanged.
        values: Dict of dotted paths to values, as in `assign`.

    Returns:
        A Recipe that shares no dict with the given one; none of its parts shares a dict with another part.

    Raises:
        UsageError: The recipe has no place of that path.
    """
    tree = fields(recipe)
    for path, value in values.items():
        if not isinstance(path, str):
            raise UsageError(f"{path!r}: expected a dotted path")
        assign(tree, path, value)
    return recipe_lib.from_dict(tree)


def merged(recipe: Recipe, changes: Mapping[str, Any]) -> Recipe:
    """A recipe with other values, given as nested dicts.

    Args:
        recipe: The Recipe; it stays unchanged.
        changes: By field, a new value; a dict changes the entries that it names, at any depth. None removes.

    Returns:
        A Recipe that shares no dict with the given one.

    Raises:
        UsageError: An unknown field, or nothing to remove.
    """
    tree = fields(recipe)
    _merge(tree, changes, "recipe")
    return recipe_lib.from_dict(tree)


def _merge(tree, changes, field):
    """Changes the entries that are named, at any depth."""
    for name, value in changes.items():
        if isinstance(value, dict) and isinstance(tree.get(name), dict):
            _merge(tree[name], value, _path(field, name))
        else:
            _set(tree, name, value, field)


def assign(tree: dict[Any, Any], path: str, value: Any) -> None:
    """Sets the value at a dotted path of a recipe's fields.

    A value replaces everything at its path. Parts that are not there yet are added, last in their dict: the
    functions that the recipe names check them when they are looked up. A loss that is a weight alone becomes a
    dict when something else of it is set.

    Args:
        tree: From `fields`; changed in place.
        path: Dotted path. A name in it may have dots if it is there already.
        value: New value; None removes what is there.

    Raises:
        UsageError: An unknown field or player, a part of something that has no parts, or nothing to remove.
    """
    _assign(tree, path.split("."), value, "recipe")


def _assign(tree, parts, value, field):
    key, rest = _key(tree, parts)
    if not rest:
        _set(tree, key, value, field)
        return
    if key not in tree and (field == "recipe" or field in _PLAYERS):
        raise unknown(field, key, map(_name, tree))
    inside, path = tree.setdefault(key, {}), _path(field, key)
    if re.fullmatch(r"losses\.[^.]+", field) and not isinstance(inside, dict):
        inside = tree[key] = {"weight": inside}
    if not isinstance(inside, dict):
        raise UsageError(f"{path}={inside!r} has no parts, so no {rest[0]!r}; give a whole new value")
    _assign(inside, rest, value, path)


def _key(tree, parts):
    """The key of a path's first parts, as many as are one name there, and the other parts."""
    names = {_name(key): key for key in tree}
    for count in range(len(parts), 0, -1):
        if (joined := ".".join(parts[:count])) in names:
            return names[joined], parts[count:]
    return parts[0], parts[1:]


def _name(key):
    """A key as it stands in a path: functions by their names."""
    return getattr(key, "__name__", str(key))


def _path(field, key):
    return _name(key) if field == "recipe" else f"{field}.{_name(key)}"


def _set(tree, key, value, field):
    """Sets or removes one entry."""
    if (value is None or field == "recipe") and key not in tree:
        raise unknown(field, key, map(_name, tree))
    if value is None:
        del tree[key]
    else:
        tree[key] = _copy(value)


def at(tree: Any, path: str) -> Any:
    """The value at a dotted path, None if there is none; a path as in `assign`."""
    parts = path.split(".")
    while parts and isinstance(tree, dict):
        key, parts = _key(tree, parts)
        tree = tree.get(key)
    return None if parts else tree


def stale(before: Recipe, after: Recipe) -> str:
    """Lengths that were written for another number of steps.

    Args:
        before: A Recipe.
        after: The same with some values changed.

    Returns:
        One sentence that names them; empty if `steps` did not change, or if all of them changed with it.
    """
    if before.steps == after.steps:
        return ""
    old, new = (recipe_lib.flatten(fields(recipe)) for recipe in (before, after))
    kept = [
        f"{path}={value}"
        for path, value in new.items()
        if _LENGTHS.fullmatch(path) and old.get(path) == value
    ]
    said = f"steps={after.steps} instead of {before.steps}, but these are as before: {', '.join(kept)}"
    return said if kept else ""
