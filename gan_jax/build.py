"""Names in a recipe become functions: the only reader of a recipe's parts."""

import functools
import inspect
import sys
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from gan_jax import (
    augment,
    games,
    latents,
    losses,
    modalities,
    moves,
    nets,
    penalties,
    step,
    transforms,
    wrap,
)
from gan_jax import data as data_lib
from gan_jax.accumulation import accumulated
from gan_jax.data.source import per_class
from gan_jax.errors import UsageError
from gan_jax.latents import linear
from gan_jax.losses import modifiers
from gan_jax.names import bind, find, schedule
from gan_jax.nets.linen import from_linen
from gan_jax.step import average_decay, init
from gan_jax.terms import reads
from gan_jax.types import Augment, Net, Term, Context


class _TrainSpec(NamedTuple):
    game: Any
    terms: dict
    optimizers: dict
    moves: dict
    updates: dict
    decay: dict


class TrainSpec(_TrainSpec):
    """What `train_step` is made of, once names have become functions.

    Attributes:
        game: The Game.
        terms: Terms by player and name.
        optimizers: optax.GradientTransformation by player.
        moves: How each player moves.
        turns: Moves a round by player, in the order of play.
        decay: By averaged player, the average's decay as a function of the step.
    """

    @functools.cached_property
    def play(self):
        """A round, `(state, batches, key) -> (state, scalars)`: who traces it again gets what was traced."""
        return jax.jit(functools.partial(step.train_step, *self), inline=True)


def train_spec(recipe, facts, spread=lambda array: array):
    """Everything of a recipe but its data.

    Args:
        recipe: The Recipe.
        facts: Dict of `resolution`, `channels` and `classes` of the data.
        spread: Function from an array [B, ...] to the same array spread over the devices.

    Returns:
        The TrainSpec.

    Raises:
        UsageError: An unknown name or hyperparameter, or a value of the wrong type.
    """
    images = recipe.samples_per_step
    return TrainSpec(
        game=_game(recipe, facts, spread),
        terms={
            player: {_name(name): _term(name, spec, f"losses.{player}") for name, spec in specs.items()}
            for player, specs in recipe.losses.items()
        },
        optimizers={
            player: optax.chain(
                *_chain(given, (transforms, optax), optax.GradientTransformation, f"optimizers.{player}")
            )
            for player, given in recipe.optimizers.items()
        },
        moves=_moves(recipe),
        updates=dict(recipe.updates),
        decay={
            player: average_decay(images, **bind(average_decay, given, f"average.{player}", ("batch_size",)))
            for player, given in recipe.average.items()
        },
    )


def start(train_spec, facts, batch_size):
    """The function that makes the first state.

    Args:
        rules: The TrainSpec.
        facts: Dict of `resolution`, `channels` and `classes` of the data.
        batch_size: Images a move; what networks are initialised on, since some need a multiple of samples.

    Returns:
        Function from a random key to the TrainState.
    """
    return lambda key: init(
        train_spec.game, train_spec.optimizers, train_spec.decay, key, blank(facts, batch_size)
    )


def offers(train_spec, facts, batch_size):
    """Names on the game's table, found by tracing one move on blank data; nothing is compiled.

    Args:
        rules: The TrainSpec.
        facts: Dict of `resolution`, `channels` and `classes` of the data.
        batch_size: Images a move.

    Returns:
        List of names.
    """
    names = []

    def look(key):
        params, carry = train_spec.game.init(key, blank(facts, batch_size))
        context = Context(params, carry, blank(facts, batch_size), key, jnp.zeros((), jnp.int32))
        names.extend(train_spec.game.play(context)[0])

    jax.eval_shape(look, jax.random.key(0))
    return names


def blank(facts, *shape):
    """A batch of zeros, of the shapes that a data set with these facts gives.

    Args:
        facts: Dict of `resolution`, `channels` and `classes` of the data.
        *shape: Leading dimensions.

    Returns:
        Dict of `images`, float32 [*shape, H, W, C], and `labels`, int32 [*shape], if there are classes.
    """
    images = jnp.zeros((*shape, facts["resolution"], facts["resolution"], facts["channels"]))
    return {"images": images, **({"labels": jnp.zeros(shape, jnp.int32)} if facts["classes"] else {})}


def source(recipe, data_dir=None):
    """The recipe's data set.

    Args:
        recipe: The Recipe.
        data_dir: Folder of prepared TFDS data; None for TFDS's own.

    Returns:
        A `gan_jax.data.Source`.

    Raises:
        UsageError: No such data set, one that is not prepared and cannot be, or too few images of a class.
    """
    count = recipe.data.get("per_class", 0)
    return per_class(_opened(recipe, data_dir), count) if count else _opened(recipe, data_dir)


def _opened(recipe, data_dir):
    """All images of the recipe's data set."""
    name, common = recipe.data["name"], ("name", "flip", "per_class")
    options = {option: value for option, value in recipe.data.items() if option not in common}
    try:
        made = find(name, (data_lib,), "data.name")
    except UsageError:
        made = functools.partial(data_lib.tfds, name=name, data_dir=data_dir)
        return made(**bind(data_lib.tfds, options, "data", ("name", "data_dir")))
    takes = inspect.signature(made).parameters
    here = {"data_dir": data_dir} if "data_dir" in takes else {}
    if "resolution" not in takes and not options.get("resolution"):
        options.pop("resolution", None)  # 0 is the data's own, and these have no other.
    return made(**bind(made, options, "data", tuple(here)), **here)


def kind(facts):
    """The Kind of a data set.

    Args:
        facts: Dict of facts about it; without a `kind`, as in old workdirs, they are about images.

    Returns:
        The `gan_jax.modalities.Kind`.

    Raises:
        UsageError: There is no such kind.
    """
    return find(facts.get("kind", "images"), (modalities,), "kind of data")()


def _moves(recipe):
    """How each player moves, with the gradient of the whole batch or of its slices."""
    gradient = accumulated(recipe.accumulate)
    named = {player: _move(given, gradient, f"moves.{player}") for player, given in recipe.moves.items()}
    plain = functools.partial(step.move, gradient=gradient)
    return {player: named.get(player, plain) for player in recipe.updates}


def _move(given, gradient, field):
    made = find(given["name"], (moves,), f"{field}.name")
    options = {name: value for name, value in given.items() if name != "name"}
    bound = bind(made, options, field, ("gradient",))
    if "gradient" in inspect.signature(made).parameters:
        return made(**bound, gradient=gradient)
    if gradient is not step.gradient:
        raise UsageError(
            f"{field}.name: {made.__name__} takes no `gradient`, without which nothing accumulates"
        )
    return made(**bound)


def _name(name):
    return name if isinstance(name, str) else name.__name__


def _game(recipe, facts, spread):
    """The game over the recipe's networks and latents, the latents spread over the devices."""
    given = dict(recipe.game)
    made = find(given.pop("name"), (games,), "game.name")
    offered = {
        "nets": {
            player: _net(spec, facts, recipe.precision, f"nets.{player}")
            for player, spec in recipe.nets.items()
        },
        "latents": _latents(given.pop("latents", None), spread),
        "augment": _augment(given.pop("augment", {})),
    }
    read = reads(made)
    for name in read:
        if name not in offered:
            raise UsageError(
                f"game.name: {made.__name__} reads {name!r}; a game may read {', '.join(offered)}"
            )
    game = made(*(offered[name] for name in read), **bind(made, given, "game", read))
    return _with_grid(game, recipe.game["latents"]) if game.preview is None else game


def _latents(given, spread):
    made, bound = _distribution(given)
    # Without the constraint every device would make all latents, and so do all the generator's work.
    return lambda key, count: spread(made(key, count, **bound))


def _distribution(given):
    """The distribution that a recipe names, and its hyperparameters."""
    if not isinstance(given, dict) or "name" not in given:
        raise UsageError(f"game.latents={given!r}: expected a dict with a 'name'")
    options = {option: value for option, value in given.items() if option != "name"}
    made = find(given["name"], (latents,), "game.latents.name")
    return made, bind(made, options, "game.latents", reads(made))


def _companion(made, purpose):
    """The function that stands beside a distribution under its name and a purpose's; None if none does."""
    return getattr(sys.modules[made.__module__], f"{made.__name__}_{purpose}", None)


def _with_grid(game, given):
    """The game, showing in a grid what its distribution's companion draws, if that has one."""
    made, bound = _distribution(given)
    draw = _companion(made, "grid")

    def preview(params, carry, batch, key):
        return game.sample(params, carry, draw(key, len(batch["images"]), **bound), batch, key)

    return game if draw is None else game._replace(preview=preview)


def between(recipe):
    """How two latents of a recipe are joined: by their distribution's companion, else by a straight line.

    Args:
        recipe: The Recipe.

    Returns:
        Function `(left, right, t) -> latents`, arrays [B, ...] and shares of the way [B].
    """
    return _companion(_distribution(recipe.game["latents"])[0], "between") or linear


def discrete(recipe):
    """How the discrete codes in a recipe's latents are read: by their distribution's companion.

    Args:
        recipe: The Recipe.

    Returns:
        Function from latents [N, ...] to the value of each code, int32 [N, number of codes]; None where the
        distribution has no such companion.
    """
    made, bound = _distribution(recipe.game["latents"])
    read = _companion(made, "discrete")
    return read and functools.partial(read, **bound)


def _augment(given):
    """The recipe's augmentations one after the other, in the order written."""
    return augment.chain(*_chain(given, (augment,), Augment, "game.augment"))


def _chain(given, places, kind, field):
    """What the functions of a dict's names make of their hyperparameters, in the order written."""
    if not isinstance(given, dict):
        raise UsageError(f"{field}={given!r}: expected a dict of names with their hyperparameters")
    links = []
    for name, options in given.items():
        made = find(name, places, field)
        link = made(**bind(made, options, f"{field}.{_name(name)}"))
        if not isinstance(link, kind):
            raise UsageError(f"{field}.{_name(name)}: expected a function that makes a {kind.__name__}")
        links.append(link)
    return links


def _net(given, facts, precision, field):
    """A Net from a Linen module, with the facts it asks for, or from a function; wrapped."""
    options = {option: value for option, value in given.items() if option not in ("name", "wrap")}
    made = find(given["name"], (nets,), f"{field}.name")
    known = {fact: value for fact, value in facts.items() if fact in inspect.signature(made).parameters}
    net = made(**bind(made, {**known, **options}, field, ("parent", "name")))
    net = net if isinstance(net, Net) else from_linen(net)
    # Innermost: what other wrappers make of parameters and outputs is float32.
    return _wrapped(wrap.mixed_precision(net, dtype=precision), given, wrap, "net", field)


def _wrapped(inner, given, place, provided, field):
    """What the wrappers named in `wrap` make of a network or a loss, the first one innermost."""
    wrappers = given.get("wrap", {})
    if not isinstance(wrappers, dict):
        raise UsageError(f"{field}.wrap={wrappers!r}: expected a dict of wrappers")
    for name, options in wrappers.items():
        made = find(name, (place,), f"{field}.wrap")
        inner = made(inner, **bind(made, options, f"{field}.wrap.{_name(name)}", (provided,)))
    return inner


def _term(name, spec, field):
    """A Term from a weight, or from a dict of weight, every, wrap and hyperparameters."""
    fn = find(name, (losses, penalties), field)
    given = dict(spec) if isinstance(spec, dict) else {"weight": spec}
    field = f"{field}.{_name(name)}"
    weight = schedule(given.get("weight", 1.0), f"{field}.weight")
    options = {option: value for option, value in given.items() if option not in ("weight", "every", "wrap")}
    bound = functools.partial(fn, **bind(fn, options, field, reads(fn)))
    every = given.get("every", 1)
    if not isinstance(every, int) or isinstance(every, bool) or every < 1:
        raise UsageError(f"{field}.every={every!r}: expected a whole number of steps, at least 1")
    return Term(_wrapped(bound, given, modifiers, "loss", field), weight, every)
