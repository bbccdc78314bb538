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

# Layers that the log names of many.
_SHOWN = 30


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
        record: For `recipe.json`: `workdir`, `step`, the paths that were `taken`, those of them that were
            changed between grey and colours (`recoloured`) and those of `other_shapes`, both with both
            shapes, and those that exist only here (`new`) or only there (`unused`); None for a run that
            begins with random parameters alone.
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
    counters and the state of augmentations begin anew. Convolutions of one channel become those of three, and
    back, so that grey images mean the same to the networks: see `recoloured`.

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
    changed = {
        path: array
        for path in common
        if path not in arrays and (array := recoloured(path, there, here)) is not None
    }
    arrays |= changed
    if not any(path.startswith("params/") for path in arrays):
        raise UsageError(
            f"init_from={origin.workdir}: no parameter there has the name and the shape of one here"
        )
    record = {
        "workdir": os.path.abspath(origin.workdir),
        "step": model.step,
        "taken": list(arrays),
        "recoloured": {path: _both(there[path], here[path]) for path in changed},
        "other_shapes": {path: _both(there[path], here[path]) for path in common if path not in arrays},
        "new": [path for path in here if path not in there],
        "unused": [path for path in there if path not in here],
    }
    return Initial(arrays, record)


def recoloured(path: str, there: Mapping[str, Any], here: Mapping[str, Any]) -> np.ndarray | None:
    """An array of a convolution between grey images and others for one between images of colours, or back.

    A network of grey images then does with their three equal channels what it did: the input's kernel is
    repeated and divided by three, the output's kernel and bias are repeated. A network of colours takes grey
    images as three equal channels, its input's kernel summed, and makes the mean of its three outputs.

    Args:
        path: Of the array, with slashes.
        there: Arrays by path, those of the same layer among them.
        here: Arrays by path, or their shapes and types.

    Returns:
        The array with the shape that it has here; None if the two are otherwise unlike.
    """
    layer, _, name = path.rpartition("/")
    kernel = path if name == "kernel" else f"{layer}/kernel" if name == "bias" else ""
    if kernel not in there or kernel not in here or there[path].dtype != here[path].dtype:
        return None
    axis, ends = _axis_of_channels(there[kernel].shape, here[kernel].shape), here[path].shape[-1:]
    if axis is None or name == "bias" and (axis != 3 or len(ends) != 1):
        return None
    array = np.asarray(there[path])
    axis = 0 if name == "bias" else axis
    if array.shape[axis] == 3:
        of = np.sum if axis == 2 else np.mean
        return of(array, axis=axis, keepdims=True, dtype=array.dtype)
    return np.repeat(array / 3 if axis == 2 else array, 3, axis=axis).astype(array.dtype)


def _axis_of_channels(there, here):
    """The only axis in which two shapes of convolutions differ, 1 and 3: 2 for inputs, 3 for outputs; or None."""
    if len(there) != 4 or len(here) != 4:
        return None
    unlike = [axis for axis in range(4) if there[axis] != here[axis]]
    right = unlike in ([2], [3]) and {there[unlike[0]], here[unlike[0]]} == {1, 3}
    return unlike[0] if right else None


def _both(there, here):
    """Types and shapes of two arrays."""
    return f"{_described(there)} there, {_described(here)} here"


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
    """What a run takes of another one, for people: how much, and layer by layer.

    Args:
        initial: The Initial.

    Returns:
        Lines; none if it takes nothing.
    """
    record = initial.record
    if record is None or not initial.arrays:
        return []
    counts = [
        f"{len(record[kind])} {what}"
        for kind, what in (("other_shapes", "of other shapes"), ("new", "new here"), ("unused", "not used"))
        if record[kind]
    ]
    whole = f"begins    with {len(record['taken'])} arrays of {record['workdir']}, step {record['step']}"
    layers = _layers(record)
    wide = max(map(len, layers))
    table = [f"          {layer:<{wide}}  {', '.join(says)}" for layer, says in layers.items()]
    more = [f"          ... {len(table) - _SHOWN} more layers: all is in recipe.json"]
    return ["; ".join([whole, *counts]), *table[:_SHOWN], *(more if len(table) > _SHOWN else [])]


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


def _layers(record: Mapping[str, Any]) -> dict[str, list[str]]:
    """What became of the parameters of each layer; layers that were not taken as they are come first."""
    taken, grey, unlike, new = "taken", "taken, between grey and colours", "another shape", "new"
    fates = {
        **dict.fromkeys(record["new"], new),
        **{path: f"{unlike}, {shapes}" for path, shapes in record["other_shapes"].items()},
        **{path: f"{grey}, {shapes}" for path, shapes in record["recoloured"].items()},
        **{path: taken for path in record["taken"] if path not in record["recoloured"]},
        **dict.fromkeys(record["unused"], "not used"),
    }
    layers: dict[str, dict[str, str]] = {}
    for path, fate in fates.items():
        kind, _, rest = path.partition("/")
        if kind == "params":
            layer, _, name = rest.rpartition("/")
            layers.setdefault(layer, {})[name] = fate
    return {
        layer: [*dict.fromkeys(of.values())]
        if len({*of.values()}) == 1
        else [f"{name} {fate}" for name, fate in of.items()]
        for layer, of in sorted(layers.items(), key=lambda pair: {*pair[1].values()} == {taken})
    }
