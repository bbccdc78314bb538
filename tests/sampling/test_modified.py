"""Truncated latents and standing statistics against closed forms."""

import dataclasses
import inspect

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sources

from gan_jax import build, latents
from gan_jax.errors import UsageError
from gan_jax.nets.batch_norm import BatchNorm
from gan_jax.sampling import loading, modified, samples


class Normed(nn.Module):
    """A dense layer between batch norms of both kinds; its parameters and statistics are not those of a start."""

    @nn.compact
    def __call__(self, x, *, train):
        x = BatchNorm(not train, 0.9, 1e-5)(nn.Dense(3)(x))
        x = nn.BatchNorm(not train, epsilon=1e-5)(nn.Dense(64)(x))
        return jnp.tanh(x).reshape(-1, 8, 8, 1)


@pytest.fixture
def model(tiny):
    """Function from changes of a recipe to its untrained model."""

    def made(generator=dict(name=Normed, wrap=dict(remat={}, spectral_norm={})), **changes):
        recipe = tiny(nets=dict(generator=generator, discriminator=dict(name="mlp.Discriminator")), **changes)
        modality = sources.of_arrays(np.zeros((1, 8, 8, 1), np.uint8), [0]).modality
        spec = build.train_spec(recipe, modality)
        state = jax.jit(build.start(spec, modality, recipe.batch_size))(jax.random.key(0))
        return loading.LoadedModel("here", recipe, modality, spec, 7, state)

    return made


def _drawing(model, drawn):
    """The model, whose latents are also appended to a list."""

    def draw(key, count):
        values = model.game.draw(key, count)
        jax.debug.callback(lambda values: drawn.append(np.float64(values)), values)
        return values

    game = model.game._replace(draw=draw)
    return model._replace(train_spec=dataclasses.replace(model.train_spec, game=game))


def _statistics(model, batches):
    """Mean and variance of the first layer's outputs in float64, the means of those of all batches."""
    params = model.state.sampling_params()["generator"]["Dense_0"]
    vector = model.state.carry["generator"]["net"]["spectral_norm"]["Dense_0.kernel"]
    kernel, u = np.float64(params["kernel"]), np.float64(vector)
    v = kernel @ u
    v /= np.linalg.norm(v)
    u = v @ kernel
    outputs = [z @ kernel / (v @ kernel @ (u / np.linalg.norm(u))) + params["bias"] for z in batches]
    return [np.mean([of(each, axis=0) for each in outputs], axis=0) for of in (np.mean, np.var)]


@pytest.mark.parametrize("passes", [1, 3])
def test_standing_statistics_are_the_means_of_those_of_batches(model, passes):
    drawn = []
    before = _drawing(model(), drawn)
    after = modified.with_standing(before, passes)
    jax.effects_barrier()
    assert [len(batch) for batch in drawn] == passes * [before.recipe.batch_size]
    mean, variance = _statistics(before, drawn)
    found = after.state.carry["generator"]["net"]["net"]["batch_stats"]["BatchNorm_0"]
    second = after.state.carry["generator"]["net"]["net"]["batch_stats"]["BatchNorm_1"]
    np.testing.assert_allclose(found["mean"], mean, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found["var"], variance, rtol=1e-4)
    assert np.all(second["var"] != 1.0) and after.standing == passes
    # Everything else stays as it was, the discriminator's part of the carry too.
    np.testing.assert_array_equal(
        jax.tree.leaves(before.state.carry["discriminator"]),
        jax.tree.leaves(after.state.carry["discriminator"]),
    )
    assert samples.variant(after) == f"_standing_{passes}"


def test_by_the_statistics_of_one_batch_samples_are_those_of_training(model):
    """Outputs of the batch in evaluation, by its own statistics, are its outputs in training."""
    before = model(generator=dict(name=Normed))
    fixed = before.game.draw(jax.random.key(5), before.recipe.batch_size)
    game = before.game._replace(draw=lambda key, count: fixed)
    before = before._replace(train_spec=dataclasses.replace(before.train_spec, game=game))
    after = modified.with_standing(before, 1)
    params, net = after.state.sampling_params(), before.state.carry["generator"]["net"]
    expected, _ = Normed().apply(
        {"params": params["generator"], **net}, fixed, train=True, mutable=["batch_stats"]
    )
    ours = after.game.sample(params, after.state.carry, fixed, {}, jax.random.key(0))
    np.testing.assert_allclose(ours, expected, atol=1e-4)


def test_truncated_latents_have_the_distribution_of_redrawn_ones(model):
    changed = modified.modified(model(), 0.5)
    drawn = np.asarray(changed.game.draw(jax.random.key(1), 2_000))
    assert drawn.shape == (2_000, model().game.draw(jax.random.key(1), 1).shape[1])
    assert np.abs(drawn).max() <= 0.5 and samples.variant(changed) == "_truncation_0.5"
    # The variance of a normal variable within 0.5 is 1 - 2 * 0.5 * density(0.5) / probability(|z| < 0.5).
    assert np.var(drawn) == pytest.approx(1 - 0.3520653268 / 0.3829249225, rel=0.05)
    rows = samples.latents_of(changed.game, jax.random.key(0), np.arange(3))
    assert np.abs(rows).max() <= 0.5
    assert modified.truncated(model(), np.inf).truncation is None


def test_models_that_cannot_sample_so_are_refused_in_one_line(model):
    uniform = dict(name="gan", latents=dict(name="uniform", size=4))
    plain = dict(name="mlp.Generator", widths=(4,))
    for changes, options, message in [
        (dict(), dict(truncation=0.0), "truncation=0: expected a number above 0"),
        (
            dict(game=uniform),
            dict(truncation=0.5),
            "truncation=0.5: latents of 'uniform' cannot be .* 'normal'",
        ),
        (dict(generator=plain), dict(standing=2), "standing=2: the generator of here has no batch norm"),
    ]:
        with pytest.raises(UsageError, match=f"^{message}$"):
            modified.modified(model(**changes), **options)


def test_companions_take_the_arguments_of_their_distribution():
    own, companion = (
        inspect.signature(each).parameters for each in (latents.normal, latents.normal_truncated)
    )
    assert set(companion) - set(own) == {"threshold"} and companion["size"].default == own["size"].default
