"""In every recipe bfloat16 is for networks alone: state, outputs and terms are float32."""

import dataclasses
import functools
import os
import runpy

import jax
import jax.numpy as jnp
import pytest
import shipped

from gan_jax import build
from gan_jax import recipe as recipe_lib
from gan_jax.benchmark import tiny as tiny_recipes
from gan_jax.errors import UsageError
from gan_jax.step import train_step
from gan_jax.types import Context

KEY = jax.random.key(0)
PRODUCTS = ("dot_general", "conv_general_dilated")


def _made(path, precision):
    recipe = tiny_recipes.of_few_pixels(runpy.run_path(path)["get_config"]())
    recipe.precision = precision
    recipe.game.pop("residual", None)  # Outside of networks, a source is enlarged in float32.
    modality = build.source(recipe).modality
    train_spec = build.train_spec(recipe, modality)
    state = jax.eval_shape(build.start(train_spec, modality, recipe.batch_size), KEY)
    return recipe, modality, train_spec, state


def _floats(tree):
    """Dtypes of all arrays that hold no whole numbers and no keys."""
    leaves = [leaf for leaf in jax.tree.leaves(tree) if hasattr(leaf, "dtype")]
    return {str(leaf.dtype) for leaf in leaves if jnp.issubdtype(leaf.dtype, jnp.floating)}


def _equations(jaxpr):
    """All equations of a program, those of the programs inside it too."""
    for equation in jaxpr.eqns:
        yield equation
        for inner in jax.tree.leaves(
            list(equation.params.values()), is_leaf=lambda part: hasattr(part, "eqns")
        ):
            if hasattr(inner, "eqns"):
                yield from _equations(getattr(inner, "jaxpr", inner))


def _products(jaxpr):
    """Dtypes of both sides of every matrix product and convolution.

    Not of a matrix and a vector: these are the spectral norm's, which stands around the network.
    """
    products = [each for each in _equations(jaxpr) if each.primitive.name in PRODUCTS]
    sides = [[variable.aval for variable in each.invars] for each in products]
    return [{str(side.dtype) for side in both} for both in sides if min(side.ndim for side in both) > 1]


@pytest.mark.parametrize("path", shipped.DISTINCT, ids=shipped.name)
@pytest.mark.parametrize("precision", ["bfloat16", "float32"])
def test_networks_compute_in_it_and_show_float32(path, precision):
    recipe, modality, train_spec, state = _made(path, precision)
    blank = build.blank(modality, recipe.batch_size)

    def play(state, key):
        outputs, carry = train_spec.game.play(Context(state.params, state.carry, blank, key, state.step))
        return {name: value for name, value in outputs.items() if not callable(value)}, carry

    program, (offered, carry) = jax.make_jaxpr(play, return_shape=True)(state, KEY)
    products = _products(program.jaxpr)
    assert len(products) >= 2 * len(train_spec.updates) and all(each == {precision} for each in products)
    if "discriminator" in recipe.nets:
        assert {"real_logits", "fake_logits"} <= set(offered)
    assert _floats(offered) == {"float32"} and _floats(carry) <= {"float32"}


@pytest.mark.parametrize("path", shipped.DISTINCT, ids=shipped.name)
def test_terms_and_the_state_after_a_step_are_float32(path):
    recipe, modality, train_spec, state = _made(path, "bfloat16")
    values = []

    def noting(fn):
        @functools.wraps(fn)
        def noting_fn(*read):
            values.append(fn(*read))  # Before the sum, which would widen it.
            return values[-1]

        return noting_fn

    terms = {
        player: {name: term._replace(fn=noting(term.fn)) for name, term in player_terms.items()}
        for player, player_terms in train_spec.terms.items()
    }
    once = dataclasses.replace(train_spec, terms=terms, updates=dict.fromkeys(train_spec.updates, 1))
    blank = build.blank(modality, 1, recipe.batch_size)
    after, scalars = jax.eval_shape(functools.partial(train_step, once), state, blank, KEY)
    assert _floats(values) == _floats(scalars) == {"float32"} and len(values) >= len(scalars)
    assert jax.tree.map(lambda leaf: leaf.dtype, after) == jax.tree.map(lambda leaf: leaf.dtype, state)
    assert _floats(after) == {"float32"}


def test_another_precision(tiny):
    with pytest.raises(UsageError, match="precision='half': expected float32 or bfloat16"):
        recipe_lib.validate(tiny(precision="half"))


@pytest.mark.parametrize("name", recipe_lib.MATMUL_PRECISIONS)
def test_every_product_of_a_step_has_the_matmul_precision_of_the_recipe(name):
    recipe = tiny_recipes.of_few_pixels(
        runpy.run_path(os.path.join(os.path.dirname(shipped.CONFIGS[0]), "dcgan.py"))["get_config"]()
    )
    recipe.matmul_precision = name
    modality = build.source(recipe).modality
    train_spec = build.train_spec(recipe, modality)
    state = jax.eval_shape(build.start(train_spec, modality, recipe.batch_size), KEY)
    batches = jax.eval_shape(lambda: build.blank(modality, 1, recipe.batch_size))
    jaxpr = jax.make_jaxpr(train_spec.step)(state, batches, KEY)
    products = [each for each in _equations(jaxpr) if each.primitive.name in PRODUCTS]
    expected = jax.lax.Precision[name.upper()]
    assert len(products) > 10
    assert {each.params["precision"] for each in products} == {(expected, expected)}


def test_an_unknown_matmul_precision_is_named(tiny):
    message = "matmul_precision='float64': expected default or high or highest"
    with pytest.raises(UsageError, match=message):
        recipe_lib.validate(tiny(matmul_precision="float64"))
