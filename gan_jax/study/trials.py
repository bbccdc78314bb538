"""Cells of a study on disk: what came of one variant with one seed, whole or not there."""

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
from gan_jax.runtime.files import write_atomically
from gan_jax.study import definition


class Outcome(NamedTuple):
    """What came of one run.

    Attributes:
        evaluations: Dicts of `step` and `values`, as `report.evaluations` reads them, in the order of steps;
            they end early if the run diverged.
        protocol: What belongs beside the values, a dict that JSON can hold; empty without values.
        samples: Some of the last samples, as their kind keeps them; None if the run diverged.
        diverged: Was it not finite at some step?
        seconds: That it took; of seeds that trained together each has an equal share. None if the run was
            interrupted.
    """

    evaluations: list
    protocol: dict
    samples: Any
    diverged: bool
    seconds: float | None


def folder(output, name, seed):
    """Folder of a cell.

    Args:
        output: Folder of the study.
        name: The variant.
        seed: Its seed.

    Returns:
        The path; it need not exist.
    """
    return os.path.join(output, "cells", name, f"seed_{seed}")


def _path(output, name, seed):
    return f"{folder(output, name, seed)}.json"


def write(output, name, recipe, outcome):
    """Puts a finished cell on disk; what a kill leaves is no cell.

    Args:
        output: Folder of the study.
        name: The variant.
        recipe: From `definition.cell`.
        outcome: The Outcome.
    """
    stem = folder(output, name, recipe.seed)
    os.makedirs(os.path.dirname(stem), exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        os.remove(f"{stem}.npz")  # Of an earlier run, whose record was deleted.
    if outcome.samples is not None:
        np.savez_compressed(f"{stem}.npz", samples=outcome.samples)
    record = {"decides": definition.decides(recipe), **outcome._asdict()}
    del record["samples"]
    path = _path(output, name, recipe.seed)
    # The samples are there by now: a record is the sign that all is.
    with write_atomically(path) as file:
        json.dump(record, file)


def read(output, name, recipe):
    """What came of a cell.

    Args:
        output: Folder of the study.
        name: The variant.
        recipe: From `definition.cell`.

    Returns:
        The Outcome, without samples, or None if the cell is not finished.

    Raises:
        UsageError: The cell cannot be read, or is one of another recipe.
    """
    path = _path(output, name, recipe.seed)
    if not os.path.exists(path):
        return None
    with _readable(path), open(path) as file:
        record = json.load(file)
        outcome = {**record, "samples": None}
        found = Outcome(**{field: outcome[field] for field in Outcome._fields})
        trained = recipe_lib.from_dict(record["decides"])
    _check_same(path, trained, recipe)
    return found


def check_begun(output, name, recipe):
    """Makes sure that a run which has begun in a cell's folder may go on there.

    Args:
        output: Folder of the study.
        name: The variant.
        recipe: From `definition.cell`.

    Raises:
        UsageError: It is one of another recipe.
    """
    path = folder(output, name, recipe.seed)
    begun, _ = checkpoint.read_recipe(path)
    if begun:
        _check_same(path, recipe_lib.from_dict(begun), recipe)


def _check_same(path, trained, recipe):
    """By way of a Recipe, in which fields that are younger than the cell have their defaults."""
    lines = definition.differences(definition.decides(trained), definition.decides(recipe))
    if lines:
        raise UsageError(
            f"{path} is of another study ({'; '.join(lines[:4])}); give another --output, or delete it"
        )


def samples(output, name, seed):
    """Some of a cell's last samples.

    Args:
        output: Folder of the study.
        name: The variant.
        seed: Its seed.

    Returns:
        As their kind keeps them, [N, H, W, C], or None if the run diverged or is not finished.

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
    """Whatever a damaged file raises becomes a UsageError that names it."""
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, EOFError, UsageError, zlib.error, BadZipFile) as error:
        raise UsageError(f"{path} cannot be read: {type(error).__name__}: {error}; delete it") from None
