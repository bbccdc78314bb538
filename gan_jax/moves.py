"""Other moves than descent, with the signature of `step.move`."""

import jax
import optax

from gan_jax import step
from gan_jax.errors import UsageError


def extragradient(player, game, terms, optimizers, state, batch, key):
    """One player descends its loss with the gradient of a point ahead, to which all players first look.

    Korpelevich 1976; Gidel et al. 2019, arXiv:1802.10551, section 3.2: every player takes a step with its
    own optimizer from where all are, and the gradient found there is applied to where the player was. It
    converges on bilinear games, where descent circles or spirals out. Differs from the paper: both gradients
    see one draw of samples (Mishchenko et al. 2020, arXiv:1905.11373), and the look ahead leaves the
    optimizers' states alone, so that schedules count moves and any chain will do; the paper's ExtraAdam
    (algorithm 4) puts both gradients into its averages.

    Args:
        player: Who moves.
        game: The Game.
        terms: Terms by player and name.
        optimizers: optax.GradientTransformation by player.
        state: The TrainState.
        batch: Dict of arrays [B, ...].
        key: Random key of this move.

    Returns:
        The new state, and the unweighted value of each term by name, at the point ahead.
    """

    def stepped(mover, found):
        updates, opt = optimizers[mover].update(found, state.opt[mover], state.params[mover])
        return optax.apply_updates(state.params[mover], updates), opt

    here = {other: step.gradient(other, game, terms, state, batch, key)[0] for other in optimizers}
    ahead = {other: stepped(other, found)[0] for other, found in here.items()}
    looked = state.replace(params={**state.params, **ahead})
    found, carry, values = step.gradient(player, game, terms, looked, batch, key)
    params, opt = stepped(player, found)
    state = state.replace(
        params={**state.params, player: params},
        carry={**state.carry, player: carry},
        opt={**state.opt, player: opt},
    )
    return state, values


def unrolled(*, learning_rate, steps=5, follower="discriminator"):
    """A move in which the other players foresee how one of them, the follower, would answer.

    Metz et al. 2017, arXiv:1611.02163, section 2.2: their losses read the follower as it would be after some
    steps of plain descent of its own loss, and are differentiated through these steps. The follower itself
    descends as ever. The paper foresees Adam in place of plain descent in its experiments.

    Args:
        learning_rate: Of the foreseen steps; a number, or a schedule: a function of the round.
        steps: Number of foreseen steps, at least 1; time and memory of a move grow with it.
        follower: The player whose answer is foreseen.

    Returns:
        A move, with the signature of `step.move`.

    Raises:
        UsageError: `steps` is below 1.
    """
    if steps < 1:
        raise UsageError(f"steps={steps}: expected at least 1 foreseen step")

    def move(player, game, terms, optimizers, state, batch, key):
        if player == follower:
            return step.move(player, game, terms, optimizers, state, batch, key)
        rate = learning_rate(state.step) if callable(learning_rate) else learning_rate

        def play(turn):
            def foresee(_, params):
                now = state.replace(params={**turn.params, follower: params})
                found, _, _ = step.gradient(follower, game, terms, now, batch, key)
                return jax.tree.map(lambda p, g: p - rate * g, params, found)

            foreseen = jax.lax.fori_loop(0, steps, foresee, turn.params[follower])
            return game.play(turn._replace(params={**turn.params, follower: foreseen}))

        return step.move(player, game._replace(play=play), terms, optimizers, state, batch, key)

    return move
