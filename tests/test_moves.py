"""Moves on games small enough to be solved by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import moves, step
from gan_jax.errors import UsageError
from gan_jax.types import Game, Term

KEY = jax.random.key(0)
PLAYERS = ("generator", "discriminator")


def game_of(x, y):
    """The generator owns x, the discriminator y; both see both, and count their moves in their carry."""

    def init(key, batch):
        return (
            {"generator": jnp.float32(x), "discriminator": jnp.float32(y)},
            dict.fromkeys(PLAYERS, jnp.zeros(())),
        )

    def play(context):
        outputs = {"x": context.params["generator"], "y": context.params["discriminator"]}
        return outputs, {player: count + 1 for player, count in context.carry.items()}

    return Game(init, play, None, None)


# min over x, max over y of x y.
BILINEAR = {
    "generator": {"value": Term(lambda x, y: x * y)},
    "discriminator": {"value": Term(lambda x, y: -x * y)},
}


def played(move, terms, optimizer, steps, x=1.0, y=2.0):
    """(x, y) after every step in which both players move, the generator first."""
    game = game_of(x, y)
    optimizers = dict.fromkeys(PLAYERS, optimizer)
    state = step.init(game, optimizers, (), KEY, {})

    def play_step(state, _):
        for player in PLAYERS:
            state, _ = move(player, game, terms, optimizers, state, {}, KEY)
        return state, jnp.stack([state.params[player] for player in PLAYERS])

    return jax.lax.scan(play_step, state, length=steps)[1]


def simultaneous(player, game, terms, optimizers, state, batch, key):
    """Moves both players from the same point when the first of them moves, and nobody after that."""
    if player != PLAYERS[0]:
        return state, {}
    after = [step.move(who, game, terms, optimizers, state, batch, key)[0] for who in PLAYERS]
    return after[0].replace(params={who: s.params[who] for who, s in zip(PLAYERS, after, strict=True)}), {}


def test_one_step_of_extragradient_by_hand():
    game = game_of(1.0, 2.0)
    optimizers = {"generator": optax.sgd(0.1), "discriminator": optax.sgd(0.2)}
    state = step.init(game, optimizers, (), KEY, {})
    # Ahead lie x = 1 - 0.1 * 2 = 0.8 and y = 2 + 0.2 * 1 = 2.2; from x = 1 with the slope 2.2 there.
    state, values = moves.extragradient()("generator", game, BILINEAR, optimizers, state, {}, KEY)
    np.testing.assert_allclose(state.params["generator"], 1 - 0.1 * 2.2, rtol=1e-6)
    np.testing.assert_allclose(values["value"], 0.8 * 2.2, rtol=1e-6)
    assert state.params["discriminator"] == 2 and state.carry == {"generator": 1, "discriminator": 0}
    # From x = 0.78: ahead lie x = 0.78 - 0.2 and y = 2 + 0.156.
    state, values = moves.extragradient()("discriminator", game, BILINEAR, optimizers, state, {}, KEY)
    np.testing.assert_allclose(state.params["discriminator"], 2 + 0.2 * 0.58, rtol=1e-6)
    np.testing.assert_allclose(values["value"], -0.58 * 2.156, rtol=1e-6)
    np.testing.assert_allclose(state.params["generator"], 0.78, rtol=1e-6)
    assert state.carry == {"generator": 1, "discriminator": 1}


def test_extragradient_converges_where_descent_does_not():
    rate, steps = 0.3, 200
    radius = {
        name: np.linalg.norm(played(move, BILINEAR, optax.sgd(rate), steps), axis=1)
        for name, move in (
            ("simultaneous", simultaneous),
            ("alternating", step.move),
            ("extragradient", moves.extragradient()),
        )
    }
    # Every simultaneous step stretches the plane by sqrt(1 + rate^2); alternating ones keep areas.
    expected = np.sqrt(5) * (1 + rate**2) ** (np.arange(1, steps + 1) / 2)
    np.testing.assert_allclose(radius["simultaneous"], expected, rtol=1e-4)
    assert 1 < radius["alternating"].min() and radius["alternating"].max() < 5
    # With the look ahead x becomes x - r (y + r x), and then y becomes y + r (x - r y).
    contraction = np.array([[1 - rate**2, -rate], [rate * (1 - rate**2), 1 - 2 * rate**2]])
    place = np.linalg.matrix_power(contraction, 20) @ [1.0, 2.0]
    np.testing.assert_allclose(radius["extragradient"][19], np.linalg.norm(place), rtol=1e-4)
    assert radius["extragradient"][-1] < 1e-6


def test_extragradient_looks_ahead_with_the_optimizer_and_counts_once():
    game = game_of(1.0, 2.0)
    optimizers = dict.fromkeys(PLAYERS, optax.adam(0.1))
    state = step.init(game, optimizers, (), KEY, {})
    before = state
    state, values = moves.extragradient()("generator", game, BILINEAR, optimizers, state, {}, KEY)
    # Adam's first step is its learning rate: ahead lie (0.9, 2.1), and from 1 leads the same way.
    np.testing.assert_allclose(values["value"], 0.9 * 2.1, rtol=1e-5)
    np.testing.assert_allclose(state.params["generator"], 0.9, rtol=1e-5)
    moments = state.opt["generator"][0]
    assert moments.count == 1
    np.testing.assert_allclose(moments.mu, 0.1 * 2.1, rtol=1e-5)
    assert state.opt["discriminator"] == before.opt["discriminator"]


# The follower's loss is (y - x)^2 / 2, so that y after k steps of rate a is x + (1 - a)^k (y - x).
FOLLOWING = {
    "generator": {"value": Term(lambda x, y: x * y)},
    "discriminator": {"value": Term(lambda x, y: jnp.square(y - x) / 2)},
}


@pytest.mark.parametrize("jit", [False, True])
def test_unrolled_by_hand(jit):
    game = game_of(2.0, 1.0)
    optimizers = dict.fromkeys(PLAYERS, optax.sgd(0.1))
    state = step.init(game, optimizers, (), KEY, {})
    move = moves.unrolled(learning_rate=0.5, steps=2)

    def generator(state):
        return move("generator", game, FOLLOWING, optimizers, state, {}, KEY)

    after, values = (jax.jit(generator) if jit else generator)(state)
    # y is unrolled to 2 - 1 / 4 = 1.75, with the slope 3 / 4 in x: x y has the slope 1.75 + 2 * 0.75.
    np.testing.assert_allclose(values["value"], 3.5, rtol=1e-6)
    np.testing.assert_allclose(after.params["generator"], 2 - 0.1 * 3.25, rtol=1e-6)
    assert after.params["discriminator"] == 1 and after.carry == {"generator": 1, "discriminator": 0}
    # The follower itself descends once, by its own optimizer: its slope is y - x = -1.
    after, _ = move("discriminator", game, FOLLOWING, optimizers, state, {}, KEY)
    np.testing.assert_allclose(after.params["discriminator"], 1.1, rtol=1e-6)


def test_unrolled_takes_schedules_and_any_follower():
    game = game_of(2.0, 1.0)
    optimizers = dict.fromkeys(PLAYERS, optax.sgd(0.1))
    state = step.init(game, optimizers, (), KEY, {})
    move = moves.unrolled(learning_rate=lambda t: jnp.where(t < 1, 0.5, 0.0), steps=1, follower="generator")
    # The generator's x is unrolled to 2 - 0.5 * 1 = 1.5, with the slope -0.5 in y.
    after, values = move("discriminator", game, FOLLOWING, optimizers, state, {}, KEY)
    np.testing.assert_allclose(values["value"], 0.125, rtol=1e-6)
    np.testing.assert_allclose(after.params["discriminator"], 1 - 0.1 * (1 - 1.5) * 1.5, rtol=1e-6)
    # With rate 0 nothing changes.
    later = state.replace(step=jnp.int32(1))
    after, _ = move("discriminator", game, FOLLOWING, optimizers, later, {}, KEY)
    np.testing.assert_allclose(after.params["discriminator"], 1 - 0.1 * (1 - 2), rtol=1e-6)


def test_unrolling_converges_on_the_bilinear_game():
    # Against a follower that would move by a, the generator's slope is y + 2 a x: damped.
    path = played(moves.unrolled(learning_rate=0.5, steps=1), BILINEAR, optax.sgd(0.1), 300)
    assert np.linalg.norm(path[-1]) < 1e-3


def test_no_unrolled_steps_is_a_usage_error():
    with pytest.raises(UsageError, match="steps=0"):
        moves.unrolled(learning_rate=0.1, steps=0)
