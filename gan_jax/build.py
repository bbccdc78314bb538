"""Names in a recipe become functions: the only reader of a recipe's parts."""

import functools
import inspect
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import optax

from gan_jax import augment, games, latents, losses, moves, nets, penalties, step, transforms, wrap
from gan_jax import data as data_lib
from gan_jax.accumulation import accumulated
from gan_jax.data.source import Source, per_class
from gan_jax.errors import UsageError
from gan_jax.latents import linear
from gan_jax.losses import modifiers
from gan_jax.names import bind, find, schedule
from gan_jax.nets.linen import from_linen
from gan_jax.recipe import Recipe
from gan_jax.step import TrainSpec, TrainState, average_decay, init
from gan_jax.terms import reads
from gan_jax.types import Augment, Context, Modality, Net, Term

# Options of a recipe's data that are not the data set's own.
COMMON = ("name", "flip", "per_class")


def train_spec(
    recipe: Recipe, modality: Modality, spread: Callable[[jax.Array], jax.Array] = lambda array: array
) -> TrainSpec:
    """Everything of a recipe but its data.

    Args:
        recipe: The Recipe.
        modality: Of the data.
        spread: Function from an array [B, ...] to the same array spread over the devices.

    Returns:
        The TrainSpec.

    Raises:
        UsageError: An unknown name or hyperparameter, or a value of the wrong type.
    """
    samples = recipe.samples_per_step
    return TrainSpec(
        game=_game(recipe, modality, spread),
        terms={
            player: {_name(name): _term(name, spec, f"losses.{player}") for name, spec in specs.items()}
            for player, specs in recipe.losses.items()
        },
        optimizers={
            player: optax.chain(
                *_chain(chain, (transforms, optax), optax.GradientTransformation, f"optimizers.{player}")
            )
            for player, chain in recipe.optimizers.items()
        },
        moves=_moves(recipe),
        updates=dict(recipe.updates),
        decay={
            player: average_decay(
                samples, **bind(average_decay, options, f"average.{player}", ("batch_size",))
            )
            for player, options in recipe.average.items()
        },
        matmul_precision=recipe.matmul_precision,
    )


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
    """How stored rows become a batch: decoded, and mirrored at random if the recipe says so.

    Args:
        recipe: The Recipe.
        modality: Of the data.

    Returns:
        Function `(key, rows) -> batch`, arrays [..., *shape] by name.

    Raises:
        UsageError: The recipe mirrors data that have no mirror image.
    """
    if not recipe.data.get("flip", False):
        return lambda key, rows: modality.decode(rows)
    flip = modality.flip
    if flip is None:
        raise UsageError(f"data.flip=True: {modality.unit} cannot be mirrored")
    return lambda key, rows: flip(key, modality.decode(rows))


def source(recipe: Recipe, data_dir: str | None = None) -> Source:
    """The recipe's data set.

    Args:
        recipe: The Recipe.
        data_dir: Folder of prepared TFDS data; None for TFDS's own.

    Returns:
        A `gan_jax.data.Source`.

    Raises:
        UsageError: No such data set, one that is not prepared and cannot be, or too few rows of a class.
    """
    count = recipe.data.get("per_class", 0)
    return per_class(_opened(recipe, data_dir), count) if count else _opened(recipe, data_dir)


def _opened(recipe, data_dir):
    """All rows of the recipe's data set."""
    name = recipe.data["name"]
    options = {option: value for option, value in recipe.data.items() if option not in COMMON}
    try:
        factory = find(name, (data_lib,), "data.name")
    except UsageError:
        factory = functools.partial(data_lib.tfds, name=name, data_dir=data_dir)
        return _checked(factory(**bind(data_lib.tfds, options, "data", ("name", "data_dir"))), name)
    takes = inspect.signature(factory).parameters
    folder = {"data_dir": data_dir} if "data_dir" in takes else {}
    if "resolution" not in takes and not options.get("resolution"):
        options.pop("resolution", None)  # 0 is the data's own, and these have no other.
    return _checked(factory(**bind(factory, options, "data", tuple(folder)), **folder), name)


def _checked(source, name):
    """The data set, if it is one."""
    if not isinstance(source, Source):
        raise UsageError(
            f"data.name={name!r}: expected a function that returns a Source, got {type(source).__name__}"
        )
    return source


def _moves(recipe):
    """How each player moves, with the gradient of the whole batch or of its slices."""
    gradient = accumulated(recipe.accumulate)
    named = {player: _move(move, gradient, f"moves.{player}") for player, move in recipe.moves.items()}
    plain = functools.partial(step.move, gradient=gradient)
    return {player: named.get(player, plain) for player in recipe.updates}


def _move(spec, gradient, field):
    factory = find(spec["name"], (moves,), f"{field}.name")
    options = {name: value for name, value in spec.items() if name != "name"}
    bound = bind(factory, options, field, ("gradient",))
    if "gradient" in inspect.signature(factory).parameters:
        return factory(**bound, gradient=gradient)
    if gradient is not step.gradient:
        raise UsageError(f"{field}.name: {factory.__name__} takes no `gradient`, so it cannot accumulate")
    return factory(**bound)


def _name(name):
    return name if isinstance(name, str) else name.__name__


def _game(recipe, modality, spread):
    """The game over the recipe's networks and latents, the latents spread over the devices."""
    options = dict(recipe.game)
    factory = find(options.pop("name"), (games,), "game.name")
    parts = {
        "nets": {
            player: _nets(spec, modality.facts, recipe.precision, f"nets.{player}")
            for player, spec in recipe.nets.items()
        },
        "latents": _latents(options.pop("latents", None), spread),
        "augment": _augment(options.pop("augment", {})),
    }
    inputs = reads(factory)
    for name in inputs:
        if name not in parts:
            raise UsageError(
                f"game.name: {factory.__name__} reads {name!r}; a game may read {', '.join(parts)}"
            )
    _check_latents(factory, inputs, parts["latents"])
    game = factory(*(parts[name] for name in inputs), **bind(factory, options, "game", inputs))
    return game if game.preview or game.draw is None else _with_grid(game, recipe.game["latents"])


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
    # Without the constraint every device would make all latents, and so do all the generator's work.
    return lambda key, count: spread(factory(key, count, **bound))


def _distribution(spec):
    """The distribution that a recipe names, and its hyperparameters."""
    if not isinstance(spec, dict) or "name" not in spec:
        raise UsageError(f"game.latents={spec!r}: expected a dict with a 'name'")
    options = {option: value for option, value in spec.items() if option != "name"}
    factory = find(spec["name"], (latents,), "game.latents.name")
    return factory, bind(factory, options, "game.latents", reads(factory))


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


def _augment(spec):
    """The recipe's augmentations one after the other, in the order written."""
    return augment.chain(*_chain(spec, (augment,), Augment, "game.augment"))


def _chain(spec: Any, places: tuple[ModuleType, ...], kind: type, field: str) -> list[Any]:
    """The results of the functions that a dict names with their hyperparameters, in the order written."""
    if not isinstance(spec, dict):
        raise UsageError(f"{field}={spec!r}: expected a dict of names with their hyperparameters")
    links = []
    for name, options in spec.items():
        factory = find(name, places, field)
        link = factory(**bind(factory, options, f"{field}.{_name(name)}"))
        if not isinstance(link, kind):
            raise UsageError(f"{field}.{_name(name)}: expected a function that makes a {kind.__name__}")
        links.append(link)
    return links


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
    net = factory(**bind(factory, {**known, **options}, field, ("parent", "name")))
    net = net if isinstance(net, Net) else from_linen(net)
    # Innermost: the parameters and outputs that other wrappers see are float32.
    return _wrapped(wrap.mixed_precision(net, dtype=precision), spec, wrap, "net", field)


def _wrapped(inner, spec, place, provided, field):
    """A network or a loss inside the wrappers that `wrap` names, the first one innermost."""
    wrappers = spec.get("wrap", {})
    if not isinstance(wrappers, dict):
        raise UsageError(f"{field}.wrap={wrappers!r}: expected a dict of wrappers")
    for name, options in wrappers.items():
        factory = find(name, (place,), f"{field}.wrap")
        inner = factory(inner, **bind(factory, options, f"{field}.wrap.{_name(name)}", (provided,)))
    return inner


def _term(name: Any, spec: Any, field: str) -> Term:
    """A Term from a weight, or from a dict of weight, every, wrap and hyperparameters."""
    fn = find(name, (losses, penalties), field)
    parts = dict(spec) if isinstance(spec, dict) else {"weight": spec}
    field = f"{field}.{_name(name)}"
    weight = schedule(parts.get("weight", 1.0), f"{field}.weight")
    options = {option: value for option, value in parts.items() if option not in ("weight", "every", "wrap")}
    bound = functools.partial(fn, **bind(fn, options, field, reads(fn)))
    every = parts.get("every", 1)
    if not isinstance(every, int) or isinstance(every, bool) or every < 1:
        raise UsageError(f"{field}.every={every!r}: expected a whole number of steps, at least 1")
    return Term(_wrapped(bound, parts, modifiers, "loss", field), weight, every)
