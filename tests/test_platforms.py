"""A step of every recipe lowers for GPU and TPU, where no form of a convolution is left that is for the CPU."""

import os
import runpy

import jax
import pytest
import shipped

from gan_jax import build
from gan_jax.benchmark import tiny as tiny_recipes

KEY = jax.random.key(0)
MARK = "a_form_for_the_cpu"


@pytest.fixture
def marked(monkeypatch):
    """Operations of the forms for the CPU carry a name."""
    dependent = jax.lax.platform_dependent

    def with_name(*args, default, cpu):
        return dependent(*args, default=default, cpu=jax.named_scope(MARK)(cpu))

    monkeypatch.setattr(jax.lax, "platform_dependent", with_name)


def _traced(path):
    recipe = tiny_recipes.of_few_pixels(runpy.run_path(path)["get_config"]())
    modality = build.source(recipe).modality
    train_spec = build.train_spec(recipe, modality)
    state = jax.eval_shape(build.start(train_spec, modality, recipe.batch_size), KEY)
    batches = jax.eval_shape(lambda: build.blank(modality, recipe.batches_per_step, recipe.batch_size))
    return jax.jit(train_spec.step).trace(state, batches, KEY)


def _lowered(traced, *platforms):
    return traced.lower(lowering_platforms=platforms).as_text(debug_info=True)


@pytest.mark.parametrize("path", shipped.DISTINCT, ids=shipped.name)
def test_lowers_for_gpu_and_tpu_without_the_forms_for_the_cpu(path, marked):
    traced = _traced(path)
    text = _lowered(traced, "cuda", "tpu")
    assert "stablehlo" in text and MARK not in text
    if os.path.basename(path) == "dcgan.py":  # They are found where they are.
        assert MARK in _lowered(traced, "cpu")
