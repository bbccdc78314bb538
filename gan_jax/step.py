"""The one train step: every player in turn sees the outputs, sums its terms, and moves."""

from typing import Any

import flax
import jax
import jax.numpy as jnp
import optax

from gan_jax import terms as terms_lib
from gan_jax.errors import unknown
from gan_jax.types import Context


@flax.struct.dataclass
class TrainState:
    """Everything that changes in training, as arrays only.

    Attributes:
        step: Rounds played so far, int32 scalar.
        params: Parameters by player.
        carry: What a player owns but does not train, by player.
        opt: Optimizer state by player.
        average: Exponential moving averages of parameters, by averaged player.
    """

    step: Any
    params: Any
    carry: Any
    opt: Any
    average: Any


def init(game, optimizers, averaged, key, batch):
    """The state before the first round.

    Args:
        game: The Game.
        optimizers: optax.GradientTransformation by player.
        averaged: Names of the players whose parameters are averaged.
        key: Random key.
        batch: A batch of the right shapes; its values do not matter.

    Returns:
        The TrainState.

    Raises:
        UsageError: A player has an optimizer and no part in the game.
    """
    params, carry = game.init(key, batch)
    for player in optimizers:
        if player not in params:
            raise unknown("players of this game", player, params)
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        params=params,
        carry=carry,
        opt={player: optimizers[player].init(params[player]) for player in optimizers},
        # Copied: a donated state must not hold the same buffer twice.
        average={player: jax.tree.map(jnp.copy, params[player]) for player in averaged},
    )


def gradient(player, game, terms, state, batch, key):
    """The gradient of a player's loss with respect to its own parameters.

    Args:
        player: Whose.
        game: The Game.
        terms: Terms by player and name.
        state: The TrainState.
        batch: Dict of arrays [B, ...].
        key: Random key of this move.

    Returns:
        The gradient, the player's new carry, and the unweighted value of each of its terms by name.
    """

    def loss(params):
        context = Context({**state.params, player: params}, state.carry, batch, key, state.step)
        outputs, carry = game.play(context)
        summed, values = terms_lib.total(terms[player], {**outputs, "params": params}, state.step)
        return summed, (carry[player], values)

    found, (carry, values) = jax.grad(loss, has_aux=True)(state.params[player])
    return found, carry, values


def descend(player, optimizers, state, found):
    """The state after a player's optimizer has followed a gradient.

    Args:
        player: Whose parameters and optimizer state change.
        optimizers: optax.GradientTransformation by player.
        state: The TrainState.
        found: A gradient of the player's parameters.

    Returns:
        The new TrainState.
    """
    updates, opt = optimizers[player].update(found, state.opt[player], state.params[player])
    params = optax.apply_updates(state.params[player], updates)
    return state.replace(params={**state.params, player: params}, opt={**state.opt, player: opt})


def move(player, game, terms, optimizers, state, batch, key, *, gradient=gradient):
    """One player descends its loss once; nothing of the other players changes.

    Args:
        player: Who moves.
        game: The Game.
        terms: Terms by player and name.
        optimizers: optax.GradientTransformation by player.
        state: The TrainState.
        batch: Dict of arrays [B, ...].
        key: Random key of this move.
        gradient: Function with the signature of `gradient`.

    Returns:
        The new state, and the unweighted value of each of its terms by name.
    """
    found, carry, values = gradient(player, game, terms, state, batch, key)
    state = descend(player, optimizers, state, found)
    return state.replace(carry={**state.carry, player: carry}), values


def train_step(game, terms, optimizers, moves, updates, decay, state, batches, key):
    """One round: the players move one after the other, then the averages follow.

    The k-th move of each player in a round sees the k-th batch and the k-th random key. So with one turn each
    both players look at the same real images and at the same latents, whose samples XLA then makes once for
    both; five critic steps look at five different batches and at five draws of latents.

    Args:
        game: The Game.
        terms: Terms by player and name.
        optimizers: optax.GradientTransformation by player.
        moves: How a player moves, by player; `move` where nothing else is said.
        turns: Number of moves by player, in the order of play.
        decay: By averaged player, a function from the step to the average's decay in [0, 1].
        state: The TrainState.
        batches: Dict of arrays [max(turns), B, ...].
        key: Random key of the whole run.

    Returns:
        The new state, and `{"player/term": value}`: unweighted, float32, mean over the player's moves.
    """
    key = jax.random.fold_in(key, state.step)
    order = [(player, k) for player, count in updates.items() for k in range(count)]
    values = {player: [] for player in updates}
    for player, k in order:
        batch = jax.tree.map(lambda leaf, k=k: leaf[k], batches)
        play, drawn = moves.get(player, move), jax.random.fold_in(key, k)
        state, seen = play(player, game, terms, optimizers, state, batch, drawn)
        values[player].append(seen)
    average = {
        player: optax.incremental_update(state.params[player], old, 1 - decay[player](state.step))
        for player, old in state.average.items()
    }
    scalars = {
        f"{player}/{name}": jnp.mean(jnp.stack([v[name] for v in seen]))
        for player, seen in values.items()
        for name in terms[player]
    }
    return state.replace(step=state.step + 1, average=average), scalars


def average_decay(batch_size, *, half_life, ramp_up=0.05):
    """Decay of an average that forgets half of the past in `half_life` images, sooner at the start.

    Karras et al. 2020, arXiv:2006.06676, and its code: with h = min(half_life, ramp_up * images seen), the
    decay is 0.5 ** (batch_size / h).

    Args:
        batch_size: Real images a round.
        half_life: In real images, at least 0; 0 keeps the live weights.
        ramp_up: The half-life is at most this share of the images seen so far.

    Returns:
        Function from the step, int32, to the decay in [0, 1), float32.
    """

    def decay(step):
        seen = (step + 1) * float(batch_size)
        return 0.5 ** (batch_size / jnp.maximum(jnp.minimum(half_life, ramp_up * seen), 1e-8))

    return decay
