"""Checkpoints of a workdir by orbax, the recipe beside them, and the recovery from damaged ones."""

import contextlib
import json
import logging
import math
import os
import re
from collections.abc import Iterator
from typing import Any

import jax
import orbax.checkpoint as ocp
from absl import logging as absl_logging
from orbax.checkpoint.checkpoint_managers import AnyPreservationPolicy, BestN, LatestN

from gan_jax import recipe as recipe_lib
from gan_jax.checkpoints import best, checksums
from gan_jax.errors import Fault, UsageError
from gan_jax.runtime import processes
from gan_jax.runtime.files import write_atomically
from gan_jax.step import TrainState

log = logging.getLogger("gan_jax")

# Characters that orbax takes for a pattern of several paths.
_PATTERNS = "*?[]\\"


class Damaged(UsageError):
    """A checkpoint exists and cannot be read."""


@contextlib.contextmanager
def manager(workdir: str, keep: int) -> Iterator[ocp.CheckpointManager]:
    """The orbax manager of a workdir's checkpoints; on leaving, it waits until all saves are complete.

    Args:
        workdir: Folder of the run.
        keep: Number of newest checkpoints to keep, besides the one with the least cost.

    Yields:
        The manager.

    Raises:
        Fault: On leaving: a save in the background failed.
    """
    best_kept = BestN(get_metric_fn=best.of, reverse=True, n=1, keep_checkpoints_without_metrics=False)
    options = ocp.CheckpointManagerOptions(
        preservation_policy=AnyPreservationPolicy([LatestN(keep), best_kept]),
        best_fn=best.of,
        best_mode="min",
        cleanup_tmp_directories=True,
    )
    # Orbax needs an absolute path. Without `close`, the last checkpoint is lost.
    opened = ocp.CheckpointManager(_folder(workdir), options=options)
    try:
        yield opened
    finally:
        with _saving(workdir):
            opened.close()


@contextlib.contextmanager
def _without_warnings():
    """Hides orbax's warnings about what is right: a checkpoint without a cost, or without own metadata."""
    level = absl_logging.get_verbosity()
    absl_logging.set_verbosity(min(level, absl_logging.ERROR))  # The more, the more is said.
    try:
        yield
    finally:
        absl_logging.set_verbosity(level)


@contextlib.contextmanager
def _saving(workdir):
    """Turns every error of orbax while it writes this checkpoint or an earlier one into a Fault."""
    try:
        with _without_warnings():
            yield
    except Exception as error:  # OSError, ValueError of the storage library, orbax's own errors.
        complete = ", ".join(map(str, steps(workdir))) or "none"
        raise Fault(
            f"a checkpoint could not be written in {workdir}: {_reason(error)}; "
            f"these are complete: {complete}"
        ) from error


def _reason(error):
    """The type and the first sentence of an error; orbax adds pages after it and long paths inside it."""
    first = re.split(r"\n|[.] ", str(error).strip(), maxsplit=1)[0]
    short = first if len(first) <= 200 else f"{first[:100]} ... {first[-100:]}"
    return f"{type(error).__name__}: {short}"


def best_step(workdir: str) -> int | None:
    """The step of the checkpoint with the least cost. Damaged costs are skipped with a warning.

    Args:
        workdir: Folder of a run; it need not exist.

    Returns:
        The step; None if no checkpoint has a cost.
    """
    costs, _ = _costs(workdir, steps(workdir))
    return min(costs, key=lambda step: costs[step], default=None)


def best_cost(manager: ocp.CheckpointManager) -> float:
    """The least cost of the kept checkpoints, infinity if none has a cost. No save may be in progress."""
    step = manager.best_step()
    return math.inf if step is None else best.of(manager.metrics(step))


def _costs(workdir, steps):
    """Costs by step, and the steps whose cost is damaged; each of these is logged as a warning."""
    costs, damaged = {}, []
    for step in steps:
        try:
            costs[step] = best.read(os.path.join(_folder(workdir), str(step)))
        except (OSError, ValueError) as error:
            log.warning("the cost of checkpoint %d in %s is damaged: %s", step, workdir, _reason(error))
            damaged.append(step)
    return {step: cost for step, cost in costs.items() if cost is not None}, damaged


def _folder(workdir):
    return os.path.join(os.path.abspath(workdir), "checkpoints")


def steps(workdir: str) -> list[int]:
    """Steps of the complete checkpoints in a workdir, oldest first.

    Args:
        workdir: Folder of a run; it need not exist.

    Returns:
        The steps.
    """
    folder = _folder(workdir)
    return sorted(ocp.utils.checkpoint_steps(folder)) if os.path.isdir(folder) else []


def save(manager: ocp.CheckpointManager, step: int, state: Any, cost: float | None = None) -> None:
    """Saves a state, mostly in the background; a step that already has a checkpoint is skipped.

    Args:
        manager: From `manager`.
        step: Finished training steps.
        state: The TrainState.
        cost: Cost of this checkpoint, least for the best one; None if it is not known.

    Raises:
        Fault: This checkpoint or the previous one cannot be written.
    """
    if not manager.directory.exists():  # Orbax would make this folder again, without the rest of the workdir.
        raise Fault(f"step {step} cannot be saved: {manager.directory} is gone")
    if step not in manager.all_steps():
        args = ocp.args.Composite(
            state=ocp.args.StandardSave(state), **{checksums.ITEM: checksums.Args(state)}
        )
        with _saving(manager.directory.parent):
            manager.save(step, args=args, force=True, metrics=best.record(cost))


def add_cost(manager: ocp.CheckpointManager, step: int, cost: float | None, keep: int) -> None:
    """Gives a cost to a checkpoint that was saved before its evaluation; called by every process.

    If it is the best one now, the former best one goes, unless it is new.

    Args:
        manager: From `manager`.
        step: Step of the checkpoint.
        cost: Its cost; None changes nothing.
        keep: Number of newest checkpoints to keep, as the manager does.

    Raises:
        Fault: The checkpoint or its cost cannot be written.
    """
    if cost is None:
        return
    with _saving(manager.directory.parent):
        manager.wait_until_finished()
        folder = os.path.join(manager.directory, str(step))
        processes.together(lambda: best.write(folder, cost) if processes.is_first() else None)
        manager.reload()
        kept = {manager.best_step(), *sorted(manager.all_steps())[-keep:]}
        for old in set(manager.all_steps()) - kept:
            manager.delete(old)


def is_without_cost(workdir: str, step: int) -> bool:
    """Tells if a checkpoint exists and was not evaluated, as after a kill during its evaluation.

    Args:
        workdir: Folder of a run; it need not exist.
        step: Step of the checkpoint.

    Returns:
        bool.
    """
    return step in steps(workdir) and not _costs(workdir, [step])[0]


def restore(workdir: str, abstract: Any, step: int, kept: str = "") -> TrainState:
    """Reads one checkpoint and compares its checksums.

    Args:
        workdir: Folder of a run.
        abstract: The state's shapes, dtypes and shardings.
        step: Step of the checkpoint.
        kept: Name in a player's carry whose arrays are read as they were saved, where `abstract` has none;
            empty for none.

    Returns:
        The TrainState.

    Raises:
        UsageError: The checkpoint does not exist, or its shapes or types differ from the recipe's.
        Damaged: The checkpoint cannot be read, or differs from the state that was saved.
    """
    available = steps(workdir)
    if step not in available:
        names = ", ".join(map(str, available)) or "none"
        raise UsageError(f"step {step} has no checkpoint in {workdir}; these exist: {names}")
    path, name = os.path.join(_folder(workdir), str(step)), f"checkpoint {step} in {workdir}"
    try:
        with _without_warnings(), ocp.StandardCheckpointer(multiprocessing_options=_one_process()) as reader:
            stored = reader.metadata(os.path.join(path, "state")).item_metadata
            if stored is None:
                raise Damaged(f"{name} is damaged: its metadata cannot be read")
            abstract = _with_kept(abstract, stored.tree, kept) if kept else abstract
            _check_arrays(stored.tree, abstract, name)
            state = reader.restore(os.path.join(path, "state"), abstract)
        _check_sums(checksums.read(path), state, name)
        return state
    except UsageError:
        raise
    # Orbax reports damage in many ways: bare Exception, ValueError, KeyError, JSONDecodeError.
    except Exception as error:
        raise Damaged(f"{name} is damaged: {_reason(error)}") from error


def _with_kept(abstract, stored, kept):
    """The abstract state with what a checkpoint has under a name in players' carries, and the state does not."""
    sharding = jax.tree.leaves(abstract)[0].sharding

    def described(array):
        return jax.ShapeDtypeStruct(array.shape, array.dtype, sharding=sharding)

    def with_kept(own, there):
        if kept in own or kept not in there:
            return own
        return {**own, kept: jax.tree.map(described, there[kept])}

    carry = {
        player: with_kept(own, stored["carry"].get(player, {})) if isinstance(own, dict) else own
        for player, own in abstract.carry.items()
    }
    return abstract.replace(carry=carry)


def _one_process():
    """Options by which this process reads alone. By default orbax waits for others, which may have failed."""
    here = jax.process_index()
    return ocp.options.MultiprocessingOptions(primary_host=here, active_processes={here})


def _check_sums(written, state, name):
    """Compares the checksums of a restored state with the written ones."""
    if wrong := checksums.differing(written, checksums.checksums(checksums.on_host(state))):
        more = f" and {len(wrong) - 4} more" if len(wrong) > 4 else ""
        raise Damaged(f"{name} is damaged: checksum mismatch: {', '.join(wrong[:4])}{more}")


def restore_latest(workdir: str, abstract: Any) -> TrainState | None:
    """The newest undamaged checkpoint; newer damaged ones are moved away with a warning.

    A checkpoint with a damaged cost is moved away too, at whatever step: without a cost it cannot be kept as
    the best one, and would be deleted.

    Args:
        workdir: Folder of a run; it need not exist.
        abstract: The state's shapes, dtypes and shardings.

    Returns:
        The TrainState, or None if the workdir has no checkpoint.

    Raises:
        UsageError: All checkpoints are damaged, or the shapes or types of one differ from the recipe's.
    """
    available = processes.from_first(lambda: steps(workdir))
    damaged = processes.from_first(lambda: _costs(workdir, available)[1])
    for step in reversed([step for step in available if step not in damaged]):
        state, damage = processes.together(lambda: _try_restore(workdir, abstract, step))
        if reason := next(filter(None, processes.gather(damage)), None):
            log.warning("%s; trying the previous one", reason)
            damaged.append(step)
            continue
        processes.together(lambda: processes.is_first() and _move_away(workdir, damaged))
        return state
    if available:
        raise UsageError(f"no checkpoint in {workdir} can be read; move the folder away to start again")
    return None


def _try_restore(workdir, abstract, step):
    """The state and None, or None and the reason why the checkpoint is damaged."""
    try:
        return restore(workdir, abstract, step), None
    except Damaged as error:
        return None, str(error)


def _move_away(workdir, damaged):
    """Moves damaged checkpoints to another folder, so that the run can save at the same steps again."""
    for step in damaged:
        folder = os.path.join(os.path.abspath(workdir), "damaged")
        os.makedirs(folder, exist_ok=True)
        os.rename(os.path.join(_folder(workdir), str(step)), _free(os.path.join(folder, str(step))))
        log.warning("checkpoint %d was moved to %s", step, folder)


def _free(path):
    """The path, or the first of path.1, path.2, ... that does not exist."""
    candidates = [path, *(f"{path}.{n}" for n in range(1, 1000))]
    return next(candidate for candidate in candidates if not os.path.exists(candidate))


def named(tree: Any) -> dict[str, Any]:
    """The arrays of a pytree by path, such as `params/player/layer/kernel`."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {jax.tree_util.keystr(path, simple=True, separator="/"): leaf for path, leaf in leaves}


def _check_arrays(stored, abstract, name):
    """Names differences between the arrays of a checkpoint and those of the recipe, which are no damage."""
    there, here = named(stored), named(abstract)
    of_optimizers = {path for path in (*there, *here) if path.startswith("opt/")}
    shapes = _differing(there, here, lambda array: tuple(array.shape))
    if lines := [line for path, line in shapes.items() if path not in of_optimizers]:
        raise UsageError(f"{name} has other shapes: {_first(lines)}")
    if shapes:
        raise UsageError(
            f"{name} has optimizers of other arrays: {_first(list(shapes.values()))}; another version of "
            "optax or gan_jax has written it"
        )
    keys = {path for path, array in here.items() if jax.numpy.issubdtype(array.dtype, jax.dtypes.prng_key)}
    types = _differing(there, here, lambda array: jax.numpy.dtype(array.dtype).name, without=keys)
    if types:
        sizes = [(there[path].dtype.itemsize, here[path].dtype.itemsize) for path in types]
        with_x64, without = any(8 == a > b for a, b in sizes), any(a < b == 8 for a, b in sizes)
        reason = (
            "it was trained with JAX_ENABLE_X64=1: set that here too" if with_x64
            else "it was trained without JAX_ENABLE_X64=1: unset that here too" if without
            else "another version of gan_jax or of its libraries has written it"
        )  # fmt: skip
        raise UsageError(f"{name} has numbers of other types: {_first(list(types.values()))}; {reason}")


def _differing(there, here, what, without=()):
    """By path, a line for each array whose property differs."""
    before, now = (
        {path: what(array) for path, array in tree.items() if path not in without} for tree in (there, here)
    )
    return {
        path: f"{path} is {before.get(path, 'absent')} there and {now.get(path, 'absent')} here"
        for path in dict.fromkeys([*now, *before])
        if before.get(path) != now.get(path)
    }


def _first(lines):
    """The first four of some lines, and how many more there are."""
    return "; ".join(lines[:4]) + (f", and {len(lines) - 4} more" if len(lines) > 4 else "")


def write_recipe(
    workdir: str, recipe: recipe_lib.Recipe, data: dict[str, Any], origin: dict[str, Any] | None = None
) -> None:
    """Writes the recipe and the description of its data beside the checkpoints, completely or not at all.

    Args:
        workdir: Folder of the run; it exists.
        recipe: The Recipe.
        data: From `fingerprint.describe` of the data set.
        origin: What was taken of another run at the start, as JSON can hold it; None for nothing.
    """
    stored = {"recipe": recipe_lib.to_dict(recipe), "data": data, **({"init_from": origin} if origin else {})}
    with write_atomically(os.path.join(workdir, "recipe.json")) as file:
        json.dump(stored, file, indent=2)


def read_origin(workdir: str) -> dict[str, Any] | None:
    """What a run took of another one at its start, as `write_recipe` wrote it; None for nothing.

    Args:
        workdir: Folder of a run whose recipe can be read, or that does not exist.
    """
    path = os.path.join(workdir, "recipe.json")
    if not os.path.exists(path):
        return None
    with open(path) as file:
        return json.load(file).get("init_from")


def read_recipe(workdir: str) -> tuple[dict[str, Any], dict[str, Any]] | tuple[None, None]:
    """Reads what `write_recipe` wrote.

    Args:
        workdir: Folder of a run.

    Returns:
        The recipe as nested dicts, and the description of its data; `(None, None)` if there is no such file.

    Raises:
        UsageError: The file cannot be read, or the workdir is not a folder of a file system, or orbax would
            take its path for a pattern.
    """
    if "://" in workdir:
        raise UsageError(
            f"workdir={workdir}: expected a folder of a file system; gs:// and the like are not supported yet"
        )
    if wrong := sorted(set(_PATTERNS) & set(os.path.abspath(workdir))):
        raise UsageError(
            f"workdir={workdir}: {' '.join(wrong)} in a path is a pattern for orbax, which then does not "
            "find its own checkpoints; give another folder, or a link to this one"
        )
    path = os.path.join(workdir, "recipe.json")
    if not os.path.exists(path):
        return None, None
    try:
        with open(path) as file:
            stored = json.load(file)
        return stored["recipe"], stored["data"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} cannot be read: {type(error).__name__}: {error}") from None
