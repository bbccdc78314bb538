"""Trials on disk: the outcome of one variant with one seed, complete or absent."""

import contextlib
import json
import os
import zlib
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np

from gan_jax import recipe as recipe_lib
from gan_jax.checkpoints import checkpoint
from gan_jax.errors import UsageError
from gan_jax.recipe import Recipe
from gan_jax.runtime.files import write_atomically
from gan_jax.study import definition


class Outcome(NamedTuple):
    """The outcome of one run.

    Attributes:
        evaluations: Dicts of `step` and `values`, as `report.evaluations` reads them, in the order of steps;
            they end early if the run diverged.
        protocol: How the values were computed, a dict that JSON can hold; empty without values.
        samples: Some of the last samples, [N, *shape], as the data is stored; None if the run diverged.
        diverged: Was a parameter, a loss or a sample not finite?
        seconds: Duration of the run; an equal share for seeds that trained together. None if the run was
            interrupted.
    """

    evaluations: list[dict[str, Any]]
    protocol: dict[str, Any]
    samples: np.ndarray | None
    diverged: bool
    seconds: float | None


def folder(output: str, name: str, seed: int) -> str:
    """Folder of a trial.

    Args:
        output: Folder of the study.
        name: The variant.
        seed: Its seed.

    Returns:
        The path; it need not exist.
    """
    return os.path.join(output, "trials", name, f"seed_{seed}")


def _path(output, name, seed):
    return f"{folder(output, name, seed)}.json"


def write(output: str, name: str, recipe: Recipe, outcome: Outcome) -> None:
    """Writes a finished trial; a kill leaves no incomplete one.

    Args:
        output: Folder of the study.
        name: The variant.
        recipe: From `definition.trial`.
        outcome: The Outcome.
    """
    stem = folder(output, name, recipe.seed)
    os.makedirs(os.path.dirname(stem), exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        os.remove(f"{stem}.npz")  # Of an earlier run, whose record was deleted.
    if outcome.samples is not None:
        with write_atomically(f"{stem}.npz", "wb") as file:
            np.savez_compressed(file, samples=outcome.samples)
    record = {"decides": definition.decides(recipe), **outcome._asdict()}
    del record["samples"]
    path = _path(output, name, recipe.seed)
    # Written last: a record shows that the trial is complete.
    with write_atomically(path) as file:
        json.dump(record, file)


def read(output: str, name: str, recipe: Recipe) -> Outcome | None:
    """The outcome of a trial.

    Args:
        output: Folder of the study.
        name: The variant.
        recipe: From `definition.trial`.

    Returns:
        The Outcome, without samples, or None if the trial is not finished.

    Raises:
        UsageError: The trial cannot be read, or has another recipe.
    """
    path = _path(output, name, recipe.seed)
    if not os.path.exists(path):
        return None
    with _readable(path), open(path) as file:
        record = json.load(file)
        fields = {**record, "samples": None}
        outcome = Outcome(**{field: fields[field] for field in Outcome._fields})
        trained = recipe_lib.from_dict(record["decides"])
    _check_same(path, trained, recipe)
    return outcome


def check_begun(output: str, name: str, recipe: Recipe) -> None:
    """Makes sure that a run that has begun in a trial's folder can be resumed.

    Args:
        output: Folder of the study.
        name: The variant.
        recipe: From `definition.trial`.

    Raises:
        UsageError: It has another recipe.
    """
    path = folder(output, name, recipe.seed)
    begun, _ = checkpoint.read_recipe(path)
    if begun:
        _check_same(path, recipe_lib.from_dict(begun), recipe)


def _check_same(path, trained, recipe):
    """Compares two Recipes: a field added since the trial was written has its default there."""
    lines = definition.differences(definition.decides(trained), definition.decides(recipe))
    if lines:
        raise UsageError(
            f"{path} belongs to another study ({'; '.join(lines[:4])}); give another --output, or delete it"
        )


def samples(output: str, name: str, seed: int) -> np.ndarray | None:
    """Some of a trial's last samples.

    Args:
        output: Folder of the study.
        name: The variant.
        seed: Its seed.

    Returns:
        As the data is stored, [N, *shape], or None if the run diverged or is not finished.

    Raises:
        UsageError: The file cannot be read.
    """
    path = f"{folder(output, name, seed)}.npz"
    if not os.path.exists(path):
        return None
    with _readable(path), np.load(path) as stored:
        return stored["samples"]


@contextlib.contextmanager
def _readable(path):
    """Turns the errors of a damaged file into a UsageError that names it."""
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, EOFError, UsageError, zlib.error, BadZipFile) as error:
        raise UsageError(f"{path} cannot be read: {type(error).__name__}: {error}; delete it") from None
