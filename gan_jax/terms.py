"""A player's loss as a weighted sum of terms that read their inputs from the game's outputs by name."""

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from gan_jax.errors import UsageError, unknown
from gan_jax.types import Term


def reads(fn: Callable[..., Any]) -> tuple[str, ...]:
    """The names that a function reads: its positional parameters, in order.

    Args:
        fn: A term's function, or a functools.partial of one over its hyperparameters.

    Returns:
        Tuple of names.
    """
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return tuple(p.name for p in inspect.signature(fn).parameters.values() if p.kind in positional)


def reading(fn: Callable[..., Any], names: Mapping[str, str], field: str) -> Callable[..., Any]:
    """A function some of whose parameters read other values than those of their own names.

    So a loss of `fake_logits` serves a game that offers logits of several sorts of fakes.

    Args:
        fn: The function.
        names: By name of a positional parameter, the name of the value that it reads instead.
        field: Where the names stand, for the message.

    Returns:
        The function with parameters of the other names; itself without names.

    Raises:
        UsageError: The function has no such parameter, or would read one value twice.
    """
    if not names:
        return fn
    signature = inspect.signature(fn)
    for name in names:
        if name not in reads(fn):
            raise unknown(field, name, reads(fn))
    parameters = [p.replace(name=names.get(p.name, p.name)) for p in signature.parameters.values()]
    if len({parameter.name for parameter in parameters}) < len(parameters):
        raise UsageError(f"{field}={dict(names)}: expected different values, not one value twice")

    @functools.wraps(fn)
    def renamed(*args, **kwargs):
        return fn(*args, **kwargs)

    vars(renamed)["__signature__"] = signature.replace(parameters=parameters)
    return renamed


def call(fn: Callable[..., Any], values: Mapping[str, Any], /, **options: Any) -> Any:
    """Calls a function on the values that its positional parameters name.

    Args:
        fn: The function.
        values: Values by name, among them all that the function reads.
        **options: Its keyword arguments.

    Returns:
        The function's result.
    """
    return fn(*(values[name] for name in reads(fn)), **options)


def missing(field: str, name: str, names: Iterable[str], where: str) -> UsageError:
    """The error for an input that is not available.

    Args:
        field: The function that needs it, such as `loss generator.r1` or `metric modes`.
        name: The input's name.
        names: The names that are available.
        where: Explains where it is missing, such as `not provided by game 'gan'`.

    Returns:
        The UsageError, to be raised by the caller; it lists near names.
    """
    _, _, hint = str(unknown(field, name, names)).partition(f"{name!r}")
    return UsageError(f"{field} needs {name!r}, {where}{hint}")


def check(player: str, terms: Mapping[str, Term], offered: Iterable[str]) -> None:
    """Makes sure that every term of a player reads only names that the game offers.

    Args:
        player: The player's name, for the message.
        terms: The player's terms by name.
        offered: Names among the game's outputs.

    Raises:
        UsageError: A term reads a name that is not among the outputs.
    """
    for name, term in terms.items():
        for read in reads(term.fn):
            if read not in offered:
                raise missing(f"losses.{player}.{name}", read, offered, "which this game does not offer")


def value(term: Term, outputs: Mapping[str, Any], step: jax.Array) -> jax.Array:
    """A term's mean over logits or samples; of a lazy term, n times the mean in every n-th step.

    Args:
        term: The Term.
        outputs: The game's outputs.
        step: Steps taken so far, int32.

    Returns:
        Unweighted value, float32 scalar; 0 in the steps that a lazy term leaves out.
    """

    def compute():
        return jnp.mean(jnp.asarray(call(term.fn, outputs), jnp.float32))

    if term.every == 1:
        return compute()
    return jax.lax.cond(step % term.every == 0, lambda: term.every * compute(), lambda: jnp.zeros(()))


def total(
    terms: Mapping[str, Term], outputs: Mapping[str, Any], step: jax.Array
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """A player's loss: the sum of its terms' values, each times its weight.

    Args:
        terms: The player's terms by name.
        outputs: The game's outputs.
        step: Steps taken so far, int32; schedules of weights are functions of it.

    Returns:
        The loss, float32 scalar, and the unweighted values by name.
    """
    values = {name: value(term, outputs, step) for name, term in terms.items()}
    weights = {name: t.weight(step) if callable(t.weight) else t.weight for name, t in terms.items()}
    return sum((weights[name] * values[name] for name in terms), start=0), values
