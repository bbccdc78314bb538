"""A study as plain data: a recipe, what each variant changes in it, and seeds. Imports no JAX."""

import dataclasses
import re

from gan_jax import recipe as recipe_lib
from gan_jax.errors import UsageError, unknown
from gan_jax.recipe import RESUMABLE, Recipe

# What decides a cell's numbers, unlike the rest of RESUMABLE: how long it trains, and when it is looked at.
DECISIVE = ("steps", "eval_every")


@dataclasses.dataclass(slots=True, kw_only=True)
class Study:
    """Which of several changes of a recipe helps, by how much, and how surely.

    Attributes:
        title: What is asked, in one line for people.
        base: The Recipe that variants change; its `seed` does not count.
        variants: By name, what is changed: a dict of dotted paths to new values, as in
            `{"losses.discriminator.r1": 1.0}`, empty for the base itself, or a function from the base to a
            Recipe, for what follows from other fields. A value takes the place of all that was there.
        measures: Values of the base's `eval_metrics` to compare, in the order of the table. The first is
            what a run loses when it collapses, if more of it is better.
        seeds: How many: each variant is trained with the seeds 0 to one less.
    """

    title: str
    base: Recipe
    variants: dict
    measures: tuple = ("captured_modes", "high_quality", "captured_modes_kl", "uniform_modes_kl")
    seeds: int = 8


def validate(study):
    """Checks types and ranges, of every variant's recipe too; names are checked where they are looked up.

    Args:
        study: The Study.

    Raises:
        UsageError: Names the variant and the field, what was given and what was expected.
    """
    check_kind(study)
    for field in dataclasses.fields(study):
        value = getattr(study, field.name)
        if not isinstance(value, field.type) or isinstance(value, bool):
            raise UsageError(f"{field.name}={value!r}: expected {field.type.__name__}")
    for field in ("variants", "measures"):
        if not getattr(study, field):
            raise UsageError(f"{field} is empty: expected at least one")
    if study.seeds < 1:
        raise UsageError(f"seeds={study.seeds}: expected at least 1")
    for name in study.variants:
        if not isinstance(name, str) or not re.fullmatch(r"\w[\w.+-]*", name):
            raise UsageError(f"variants: {name!r}: expected a name of letters, digits, _, ., + and -")
        _validated(study, name)


def check_kind(study):
    """Makes sure that a config file has made a Study.

    Args:
        study: What it has made.

    Raises:
        UsageError: Something else.
    """
    if not isinstance(study, Study):
        raise UsageError(f"get_config must return a gan_jax.study.Study, got {type(study).__name__}")


def _validated(study, name):
    """A variant's recipe is one, and is evaluated."""
    try:
        recipe = variant(study, name)
        recipe_lib.validate(recipe)
        if not recipe.eval_every:
            raise UsageError("eval_every=0: expected at least 1, since evaluations are what is compared")
    except UsageError as error:
        raise UsageError(f"variant {name}: {error}") from None


def variant(study, name):
    """A variant's recipe.

    Args:
        study: The Study.
        name: The variant.

    Returns:
        A Recipe that shares nothing with the base.

    Raises:
        UsageError: There is no such variant, it changes what the base does not have, or its function raises.
    """
    if name not in study.variants:
        raise unknown("variants", name, study.variants)
    change = study.variants[name]
    if callable(change):
        try:
            return change(changed(study.base, {}))
        except Exception as error:  # It is a program and may raise anything.
            raise UsageError(f"variants: {name}: {type(error).__name__}: {error}") from None
    if not isinstance(change, dict):
        raise UsageError(f"{change!r}: expected a dict of dotted paths to values, or a function of a recipe")
    return changed(study.base, change)


def changed(recipe, values):
    """A recipe with other values.

    Args:
        recipe: The Recipe; it stays as it is.
        values: Dict of dotted paths to values. All but the last part of a path must exist.

    Returns:
        A Recipe that shares no dict with the given one, nor one of its parts with another.

    Raises:
        UsageError: A path leads to what the recipe does not have.
    """
    plain = {field.name: _own(getattr(recipe, field.name)) for field in dataclasses.fields(recipe)}
    for path, value in values.items():
        if not isinstance(path, str):
            raise UsageError(f"{path!r}: expected a dotted path")
        *parents, last = path.split(".")
        tree = plain
        for part in parents:
            if not isinstance(tree, dict) or part not in tree:
                raise unknown(path, part, tree if isinstance(tree, dict) else ())
            tree = tree[part]
        if not isinstance(tree, dict):
            raise unknown(path, last, ())
        tree[last] = _own(value)
    return recipe_lib.from_dict(plain)


def _own(tree):
    """Dicts of its own at every level: two fields that share one dict would change together."""
    return {name: _own(part) for name, part in tree.items()} if isinstance(tree, dict) else tree


def cell(study, name, seed):
    """The recipe of a variant with one seed.

    Args:
        study: The Study.
        name: The variant.
        seed: Its seed.

    Returns:
        The Recipe. It is not rolled back: a run that diverges has diverged.
    """
    return changed(variant(study, name), {"seed": seed, "max_rollbacks": 0})


def decides(recipe):
    """What of a recipe decides what comes of it.

    Args:
        recipe: The Recipe.

    Returns:
        Dict that JSON can hold, of all but how often people are told.
    """
    plain = recipe_lib.to_dict(recipe)
    return {name: value for name, value in plain.items() if name not in RESUMABLE or name in DECISIVE}


def differences(before, after):
    """In what two recipes differ that decides what comes of them.

    Args:
        before: A recipe, from `decides`.
        after: Another.

    Returns:
        List of lines like `batch_size: 64 -> 32`.
    """
    pace = [
        f"{name}: {before[name]!r} -> {after[name]!r}" for name in DECISIVE if before[name] != after[name]
    ]
    return pace + recipe_lib.differences(before, after)
