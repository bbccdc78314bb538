"""Checkpoints of a workdir by orbax, the recipe beside them, and a way past a damaged one."""

import contextlib
import json
import logging
import math
import os
import re

import jax
import orbax.checkpoint as ocp
from orbax.checkpoint.checkpoint_managers import AnyPreservationPolicy, BestN, LatestN

from gan_jax import recipe as recipe_lib
from gan_jax.checkpoints import best, checksums
from gan_jax.errors import Fault, UsageError
from gan_jax.runtime import processes

log = logging.getLogger("gan_jax")


class Damaged(UsageError):
    """A checkpoint that is there and cannot be read."""


@contextlib.contextmanager
def manager(workdir, keep):
    """The orbax manager of a workdir's checkpoints; on leaving, every save under way is complete.

    Args:
        workdir: Folder of the run.
        keep: Newest checkpoints kept, besides the one with the least cost.

    Yields:
        An `orbax.checkpoint.CheckpointManager`.

    Raises:
        Fault: On leaving: a save in the background has failed.
    """
    best_kept = BestN(get_metric_fn=best.of, reverse=True, n=1, keep_checkpoints_without_metrics=False)
    options = ocp.CheckpointManagerOptions(
        preservation_policy=AnyPreservationPolicy([LatestN(keep), best_kept]),
        best_fn=best.of,
        best_mode="min",
        cleanup_tmp_directories=True,
    )
    # Orbax needs an absolute path, and a manager that is not closed loses its last checkpoint.
    opened = ocp.CheckpointManager(_folder(workdir), options=options)
    try:
        yield opened
    finally:
        with _saving(workdir):
            opened.close()


@contextlib.contextmanager
def _saving(workdir):
    """Makes a Fault of whatever orbax raises when a checkpoint cannot be written, perhaps an earlier one."""
    try:
        yield
    except Exception as error:  # OSError, ValueError of the storage library, errors of orbax's own.
        kept = ", ".join(map(str, steps(workdir))) or "none"
        raise Fault(
            f"a checkpoint could not be written in {workdir}: {_reason(error)}; these are complete: {kept}"
        ) from error


def _reason(error):
    """The type and the first sentence of an error; orbax adds pages to that, and long paths in its middle."""
    first = re.split(r"\n|[.] ", str(error).strip(), maxsplit=1)[0]
    short = first if len(first) <= 200 else f"{first[:100]} ... {first[-100:]}"
    return f"{type(error).__name__}: {short}"


def best_step(workdir):
    """The step of the checkpoint with the least cost.

    Args:
        workdir: Folder of a run; it need not exist.

    Returns:
        int; None if no checkpoint has a cost. One whose cost is damaged does not count, with a warning.
    """
    known, _ = _costs(workdir, steps(workdir))
    return min(known, key=known.get, default=None)


def best_cost(manager):
    """The least cost of a checkpoint that is kept; infinity if none has one. No save may be under way."""
    step = manager.best_step()
    return math.inf if step is None else best.of(manager.metrics(step))


def _costs(workdir, steps):
    """Cost by step, and the steps whose cost is damaged, with a warning."""
    known, damaged = {}, []
    for step in steps:
        try:
            known[step] = best.read(os.path.join(_folder(workdir), str(step)))
        except ValueError as error:
            log.warning("the cost of checkpoint %d in %s is damaged: %s", step, workdir, _reason(error))
            damaged.append(step)
    return {step: cost for step, cost in known.items() if cost is not None}, damaged


def _folder(workdir):
    return os.path.join(os.path.abspath(workdir), "checkpoints")


def steps(workdir):
    """Steps of the complete checkpoints in a workdir, oldest first.

    Args:
        workdir: Folder of a run; it need not exist.

    Returns:
        List of int.
    """
    folder = _folder(workdir)
    return sorted(ocp.utils.checkpoint_steps(folder)) if os.path.isdir(folder) else []


def save(manager, step, state, cost=None):
    """Saves a state, most of it in the background; a step that is there already is left alone.

    Args:
        manager: From `manager`.
        step: Rounds played.
        state: The TrainState.
        cost: What the best checkpoint has least of; None if it is not known for this one.

    Raises:
        Fault: It cannot be written, or the one before could not.
    """
    if not manager.directory.exists():  # Orbax would make it anew, and nothing else of the workdir.
        raise Fault(f"step {step} cannot be saved: {manager.directory} is gone")
    if step not in manager.all_steps():
        args = ocp.args.Composite(
            state=ocp.args.StandardSave(state), **{checksums.ITEM: checksums.Args(state)}
        )
        with _saving(manager.directory.parent):
            manager.save(step, args=args, force=True, metrics=best.record(cost))


def restore(workdir, abstract, step):
    """One checkpoint, or an error that says what is wrong with it.

    Args:
        workdir: Folder of a run.
        abstract: The state's shapes, dtypes and shardings.
        step: Which checkpoint.

    Returns:
        The TrainState.

    Raises:
        UsageError: No such checkpoint, or one of other shapes.
        Damaged: It cannot be read, or what is read is not what was written.
    """
    exist = steps(workdir)
    if step not in exist:
        shown = ", ".join(map(str, exist)) or "none"
        raise UsageError(f"step {step} has no checkpoint in {workdir}; these exist: {shown}")
    path, what = os.path.join(_folder(workdir), str(step)), f"checkpoint {step} in {workdir}"
    try:
        with ocp.StandardCheckpointer(multiprocessing_options=_alone()) as reader:
            stored = reader.metadata(os.path.join(path, "state")).item_metadata
            if stored is None:
                raise Damaged(f"{what} is damaged: its metadata cannot be read")
            _check_shapes(stored.tree, abstract, what)
            state = reader.restore(os.path.join(path, "state"), abstract)
        _check_sums(checksums.read(path), state, what)
        return state
    except UsageError:
        raise
    # Orbax reports damage in many ways: bare Exception, ValueError, KeyError, JSONDecodeError.
    except Exception as error:
        raise Damaged(f"{what} is damaged: {_reason(error)}") from error


def _alone():
    """Lets a process read on its own: orbax would have it wait for others, of which one may have failed."""
    here = jax.process_index()
    return ocp.options.MultiprocessingOptions(primary_host=here, active_processes={here})


def _check_sums(written, state, what):
    """Compares what was read with what was written."""
    if written is None:
        log.warning("%s has no checksums; whether it is as it was written cannot be told", what)
        return
    if wrong := checksums.differing(written, checksums.checksums(checksums.on_host(state))):
        more = f" and {len(wrong) - 4} more" if len(wrong) > 4 else ""
        raise Damaged(
            f"{what} is damaged: other checksums than when it was written: {', '.join(wrong[:4])}{more}"
        )


def restore_latest(workdir, abstract):
    """The newest checkpoint that is whole; damaged ones are put aside with a warning.

    One whose cost alone is damaged is put aside too, however old: unknown for the best, it would be deleted.

    Args:
        workdir: Folder of a run; it need not exist.
        abstract: The state's shapes, dtypes and shardings.

    Returns:
        The TrainState, or None if the workdir has no checkpoint.

    Raises:
        UsageError: There are checkpoints and none can be read, or one has other shapes.
    """
    exist = processes.from_first(lambda: steps(workdir))
    damaged = processes.from_first(lambda: _costs(workdir, exist)[1])
    for step in reversed([step for step in exist if step not in damaged]):
        state, damage = processes.together(lambda: _tried(workdir, abstract, step))
        if found := next(filter(None, processes.gather(damage)), None):
            log.warning("%s; trying the one before", found)
            damaged.append(step)
            continue
        processes.together(lambda: processes.is_first() and _put_aside(workdir, damaged))
        return state
    if exist:
        raise UsageError(f"no checkpoint in {workdir} can be read; move the folder away to start anew")
    return None


def _tried(workdir, abstract, step):
    """The state and None, or None and what is wrong with the checkpoint."""
    try:
        return restore(workdir, abstract, step), None
    except Damaged as error:
        return None, str(error)


def _put_aside(workdir, damaged):
    """Moves damaged checkpoints out of the way of the ones that will be written at the same steps."""
    for step in damaged:
        aside = os.path.join(os.path.abspath(workdir), "damaged")
        os.makedirs(aside, exist_ok=True)
        os.rename(os.path.join(_folder(workdir), str(step)), _free(os.path.join(aside, str(step))))
        log.warning("checkpoint %d was put aside in %s", step, aside)


def _free(path):
    """The path, or the first of path.1, path.2, ... that does not exist."""
    candidates = [path, *(f"{path}.{n}" for n in range(1, 1000))]
    return next(candidate for candidate in candidates if not os.path.exists(candidate))


def _named_shapes(tree):
    """Shapes by `player/layer/kernel`, of what a recipe's networks decide."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): tuple(leaf.shape) for path, leaf in leaves
    }


def _check_shapes(stored, abstract, what):
    """Names every parameter whose shape is not what the recipe's networks have."""
    for part in ("params", "carry", "average"):
        there, here = _named_shapes(stored[part]), _named_shapes(getattr(abstract, part))
        wrong = [
            f"{part}/{name} is {there.get(name, 'absent')} there and {here.get(name, 'absent')} here"
            for name in dict.fromkeys([*there, *here])
            if there.get(name) != here.get(name)
        ]
        if wrong:
            more = f", and {len(wrong) - 4} more" if len(wrong) > 4 else ""
            raise UsageError(f"{what} has other shapes: {'; '.join(wrong[:4])}{more}")


def write_recipe(workdir, recipe, facts):
    """Puts the recipe and the facts about its data beside the checkpoints, whole or not at all.

    Args:
        workdir: Folder of the run; it exists.
        recipe: The Recipe.
        facts: Dict of `resolution`, `channels` and `classes`.
    """
    path = os.path.join(workdir, "recipe.json")
    with open(f"{path}.tmp", "w") as file:
        json.dump({"recipe": recipe_lib.to_dict(recipe), "facts": facts}, file, indent=2)
    os.replace(f"{path}.tmp", path)


def read_recipe(workdir):
    """What `write_recipe` wrote.

    Args:
        workdir: Folder of a run.

    Returns:
        The recipe as nested dicts, and the facts; `(None, None)` if there is none.

    Raises:
        UsageError: The file cannot be read, or the workdir is no folder of a file system.
    """
    if "://" in workdir:
        raise UsageError(
            f"workdir={workdir}: expected a folder of a file system; gs:// and the like are not supported yet"
        )
    path = os.path.join(workdir, "recipe.json")
    if not os.path.exists(path):
        return None, None
    try:
        with open(path) as file:
            stored = json.load(file)
        return stored["recipe"], stored["facts"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} cannot be read: {type(error).__name__}: {error}") from None
