"""Moves other than plain descent: factories of functions with the signature of `step.move`.

A recipe names them by player: `moves=dict(generator=dict(name="unrolled", learning_rate=1e-3))`.
"""

from collections.abc import Callable
from typing import Any

import jax
import optax

from gan_jax import step
from gan_jax.errors import UsageError, unknown


def extragradient(*, gradient: Callable[..., Any] = step.gradient) -> Callable[..., Any]:
    """A move along the gradient at a point ahead, one step of all players away.

    Korpelevich 1976; Gidel et al. 2019, arXiv:1802.10551, section 3.2: every player takes a step with its
    own optimizer from the current point, and the gradient at the new point updates the player from the
    current point. It converges on bilinear games, where descent circles or spirals out. Differs from the
    paper: both gradients use the same random samples (Mishchenko et al. 2020, arXiv:1905.11373), and the
    step ahead does not change the optimizers' states, so that schedules count moves and any chain works; the
    paper's ExtraAdam (algorithm 4) puts both gradients into its averages.

    Args:
        gradient: Function with the signature of `step.gradient`.

    Returns:
        A move, with the signature of `step.move`; its values are those at the point ahead.
    """

    def move(player, game, terms, optimizers, state, batch, key):
        ahead = state
        for other in optimizers:
            grads, _, _ = gradient(other, game, terms, state, batch, key)
            params = step.descend(other, optimizers, state, grads).params[other]
            ahead = ahead.replace(params={**ahead.params, other: params})
        grads, carry, values = gradient(player, game, terms, ahead, batch, key)
        state = step.descend(player, optimizers, state, grads)
        return state.replace(carry={**state.carry, player: carry}), values

    return move


def unrolled(
    *,
    learning_rate: optax.ScalarOrSchedule,
    steps: int = 5,
    follower: str = "discriminator",
    gradient: Callable[..., Any] = step.gradient,
) -> Callable[..., Any]:
    """A move in which the other players differentiate through unrolled steps of one player, the follower.

    Metz et al. 2017, arXiv:1611.02163, section 2.2: the others' losses read the follower after some steps of
    plain descent of its own loss, and their gradients go through these steps. The follower itself takes the
    plain move. The paper unrolls Adam instead of plain descent in its experiments.

    Args:
        learning_rate: Learning rate of the unrolled steps; a number, or a schedule: a function of the step.
        steps: Number of unrolled steps, at least 1; time and memory of a move grow with it.
        follower: The player whose steps are unrolled.
        gradient: Function with the signature of `step.gradient`; the unrolled steps use the same batch, or
            slice of it, as each call of the game.

    Returns:
        A move, with the signature of `step.move`.

    Raises:
        UsageError: `steps` is below 1; the move raises it if no player with the follower's name moves.
    """
    if steps < 1:
        raise UsageError(f"steps={steps}: expected at least 1 unrolled step")

    def move(player, game, terms, optimizers, state, batch, key):
        if follower not in optimizers:
            raise unknown(f"moves.{player}.follower", follower, optimizers)
        if player == follower:
            return step.move(player, game, terms, optimizers, state, batch, key, gradient=gradient)
        rate = learning_rate(state.step) if callable(learning_rate) else learning_rate

        def play(context):
            params = context.params
            for _ in range(steps):  # Not a JAX loop: XLA:CPU is slow at convolutions inside loops.
                current = state.replace(params=params)
                grads, _, _ = step.gradient(follower, game, terms, current, context.batch, context.key)
                descended = jax.tree.map(lambda p, g: p - rate * g, params[follower], grads)
                params = {**params, follower: descended}
            return game.play(context._replace(params=params))

        unrolled_game = game._replace(play=play)
        return step.move(player, unrolled_game, terms, optimizers, state, batch, key, gradient=gradient)

    return move
