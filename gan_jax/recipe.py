"""A run as plain data: every field once, with its unit. Imports no JAX, so that mistakes answer at once."""

import dataclasses
import importlib
import json
import math
import operator
import os
import re
import runpy
import sys
import typing
from collections.abc import Iterator
from typing import Any

from gan_jax.errors import UsageError, unknown

# Fields that a resumed run may change: how long it is, how often it reports, and how devices share the work.
RESUMABLE = (
    "steps", "log_every", "grid_every", "checkpoint_every", "keep_checkpoints", "eval_every",
    "diagnostics_every", "max_rollbacks", "model_devices", "device_memory", "steps_per_call",
)  # fmt: skip
# Paths of dicts that are read in the order written.
IN_ORDER = (
    r"stages|data\.degrade|updates|optimizers\.[^.]+|game\.augment|(nets|losses)\..+\.wrap|eval_metrics"
)
# What a recipe means where it leaves these out.
MEANT = {"data.halvings": 0, "data.flip": False, "data.per_class": 0, "data.crop": 0, "data.degrade": {}}
# Types in which networks may compute.
PRECISIONS = ("float32", "bfloat16")
# How exactly a step multiplies float32 matrices; JAX's names.
MATMUL_PRECISIONS = ("default", "high", "highest")
# Fields that may be 0.
FROM_ZERO = ("seed", "eval_every", "diagnostics_every", "max_rollbacks", "device_memory")


@dataclasses.dataclass(slots=True, kw_only=True)
class Recipe:
    """Everything that decides a run. Names are names of functions, dotted paths, or functions themselves.

    Attributes:
        data: `name` of a data set and its function's arguments (`resolution` in pixels, one number or height
            and width, 0 for the data's own; `split`). And for every data set: `per_class` keeps that many
            rows of each class to train on, 0 all. `crop` (pixels of `real`, one number or height and width; 0
            for none) is a random part of each row and `flip=True` mirrors rows at random, `source` and `real`
            alike; `halvings` is how often images are made half as large, by exact means of 2 x 2 pixels, after
            that; `degrade` makes `source` of `real`, for games conditioned on it: degradations by name with
            their hyperparameters, in the order applied. Evaluations and grids see central crops and fixed
            degradations.
        game: `name` of a game, its `latents` (`name` and hyperparameters; none in games without latents),
            `augment` (augmentations by name with their hyperparameters, in the order applied), perhaps
            `features` (`name` and hyperparameters of a fixed network that perceptual losses look through),
            and the game's other arguments, such as `condition_on`: names of the data's entries that networks
            get.
        nets: By player, `name` of a network, its hyperparameters, and `wrap`: wrappers by name with their
            hyperparameters, the first one innermost. Resolution, channels and classes come from the data
            unless given. A player of several networks has a dict of such dicts.
        losses: By player, terms by name: a weight, or a dict of `weight` (a number or a schedule), `every`
            (steps between two computations of a lazy term), `wrap` (`top_k`, `smooth`), `reads` (the game's
            outputs that it reads in place of those of its parameters' names, as in
            `reads=dict(fake_logits="past_logits")`) and the term's hyperparameters.
        optimizers: By player, optax transforms by name in the order in which they are chained, each with
            its hyperparameters; a hyperparameter may be a schedule, `dict(cosine_decay_schedule=dict(...))`,
            of the player's own number of moves.
        updates: Moves per step by player, in the order of play.
        moves: By player that does not take plain gradient steps, `name` of a move and its hyperparameters.
        average: By averaged player, `half_life` in real samples and `ramp_up`, its largest share of the
            samples seen so far. Samples come from averaged parameters.
        batch_size: Real samples per move, over all devices and hosts.
        accumulate: Slices of a batch whose gradients are computed one after the other and averaged: more
            time, and the memory of one slice. It divides the batch, and devices divide a slice.
        precision: The type in which networks compute, `float32` or `bfloat16`; parameters, optimizers, losses
            and penalties are float32 in any case.
        matmul_precision: How a step computes float32 products and convolutions: `default`, the fastest way
            (TF32 on a GPU, bfloat16 on a TPU), `high` (TF32; three bfloat16 products on a TPU), or `highest`
            (float32). A CPU computes float32 in any case.
        model_devices: Devices over which large parameters, their averages and their optimizers' state are
            spread, a divisor of the devices of a process; the batch is spread over groups of so many.
        device_memory: Memory of a device, GiB; a recipe that surely needs more is refused at the start. 0 to
            ask the device, and a larger number to insist.
        share_batches: Whether the k-th moves of all players in a step see the same batch and random numbers,
            so that two players may share the work of making samples; else every move has its own.
        stages: By name, in order, parts of the run: `images`, the real samples that it takes (to the end of
            the run in the last stage), and changes of this recipe, which is the last stage's if that changes
            nothing. `fade` is the number of images over which networks that grow, and the data, go over from
            half the size; with `reset=True` optimizers begin anew at the start and at the end of the fade.
            Schedules, but for those of optimizers, read the samples seen in steps of this recipe.
        steps: Steps in the whole run.
        steps_per_call: Steps that one call of a program takes, where the host has nothing to do in between:
            faster on a GPU or TPU if a step is short. The steps are the same ones.
        seed: Seed of everything random.
        log_every: Steps between two log lines.
        grid_every: Steps between two grids of samples.
        grid_size: Samples in a grid.
        checkpoint_every: Steps between two checkpoints.
        keep_checkpoints: Newest checkpoints kept; the best one is kept beside them.
        diagnostics_every: Steps between two diagnoses, each about as costly as a step; 0 for none.
        max_rollbacks: How often, in the whole run, a loss or parameter that is not finite may send it back to
            its last checkpoint, with a new random key; 0 to stop at once.
        eval_every: Steps between two evaluations, which also come after the last step; 0 for none.
        eval_metrics: Metrics by name, with their hyperparameters. The first value of the first one decides
            which checkpoint is best.
        eval_features: The network whose features metrics compare: `classifier`, `inception`, a file, a dotted
            path.
        eval_samples: Samples generated for an evaluation; no more than real ones are held out.
    """

    data: dict
    game: dict
    nets: dict
    losses: dict
    optimizers: dict
    updates: dict
    moves: dict = dataclasses.field(default_factory=dict)
    average: dict = dataclasses.field(default_factory=dict)
    batch_size: int = 64
    accumulate: int = 1
    precision: str = "float32"
    matmul_precision: str = "default"
    share_batches: bool = True
    stages: dict = dataclasses.field(default_factory=dict)
    model_devices: int = 1
    device_memory: int = 0
    steps: int = 10_000
    steps_per_call: int = 1
    seed: int = 0
    log_every: int = 50
    grid_every: int = 500
    grid_size: int = 64
    checkpoint_every: int = 500
    keep_checkpoints: int = 2
    diagnostics_every: int = 100
    max_rollbacks: int = 3
    eval_every: int = 0
    eval_metrics: dict = dataclasses.field(default_factory=lambda: dict(frechet_distance={}))
    eval_features: str = "classifier"
    eval_samples: int = 2_000

    @property
    def batches_per_step(self) -> int:
        """Batches per step: as many as the player with the most updates has moves; unshared, one a move."""
        return max(self.updates.values()) if self.share_batches else sum(self.updates.values())

    @property
    def samples_per_step(self) -> int:
        """Real samples per step, over all devices and hosts: those of the player with the most updates."""
        return self.batch_size * max(self.updates.values())


def load(config: str) -> Recipe:
    """The recipe of a config file.

    Args:
        config: As for `of_data`: `dcgan`, `configs/dcgan.py`, `dcgan:mnist`.

    Returns:
        The Recipe.

    Raises:
        UsageError: No such file, or a file whose `get_config` fails or returns no Recipe.
    """
    return checked_type(run_config(config))


def run_config(config: str) -> Any:
    """The value that `get_config` of a config file returns, such as a Recipe or a study.

    Args:
        config: As for `of_data`.

    Returns:
        The value.

    Raises:
        UsageError: No such file, or a file whose `get_config` fails.
    """
    file, data = of_data(config)
    if not os.path.isfile(file):
        name = file.removeprefix("configs/").removesuffix(".py")
        _, _, hint = str(unknown("", name, packaged())).partition(repr(name))
        other = "" if file.endswith(".py") else ", nor a recipe of this name in the package"
        raise UsageError(f"config file {file!r} does not exist{other}{hint}")
    try:
        return runpy.run_path(file)["get_config"](*[data] if data else [])
    except UsageError:
        raise
    except Exception as error:  # A config file is a program and may raise anything.
        raise UsageError(f"config {config}: {type(error).__name__}: {error}") from error


def of_data(config: str) -> tuple[str, str]:
    """The path of a config file and the data after its colon, empty if there is none.

    Args:
        config: Path of the file, or name of one in the package, perhaps with `:name` of other data, as in
            `mine/dcgan.py:mnist` or `dcgan:mnist`. A colon in the path of a file that exists belongs to the
            path.

    Returns:
        Both.
    """
    if os.path.isfile(config):
        return config, ""
    file, _, data = config.rpartition(":")
    if os.path.isfile(file):
        return file, data
    file, _, data = config.partition(":")
    return packaged().get(file, file), data


def packaged() -> dict[str, str]:
    """Paths of the package's config files, by name: `dcgan`, `tricks/dropout`, `studies/...`."""
    here = os.path.dirname(os.path.abspath(__file__))
    # Inside an installed package, beside it in a checkout.
    inside, beside = os.path.join(here, "configs"), os.path.join(os.path.dirname(here), "configs")
    folder = inside if os.path.isdir(inside) else beside
    paths = [
        os.path.join(place, name)
        for place, _, names in sorted(os.walk(folder))
        for name in sorted(names)
        if name.endswith(".py")
    ]
    return {os.path.relpath(path, folder)[: -len(".py")].replace(os.sep, "/"): path for path in paths}


def validate(recipe: Recipe) -> None:
    """Checks types, ranges and that the parts fit together; names are checked where they are looked up.

    Args:
        recipe: The Recipe.

    Raises:
        UsageError: Names the field, what was given and what was expected.
    """
    checked_type(recipe)
    for field in dataclasses.fields(recipe):
        value, kind = getattr(recipe, field.name), typing.get_origin(field.type) or field.type
        assert isinstance(kind, type)  # Not a string: this module's annotations are evaluated.
        if not isinstance(value, kind) or isinstance(value, bool) and kind is not bool:
            raise UsageError(f"{field.name}={value!r}: expected {kind.__name__}")
        least = 0 if field.name in FROM_ZERO else 1
        if isinstance(value, int) and kind is int and value < least:
            raise UsageError(f"{field.name}={value}: expected at least {least}")
    if recipe.batch_size % recipe.accumulate:
        raise UsageError(f"batch_size={recipe.batch_size} is not divisible by accumulate={recipe.accumulate}")
    for name, known in (("precision", PRECISIONS), ("matmul_precision", MATMUL_PRECISIONS)):
        if (value := getattr(recipe, name)) not in known:
            raise UsageError(f"{name}={value!r}: expected {' or '.join(known)}")
    _check_shapes(recipe)
    _check_players(recipe)
    _check_calls(recipe)
    for path, value in numbers(dataclasses.asdict(recipe)):
        if not math.isfinite(value):
            raise UsageError(f"{path}={value}: expected a finite number")
        if isinstance(value, int) and not -(2**31) <= value < 2**31:
            raise UsageError(f"{path}={value}: expected a whole number of 32 bits, or a decimal point")
        if path.endswith(".learning_rate") and value < 0:
            raise UsageError(f"{path}={value}: expected at least 0")


def checked_type(recipe: Any) -> Recipe:
    """What a config file has returned, if it is a recipe.

    Args:
        recipe: The value.

    Returns:
        The same.

    Raises:
        UsageError: It has another type.
    """
    if not isinstance(recipe, Recipe):
        raise UsageError(f"get_config must return a gan_jax.recipe.Recipe, got {type(recipe).__name__}")
    return recipe


def _check_shapes(recipe):
    """The parts that have a name have one; the parts that are by player are dicts by player."""
    named = {"data": recipe.data, "game": recipe.game}
    named.update({f"moves.{player}": part for player, part in recipe.moves.items()})
    for player, part in recipe.nets.items():
        # A player of several networks has a dict of their dicts.
        several = isinstance(part, dict) and part and all(isinstance(net, dict) for net in part.values())
        nets = {f"nets.{player}.{name}": net for name, net in part.items()} if several else {}
        named.update(nets or {f"nets.{player}": part})
    for path, part in named.items():
        if not isinstance(part, dict) or "name" not in part:
            raise UsageError(f"{path}={part!r}: expected a dict with a 'name'")
        if not isinstance(part["name"], str) and not callable(part["name"]):
            raise UsageError(f"{path}.name={part['name']!r}: expected a name or a function")
    if not isinstance(recipe.data.get("flip", False), bool):
        raise UsageError(f"data.flip={recipe.data['flip']!r}: expected bool")
    if not isinstance(recipe.data.get("degrade", {}), dict):
        raise UsageError(
            f"data.degrade={recipe.data['degrade']!r}: expected a dict of degradations with their hyperparameters"
        )
    crop = recipe.data.get("crop", 0)
    sides = crop if isinstance(crop, (tuple, list)) and len(crop) == 2 else [crop or 1]
    if not all(isinstance(side, int) and not isinstance(side, bool) and side > 0 for side in sides):
        raise UsageError(
            f"data.crop={crop!r}: expected a whole number of pixels, a pair (height, width) of them, or 0"
        )
    for option in ("per_class", "halvings"):
        count = recipe.data.get(option, 0)
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise UsageError(f"data.{option}={count!r}: expected a whole number, at least 0")
    for path in ("losses", "optimizers", "average"):
        for player, part in getattr(recipe, path).items():
            if not isinstance(part, dict):
                raise UsageError(f"{path}.{player}={part!r}: expected a dict")
    for player, count in recipe.updates.items():
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise UsageError(f"updates.{player}={count!r}: expected a whole number, at least 1")


def _check_players(recipe):
    """Players that move have a loss and an optimizer; other players have none."""
    if not recipe.updates:
        raise UsageError("updates is empty: expected at least one player with at least one move")
    if recipe.eval_every and not recipe.eval_metrics:
        raise UsageError(f"eval_metrics is empty: expected a metric for eval_every={recipe.eval_every}")
    for path in ("losses", "optimizers"):
        missing = [player for player in recipe.updates if not getattr(recipe, path).get(player)]
        if missing:
            raise UsageError(f"{path}: nothing for {missing[0]!r}, which has updates")
    for path in ("losses", "optimizers", "moves", "average"):
        for player in getattr(recipe, path):
            if player not in recipe.updates:
                raise unknown(path, player, recipe.updates)


def _check_calls(recipe):
    """Calls of several steps end at events, so these must leave room for one."""
    for field in ("log_every", "grid_every", "checkpoint_every", "eval_every", "diagnostics_every"):
        if 0 < getattr(recipe, field) < recipe.steps_per_call:
            raise UsageError(
                f"steps_per_call={recipe.steps_per_call}: expected at most {field}={getattr(recipe, field)}, "
                "since no call passes such a step"
            )


def numbers(tree: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """Walks nested dicts and sequences; yields `("a.b.0", number)`, without truth values."""
    if isinstance(tree, (int, float)) and not isinstance(tree, bool):
        yield path, tree
    sequence = enumerate(tree) if isinstance(tree, (list, tuple)) else ()
    for name, value in tree.items() if isinstance(tree, dict) else sequence:
        yield from numbers(value, f"{path}.{name}" if path else str(name))


def _plain(value):
    """JSON's view of a recipe's value: functions become dotted paths, tuples become lists."""
    if isinstance(value, dict):
        return {_plain(name) if callable(name) else name: _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return _dotted(value) if callable(value) else value


def _dotted(function):
    """A function's dotted path, by which a later process finds it again."""
    home, name = getattr(function, "__module__", "") or "", getattr(function, "__qualname__", "")
    try:
        importable = operator.attrgetter(name)(importlib.import_module(home))
    except (ImportError, AttributeError, ValueError):
        importable = None
    if home == "__main__" or importable is not function:
        where = {"__main__": "this script or notebook", "<run_path>": "the config file"}.get(
            home, home or "here"
        )
        raise UsageError(
            f"{name or function} of {where} cannot be imported again later: put it at the top level of a "
            "module of its own, such as my_functions.py in this folder, and import it from there or name it, "
            "as in 'my_functions.my_loss'; a schedule may be named, as in "
            "dict(cosine_decay_schedule=dict(...))"
        )
    return f"{_public(home, name, function)}.{name}"


def _public(home, name, function):
    """The module that offers a function of a private one: `jax.nn` for `jax._src.nn.functions`."""
    parts = [part for part in home.split(".") if part != "_src"]
    if "._src." in home:
        for count in range(len(parts), 0, -1):
            offered = sys.modules.get(".".join(parts[:count]))
            if getattr(offered, name, None) is function:
                return ".".join(parts[:count])
    return home


def to_dict(recipe: Recipe) -> dict[str, Any]:
    """The recipe as nested dicts that JSON can hold.

    Args:
        recipe: The Recipe.

    Returns:
        Dict of str to JSON values, functions as dotted paths.

    Raises:
        UsageError: Not a Recipe, a value that JSON cannot hold, or a function that its dotted path does not
            lead to, such as one that another function or a config file defines.
    """
    checked_type(recipe)
    plain = _plain({field.name: getattr(recipe, field.name) for field in dataclasses.fields(recipe)})
    try:
        return json.loads(json.dumps(plain))
    except TypeError as error:
        raise UsageError(f"a recipe holds numbers, strings, dicts, tuples and functions: {error}") from None


def from_dict(plain: dict[str, Any]) -> Recipe:
    """The recipe that `to_dict` wrote.

    Args:
        plain: Nested dicts.

    Returns:
        The Recipe.

    Raises:
        UsageError: An unknown field, or a missing one.
    """
    fields = [field.name for field in dataclasses.fields(Recipe)]
    for name in plain:
        if name not in fields:
            raise unknown("recipe", name, fields)
    try:
        return Recipe(**plain)
    except TypeError as error:
        raise UsageError(f"incomplete recipe: {error}") from None


def flatten(tree: Any, path: str = "") -> dict[str, Any]:
    """Nested dicts as one dict of dotted paths to leaves; an empty dict counts as a leaf."""
    if not isinstance(tree, dict) or not tree:
        return {path: tree}
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        flat.update(flatten(value, f"{path}.{name}" if path else str(name)))
    return flat


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Fields in which two recipes differ, without those of RESUMABLE; order counts where it matters.

    Args:
        old: A recipe as `to_dict` returns it.
        new: Another.

    Returns:
        List of lines like `batch_size: 64 -> 32`.
    """
    before, after = ({k: v for k, v in flatten(r).items() if k not in RESUMABLE} for r in (old, new))
    pairs = {
        name: [recipe.get(name, MEANT.get(name, "(absent)")) for recipe in (before, after)]
        for name in dict.fromkeys([*before, *after])
    }
    lines = [f"{name}: {there!r} -> {here!r}" for name, (there, here) in pairs.items() if there != here]
    earlier, now = dict(_orders(old)), dict(_orders(new))
    return lines or [f"{path}: another order" for path in now if earlier.get(path, []) != now[path]]


def _orders(tree, path=""):
    """Walks nested dicts; yields the paths of those whose order matters, and their names in that order."""
    if re.fullmatch(IN_ORDER, path):
        yield path, list(tree)
    for name, part in tree.items():
        if isinstance(part, dict):
            yield from _orders(part, f"{path}.{name}" if path else str(name))
