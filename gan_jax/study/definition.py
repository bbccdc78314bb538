"""A study as plain data: a recipe, the changes of each variant, and seeds. Imports no JAX."""

import dataclasses
import re
import typing
from typing import Any

from gan_jax import recipe as recipe_lib
from gan_jax.errors import UsageError, unknown
from gan_jax.overrides import changed
from gan_jax.recipe import RESUMABLE, Recipe

# Fields that decide the numbers of a trial although a resumed run may change them: how long it trains, and
# when it is evaluated.
DECISIVE = ("steps", "eval_every")


@dataclasses.dataclass(slots=True, kw_only=True)
class Study:
    """A comparison of several changes of a recipe: which one helps, how much, and how surely.

    Attributes:
        title: The question, in one line for people.
        base: The Recipe that variants change; its `seed` is not used.
        variants: Changes by name of the variant: a dict of dotted paths to new values, as in
            `{"losses.discriminator.r1": 1.0}`, empty for the base itself; or a function from the base to a
            Recipe, for values that depend on other fields. A value replaces everything at its path; None
            removes it.
        measures: Values of the base's `eval_metrics` to compare, in the order of the table. The first one
            detects a collapse, if higher is better.
        seeds: Number of seeds: each variant is trained with the seeds 0 to `seeds - 1`.
    """

    title: str
    base: Recipe
    variants: dict
    measures: tuple = ("captured_modes", "high_quality", "captured_modes_kl", "uniform_modes_kl")
    seeds: int = 8


def validate(study: Study) -> None:
    """Checks types and ranges, also of every variant's recipe; names are checked where they are looked up.

    Args:
        study: The Study.

    Raises:
        UsageError: Names the variant and the field, its value and the expected one.
    """
    checked_type(study)
    for field, expected in typing.get_type_hints(Study).items():
        value = getattr(study, field)
        if not isinstance(value, expected) or isinstance(value, bool):
            raise UsageError(f"{field}={value!r}: expected {expected.__name__}")
    for field in ("variants", "measures"):
        if not getattr(study, field):
            raise UsageError(f"{field} is empty: expected at least one")
    if study.seeds < 1:
        raise UsageError(f"seeds={study.seeds}: expected at least 1")
    for name in study.variants:
        if not isinstance(name, str) or not re.fullmatch(r"\w[\w.+-]*", name):
            raise UsageError(f"variants: {name!r}: expected a name of letters, digits, _, ., + and -")
        _validate_variant(study, name)


def checked_type(study: Any) -> Study:
    """What a config file has returned, if it is a study.

    Args:
        study: The value.

    Returns:
        The same.

    Raises:
        UsageError: It, or its base, has another type.
    """
    if not isinstance(study, Study):
        raise UsageError(f"get_config must return a gan_jax.study.Study, got {type(study).__name__}")
    recipe_lib.checked_type(study.base)
    return study


def _validate_variant(study, name):
    """A variant must be a valid recipe, and must be evaluated."""
    try:
        recipe = variant(study, name)
        recipe_lib.validate(recipe)
        if not recipe.eval_every:
            raise UsageError("eval_every=0: expected at least 1, since a study compares evaluations")
    except UsageError as error:
        raise UsageError(f"variant {name}: {error}") from None


def variant(study: Study, name: str) -> Recipe:
    """A variant's recipe.

    Args:
        study: The Study.
        name: The variant.

    Returns:
        A Recipe that shares nothing with the base.

    Raises:
        UsageError: There is no such variant, it changes a part that the base does not have, or its function
            raises an error.
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


def trial(study: Study, name: str, seed: int) -> Recipe:
    """The recipe of a variant with one seed.

    Args:
        study: The Study.
        name: The variant.
        seed: Its seed.

    Returns:
        The Recipe, without rollbacks: a trial that diverges counts as diverged.
    """
    return changed(variant(study, name), {"seed": seed, "max_rollbacks": 0})


def decides(recipe: Recipe) -> dict[str, Any]:
    """The fields of a recipe that decide the results of its run.

    Args:
        recipe: The Recipe.

    Returns:
        Dict that JSON can hold, of all fields except how often the run reports.
    """
    plain = recipe_lib.to_dict(recipe)
    return {name: value for name, value in plain.items() if name not in RESUMABLE or name in DECISIVE}


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """The differences of two recipes that decide the results.

    Args:
        before: A recipe, from `decides`.
        after: Another.

    Returns:
        List of lines like `batch_size: 64 -> 32`.
    """
    decisive = [
        f"{name}: {before[name]!r} -> {after[name]!r}" for name in DECISIVE if before[name] != after[name]
    ]
    return decisive + recipe_lib.differences(before, after)
