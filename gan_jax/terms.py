"""A player's loss as a weighted sum of terms that read what they need from the game's outputs."""

import inspect

import jax
import jax.numpy as jnp

from gan_jax.errors import unknown


def reads(fn):
    """The names a term reads from the outputs: its positional parameters, in order.

    Args:
        fn: A term's function, or a functools.partial of one over its hyperparameters.

    Returns:
        Tuple of names.
    """
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return tuple(p.name for p in inspect.signature(fn).parameters.values() if p.kind in positional)


def check(player, terms, offered):
    """Makes sure that every term of a player reads only what the game offers.

    Args:
        player: The player's name, for the message.
        terms: The player's terms by name.
        offered: Names on the game's outputs.

    Raises:
        UsageError: A term reads a name that is not among the outputs.
    """
    for name, term in terms.items():
        for read in reads(term.fn):
            if read not in offered:
                raise unknown(f"losses.{player}.{name} reads what its game does not offer", read, offered)


def value(term, outputs, step):
    """A term's mean over logits or samples, n times as large in every n-th step if it is lazy.

    Args:
        term: The Term.
        table: The game's outputs.
        step: Rounds played so far, int32.

    Returns:
        Unweighted value, float32 scalar; 0 in the steps that a lazy term leaves out.
    """

    def compute():
        each = term.fn(*(outputs[name] for name in reads(term.fn)))
        return jnp.mean(jnp.asarray(each, jnp.float32))

    if term.every == 1:
        return compute()
    return jax.lax.cond(step % term.every == 0, lambda: term.every * compute(), lambda: jnp.zeros(()))


def total(terms, outputs, step):
    """A player's loss: the sum of its terms' values, each times its weight.

    Args:
        terms: The player's terms by name.
        table: The game's outputs.
        step: Rounds played so far, int32; schedules of weights are functions of it.

    Returns:
        The loss, float32 scalar, and the unweighted values by name.
    """
    values = {name: value(term, outputs, step) for name, term in terms.items()}
    weights = {name: t.weight(step) if callable(t.weight) else t.weight for name, t in terms.items()}
    return sum(weights[name] * values[name] for name in terms), values
