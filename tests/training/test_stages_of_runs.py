"""Runs of several stages: they resume bit for bit around borders, and show what each stage makes."""

import dataclasses
import logging
import os

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import build, images
from gan_jax.checkpoints import checkpoint
from gan_jax.errors import UsageError
from gan_jax.sampling import loading, samples
from gan_jax.training import plan, report, setup, train


class Generator(nn.Module):
    """Images of 4 pixels, or of 8 whose details fade in."""

    channels: int
    levels_to_come: int = 0

    @nn.compact
    def __call__(self, latents, *, train):
        share = self.variable("progress", "fade", lambda: jnp.ones(())).value
        coarse = nn.Dense(16 * self.channels)(latents).reshape(-1, 4, 4, self.channels)
        fine = nn.Dense(64 * self.channels)(latents).reshape(-1, 8, 8, self.channels)
        grown = (1 - share) * images.enlarged(coarse, 2) + share * fine
        return jnp.tanh(coarse if self.levels_to_come else grown)


class Discriminator(nn.Module):
    """A logit of means of 4 x 4 pixels."""

    levels_to_come: int = 0

    @nn.compact
    def __call__(self, samples, *, train):
        samples = samples if self.levels_to_come else images.halved(samples)
        return {"logits": nn.Dense(1)(samples.reshape(len(samples), -1))[:, 0]}


STAGES = dict(
    small=dict(images=64, batch_size=16, data=dict(halvings=1)),
    large=dict(images=24, fade=16, reset=True),
    held={},
)


@pytest.fixture(scope="module")
def recipe(tiny):
    """Steps 0 to 3 of 16 small images, 4 to 6 and 7 to 9 of eight large ones."""
    return tiny(
        nets=dict(generator=dict(name=Generator), discriminator=dict(name=Discriminator)),
        stages=STAGES,
        share_batches=False,
        log_every=1,
        checkpoint_every=1,
        keep_checkpoints=100,
        eval_every=3,
        eval_features="pixels",
        eval_samples=64,
        diagnostics_every=4,
    )


@pytest.fixture(scope="module")
def whole(recipe, tmp_path_factory, without_curves):
    """A run in one go."""
    workdir = str(tmp_path_factory.mktemp("stages") / "whole")
    assert train.run(recipe, workdir) == 10
    return workdir


def _state(recipe, workdir, step):
    source = build.source(recipe)
    spec = build.train_spec(recipe, source.modality)
    abstract = jax.eval_shape(build.start(spec, source.modality, 8), jax.random.key(0))
    return checkpoint.restore(str(workdir), abstract, step)


def test_a_run_resumes_bit_for_bit_before_on_and_after_a_border(recipe, whole, tmp_path):
    """The border is at step 4; the third stop is within the fade."""
    workdir = str(tmp_path / "run")
    for steps in (3, 4, 5, 10):
        train.run(dataclasses.replace(recipe, steps=steps), workdir)
    for step in (4, 5, 10):
        there, here = (jax.tree.leaves(_state(recipe, run, step)) for run in (whole, workdir))
        for a, b in zip(there, here, strict=True):
            np.testing.assert_array_equal(a, b)


def test_optimizers_begin_anew_at_the_border_and_at_the_end_of_the_fade(recipe, whole):
    """After 64 images at step 4, and after 16 more at step 6."""
    counts = [int(_state(recipe, whole, step).opt["generator"][0][0].count) for step in range(1, 11)]
    assert counts == [1, 2, 3, 4, 1, 2, 1, 2, 3, 4]


def test_networks_hear_how_far_the_newest_level_has_come(recipe, whole):
    heard = [
        float(_state(recipe, whole, step).carry["generator"]["net"]["progress"]["fade"])
        for step in range(1, 11)
    ]
    np.testing.assert_allclose(heard, [1, 1, 1, 1, 0, 0.5, 1, 1, 1, 1])


def test_a_level_that_fades_in_begins_as_the_enlarged_images_before_it(recipe, whole):
    """Its first step changes weights, so they are those of before it: the large stage with none of its share."""
    state = _state(recipe, whole, 4)
    modality = build.source(recipe).modality
    small, large = (part.game for part in _parts(recipe)[:2])
    carry = jax.tree_util.tree_map(jnp.zeros_like, state.carry)
    latents = jax.random.normal(jax.random.key(0), (3, 4))
    before, after = (
        game.sample(state.params, carry, latents, build.blank(modality, 3), jax.random.key(1))
        for game in (small, large)
    )
    np.testing.assert_array_equal(after, images.enlarged(before, 2))


def _parts(recipe):
    return setup.prepare(recipe, "unborn").parts


@pytest.mark.parametrize("step, side", [(4, 4), (5, 8), (10, 8)])
def test_samples_of_a_step_have_the_size_of_its_stage(whole, step, side):
    model = loading.load(whole, step, trust=True)
    drawn = samples.draw(model, 3, 0, samples.unconditional, True)
    assert drawn.shape == (3, side, side, 1) and model.modality.facts["resolution"] == (side, side)


def test_grids_and_evaluations_are_of_the_size_of_the_last_stage(recipe, whole):
    steps = [record["step"] for record in report.read_metrics(os.path.join(whole, "evaluations.jsonl"))]
    assert steps == [3, 6, 9, 10]
    prepared = setup.prepare(recipe, "unborn")
    first, last = (_state(recipe, whole, step) for step in (4, 10))
    pictures = [prepared.preview(state, jax.random.key(0), 4) for state in (first, last)]
    assert pictures[0].shape == pictures[1].shape


def test_the_stages_and_their_work_are_told(recipe, tmp_path, caplog):
    with caplog.at_level(logging.INFO, "gan_jax"):
        lines = plan.plan(recipe, str(tmp_path / "none")).splitlines()
    told = [line for line in lines if line.startswith("stage ")]
    assert told == [
        "stage     small, steps 0 to 4: 4x4x1, batch size 16, 64 images",
        "stage     large, steps 4 to 7: 8x8x1, batch size 8, 24 images, fading over 16",
        "stage     held, steps 7 to 10: 8x8x1, batch size 8, 24 images",
    ]
    (work,) = [line for line in lines if line.startswith("work  ")]
    assert work.count("FLOP") == 4


def test_a_stage_of_other_parameters_is_refused(recipe, tmp_path):
    wider = dict(STAGES, small=dict(images=16, game=dict(latents=dict(size=5))))
    with pytest.raises(
        UsageError, match="stages.small: params/generator/Dense_0/kernel is float32.5, 16. there"
    ):
        setup.prepare(dataclasses.replace(recipe, stages=wider), str(tmp_path / "none"))


def test_a_first_stage_may_have_fewer_players(tiny, tmp_path, without_curves):
    """Pixels first, and then the adversary, whose arrays wait."""
    pixels = dict(
        images=16,
        losses=dict(discriminator=None),
        optimizers=dict(discriminator=None),
        updates=dict(discriminator=None),
    )
    recipe = tiny(stages=dict(pixels=pixels, adversary={}), steps=4, checkpoint_every=1, keep_checkpoints=9)
    train.run(recipe, str(tmp_path))
    begun, waited, moved = (_state(recipe, tmp_path, step).params["discriminator"] for step in (1, 2, 3))
    for a, b, c in zip(*map(jax.tree.leaves, (begun, waited, moved)), strict=True):
        np.testing.assert_array_equal(a, b)
    assert any(np.any(a != c) for a, c in zip(jax.tree.leaves(begun), jax.tree.leaves(moved)))
