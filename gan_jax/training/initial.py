"""A run that begins with the parameters of another one: `--init_from`."""

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from gan_jax.checkpoints import checkpoint
from gan_jax.errors import UsageError
from gan_jax.features.types import Maps
from gan_jax.runtime import parallel
from gan_jax.sampling import loading
from gan_jax.step import TrainState
from gan_jax.terms import reads
from gan_jax.types import Term

# Arrays that a line of the log names of many.
_SHOWN = 8


class Origin(NamedTuple):
    """Where the first parameters of a run come from.

    Attributes:
        workdir: Folder of another run.
        step: Steps taken, `best`, or None for the newest checkpoint.
        trust: Import whatever modules the workdir names; see `loading.load`.
    """

    workdir: str
    step: int | str | None = None
    trust: bool = False


class Initial(NamedTuple):
    """The arrays of another run with which a run begins.

    Attributes:
        arrays: By path in the state, such as `params/generator/Dense_0/kernel`, arrays on the host.
        record: For `recipe.json`: `workdir`, `step`, the paths that were `taken`, those of `other_shapes`
            with both shapes, and those that exist only here (`new`) or only there (`unused`); None for a run
            that begins with random parameters alone.
    """

    arrays: dict[str, np.ndarray]
    record: dict[str, Any] | None


def found(origin: Origin | None, workdir: str, abstract: TrainState) -> Initial:
    """What a run begins with. A run that has a checkpoint goes on from that and takes nothing again.

    Args:
        origin: Where to take parameters from, or None.
        workdir: Folder of the run; it need not exist.
        abstract: Shapes and dtypes of its state.

    Returns:
        The Initial.

    Raises:
        UsageError: The run began in another way, or the origin holds no checkpoint, names code that is not
            trusted, or has no array of a name and shape that are here too.
    """
    record, resumes = checkpoint.read_origin(workdir), bool(checkpoint.steps(workdir))
    before = record["workdir"] if record else "random parameters"
    if origin is None:
        if record and not resumes:
            raise UsageError(
                f"{workdir} is to begin with the parameters of {before} and has no checkpoint yet: give "
                f"--init_from={before} again, or another --workdir"
            )
        return Initial({}, record)
    if resumes and before != os.path.abspath(origin.workdir):
        raise UsageError(
            f"init_from={origin.workdir}: the run in {workdir} began with {before} and has checkpoints; give "
            "another --workdir"
        )
    return Initial({}, record) if resumes else taken(origin, abstract)


def taken(origin: Origin, abstract: TrainState) -> Initial:
    """The arrays of another run that have the name, the shape and the type of arrays here.

    These are parameters, averages, and what networks own besides, such as batch statistics. Optimizers,
    counters and the state of augmentations begin anew.

    Args:
        origin: The Origin.
        abstract: Shapes and dtypes of the state here.

    Returns:
        The Initial.

    Raises:
        UsageError: As `loading.load`, or there is no such array.
    """
    model = loading.load(origin.workdir, origin.step, trust=origin.trust)
    there, here = checkpoint.named(_networks(model.state)), checkpoint.named(_networks(abstract))
    common = [path for path in here if path in there]
    arrays = {
        path: np.asarray(there[path]) for path in common if _described(there[path]) == _described(here[path])
    }
    if not any(path.startswith("params/") for path in arrays):
        raise UsageError(
            f"init_from={origin.workdir}: no parameter there has the name and the shape of one here"
        )
    record = {
        "workdir": os.path.abspath(origin.workdir),
        "step": model.step,
        "taken": list(arrays),
        "other_shapes": {
            path: f"{_described(there[path])} there, {_described(here[path])} here"
            for path in common
            if path not in arrays
        },
        "new": [path for path in here if path not in there],
        "unused": [path for path in there if path not in here],
    }
    return Initial(arrays, record)


def _described(array):
    """Type and shape of an array, such as `float32[64, 16]`."""
    return f"{array.dtype}{list(array.shape)}"


def _networks(state):
    """What a state holds of networks, by the names of a TrainState's fields."""
    return {"params": state.params, "carry": _nets(state.carry), "average": state.average}


def _nets(carry):
    """What networks own besides parameters, by player. The games of this package keep it under `net`."""
    return {player: own["net"] for player, own in carry.items() if isinstance(own, dict) and "net" in own}


def begun(state: TrainState, initial: Initial) -> TrainState:
    """The first state of a run, with the arrays of another one.

    Args:
        state: The state with random parameters.
        initial: The Initial. An average that it does not have begins with the parameters.

    Returns:
        The TrainState; none of its arrays shares a buffer with another.
    """
    if not initial.arrays:
        return state

    def replaced(tree, prefix, fallback=""):
        def leaf(path, array):
            name = jax.tree_util.keystr(path, simple=True, separator="/")
            known = initial.arrays.get(f"{prefix}/{name}", initial.arrays.get(f"{fallback}/{name}"))
            # Copied: the state is donated, and parameters and their average must not share memory.
            return array if known is None else parallel.place(known.copy(), array.sharding)

        return jax.tree_util.tree_map_with_path(leaf, tree)

    params, nets = replaced(state.params, "params"), replaced(_nets(state.carry), "carry")
    carry = {
        player: {**own, "net": nets[player]} if player in nets else own for player, own in state.carry.items()
    }
    return state.replace(params=params, carry=carry, average=replaced(state.average, "average", "params"))


def with_features(state: TrainState, features: Maps | None) -> TrainState:
    """The first state of a run, with the arrays of the fixed network that its perceptual losses look through.

    Args:
        state: The state as the game begins, which has zeros where these arrays had yet to be loaded.
        features: The Maps; loaded here, which may train a classifier. None without such losses.

    Returns:
        The TrainState.
    """
    if features is None or features.load is None:
        return state
    arrays = features.loaded().params

    def filled(own):
        if not isinstance(own, dict) or "features" not in own:
            return own
        placed = jax.tree.map(lambda array, old: parallel.place(array, old.sharding), arrays, own["features"])
        return {**own, "features": placed}

    return state.replace(carry={player: filled(own) for player, own in state.carry.items()})


def lines(initial: Initial) -> list[str]:
    """What a run takes of another one, for people.

    Args:
        initial: The Initial.

    Returns:
        One line, or none.
    """
    record = initial.record
    if record is None or not initial.arrays:
        return []
    shapes = [f"{path}: {shapes}" for path, shapes in record["other_shapes"].items()]
    parts = [
        f"begins    with {len(record['taken'])} arrays of {record['workdir']}, step {record['step']}",
        *_listed("of other shapes", shapes),
        *_listed("new here", record["new"]),
        *_listed("not used", record["unused"]),
    ]
    return ["; ".join(parts)]


def advice(terms: Mapping[str, Mapping[str, Term]], initial: Initial) -> list[str]:
    """What a run lacks that begins with random parameters, though its losses expect better ones.

    A player that the discriminator's verdict moves from the first steps on, by a weight that grows from 0,
    spares what it has learned before: the second stage of SRGAN (arXiv:1609.04802, section 3.2) and its
    successors. A weight that stays at 0 for a while leaves time for a first stage in the same run.

    Args:
        terms: The terms of every player by name, as in a TrainSpec.
        initial: The Initial.

    Returns:
        One line for people, or none.
    """
    if initial.record is not None:
        return []
    growing = [
        f"losses.{player}.{name}"
        for player, own in terms.items()
        for name, term in own.items()
        if callable(term.weight) and _judges(term) and _grows_at_once(term.weight)
    ]
    if not growing:
        return []
    return [
        f"{', '.join(growing)}: the weight grows from 0, as for a generator that was trained without a "
        "discriminator before, and this one begins with random parameters; --init_from=<workdir of that run> "
        "begins with its own"
    ]


def _judges(term):
    """Whether a term reads what a discriminator says of fakes."""
    return any(name.startswith("fake_") for name in reads(term.fn))


def _grows_at_once(weight):
    return float(weight(0)) == 0 and float(weight(1)) != 0


def _listed(what, items):
    """How many there are, and the first of them; nothing if there are none."""
    more = ", ... (all in recipe.json)" if len(items) > _SHOWN else ""
    return [f"{len(items)} {what}: {', '.join(items[:_SHOWN])}{more}"] if items else []
