"""The step of a recipe does no more work than it did, and none in a way that is slow on the CPU."""

import os
import runpy

import jax
import jax.numpy as jnp
import pytest
import tiny_recipes
import work

from gan_jax import build, step
from gan_jax.data.source import facts


@pytest.mark.parametrize("path", work.CONFIGS, ids=lambda path: os.path.basename(path)[:-3])
def test_a_step_is_as_much_work_as_it_was(path):
    compiled = work.compiled_step(path)
    assert work.slow_convolutions(compiled.as_text()) == []
    expected = work.stored(os.path.basename(path)[:-3])
    if expected is None:
        pytest.fail(f"no figures for jax {jax.__version__}: run python tests/work.py and look at the change")
    assert work.of(compiled) == pytest.approx(expected, rel=0.05)


def test_samples_that_both_players_see_are_made_once():
    recipe = tiny_recipes.of_few_pixels(
        runpy.run_path(os.path.join(work.HERE, "..", "configs", "dcgan.py"))["get_config"]()
    )
    source = build.source(recipe)
    train_spec, key = build.train_spec(recipe, facts(source)), jax.random.key(0)
    state = jax.eval_shape(build.start(train_spec, facts(source), recipe.batch_size), key)
    batch = build.blank(facts(source), recipe.batch_size)

    def flops(function, *arguments):
        return jax.jit(function).lower(*arguments).compile().cost_analysis()["flops"]

    def sampled(state, key):
        latents = train_spec.game.draw(key, recipe.batch_size)
        return train_spec.game.sample(state.params, state.carry, latents, batch, key)

    def moved(player):
        return flops(lambda state: step.move(player, *train_spec[:3], state, batch, key), state)

    batches = jax.tree.map(lambda leaf: leaf[None], batch)
    both = flops(lambda state: step.train_step(*train_spec, state, batches, key), state)
    assert both < moved("generator") + moved("discriminator") - 0.8 * flops(sampled, state, key)


def _text(x, kernel, strides=(1, 1), groups=1, gradient=False, **options):
    def convolve(kernel):
        return jax.lax.conv_general_dilated(
            x, kernel, strides, "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"),
            feature_group_count=groups, **options,
        )  # fmt: skip

    function = jax.grad(lambda kernel: jnp.sum(convolve(kernel) ** 2)) if gradient else convolve
    return jax.jit(function).lower(kernel).compile().as_text()


def test_slow_convolutions_are_known():
    """Those of plain `jax.lax`, which `benchmark/ours.py` measures."""
    image, kernel = jnp.ones((2, 8, 8, 4)), jnp.ones((5, 5, 4, 4))
    assert work.slow_convolutions(_text(image, kernel)) == []
    assert len(work.slow_convolutions(_text(image[:, :4, :4], kernel))) == 1
    assert len(work.slow_convolutions(_text(image, kernel[:, :, :2], groups=2))) == 1
    assert work.slow_convolutions(_text(image, kernel, gradient=True)) == []
    transposed = jax.jit(jax.grad(lambda k: jnp.sum(jax.lax.conv_transpose(image, k, (2, 2), "SAME") ** 2)))
    assert len(work.slow_convolutions(transposed.lower(kernel).compile().as_text())) == 1
