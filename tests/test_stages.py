"""Stages of a run: their steps, their clock, the data that fades, and the mistakes in them."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import build, images, stages, step
from gan_jax.data.batches import row_order
from gan_jax.errors import UsageError

# Two images a step more in each stage.
GROWN = dict(
    small=dict(images=30, batch_size=4, data=dict(halvings=1), reset=True),
    large=dict(images=20, fade=18, reset=True),
    held=dict(batch_size=16),
)


def _recipe(tiny, **changes):
    return tiny(**{"stages": GROWN, **changes})


def test_stages_are_as_many_steps_as_their_images_need(tiny):
    small, large, held = stages.of(_recipe(tiny, steps=14))
    assert [(each.first, each.last, each.seen) for each in (small, large, held)] == [
        (0, 8, 0),  # 30 images by fours
        (8, 11, 32),  # 20 by eights
        (11, 14, 56),
    ]
    assert [each.recipe.batch_size for each in (small, large, held)] == [4, 8, 16]
    assert small.recipe.data["halvings"] == 1 and "halvings" not in large.recipe.data
    # Optimizers begin anew at the start and at the first step after 18 images.
    assert [list(each.pieces(14)) for each in (small, large, held)] == [
        [range(0, 8)],
        [range(8, 11)],
        [range(11, 14)],
    ]
    long = stages.of(_recipe(tiny, stages={**GROWN, "large": dict(images=80, fade=18, reset=True)}, steps=30))
    assert list(long[1].pieces(30)) == [range(8, 11), range(11, 18)]
    # A shorter run ends in an earlier stage.
    assert [each.name for each in stages.of(_recipe(tiny, steps=8))] == ["small"]


@pytest.mark.parametrize(
    "taken, name", [(0, "small"), (8, "small"), (9, "large"), (11, "large"), (12, "held")]
)
def test_a_state_belongs_to_the_stage_of_its_last_step(tiny, taken, name):
    assert stages.at(stages.of(_recipe(tiny, steps=14)), taken).name == name


def test_the_clock_counts_samples_in_steps_of_the_recipe(tiny):
    small, large, held = stages.of(_recipe(tiny, steps=14))
    seen = (
        [4.0 * k for k in range(9)] + [32 + 8.0 * k for k in range(1, 4)] + [56 + 16.0 * k for k in (1, 2, 3)]
    )
    for taken in range(14):
        stage = stages.at((small, large, held), taken + 1)
        assert float(stage.time(taken)) == seen[taken] / 8
    # Where nothing differs from the recipe, the clock is the step itself.
    whole = stages.of_all(tiny())
    assert whole.time(7) == 7 and isinstance(whole.time(7), int)


def test_schedules_of_weights_and_averages_read_the_clock(tiny):
    slope = dict(linear_schedule=dict(init_value=0.0, end_value=1.0, transition_steps=10))
    recipe = _recipe(
        tiny,
        steps=14,
        losses=dict(
            discriminator=dict(non_saturating_discriminator=dict(weight=slope)),
            generator=dict(non_saturating_generator=1.0),
        ),
        average=dict(generator=dict(half_life=50.0, ramp_up=0.5)),
    )
    modality = build.source(recipe).modality
    held = stages.of(recipe)[2]
    spec = build.train_spec(held.recipe, modality, stage=held)
    term = spec.terms["discriminator"]["non_saturating_discriminator"]
    # Before step 12 there were 56 + 16 images, which are 9 steps of the recipe.
    np.testing.assert_allclose(term.weight(jnp.int32(12)), 0.9, rtol=1e-6)
    # After it 88 were seen; half of them is 44, less than 50.
    np.testing.assert_allclose(spec.decay["generator"](jnp.int32(12)), 0.5 ** (16 / 44), rtol=1e-6)


def test_the_half_life_of_an_average_may_be_a_schedule():
    decay = step.average_decay(8, half_life=lambda time: 10.0 * time, ramp_up=1e9)
    np.testing.assert_allclose(decay(jnp.int32(3)), 0.5 ** (8 / 30), rtol=1e-6)


def test_every_row_comes_once_an_epoch_across_borders(tiny):
    """Epochs of 23 rows, in stages of 4, 8 and 16 a step."""
    order = []
    for stage in stages.of(_recipe(tiny, steps=14)):
        rows = row_order(23, stage.samples, 5, skipped=stage.skipped)
        order += [rows(taken) for taken in range(stage.first, stage.last)]
    order = np.concatenate(order)
    assert len(order) == 32 + 24 + 48
    single = row_order(23, 1, 5)
    np.testing.assert_array_equal(order, np.concatenate([single(number) for number in range(104)]))


def test_real_images_fade_in_as_networks_hear(tiny):
    """From means of 2x2 pixels to the image itself over 18 images."""
    large = stages.of(_recipe(tiny, steps=14))[1]
    real = np.random.default_rng(0).normal(size=(1, 8, 4, 6, 1)).astype(np.float32)
    blocks = real.reshape(1, 8, 2, 2, 3, 2, 1).mean((3, 5))
    coarse = np.kron(blocks, np.ones((1, 1, 2, 2, 1)))
    carry = {"generator": {"net": {"progress": {"fade": jnp.ones(())}, "other": {"fade": jnp.ones(())}}}}
    for taken, share in ((8, 0.0), (9, 8 / 18), (10, 16 / 18), (11, 1.0)):
        state = step.TrainState(jnp.int32(taken), {}, carry, {}, {})
        heard, batches = stages.progressed(large, state, {"real": jnp.asarray(real), "label": jnp.ones(3)})
        np.testing.assert_allclose(batches["real"], (1 - share) * coarse + share * real, atol=1e-6)
        np.testing.assert_allclose(heard.carry["generator"]["net"]["progress"]["fade"], share, rtol=1e-6)
        assert heard.carry["generator"]["net"]["other"]["fade"] == 1
    whole = stages.progressed(large, state, {"real": jnp.asarray(real)})[1]["real"]
    np.testing.assert_array_equal(whole, real)


def test_halved_data_are_means_of_blocks_in_training_and_evaluation(tiny):
    recipe = tiny(data=dict(name="digits", resolution=8, halvings=1))
    source, plain = build.source(recipe), build.source(tiny())
    stored = plain.read(np.arange(5))["real"].astype(np.float64)
    means = stored.reshape(5, 4, 2, 4, 2, 1).mean((2, 4))
    assert source.spec["real"].shape == (4, 4, 1) and source.modality.facts["resolution"] == (4, 4)
    # Halves may be rounded either way.
    assert np.max(np.abs(source.read(np.arange(5))["real"] - means)) <= 0.5
    batch = build.decoder(recipe, source.modality)(jax.random.key(0), plain.read(np.arange(5)))
    np.testing.assert_allclose(batch["real"], means / 127.5 - 1, atol=1e-5)
    assert source.heldout().spec["real"].shape == (4, 4, 1)


def test_enlarged_images_halve_to_themselves():
    small = jax.random.normal(jax.random.key(0), (2, 3, 5, 1))
    np.testing.assert_allclose(images.halved(images.enlarged(small, 4), 2), small, atol=1e-6)


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(small=dict(batch_size=4), large={}), "stages.small: expected `images`, its length"),
        (dict(small=dict(images=-1)), "stages.small.images=-1: expected a number of images"),
        (dict(small=dict(images=8, fade=9)), "stages.small.fade=9: expected at most images=8"),
        (dict(small=dict(images=8, reset=1)), "stages.small.reset=1: expected True or False"),
        (dict(small=3), "stages.small=3: expected a dict"),
        (dict(small=dict(images=8, seed=3)), "stages.small: unknown name 'seed'"),
        (dict(small=dict(images=8, data=dict(name="mnist"))), "stages.small.data: unknown name 'name'"),
        (dict(small=dict(images=8, batch_size=0)), "stages.small: batch_size=0: expected at least 1"),
    ],
)
def test_a_mistake_in_a_stage_is_said(tiny, change, message):
    with pytest.raises(UsageError) as error:
        stages.of(tiny(stages=change))
    assert message in str(error.value)


def test_players_may_have_batches_of_their_own(tiny):
    """Five moves a step take five batches, and no two of them the same random numbers."""
    recipe = tiny(share_batches=False, updates=dict(discriminator=3, generator=2))
    assert (
        recipe.batches_per_step == 5 and dataclasses.replace(recipe, share_batches=True).batches_per_step == 3
    )
    source = build.source(recipe)
    spec = build.train_spec(recipe, source.modality)
    seen = []

    def move(player, game, terms, optimizers, state, batch, key):
        seen.append((player, float(batch["real"].mean()), jax.random.key_data(key).tolist()))
        return state, {name: jnp.zeros(()) for name in terms[player]}

    moved = dataclasses.replace(spec, moves={"discriminator": move, "generator": move})
    state = build.start(spec, source.modality, 8)(jax.random.key(0))
    batches = {"real": jnp.arange(5.0)[:, None] * jnp.ones((5, 8))}
    step.train_step(moved, state, batches, jax.random.key(1))
    assert [player for player, _, _ in seen] == ["discriminator"] * 3 + ["generator"] * 2
    assert [mean for _, mean, _ in seen] == [0, 1, 2, 3, 4]
    assert len({tuple(key) for _, _, key in seen}) == 5
