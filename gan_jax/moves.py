"""Other moves than plain descent: factories of functions with the signature of `step.move`.

A recipe names them by player: `moves=dict(generator=dict(name="unrolled", learning_rate=1e-3))`.
"""

import jax

from gan_jax import step
from gan_jax.errors import UsageError, unknown


def extragradient(*, gradient=step.gradient):
    """A move along the gradient of a point ahead, to which all players first look.

    Korpelevich 1976; Gidel et al. 2019, arXiv:1802.10551, section 3.2: every player takes a step with its
    own optimizer from where all are, and the gradient found there is applied to where the player was. It
    converges on bilinear games, where descent circles or spirals out. Differs from the paper: both gradients
    see one draw of samples (Mishchenko et al. 2020, arXiv:1905.11373), and the look ahead leaves the
    optimizers' states alone, so that schedules count moves and any chain will do; the paper's ExtraAdam
    (algorithm 4) puts both gradients into its averages.

    Args:
        gradient: Function with the signature of `step.gradient`.

    Returns:
        A move, with the signature of `step.move`; its values are those at the point ahead.
    """

    def move(player, game, terms, optimizers, state, batch, key):
        looked = state
        for other in optimizers:
            found, _, _ = gradient(other, game, terms, state, batch, key)
            ahead = step.descend(other, optimizers, state, found).params[other]
            looked = looked.replace(params={**looked.params, other: ahead})
        found, carry, values = gradient(player, game, terms, looked, batch, key)
        state = step.descend(player, optimizers, state, found)
        return state.replace(carry={**state.carry, player: carry}), values

    return move


def unrolled(*, learning_rate, steps=5, follower="discriminator", gradient=step.gradient):
    """A move in which the other players foresee how one of them, the follower, would answer.

    Metz et al. 2017, arXiv:1611.02163, section 2.2: their losses read the follower as it would be after some
    steps of plain descent of its own loss, and are differentiated through these steps. The follower itself
    descends as ever. The paper foresees Adam in place of plain descent in its experiments.

    Args:
        learning_rate: Of the foreseen steps; a number, or a schedule: a function of the round.
        steps: Number of foreseen steps, at least 1; time and memory of a move grow with it.
        follower: The player whose answer is foreseen.
        gradient: Function with the signature of `step.gradient`; the foreseen steps see as much of the batch
            as it shows the game at once.

    Returns:
        A move, with the signature of `step.move`.

    Raises:
        UsageError: `steps` is below 1; the move, where nobody of the follower's name moves.
    """
    if steps < 1:
        raise UsageError(f"steps={steps}: expected at least 1 foreseen step")

    def move(player, game, terms, optimizers, state, batch, key):
        if follower not in optimizers:
            raise unknown(f"moves.{player}.follower", follower, optimizers)
        if player == follower:
            return step.move(player, game, terms, optimizers, state, batch, key, gradient=gradient)
        rate = learning_rate(state.step) if callable(learning_rate) else learning_rate

        def play(context):
            params = context.params
            for _ in range(steps):  # Written out: XLA:CPU is slow at convolutions inside loops.
                here = state.replace(params=params)
                found, _, _ = step.gradient(follower, game, terms, here, context.batch, context.key)
                foreseen = jax.tree.map(lambda p, g: p - rate * g, params[follower], found)
                params = {**params, follower: foreseen}
            return game.play(context._replace(params=params))

        foreseeing = game._replace(play=play)
        return step.move(player, foreseeing, terms, optimizers, state, batch, key, gradient=gradient)

    return move
