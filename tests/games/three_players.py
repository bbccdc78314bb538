"""Linear networks and tiny recipes for games with an encoder, and what must hold in all of their moves."""

import jax
import jax.numpy as jnp
import numpy as np
import sources

from gan_jax import build, step
from gan_jax.types import Context, Net

MODALITY = sources.modality(classes=10)
BATCH = {"real": jnp.arange(12.0).reshape(4, 3, 1, 1), "label": jnp.array([0, 1, 2, 3])}


def linear(name, value, outputs):
    """A Net of one weight whose carry counts its training forwards."""

    def apply(params, carry, *inputs, key, train):
        return outputs(params[name], *inputs), carry + train

    return Net(lambda key, *inputs: ({name: jnp.float32(value)}, jnp.int32(0)), apply)


def latents(key, count):
    """Always [1, 2, 3]."""
    return jnp.tile(jnp.array([1.0, 2.0, 3.0]), (count, 1))


def context(game):
    """A context of step 7."""
    params, carry = game.init(jax.random.key(0), BATCH)
    return Context(params, carry, BATCH, jax.random.key(1), jnp.int32(7))


def batches(count, size=8):
    """Batches of images of noise, [count, size, 8, 8, 1]."""
    images = jnp.tanh(jax.random.normal(jax.random.key(3), (count, size, 8, 8, 1)))
    return {"real": images, "label": jnp.zeros((count, size), jnp.int32)}


def trained(recipe, steps=20):
    """The state after some steps, and the scalars of each."""
    train_spec = build.train_spec(recipe, MODALITY)
    state = jax.jit(build.start(train_spec, MODALITY, recipe.batch_size))(jax.random.key(0))
    train_step = jax.jit(lambda state, key: step.train_step(train_spec, state, batches(1), key))
    history = []
    for _ in range(steps):
        state, scalars = train_step(state, jax.random.key(5))
        history.append(scalars)
    return train_spec, state, jax.device_get(history)


def assert_only_the_mover_changes(recipe):
    """In every player's move all of its parameters get a gradient, and nobody else has anything changed."""
    train_spec = build.train_spec(recipe, MODALITY)
    before = jax.jit(build.start(train_spec, MODALITY, recipe.batch_size))(jax.random.key(0))
    batch = jax.tree.map(lambda leaf: leaf[0], batches(1))
    for player in train_spec.updates:
        move = jax.jit(
            lambda state, player=player: step.move(
                player,
                train_spec.game,
                train_spec.terms,
                train_spec.optimizers,
                state,
                batch,
                jax.random.key(2),
            )
        )
        after, _ = move(before)
        for other in before.params:
            same = [
                np.array_equal(a, b)
                for a, b in zip(jax.tree.leaves(before.params[other]), jax.tree.leaves(after.params[other]))
            ]
            assert not any(same) if other == player else all(same), (player, other)
            if other != player:
                jax.tree.map(np.testing.assert_array_equal, before.carry[other], after.carry[other])
