"""The step of a recipe does no more work than before, and uses nothing that is slow on the CPU."""

import os
import runpy

import jax
import jax.numpy as jnp
import pytest
import work

from gan_jax import build, step
from gan_jax.benchmark import tiny as tiny_recipes


@pytest.mark.parametrize("path", work.CONFIGS, ids=lambda path: os.path.basename(path)[:-3])
def test_a_step_does_as_much_work_as_before(path):
    compiled = work.compiled_step(path)
    assert work.slow_convolutions(compiled.as_text()) == []
    assert work.of(compiled) == pytest.approx(_expected(os.path.basename(path)[:-3]), rel=0.05)


def _expected(name, version=jax.__version__):
    """The stored figures of a recipe; skips the test for a minor version of JAX without figures."""
    figures = work.stored(version)
    if figures is None:
        pytest.skip(f"no figures for jax {version}; python tests/work.py computes them")
    if name not in figures:
        pytest.fail(f"no figures for {name}: run python tests/work.py and check the other figures")
    return figures[name]


def test_a_jax_without_figures_is_skipped(tmp_path, monkeypatch):
    path = tmp_path / "work.json"
    path.write_text('{"0.10": {"gan": {"flops": 1.0, "bytes": 2.0}}}')
    monkeypatch.setattr(work, "STORED", path)
    for version in ("0.10.0", "0.10.2.dev3"):
        assert _expected("gan", version) == {"flops": 1.0, "bytes": 2.0}
    for version in ("0.1.10", "0.11.0", "1.0"):
        with pytest.raises(pytest.skip.Exception, match=f"no figures for jax {version};"):
            _expected("gan", version)
    # A new recipe needs figures.
    with pytest.raises(pytest.fail.Exception, match="no figures for dcgan"):
        _expected("dcgan", "0.10.2")


def test_samples_that_both_players_see_are_generated_once():
    recipe = tiny_recipes.of_few_pixels(
        runpy.run_path(os.path.join(work.HERE, "..", "configs", "dcgan.py"))["get_config"]()
    )
    modality = build.source(recipe).modality
    train_spec, key = build.train_spec(recipe, modality), jax.random.key(0)
    state = jax.eval_shape(build.start(train_spec, modality, recipe.batch_size), key)
    batch = build.blank(modality, recipe.batch_size)

    def flops(function, *arguments):
        return jax.jit(function).lower(*arguments).compile().cost_analysis()["flops"]

    def sample(state, key):
        latents = train_spec.game.draw(key, recipe.batch_size)
        return train_spec.game.sample(state.params, state.carry, latents, batch, key)

    def move(player):
        functions = train_spec.game, train_spec.terms, train_spec.optimizers
        return flops(lambda state: step.move(player, *functions, state, batch, key), state)

    batches = jax.tree.map(lambda leaf: leaf[None], batch)
    both = flops(lambda state: step.train_step(train_spec, state, batches, key), state)
    assert both < move("generator") + move("discriminator") - 0.8 * flops(sample, state, key)


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
