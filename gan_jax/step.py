"""The one train step: each player in turn reads the game's outputs, sums its terms, and moves."""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import struct
from jax.typing import ArrayLike

from gan_jax import terms as terms_lib
from gan_jax.errors import unknown
from gan_jax.types import Context, Game, Term


class TrainState(struct.PyTreeNode):
    """Everything that changes in training, as arrays only.

    Attributes:
        step: Steps taken so far, int32 scalar.
        params: Parameters by player.
        carry: Arrays that a player owns but does not train, by player.
        opt: Optimizer state by player.
        average: Exponential moving averages of parameters, by averaged player.
    """

    step: Any
    params: Any
    carry: Any
    opt: Any
    average: Any

    def sampling_params(self, averaged: bool = True) -> dict:
        """Parameters by player to sample from: the averages where there are some, else the live ones."""
        return {**self.params, **self.average} if averaged else self.params


@dataclasses.dataclass(frozen=True, eq=False)
class TrainSpec:
    """The functions that a train step is made of.

    Attributes:
        game: The Game.
        terms: Terms by player and name.
        optimizers: optax.GradientTransformation by player.
        moves: How a player moves, by player; `move` for players that are not in it.
        updates: Moves per step by player, in the order of play.
        decay: By averaged player, the average's decay in [0, 1] as a function of the step.
        share_batches: Whether the k-th moves of all players in a step share the k-th batch and random key.
        matmul_precision: JAX's name of the precision of float32 products in `step`.
    """

    game: Game
    terms: dict[str, dict[str, Term]]
    optimizers: dict[str, optax.GradientTransformation]
    moves: dict[str, Callable]
    updates: dict[str, int]
    decay: dict[str, Callable]
    share_batches: bool = True
    matmul_precision: str = "default"

    @functools.cached_property
    def step(self) -> Callable[..., tuple[TrainState, dict[str, jax.Array]]]:
        """`(state, batches, key) -> (state, scalars)`: `train_step`, traced once for all its callers."""

        def step(state, batches, key):
            with jax.default_matmul_precision(self.matmul_precision):
                return train_step(self, state, batches, key)

        return jax.jit(step, inline=True)


def init(
    game: Game,
    optimizers: Mapping[str, optax.GradientTransformation],
    averaged: Sequence[str] | Mapping[str, Any],
    key: jax.Array,
    batch: dict,
) -> TrainState:
    """The state before the first step.

    Args:
        game: The Game.
        optimizers: optax.GradientTransformation by player.
        averaged: Names of the players whose parameters are averaged.
        key: Random key.
        batch: A batch of the right shapes; its values do not matter.

    Returns:
        The TrainState.

    Raises:
        UsageError: A player has an optimizer but is not in the game.
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


def gradient(
    player: str,
    game: Game,
    terms: Mapping[str, Mapping[str, Term]],
    state: TrainState,
    batch: dict,
    key: jax.Array,
) -> tuple[Any, Any, dict[str, jax.Array]]:
    """The gradient of a player's loss with respect to its own parameters.

    Args:
        player: The player.
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

    grads, (carry, values) = jax.grad(loss, has_aux=True)(state.params[player])
    return grads, carry, values


def descend(
    player: str, optimizers: Mapping[str, optax.GradientTransformation], state: TrainState, grads: Any
) -> TrainState:
    """The state after a player's optimizer has followed a gradient.

    Args:
        player: Whose parameters and optimizer state change.
        optimizers: optax.GradientTransformation by player.
        state: The TrainState.
        grads: A gradient of the player's parameters.

    Returns:
        The new TrainState.
    """
    updates, opt = optimizers[player].update(grads, state.opt[player], state.params[player])
    params = optax.apply_updates(state.params[player], updates)
    return state.replace(params={**state.params, player: params}, opt={**state.opt, player: opt})


def move(
    player: str,
    game: Game,
    terms: Mapping[str, Mapping[str, Term]],
    optimizers: Mapping[str, optax.GradientTransformation],
    state: TrainState,
    batch: dict,
    key: jax.Array,
    *,
    gradient: Callable[..., tuple[Any, Any, dict]] = gradient,
) -> tuple[TrainState, dict[str, jax.Array]]:
    """One player descends its loss once; nothing of the other players changes.

    Args:
        player: The player that moves.
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
    grads, carry, values = gradient(player, game, terms, state, batch, key)
    state = descend(player, optimizers, state, grads)
    return state.replace(carry={**state.carry, player: carry}), values


def train_step(
    spec: TrainSpec, state: TrainState, batches: dict, key: jax.Array
) -> tuple[TrainState, dict[str, jax.Array]]:
    """One step: the players move one after the other, then the averages follow.

    The k-th move of each player in a step sees the k-th batch and the k-th random key. So with one update
    each both players look at the same real samples and at the same latents, whose samples XLA then makes once
    for both; five critic updates look at five different batches and at five draws of latents. Without
    `share_batches` the k-th of all moves of the step sees the k-th batch and key.

    Args:
        spec: The TrainSpec.
        state: The TrainState.
        batches: Dict of arrays [updates of the player with the most, B, ...]; unshared, [moves, B, ...].
        key: Random key of the whole run.

    Returns:
        The new state, and `{"player/term": value}`: unweighted, float32, mean over the player's moves.
    """
    key = jax.random.fold_in(key, state.step)
    values: dict[str, list[dict]] = {player: [] for player in spec.updates}
    moves = [(player, k) for player, count in spec.updates.items() for k in range(count)]
    for player, k in moves if spec.share_batches else [(player, k) for k, (player, _) in enumerate(moves)]:
        batch = jax.tree.map(lambda leaf, k=k: leaf[k], batches)
        play = spec.moves.get(player, move)
        state, terms = play(
            player, spec.game, spec.terms, spec.optimizers, state, batch, jax.random.fold_in(key, k)
        )
        values[player].append(terms)
    average = {
        player: optax.incremental_update(state.params[player], old, 1 - spec.decay[player](state.step))
        for player, old in state.average.items()
    }
    scalars = {
        f"{player}/{name}": jnp.mean(jnp.stack([terms[name] for terms in of_moves]))
        for player, of_moves in values.items()
        for name in spec.terms[player]
    }
    return state.replace(step=state.step + 1, average=average), scalars


def average_decay(
    batch_size: int,
    unit: int | None = None,
    *,
    half_life: float | Callable[..., ArrayLike],
    ramp_up: float = 0.05,
) -> Callable[[jax.Array], jax.Array]:
    """Decay of an average that forgets half of the past in `half_life` samples, sooner at the start.

    Karras et al. 2020, arXiv:2006.06676, and its code: with h = min(half_life, ramp_up * samples seen), the
    decay is 0.5 ** (batch_size / h).

    Args:
        batch_size: Real samples per step.
        unit: Real samples by which the argument `step` of the decay counts; those of a step if None.
        half_life: In real samples, at least 0; 0 keeps the live weights. A schedule is a function of the
            step.
        ramp_up: The half-life is at most this share of the samples seen so far.

    Returns:
        Function from the step, int32, to the decay in [0, 1), float32.
    """

    counted = unit or batch_size

    def decay(step):
        samples = (step + batch_size / counted) * float(counted)
        longest = half_life(step) if callable(half_life) else half_life
        return 0.5 ** (batch_size / jnp.maximum(jnp.minimum(longest, ramp_up * samples), 1e-8))

    return decay
