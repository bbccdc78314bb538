"""Names in a recipe become functions: the only reader of a recipe's parts."""

import functools
import inspect
import itertools
import math
import sys
import typing
from collections.abc import Callable, Collection, Mapping
from types import ModuleType
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax

from gan_jax import (
    augment,
    degradations,
    games,
    latents,
    losses,
    moves,
    nets,
    penalties,
    step,
    transforms,
    wrap,
)
from gan_jax import data as data_lib
from gan_jax.accumulation import accumulated
from gan_jax.data import views
from gan_jax.data.source import Source, checked, per_class
from gan_jax.errors import Unknown, UsageError, unknown
from gan_jax.features import perceptual as perceptual_lib
from gan_jax.features.types import Maps
from gan_jax.latents import linear
from gan_jax.losses import modifiers
from gan_jax.names import bind, find, schedule
from gan_jax.names import offers as offered_by
from gan_jax.nets.linen import from_linen
from gan_jax.recipe import Recipe
from gan_jax.seams import described, guarded, made
from gan_jax.stages import Stage
from gan_jax.step import TrainSpec, TrainState, average_decay, init
from gan_jax.terms import reading, reads
from gan_jax.types import Augment, Context, Degradation, Game, Modality, Net, Term

# Modules whose functions a recipe may name without their path.
PLACES = (
    augment,
    data_lib,
    degradations,
    games,
    latents,
    losses,
    moves,
    nets,
    penalties,
    perceptual_lib,
    transforms,
    wrap,
    modifiers,
)

# Options of a recipe's data that are not the data set's own.
COMMON = ("name", "per_class", "crop", "flip", "halvings", "degrade")


def train_spec(
    recipe: Recipe,
    modality: Modality,
    spread: Callable[[jax.Array], jax.Array] = lambda array: array,
    features: Maps | None = None,
    stage: Stage | None = None,
) -> TrainSpec:
    """Everything of a recipe but its data.

    Args:
        recipe: The Recipe; that of the stage, if there is one.
        modality: Of the data.
        spread: Function from an array [B, ...] to the same array spread over the devices.
        features: From `perceptual` of the recipe. A game without them can be sampled from, and its terms that
            read features cannot be computed.
        stage: The Stage of a run of several, whose clock schedules of weights, augmentations and averages
            read. Those of optimizers count the player's moves.

    Returns:
        The TrainSpec.

    Raises:
        UsageError: An unknown name or hyperparameter, or a value of the wrong type.
    """
    clock, unit = (stage.time, stage.unit) if stage else (lambda step: step, recipe.samples_per_step)
    return TrainSpec(
        game=_game(recipe, modality, spread, features, clock),
        terms={
            player: {
                _name(name): _term(name, spec, player, recipe.losses, clock) for name, spec in specs.items()
            }
            for player, specs in recipe.losses.items()
        },
        optimizers={
            player: optax.chain(
                *map(
                    _transform,
                    chain,
                    _chain(chain, (transforms, optax), optax.GradientTransformation, f"optimizers.{player}"),
                    itertools.repeat(f"optimizers.{player}"),
                )
            )
            for player, chain in recipe.optimizers.items()
        },
        moves=_moves(recipe),
        updates=dict(recipe.updates),
        decay={
            player: _decay(options, f"average.{player}", recipe.samples_per_step, unit, clock)
            for player, options in recipe.average.items()
        },
        share_batches=recipe.share_batches,
        matmul_precision=recipe.matmul_precision,
    )


def staged(modality: Modality, stage: Stage) -> Modality:
    """The modality of a run's data in a stage.

    Args:
        modality: Of the data.
        stage: The Stage.

    Returns:
        The Modality. Networks that grow may ask for the fact `levels_to_come`: how often their size has yet
        to double.

    Raises:
        UsageError: The data are no images, or cannot be halved so often.
    """
    times = stage.recipe.data.get("halvings", 0) if stage.name else 0
    halved = views.halved_modality(modality, times)
    return halved._replace(facts={**halved.facts, "levels_to_come": times})


def _decay(options, field, batch_size, unit, clock):
    """The decay of a player's average as a function of steps taken."""
    decay = average_decay(batch_size, unit, **bind(average_decay, options, field, ("batch_size", "unit")))
    return lambda step: decay(clock(step))


def start(spec: TrainSpec, modality: Modality, batch_size: int) -> Callable[[jax.Array], TrainState]:
    """The function that makes the first state.

    Args:
        spec: The TrainSpec.
        modality: Of the data.
        batch_size: Samples per move. Networks are initialised on so many, since some need a multiple.

    Returns:
        Function from a random key to the TrainState.
    """
    return lambda key: init(spec.game, spec.optimizers, spec.decay, key, blank(modality, batch_size))


def offers(spec: TrainSpec, modality: Modality, batch_size: int) -> list[str]:
    """Names among the game's outputs, found by tracing one move on blank data; nothing is compiled.

    Args:
        spec: The TrainSpec.
        modality: Of the data.
        batch_size: Samples per move.

    Returns:
        List of names.
    """
    names: list[str] = []

    def look(key):
        batch = blank(modality, batch_size)
        params, carry = spec.game.init(key, batch)
        context = Context(params, carry, batch, key, jnp.zeros((), jnp.int32))
        names.extend(spec.game.play(context)[0])

    jax.eval_shape(look, jax.random.key(0))
    return names


def stored(modality: Modality, *shape: int) -> dict[str, jax.ShapeDtypeStruct]:
    """Shapes and dtypes of stored rows.

    Args:
        modality: Of the data.
        *shape: Leading dimensions.

    Returns:
        By name, `jax.ShapeDtypeStruct` of arrays [*shape, ...].
    """
    return {
        name: jax.ShapeDtypeStruct((*shape, *row.shape), row.dtype) for name, row in modality.spec.items()
    }


def blank(modality: Modality, *shape: int) -> dict[str, jax.Array]:
    """A batch of zeros with the names, shapes and dtypes of decoded rows.

    Args:
        modality: Of the data.
        *shape: Leading dimensions.

    Returns:
        By name, arrays [*shape, ...].
    """
    decoded = jax.eval_shape(modality.decode, stored(modality, *shape))
    return {name: jnp.zeros(array.shape, array.dtype) for name, array in decoded.items()}


def decoder(recipe: Recipe, modality: Modality) -> Callable[[jax.Array, dict], dict]:
    """How stored rows become a batch: decoded, and cropped, mirrored and degraded at random where asked for.

    Args:
        recipe: The Recipe.
        modality: Of the data.

    Returns:
        Function `(key, rows) -> batch`, arrays [..., *shape] by name.

    Raises:
        UsageError: The recipe mirrors data that have no mirror image, or an unknown degradation.
    """
    options = recipe.data
    decode = views.at_random(modality, options.get("crop", 0), options.get("flip", False), _degrade(recipe))
    return views.then_halved(decode, options.get("halvings", 0))


def source(recipe: Recipe, data_dir: str | None = None) -> Source:
    """The recipe's data set.

    Args:
        recipe: The Recipe.
        data_dir: Folder of prepared TFDS data; None for TFDS's own.

    Returns:
        A `gan_jax.data.Source`. Its rows are fixed: central crops, degraded by keys of their own; training
        draws from its `parts`, by `decoder`.

    Raises:
        UsageError: No such data set, one that is not prepared and cannot be, too few rows of a class, or rows
            that cannot be cropped or degraded as the recipe says.
    """
    crop, degrade, count = recipe.data.get("crop", 0), _degrade(recipe), recipe.data.get("per_class", 0)
    opened = _checked(opener(recipe, data_dir)(), recipe.data["name"])
    opened = per_class(opened, count) if count else opened
    opened = views.fixed(opened, crop, degrade) if crop or degrade else opened
    return views.halved(opened, recipe.data.get("halvings", 0))


def _degrade(recipe):
    """The recipe's degradations one after the other, in the order written; None without any."""
    spec = recipe.data.get("degrade", {})
    links = _chain(spec, (degradations,), Callable, "data.degrade")
    named = zip(links, (f"data.degrade.{_name(name)}" for name in spec))
    return degradations.chain(*itertools.starmap(_guarded_degradation, named)) if spec else None


def _guarded_degradation(link, field):
    """The degradation, whose result has the entries of a row."""

    def entries(result):
        right = isinstance(result, dict) and all(map(_is_floats, result.values())) and "source" in result
        return "" if right else "a dict of `real`, `source` and perhaps `mask`, arrays of real numbers"

    if isinstance(link, Degradation):
        return link._replace(apply=guarded(link.apply, field, entries))
    return guarded(link, field, entries)


def opener(recipe: Recipe, data_dir: str | None = None) -> Callable[[], Any]:
    """The function of a recipe's data set with its arguments; no file is opened.

    Args:
        recipe: The Recipe.
        data_dir: Folder of prepared TFDS data; None for TFDS's own.

    Returns:
        Function without arguments.

    Raises:
        UsageError: An unknown hyperparameter, or a value of the wrong type.
    """
    _degrade(recipe)  # Its names are looked up with that of the data.
    name = recipe.data["name"]
    options = {option: value for option, value in recipe.data.items() if option not in COMMON}
    try:
        factory = guarded(find(name, (data_lib,), "data.name"), f"data.name={_name(name)}")
    except Unknown:
        bound = bind(data_lib.tfds, options, "data", ("name", "data_dir"))
        return functools.partial(data_lib.tfds, name=name, data_dir=data_dir, **bound)
    takes = inspect.signature(factory).parameters
    folder = {"data_dir": data_dir} if "data_dir" in takes else {}
    if data_dir and not folder:
        raise UsageError(
            f"data_dir={data_dir}: data {_name(name)!r} reads no folder of TFDS; a folder of images is "
            f"--config.data.name=folder --config.data.path={data_dir}"
        )
    if "resolution" not in takes and not options.get("resolution"):
        options.pop("resolution", None)  # 0 is the data's own, and these have no other.
    return functools.partial(factory, **bind(factory, options, "data", tuple(folder)), **folder)


def _checked(source, name):
    """The data set, if it is one; reading a row whose label is none of its classes is an error."""
    if not isinstance(source, Source):
        raise UsageError(
            f"data.name={_name(name)}: expected a function that returns a Source, got {described(source)}"
        )
    return checked(source)


def _moves(recipe):
    """How each player moves, with the gradient of the whole batch or of its slices."""
    gradient = accumulated(recipe.accumulate)
    named = {player: _move(move, gradient, f"moves.{player}") for player, move in recipe.moves.items()}
    plain = functools.partial(step.move, gradient=gradient)
    return {player: named.get(player, plain) for player in recipe.updates}


def _move(spec, gradient, field):
    factory = find(spec["name"], (moves,), f"{field}.name")
    options = {name: value for name, value in spec.items() if name != "name"}
    bound = bind(factory, options, field, ("gradient",), ("name",))
    if "gradient" in inspect.signature(factory).parameters:
        bound["gradient"] = gradient
    elif gradient is not step.gradient:
        raise UsageError(f"{field}.name: {_name(factory)} takes no `gradient`, so it cannot accumulate")
    return guarded(made(factory, bound, Callable, field), field, _is_move)


def _is_move(result):
    """The check of what a move returns."""
    right = isinstance(result, tuple) and len(result) == 2 and isinstance(result[0], TrainState)
    return "" if right else "a move that returns a TrainState and a dict of values"


def _name(name):
    return name if isinstance(name, str) else getattr(name, "__name__", str(name))


def perceptual(recipe: Recipe, source: Source) -> Maps | None:
    """The fixed network that perceptual losses of a recipe look through.

    Args:
        recipe: The Recipe.
        source: Its data set.

    Returns:
        The Maps, which may have yet to be loaded; None if the game has no `features`.

    Raises:
        UsageError: An unknown name or hyperparameter, a file that cannot be read, or data without labels.
    """
    spec, field = recipe.game.get("features"), "game.features"
    if spec is None:
        return None
    if not isinstance(spec, dict) or "name" not in spec:
        raise UsageError(f"{field}={spec!r}: expected a dict with a 'name'")
    factory = find(spec["name"], (perceptual_lib,), f"{field}.name")
    options = {option: value for option, value in spec.items() if option != "name"}
    bound = bind(factory, options, field, ("source",), ("name",))
    if "source" in inspect.signature(factory).parameters:
        bound["source"] = source
    field = f"{field}.name={_name(spec['name'])}"
    found = made(factory, bound, Maps, field)
    return found._replace(maps=guarded(found.maps, field, _is_maps))


def _is_maps(result):
    """The check of what a fixed network returns."""
    right = isinstance(result, dict) and result and all(map(_is_floats, result.values()))
    return "" if right else "a dict of arrays of real numbers by layer"


def _game(recipe, modality, spread, features, clock):
    """The game over the recipe's networks and latents, the latents spread over the devices."""
    options = dict(recipe.game)
    factory = find(options.pop("name"), (games,), "game.name")
    parts = {
        "nets": {
            player: _nets(spec, modality.facts, recipe.precision, f"nets.{player}")
            for player, spec in recipe.nets.items()
        },
        "latents": _latents(options.pop("latents", None), spread),
        "augment": _augment(options.pop("augment", {}), clock),
        "features": features,
    }
    inputs = reads(factory)
    if options.pop("features", None) is not None and "features" not in inputs:
        raise UsageError(f"game.features: {factory.__name__} compares no features")
    for name in inputs:
        if name not in parts:
            raise UsageError(
                f"game.name: {factory.__name__} reads {name!r}; a game may read {', '.join(parts)}"
            )
    _check_latents(factory, inputs, parts["latents"])
    bound = bind(factory, options, "game", inputs, ("name", *parts))
    field = f"game.name={_name(recipe.game['name'])}"
    game = _guarded_game(made(factory, bound, Game, field, *(parts[name] for name in inputs)), field)
    return game if game.preview or game.draw is None else _with_grid(game, recipe.game["latents"])


def _guarded_game(game, field):
    """The game, whose mistakes say where it stands in the recipe."""

    def pair(result):
        return "" if isinstance(result, tuple) and len(result) == 2 else "two dicts by player or name"

    def samples(result):
        return "" if _is_floats(result) else "an array of samples, real numbers, from the generator"

    def sampler(function):
        return function and guarded(function, field, samples)

    return game._replace(
        init=guarded(game.init, field, pair),
        play=guarded(game.play, field, pair),
        sample=sampler(game.sample),
        preview=sampler(game.preview),
        encode=game.encode and guarded(game.encode, field),
        backward=sampler(game.backward),
    )


def _is_floats(value):
    """Is a value an array of real numbers?"""
    return hasattr(value, "shape") and jnp.issubdtype(value.dtype, jnp.floating)


def _check_latents(factory, inputs, draw):
    """Only a game that reads latents has a distribution of them."""
    if "latents" in inputs and draw is None:
        raise UsageError(
            f"game.latents is missing: {factory.__name__} draws latents, as in dict(name='normal', size=128)"
        )
    if "latents" not in inputs and draw is not None:
        raise UsageError(f"game.latents: {factory.__name__} draws no latents")


def _latents(spec, spread):
    """Function `(key, count) -> latents`; None if the recipe has none."""
    if spec is None:
        return None
    factory, bound = _distribution(spec)
    field = f"game.latents.name={_name(spec['name'])}"

    def draw(key, count):
        def rows(result):
            right = result is not None and all(
                np.shape(leaf)[:1] == (count,) for leaf in jax.tree.leaves(result)
            )
            return "" if right else f"{count} latents, arrays [{count}, ...]"

        # Without the constraint every device would make all latents, and so do all the generator's work.
        return spread(guarded(factory, field, rows)(key, count, **bound))

    return draw


def _distribution(spec):
    """The distribution that a recipe names, and its hyperparameters."""
    if not isinstance(spec, dict) or "name" not in spec:
        raise UsageError(f"game.latents={spec!r}: expected a dict with a 'name'")
    options = {option: value for option, value in spec.items() if option != "name"}
    factory = find(spec["name"], (latents,), "game.latents.name")
    return factory, bind(factory, options, "game.latents", reads(factory), ("name",))


def _companion(distribution, purpose):
    """The function beside a distribution with its name and a purpose's; None if there is none."""
    return getattr(sys.modules[distribution.__module__], f"{distribution.__name__}_{purpose}", None)


def _with_grid(game, spec):
    """The game, whose grid shows the latents of its distribution's companion, if there is one."""
    distribution, bound = _distribution(spec)
    draw = _companion(distribution, "grid")

    def preview(params, carry, batch, key):
        return game.sample(params, carry, draw(key, len(batch["real"]), **bound), batch, key)

    return game if draw is None else game._replace(preview=preview)


def between(recipe: Recipe) -> Callable[..., Any]:
    """How two latents of a recipe are joined: by their distribution's companion, else by a straight line.

    Args:
        recipe: The Recipe, of a game with latents.

    Returns:
        Function `(left, right, t) -> latents`, arrays [B, ...] and shares of the way [B].
    """
    return _companion(_distribution(recipe.game["latents"])[0], "between") or linear


def truncated(recipe: Recipe, threshold: float) -> Callable[..., Any]:
    """How a recipe's latents are drawn without entries beyond a threshold: by their distribution's companion.

    Args:
        recipe: The Recipe.
        threshold: Largest absolute value of an entry.

    Returns:
        Function `(key, count) -> latents`.

    Raises:
        UsageError: The threshold is not above 0, the game draws no latents, or the distribution has no such
            companion.
    """
    if not 0 < threshold < math.inf:
        raise UsageError(f"truncation={threshold:g}: expected a number above 0")
    spec = recipe.game.get("latents")
    if spec is None:
        raise UsageError(f"truncation={threshold:g}: the game draws no latents")
    distribution, bound = _distribution(spec)
    draw = _companion(distribution, "truncated")
    if draw is None:
        raise UsageError(
            f"truncation={threshold:g}: latents of {_name(spec['name'])!r} cannot be truncated; expected "
            "'normal'"
        )
    return functools.partial(draw, threshold=threshold, **bound)


def discrete(recipe: Recipe) -> Callable[..., Any] | None:
    """How the discrete codes in a recipe's latents are read: by their distribution's companion.

    Args:
        recipe: The Recipe, of a game with latents.

    Returns:
        Function from latents [N, ...] to the value of each code, int32 [N, number of codes]; None if the
        distribution has no such companion.
    """
    distribution, bound = _distribution(recipe.game["latents"])
    read = _companion(distribution, "discrete")
    return read and functools.partial(read, **bound)


def _augment(spec, clock):
    """The recipe's augmentations one after the other, in the order written."""
    links = _chain(spec, (augment,), Augment, "game.augment")
    names = (f"game.augment.{_name(name)}" for name in spec)
    return augment.chain(*map(_guarded_augment, links, names, itertools.repeat(clock)))


def _guarded_augment(link, field, clock):
    """The augmentation, whose schedules read the clock; samples keep their shape and type in it."""

    def apply(carry, key, samples, step):
        def alike(result):
            right = np.shape(result) == samples.shape and result.dtype == samples.dtype
            return "" if right else f"samples as they came, {described(samples)}"

        return guarded(link.apply, field, alike)(carry, key, samples, clock(step))

    return Augment(*(guarded(link.init, field), apply, guarded(link.adapt, field), guarded(link.mix, field)))


def _transform(name, link, player):
    """The gradient transform; updates keep their structure and shapes in it."""
    field, link = f"{player}.{_name(name)}", optax.with_extra_args_support(link)

    def update(updates, state, params=None, **options):
        shapes = jax.tree.map(jnp.shape, updates)

        def alike(result):
            right = isinstance(result, tuple) and jax.tree.map(jnp.shape, result[0]) == shapes
            return "" if right else "updates of the same shapes, and a state"

        return guarded(link.update, field, alike)(updates, state, params, **options)

    return optax.GradientTransformationExtraArgs(guarded(link.init, field), update)


def _chain(spec: Any, places: tuple[ModuleType, ...], kind: Any, field: str) -> list[Any]:
    """The results of the functions that a dict names with their hyperparameters, in the order written."""
    if not isinstance(spec, dict):
        raise UsageError(f"{field}={spec!r}: expected a dict of names with their hyperparameters")
    links = []
    for name, options in spec.items():
        factory, path = find(name, places, field), f"{field}.{_name(name)}"
        bound = bind(factory, options, path)
        if kind is optax.GradientTransformation:
            factory = _scheduled(factory, bound)
        links.append(made(factory, bound, kind, path))
    return links


def _scheduled(factory, bound):
    """A transform whose numbers may all be schedules: optax takes those of few, such as learning rates."""
    parameters = inspect.signature(factory).parameters
    numbers = [name for name in bound if not _takes_functions(parameters[name].annotation)]
    if not any(callable(bound[name]) for name in numbers):
        return factory
    others = [name for name in parameters if name not in numbers or not callable(bound[name])]
    return optax.inject_hyperparams(factory, static_args=others)


def _takes_functions(annotation):
    """Whether a parameter of this type may be a function, such as a schedule."""
    return any(
        (typing.get_origin(each) or each) is Callable for each in [annotation, *typing.get_args(annotation)]
    )


def _nets(spec, facts, precision, field):
    """A player's Net, or by name the several Nets that it owns."""
    if "name" in spec:
        return _net(spec, facts, precision, field)
    return {part: _net(options, facts, precision, f"{field}.{part}") for part, options in spec.items()}


def _net(spec: Mapping[str, Any], facts: Mapping[str, Any], precision: str, field: str) -> Net:
    """A Net from a Linen module, with the facts that it asks for, or from a function; wrapped."""
    options = {option: value for option, value in spec.items() if option not in ("name", "wrap")}
    factory = find(spec["name"], (nets,), f"{field}.name")
    known = {fact: value for fact, value in facts.items() if fact in inspect.signature(factory).parameters}
    bound = bind(factory, {**known, **options}, field, ("parent", "name"), ("name", "wrap"))
    net = made(factory, bound, Net | nn.Module, f"{field}.name={_name(spec['name'])}")
    net = _guarded_net(net if isinstance(net, Net) else from_linen(net), field)
    # Innermost: the parameters and outputs that other wrappers see are float32.
    return _wrapped(wrap.mixed_precision(net, dtype=precision), spec, wrap, "net", Net, field)


def _guarded_net(net, field):
    """The network, whose mistakes say where it stands in the recipe."""

    def pair(result):
        return "" if isinstance(result, tuple) and len(result) == 2 else "a pair with the carry"

    return net._replace(init=guarded(net.init, field, pair), apply=guarded(net.apply, field, pair))


def _wrapped(inner, spec, place, provided, kind, field):
    """A network or a loss inside the wrappers that `wrap` names, the first one innermost."""
    wrappers = spec.get("wrap", {})
    if not isinstance(wrappers, dict):
        raise UsageError(f"{field}.wrap={wrappers!r}: expected a dict of wrappers")
    for name, options in wrappers.items():
        factory = find(name, (place,), f"{field}.wrap")
        path = f"{field}.wrap.{_name(name)}"
        inner = made(factory, bind(factory, options, path, (provided,)), kind, path, inner)
        inner = _guarded_net(inner, path) if isinstance(inner, Net) else inner
    return inner


def _term(name: Any, spec: Any, player: str, players: Collection[str], clock: Callable[[Any], Any]) -> Term:
    """A Term from a weight, or from a dict of weight, every, wrap, reads and hyperparameters."""
    fn = _loss(name, player, players)
    parts = dict(spec) if isinstance(spec, dict) else {"weight": spec}
    field = f"losses.{player}.{_name(name)}"
    weight = schedule(parts.get("weight", 1.0), f"{field}.weight")
    own = ("weight", "every", "wrap", "reads")
    options = {option: value for option, value in parts.items() if option not in own}
    bound = functools.partial(fn, **bind(fn, options, field, reads(fn), own))
    every = parts.get("every", 1)
    if not isinstance(every, int) or isinstance(every, bool) or every < 1:
        raise UsageError(f"{field}.every={every!r}: expected a whole number of steps, at least 1")
    wrapped = _wrapped(bound, parts, modifiers, "loss", Callable, field)
    renamed = reading(wrapped, _other_names(parts.get("reads", {}), f"{field}.reads"), f"{field}.reads")
    timed = (lambda step: weight(clock(step))) if callable(weight) else weight
    return Term(guarded(renamed, field, _is_loss), timed, every)


def _other_names(names, field):
    """The game's outputs that a term reads in place of those of its parameters' names."""
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        raise UsageError(f"{field}={names!r}: expected names of the game's outputs by name of a parameter")
    return names


def _loss(name, player, players):
    """The loss or penalty of a name; those of other players are not suggested."""
    field, places = f"losses.{player}", (losses, penalties)
    try:
        return find(name, places, field)
    except Unknown:
        others = tuple(f"_{other}" for other in players if other != player)
        offered = [each for place in places for each in offered_by(place) if not each.endswith(others)]
        raise unknown(field, name, offered) from None


def _is_loss(value):
    """The check of what a loss returns."""
    return (
        ""
        if isinstance(value, (int, float)) or _is_floats(value)
        else "real numbers, one per logit or sample"
    )
