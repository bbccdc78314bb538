"""The step on a game small enough to follow by hand: f(x, y) = x * y + 0.5 * x^2, x descends, y climbs."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax

from gan_jax import step
from gan_jax.types import Game, Term


def _play(context):
    x, y = context.params["x"], context.params["y"]
    outputs = {
        "value": x * y + 0.5 * x**2,
        "batch": context.batch["real"],
        "draw": jax.random.uniform(context.key),
    }
    return outputs, {player: carry + 1 for player, carry in context.carry.items()}


GAME = Game(
    init=lambda key, batch: (
        {"x": jnp.float32(1.0), "y": jnp.float32(2.0)},
        {"x": jnp.int32(0), "y": jnp.int32(0)},
    ),
    play=_play,
    draw=None,
    sample=None,
)
TERMS = {
    "x": {
        "value": Term(lambda value: value),
        "batch": Term(lambda batch: batch, 0.0),
        "draw": Term(lambda draw: draw, 0.0),
    },
    "y": {"value": Term(lambda value: -value)},
}
OPTIMIZERS = {"x": optax.sgd(0.1), "y": optax.sgd(0.1)}
BATCHES = {"real": jnp.arange(3.0)[:, None]}


def _spec(updates, *, moves={}, decay={}):
    return step.TrainSpec(GAME, TERMS, OPTIMIZERS, moves, updates, decay)


def _state(averaged=()):
    return step.init(GAME, OPTIMIZERS, averaged, jax.random.key(0), {})


def test_players_move_one_after_the_other():
    # x: dx = y + x = 3, x = 0.7. y sees the new x: y = 2 + 0.1 * 0.7.
    state, scalars = step.train_step(_spec({"x": 1, "y": 1}), _state(), BATCHES, jax.random.key(0))
    np.testing.assert_allclose([state.params["x"], state.params["y"]], [0.7, 2.07], rtol=1e-6)
    np.testing.assert_allclose([scalars["x/value"], scalars["y/value"]], [2.5, -(1.4 + 0.245)], rtol=1e-6)
    assert state.step == 1


def test_order_of_updates_is_order_of_play():
    # y first: y = 2 + 0.1 * 1; x: dx = 2.1 + 1, x = 0.69.
    state, _ = step.train_step(_spec({"y": 1, "x": 1}), _state(), BATCHES, jax.random.key(0))
    np.testing.assert_allclose([state.params["x"], state.params["y"]], [0.69, 2.1], rtol=1e-6)


def test_a_move_changes_only_the_mover():
    before = _state()
    after, _ = step.move("x", GAME, TERMS, OPTIMIZERS, before, {"real": jnp.zeros(1)}, jax.random.key(0))
    assert after.params["x"] != before.params["x"] and after.carry["x"] == 1
    chex.assert_trees_all_equal(
        (after.params["y"], after.carry["y"]), (before.params["y"], before.carry["y"])
    )


def test_each_of_several_updates_has_its_own_batch_and_key():
    updates = {"x": 3, "y": 1}
    state, scalars = step.train_step(_spec(updates), _state(), BATCHES, jax.random.key(0))
    assert scalars["x/batch"] == 1.0  # mean of 0, 1 and 2
    assert state.carry == {"x": 3, "y": 1}
    keys = [jax.random.fold_in(jax.random.fold_in(jax.random.key(0), 0), move) for move in range(3)]
    np.testing.assert_allclose(
        scalars["x/draw"], np.mean([jax.random.uniform(key) for key in keys]), rtol=1e-6
    )


def test_players_see_the_same_batch_and_key_in_their_nth_moves():
    keys = {"x": [], "y": []}

    def move(player, game, terms, optimizers, state, batch, key):
        keys[player].append((float(batch["real"][0]), tuple(map(int, jax.random.key_data(key)))))
        return state, {name: jnp.zeros(()) for name in terms[player]}

    moves = {"x": move, "y": move}
    updates = {"x": 3, "y": 1}
    step.train_step(_spec(updates, moves=moves), _state(), BATCHES, jax.random.key(0))
    assert keys["y"] == keys["x"][:1] and len(set(keys["x"])) == 3


def test_averages_follow_with_their_decay():
    decay = {"x": lambda _: 0.75}
    state, _ = step.train_step(_spec({"x": 1}, decay=decay), _state(["x"]), BATCHES, jax.random.key(0))
    np.testing.assert_allclose(state.average["x"], 0.75 * 1.0 + 0.25 * 0.7, rtol=1e-6)


def test_average_forgets_half_in_its_half_life():
    decay = step.average_decay(10, half_life=1000, ramp_up=0.05)
    late = float(decay(jnp.int32(100_000)))
    np.testing.assert_allclose(late ** (1000 / 10), 0.5, rtol=1e-4)
    # After 100 images the half-life is 5 images: half an update's worth.
    np.testing.assert_allclose(decay(jnp.int32(9)), 0.5 ** (10 / 5), rtol=1e-5)
    assert step.average_decay(10, half_life=0)(jnp.int32(5)) == 0.0


def test_state_holds_no_buffer_twice():
    """Without `jit`, whose outputs never share one."""
    state = step.init(GAME, OPTIMIZERS, ["x", "y"], jax.random.key(0), {})
    pointers = [leaf.unsafe_buffer_pointer() for leaf in jax.tree.leaves(state)]
    assert len(set(pointers)) == len(pointers)


def test_a_player_moves_by_its_own_move():
    def jump(player, game, terms, optimizers, state, batch, key):
        return state.replace(params={**state.params, player: jnp.float32(7.0)}), {"value": jnp.float32(3.0)}

    state, scalars = step.train_step(
        _spec({"x": 1, "y": 1}, moves={"y": jump}), _state(), BATCHES, jax.random.key(0)
    )
    np.testing.assert_allclose([state.params["x"], state.params["y"]], [0.7, 7.0], rtol=1e-6)
    assert scalars["y/value"] == 3.0
