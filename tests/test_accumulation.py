"""Slices one after the other equal the batch at once, in less memory."""

import functools
import inspect

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import sources

from gan_jax import accumulation, build, step
from gan_jax.augment.probability import adapt_probability, start_probability
from gan_jax.data.batches import batches
from gan_jax.errors import UsageError
from gan_jax.runtime import parallel
from gan_jax.training.compiled import compiled
from gan_jax.training.diagnostics import diagnostics
from gan_jax.types import Game, Term

MODALITY = sources.modality(classes=10)
KEY = jax.random.key(0)


def test_row_r_is_in_slice_r_modulo_their_number():
    batch = {"real": jnp.arange(12.0).reshape(6, 2), "label": jnp.arange(6)}
    slices = accumulation.cut(batch, 3)
    np.testing.assert_array_equal(slices["label"], [[0, 3], [1, 4], [2, 5]])
    np.testing.assert_array_equal(slices["real"][1], [[2.0, 3.0], [8.0, 9.0]])


def test_floats_are_averaged_and_counters_kept():
    merged = accumulation.averaged({"mean": jnp.array([1.0, 2.0, 6.0]), "moves": jnp.array([7, 7, 7])})
    assert merged == {"mean": 3.0, "moves": 7} and merged["moves"].dtype == jnp.int32


def test_what_is_equal_in_all_slices_is_not_rounded():
    """The arrays of a fixed network would drift, move by move."""
    fixed = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    assert (np.float32((fixed + fixed + fixed) / np.float32(3)) != fixed).any()
    np.testing.assert_array_equal(accumulation.averaged(jnp.stack([fixed] * 3)), fixed)


class _Seen(accumulation.InSequence):
    sums: jax.Array


def test_what_follows_samples_goes_from_slice_to_slice():
    """3, 3 and 9: each slice sees the sum that the one before has left, and all else as it was."""

    def play(context):
        seen, mean = context.carry["generator"]
        sums = seen.sums + jnp.sum(context.batch["real"])
        outputs = {"x": context.params["generator"] * sums}
        return outputs, {"generator": (_Seen(sums), mean + jnp.sum(context.batch["real"]))}

    game = Game(
        lambda key, batch: ({"generator": 1.0}, {"generator": (_Seen(jnp.zeros(())), 10.0)}), play, None
    )
    state = step.init(game, {"generator": optax.sgd(1.0)}, (), KEY, {})
    batch = {"real": jnp.array([3.0, 0.0, 6.0])}
    grads, carry, values = accumulation.accumulated(3)(
        "generator", game, {"generator": {"x": Term(lambda x: x)}}, state, batch, KEY
    )
    assert (grads, values["x"]) == (5.0, 5.0)
    assert carry[0].sums == 9.0 and carry[1] == 13.0


def same(key, count):
    """Latents that are drawn alike for every sample, so that slices draw what the batch draws."""
    return jnp.ones((count, 4)) * jnp.array([0.5, -1.0, 2.0, 0.1])


def straight(critic, real, fake):
    """A gradient penalty half-way between real and fake, where the paper's draws the place."""
    slope = jax.grad(lambda x: jnp.sum(critic(x)))((real + fake) / 2)
    return jnp.square(jnp.sqrt(jnp.sum(slope**2, (1, 2, 3)) + 1e-12) - 1)


def _recipe(tiny, **changes):
    nets = dict(
        generator=dict(name="mlp.Generator", widths=(16,), wrap=dict(spectral_norm={})),
        discriminator=dict(name="mlp.Discriminator", widths=(16,), wrap=dict(spectral_norm={})),
    )
    losses = dict(
        discriminator={
            "non_saturating_discriminator": 1.0, straight: 1.0, "r1": dict(weight=0.5, every=2), "lecam": 1.0,
        },
        generator=dict(non_saturating_generator=1.0),
    )  # fmt: skip
    averages = dict(discriminator=("real_logits", "fake_logits"))
    fields = dict(
        nets=nets,
        losses=losses,
        batch_size=32,
        game=dict(name="gan", latents=dict(name=same), averages=averages),
    )
    return tiny(optimizer=dict(sgd=dict(learning_rate=0.05)), **{**fields, **changes})


def _trained(recipe, devices=1, steps=3):
    """State and scalars after some steps, as `gan_jax.training.train` comes to them."""
    mesh = parallel.mesh(recipe.batch_size, jax.devices()[:devices], slices=recipe.accumulate)
    source = build.source(recipe)
    train_spec = build.train_spec(recipe, source.modality, parallel.spread(mesh))
    decode = build.decoder(recipe, source.modality)
    fed = batches(source, recipe.batch_size, recipe.batches_per_step, recipe.seed, mesh, decode)
    programs = compiled(
        train_spec, functools.partial(diagnostics, train_spec), source.modality, recipe.batch_size, fed.decode,
        mesh, KEY, slices=recipe.accumulate,
    )  # fmt: skip
    state, history = programs.init(KEY), []
    for part in fed.feed(0, steps):
        state, scalars = programs.step(state, fed.resident, part, KEY)
        history.append(jax.device_get(scalars))
    return jax.device_get(state), history


@pytest.fixture(scope="module")
def at_once(tiny):
    return _trained(_recipe(tiny))


@pytest.mark.parametrize("slices, devices", [(2, 1), (4, 1), (4, 8)])
def test_slices_equal_the_batch_at_once(tiny, at_once, slices, devices):
    """Losses, lazy and gradient penalties, singular vectors, averages of logits and of parameters."""
    result = _trained(_recipe(tiny, accumulate=slices), devices)
    chex.assert_trees_all_close(result, at_once, rtol=0, atol=2e-6)
    assert any("r1" in name and value > 0 for name, value in result[1][0].items())
    assert result[1][1]["discriminator/r1"] == 0


def test_labels_go_with_their_rows(tiny):
    game = dict(name="gan", latents=dict(name=same), condition_on=("label",))
    losses = dict(
        discriminator=dict(non_saturating_discriminator=1.0, classification_real=1.0),
        generator=dict(non_saturating_generator=1.0, classification_fake=1.0),
    )
    heads = dict(logits={}, class_logits={})
    nets = dict(
        generator=dict(name="mlp.Generator", widths=(16,)),
        discriminator=dict(name="mlp.Discriminator", widths=(16,), dropout=0.0, heads=heads),
    )
    recipe = functools.partial(_recipe, tiny, game=game, losses=losses, nets=nets)
    chex.assert_trees_all_close(_trained(recipe(accumulate=4)), _trained(recipe()), rtol=0, atol=2e-6)


def test_adaptive_augmentation_keeps_its_pace_with_images_divided():
    adapt = functools.partial(adapt_probability, target=0.5, every=1)
    logits, carry = jnp.array([[3.0, 1.0], [2.0, 1.0], [1.0, 4.0], [5.0, 2.0]]), start_probability(0.25)
    at_once = adapt(carry, logits.ravel(), 8, images=80)
    np.testing.assert_allclose(at_once["p"], 0.35, rtol=1e-6)  # Eight images, and more than the target.
    slices = jax.vmap(lambda part: adapt(carry, part, 4, images=40))(accumulation.cut(logits.ravel(), 2))
    chex.assert_trees_all_close(accumulation.averaged(slices), at_once, rtol=1e-6)


def _play(context):
    outputs = {
        "x": context.params["generator"],
        "real": context.batch["real"],
        "drawn": jax.random.uniform(context.key),
    }
    return outputs, {"generator": context.carry["generator"] + jnp.mean(context.batch["real"])}


def test_every_slice_draws_its_own_numbers_and_reads_the_carry_before_the_move():
    game = Game(
        lambda key, batch: ({"generator": jnp.float32(1.0)}, {"generator": jnp.float32(10.0)}),
        _play,
        None,
        None,
    )
    terms = {"generator": {"drawn": Term(lambda x, drawn: x * drawn), "real": Term(lambda x, real: x * real)}}
    state = step.init(game, {"generator": optax.sgd(1.0)}, (), KEY, {})
    batch = {"real": jnp.array([1.0, 2.0, 3.0, 6.0])}
    grads, carry, values = accumulation.accumulated(2)("generator", game, terms, state, batch, KEY)
    drawn = np.mean([jax.random.uniform(jax.random.fold_in(KEY, number)) for number in range(2)])
    np.testing.assert_allclose(grads, drawn + 3.0, rtol=1e-6)
    np.testing.assert_allclose([values["drawn"], values["real"]], [drawn, 3.0], rtol=1e-6)
    assert carry == 13.0
    assert accumulation.accumulated(1) is step.gradient


@pytest.mark.parametrize(
    "move", [dict(name="extragradient"), dict(name="unrolled", learning_rate=0.1, steps=1)]
)
def test_other_moves_accumulate_too(tiny, move):
    """Unrolled, the follower answers each slice; here both slices have the same rows."""
    nets = dict(
        generator=dict(name="mlp.Generator", widths=(4,)),
        discriminator=dict(name="mlp.Discriminator", widths=(4,), dropout=0.0),
    )
    fields = dict(moves=dict(generator=move), losses=tiny().losses, nets=nets, batch_size=4)
    train_spec = {k: build.train_spec(_recipe(tiny, accumulate=k, **fields), MODALITY) for k in (1, 2)}
    images = jnp.repeat(jax.random.uniform(KEY, (2, 8, 8, 1)), 2, axis=0)

    @jax.jit
    def after(key):
        state = build.start(train_spec[1], MODALITY, 4)(key)
        played = [
            each.moves["generator"](
                "generator", each.game, each.terms, each.optimizers, state, {"real": images}, key
            )[0].params
            for each in (train_spec[1], train_spec[2])
        ]
        return state.params, *played

    before, expected, in_slices = after(KEY)
    chex.assert_trees_all_close(in_slices, expected, rtol=0, atol=1e-6)
    changed = jax.tree.map(lambda a, b: np.abs(a - b).max(), before["generator"], expected["generator"])
    assert min(jax.tree.leaves(changed)) > 1e-5


def _own_move():
    return step.move


def test_a_move_that_takes_no_gradient_cannot_accumulate(tiny):
    moved = dict(generator=dict(name=_own_move))
    move = build.train_spec(_recipe(tiny, moves=moved), MODALITY).moves["generator"]
    assert inspect.unwrap(move) is step.move
    with pytest.raises(UsageError, match="moves.generator.name: _own_move takes no `gradient`"):
        build.train_spec(_recipe(tiny, moves=moved, accumulate=2), MODALITY)


def _compiled(tiny, slices, devices):
    nets = {player: dict(name=f"mlp.{player.title()}", widths=(64, 64)) for player in tiny().nets}
    recipe = tiny(batch_size=256, accumulate=slices, nets=nets)
    mesh = parallel.mesh(256, jax.devices()[:devices], slices=slices)
    train_spec = build.train_spec(recipe, MODALITY, parallel.spread(mesh))
    played = functools.partial(step.train_step, train_spec)
    everywhere, rows = parallel.replicated(mesh), parallel.sharded(mesh, axis=1)
    state = parallel.abstract(build.start(train_spec, MODALITY, 256), KEY, everywhere)
    blank = {"real": jax.ShapeDtypeStruct((1, 256, 8, 8, 1), jnp.float32, sharding=rows)}
    return jax.jit(played, out_shardings=everywhere).lower(state, blank, KEY).compile()


def test_four_slices_need_less_than_half_of_the_memory(tiny):
    needed = {k: _compiled(tiny, k, devices=8).memory_analysis().temp_size_in_bytes for k in (1, 4)}
    assert needed[4] < needed[1] / 2


def test_no_row_leaves_its_device(tiny):
    """Gradients are reduced; nothing is gathered or exchanged."""
    text = _compiled(tiny, 4, 8).as_text()
    assert "all-reduce" in text and "all-gather" not in text and "all-to-all" not in text


def test_a_batch_that_slices_do_not_divide():
    with pytest.raises(
        UsageError, match="batch_size=24 in accumulate=2 slices is not divisible by 8 devices"
    ):
        parallel.mesh(24, slices=2)
