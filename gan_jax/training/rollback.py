"""After a divergence, the run resumes from the last good checkpoint with a new random key.

The record of rollbacks in the workdir determines the key. A run that is killed after a rollback therefore
resumes bit for bit as if it had not been killed.
"""

import functools
import json
import logging
import os
from collections.abc import Callable
from typing import Any

import jax

from gan_jax.errors import Divergence, UsageError
from gan_jax.runtime import processes
from gan_jax.runtime.files import write_atomically
from gan_jax.step import TrainState

log = logging.getLogger("gan_jax")


def read(workdir: str) -> list[dict[str, Any]]:
    """The rollbacks of a run, oldest first.

    Args:
        workdir: Folder of the run; it need not exist.

    Returns:
        Dicts of `step`, from which the run resumed, and `why`.

    Raises:
        UsageError: The file cannot be read.
    """
    path = _path(workdir)
    if not os.path.exists(path):
        return []
    try:
        with open(path) as file:
            return [{"step": int(each["step"]), "why": str(each["why"])} for each in json.load(file)]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} cannot be read: {type(error).__name__}: {error}") from None


def keys(key: jax.Array, rollbacks: list[dict[str, Any]]) -> Callable[[int], jax.Array]:
    """The random key of each step: the run's key and the number of rollbacks to this step or earlier.

    A step that is repeated after a rollback gets a new key. A step before all rollbacks keeps its key, also
    if a damaged checkpoint makes the run repeat it. The order of the data does not depend on this key: every
    sample still comes once per epoch. A loss jumps at a combination of batch and parameters, and a new key
    leads to another combination (Chowdhery et al. 2022, arXiv:2204.02311, section 5.1, skip the batches
    instead).

    Args:
        key: Random key of the run.
        rollbacks: From `read`.

    Returns:
        Function from finished training steps to the key of the next step; the key of 0 is also the initial
        state's.
    """

    @functools.cache
    def after(count):
        # Smaller numbers are folded in by steps.
        return jax.random.fold_in(key, 2**31 + count) if count else key

    return lambda step: after(sum(rollback["step"] <= step for rollback in rollbacks))


def persist(
    play: Callable[[TrainState | None, Callable[[int], jax.Array]], int],
    restore: Callable[[], TrainState | None],
    state: TrainState | None,
    key: jax.Array,
    workdir: str,
    most: int,
) -> int:
    """Trains to the end; after each divergence it resumes from the last good checkpoint.

    All processes call it, and diverge at the same step or not at all: losses and parameters are equal
    everywhere.

    Args:
        play: Function of a state, None for the initial one, and of the function that `keys` returns; it
            trains and may raise Divergence.
        restore: Function without arguments that returns the TrainState of the last good checkpoint, None
            without one.
        state: The TrainState to start from, None for the initial one.
        key: Random key of the run.
        workdir: Folder of the run.
        most: Largest number of rollbacks in the whole run, over all its starts.

    Returns:
        The value of `play`.

    Raises:
        Divergence: The run diverged again after that many rollbacks.
    """
    rollbacks = processes.from_first(lambda: read(workdir))
    while True:
        try:
            return play(state, keys(key, rollbacks))
        except Divergence as error:
            # Only the error refers to the diverged state; leaving this block frees both.
            why = str(error)
        if len(rollbacks) >= most:
            raise Divergence(
                f"{why}; the last good checkpoint is kept (rollbacks: {len(rollbacks)}, max_rollbacks={most})"
            )
        state = restore()
        rollbacks = [*rollbacks, {"step": int(state.step) if state else 0, "why": why}]
        if processes.is_first():
            _write(workdir, rollbacks)
            log.warning(
                "%s; rollback %d of %d: resuming from step %d with a new random key",
                why, len(rollbacks), most, rollbacks[-1]["step"],
            )  # fmt: skip


def _path(workdir):
    return os.path.join(workdir, "rollbacks.json")


def _write(workdir, rollbacks):
    """Writes the record atomically."""
    with write_atomically(_path(workdir)) as file:
        json.dump(rollbacks, file, indent=2)
