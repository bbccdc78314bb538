"""After a divergence: back to the last good checkpoint, and on from there with other random numbers.

What is on record in the workdir decides which numbers those are, so that a run which is killed after a
rollback goes on bit for bit as if it had not been.
"""

import functools
import json
import logging
import os

import jax

from gan_jax.errors import Divergence, UsageError
from gan_jax.runtime import processes

log = logging.getLogger("gan_jax")


def read(workdir):
    """The rollbacks of a run, oldest first.

    Args:
        workdir: Folder of the run; it need not exist.

    Returns:
        List of dicts of `step`, to which the run went back, and `why`.

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


def keys(key, rollbacks):
    """The random key of each step: the rollbacks to it or to one before it are counted into the run's own.

    A step that is played again has seen one rollback more and so has another key; a step before them all has
    the key that it had, also when a damaged checkpoint makes the run play it once more. The order of the data
    does not follow from this key and stays: every image comes once an epoch, rollback or not. It is the batch
    and the parameters together that make a loss jump, and these come together differently (Chowdhery et al.
    2022, arXiv:2204.02311, section 5.1, who leave out the batches instead).

    Args:
        key: Random key of the run.
        rollbacks: From `read`.

    Returns:
        Function from rounds played to the key of the next round; that of 0 is also the first state's.
    """

    @functools.cache
    def after(count):
        # Smaller numbers are those of steps.
        return jax.random.fold_in(key, 2**31 + count) if count else key

    return lambda step: after(sum(rollback["step"] <= step for rollback in rollbacks))


def persist(play, restore, state, key, workdir, most):
    """Plays to the end, after each divergence again from the last good checkpoint.

    All processes call it, and all diverge at the same step or none: losses and parameters are the same
    everywhere.

    Args:
        play: Function of a state, None for the first one, and of what `keys` returns; it raises Divergence.
        restore: Function of nothing to the TrainState of the last good checkpoint, None without one.
        state: The TrainState to start from, or None.
        key: Random key of the run.
        workdir: Folder of the run.
        most: Rollbacks in the whole run, all its starts together.

    Returns:
        What `play` returns.

    Raises:
        Divergence: Once more than that often.
    """
    rollbacks = processes.from_first(lambda: read(workdir))
    while True:
        try:
            return play(state, keys(key, rollbacks))
        except Divergence as error:
            # Only the error holds on to the state that diverged, and it goes with this block.
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
                "%s; rollback %d of %d: going on from step %d with other random numbers",
                why, len(rollbacks), most, rollbacks[-1]["step"],
            )  # fmt: skip


def _path(workdir):
    return os.path.join(workdir, "rollbacks.json")


def _write(workdir, rollbacks):
    """Puts the whole record in the place of the one before, so that a kill leaves one or the other."""
    path = _path(workdir)
    with open(f"{path}.tmp", "w") as file:
        json.dump(rollbacks, file, indent=2)
    os.replace(f"{path}.tmp", path)
