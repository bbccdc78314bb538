"""The records everything is made of: plain tuples of pure functions."""

from typing import Any, Callable, NamedTuple


class Net(NamedTuple):
    """A network as two pure functions.

    Attributes:
        init: `(key, *inputs) -> (params, carry)`. The carry is what the network owns but does not
            train: batch statistics, spectral-norm vectors.
        apply: `(params, carry, *inputs, key, train) -> (outputs, carry)`.
    """

    init: Callable
    apply: Callable


class Context(NamedTuple):
    """All that may be looked at when a player moves.

    Attributes:
        params: Parameters by player.
        carry: Carry by player.
        batch: Dict of arrays with leading dimension B: `images` in [-1, 1] float32 [B, H, W, C] and,
            if the data has them, `labels` int32 [B].
        key: Random key of the move, the same for the k-th moves of all players.
        step: Rounds played so far, int32.
    """

    params: dict
    carry: dict
    batch: dict
    key: Any
    step: Any


class Game(NamedTuple):
    """What the players see of each other; their losses are no part of a game.

    Attributes:
        init: `(key, batch) -> (params, carry)`, both by player.
        play: `context -> (outputs, carry)`. The table offers by name everything a term may read; the
            carry, by player, is what would be kept if that player were the one who moves.
        draw: `(key, count) -> latents`, any pytree of arrays [count, ...].
        sample: `(params, carry, latents, batch, key) -> images` in [-1, 1] float32 [count, H, W, C].
        hears: Names of what `sample` needs in its batch, such as `labels`.
        exhibit: `(params, carry, batch, key) -> images`, what a grid shows, as many as the batch has: its
            `images` are real ones, its `labels` one class a row of the grid. None shows plain samples.
        encode: `(params, carry, batch, key) -> latents` [B, size] of the batch's images; None without an
            encoder.
    """

    init: Callable
    play: Callable
    draw: Callable
    sample: Callable
    hears: tuple = ()
    preview: Callable | None = None
    encode: Callable | None = None


class Term(NamedTuple):
    """One summand of a player's loss.

    Attributes:
        fn: Its positional parameters name what it reads from the outputs; `params` are the mover's own.
        weight: A number, or an optax schedule: a function of the step.
        every: Computed in every n-th step only, and then n times as strongly.
    """

    fn: Callable
    weight: Any = 1.0
    every: int = 1


class Augment(NamedTuple):
    """What happens to images between generator or data and discriminator.

    Attributes:
        init: `() -> carry`: what it owns but does not train, such as ADA's probability.
        apply: `(carry, key, images, step) -> images`; differentiable, each sample on its own.
        adapt: `(carry, real_logits) -> carry`, once in every move of the discriminator.
        mix: `(carry, key, real, fake) -> real`: what the discriminator is shown as real.
    """

    init: Callable
    apply: Callable
    adapt: Callable
    mix: Callable = lambda carry, key, real, fake: real
