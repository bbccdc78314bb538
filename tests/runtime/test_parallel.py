"""One device equals eight, and eight do an eighth of the work each."""

import functools

import jax
import numpy as np
import pytest

from gan_jax import build
from gan_jax.data.batches import batches
from gan_jax.errors import UsageError
from gan_jax.runtime import parallel
from gan_jax.training.compiled import compiled
from gan_jax.training.diagnostics import diagnostics


def _programs(recipe, devices):
    mesh = parallel.mesh(recipe.batch_size, jax.devices()[:devices])
    source = build.source(recipe)
    train_spec = build.train_spec(recipe, source.modality, parallel.spread(mesh))
    decode = build.decoder(recipe, source.modality)
    fed = batches(source, recipe.batch_size, recipe.batches_per_step, recipe.seed, mesh, decode)
    diagnose, key = functools.partial(diagnostics, train_spec), jax.random.key(recipe.seed)
    programs = compiled(train_spec, diagnose, source.modality, recipe.batch_size, fed.decode, mesh, key)
    return programs, fed, key


def _recipe(tiny, net):
    losses = dict(
        discriminator=dict(non_saturating_discriminator=1.0, gradient_penalty=1.0),
        generator=dict(non_saturating_generator=1.0),
    )
    optimizer = dict(sgd=dict(learning_rate=0.05))
    return tiny(net, optimizer, batch_size=32, losses=losses, updates=dict(discriminator=2, generator=1))


@pytest.mark.parametrize("net", ["mlp", "dcgan"])
def test_one_device_equals_eight(tiny, net):
    def train(devices):
        programs, fed, key = _programs(_recipe(tiny, net), devices)
        state, steps = programs.init(key), []
        for part in fed.feed(0, 3):
            state, scalars = programs.step(state, fed.resident, part, key)
            steps.append(jax.device_get(scalars))
        return jax.device_get((state.params, state.average, state.carry)), steps

    one, eight = train(1), train(8)
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(eight), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-6)


def test_eight_devices_do_an_eighth_of_the_work_each(tiny):
    def flops(devices):
        programs, fed, key = _programs(_recipe(tiny, "dcgan"), devices)
        part = next(fed.feed(0, 1))
        return (
            programs.step.lower(programs.abstract, fed.resident, part, key).compile().cost_analysis()["flops"]
        )

    assert flops(8) < flops(1) / 7


def test_state_is_whole_everywhere_and_the_batch_is_spread(tiny):
    programs, fed, key = _programs(tiny(), 8)
    state = programs.init(key)
    assert all(leaf.sharding.is_fully_replicated for leaf in jax.tree.leaves(state))
    part = next(fed.feed(0, 1))
    assert {shard.data.shape for shard in part.addressable_shards} == {(1, 1, 1)}


def test_batch_that_devices_do_not_divide():
    with pytest.raises(UsageError, match="batch_size=12 is not divisible by 8 devices"):
        parallel.mesh(12)


def test_spread_constrains_inside_jit():
    mesh = parallel.mesh(8)
    latents = jax.jit(lambda key: parallel.spread(mesh)(jax.random.normal(key, (8, 2))))(jax.random.key(0))
    assert latents.sharding.is_equivalent_to(parallel.sharded(mesh), 2)


def test_place_puts_each_part_where_it_belongs():
    mesh = parallel.mesh(8)
    rows = np.arange(16).reshape(2, 8)
    placed = parallel.place(rows, parallel.sharded(mesh, axis=1))
    np.testing.assert_array_equal(placed, rows)
    starts = [shard.data[0, 0] for shard in placed.addressable_shards]
    np.testing.assert_array_equal(np.sort(starts), np.arange(8))


def test_local_is_one_device_s_copy_of_what_all_have():
    everywhere = parallel.replicated(parallel.mesh(8))
    tree = {"array": np.arange(3.0), "key": jax.random.key(7)}
    copy = parallel.local(jax.device_put(tree, everywhere))
    assert all(len(leaf.devices()) == 1 for leaf in jax.tree.leaves(copy))
    np.testing.assert_array_equal(copy["array"], [0.0, 1.0, 2.0])
    assert jax.random.key_data(copy["key"]).tolist() == jax.random.key_data(tree["key"]).tolist()


def test_abstract_makes_nothing():
    shapes = parallel.abstract(functools.partial(jax.random.normal, shape=(3,)), jax.random.key(0), None)
    assert shapes.shape == (3,) and not hasattr(shapes, "devices")
