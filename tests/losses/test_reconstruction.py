"""Reconstruction losses against literals and NumPy in float64."""

import inspect

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_jax import losses
from gan_jax.errors import UsageError
from gan_jax.terms import reads

FILES = ["gan_jax.losses.reconstruction", "gan_jax.losses.variational"]

RANDOM = np.random.default_rng(11)


def features(images):
    """Two layers: the images, and products of neighbouring rows."""
    return {"first": images, "second": images[:, 1:] * images[:, :-1]}


TABLE = {name: RANDOM.normal(size=(4, 3, 2, 2)) for name in ("prediction", "target", "source")}
TABLE |= {
    f"{kind}_{name}": RANDOM.normal(size=(4, 3, 2, 2)) for kind in ("cycled", "identity") for name in TABLE
}
TABLE |= {
    "mean": RANDOM.normal(size=(4, 5)),
    "log_variance": RANDOM.normal(size=(4, 5)),
    "features": features,
    "mask": np.float64(RANDOM.uniform(size=(4, 3, 2, 1)) < 0.5),
    "reconstruction_features": RANDOM.normal(size=(4, 3, 2)),
    "real_features": RANDOM.normal(size=(4, 3, 2)),
    "reconstruction_logits": np.array([-2.0, 0.5, 3.0, 0.0]),
    "real_layers": (RANDOM.normal(size=(4, 3, 2)), RANDOM.normal(size=(4, 2, 2, 5))),
    "fake_layers": (RANDOM.normal(size=(4, 3, 2)), RANDOM.normal(size=(4, 2, 2, 5))),
}
PUBLIC = ["l1", "l2", "charbonnier", "cycle_consistency", "identity_mapping", "total_variation"]
PUBLIC += ["kl_to_standard_normal", "perceptual", "gram_matrix", "gram", "euclidean", "learned_similarity"]
PUBLIC += ["reconstruction_discriminator", "reconstruction_generator", "layer_matching", "hole_l1", "hole_l2"]
LOSSES = [name for name in PUBLIC if name != "gram_matrix"]


def absolute(a, b):
    return np.abs(TABLE[a] - TABLE[b]).reshape(4, -1).mean(1)


def grams(x):
    flat = x.reshape(4, -1, 2)
    return np.array([f.T @ f / f.size for f in flat])


d = TABLE["prediction"] - TABLE["target"]
apart = (TABLE["reconstruction_features"] - TABLE["real_features"]).reshape(4, -1)
taken_for_real = 1 / (1 + np.exp(-TABLE["reconstruction_logits"]))
x, mean, log_variance = TABLE["prediction"], TABLE["mean"], TABLE["log_variance"]
holes = TABLE["mask"][..., 0] == 1
layers = [(features(TABLE["prediction"])[n], features(TABLE["target"])[n]) for n in ("first", "second")]
EXPECTED = {
    "l1": absolute("prediction", "target"),
    "l2": (d**2).reshape(4, -1).mean(1),
    "euclidean": np.linalg.norm(d.reshape(4, -1), axis=1),
    "learned_similarity": (apart**2).sum(1) / 2,
    "reconstruction_discriminator": -np.log(1 - taken_for_real),
    "reconstruction_generator": -np.log(taken_for_real),
    "charbonnier": np.hypot(d, 1e-3).reshape(4, -1).mean(1),
    "cycle_consistency": absolute("source", "cycled_source") + absolute("target", "cycled_target"),
    "identity_mapping": absolute("source", "identity_source") + absolute("target", "identity_target"),
    "total_variation": np.abs(x[:, 1:] - x[:, :-1]).mean((1, 2, 3))
    + np.abs(x[:, :, 0] - x[:, :, 1]).mean((1, 2)),
    "kl_to_standard_normal": (mean**2 + np.exp(log_variance) - 1 - log_variance).sum(1) / 2,
    "perceptual": sum(((a - b) ** 2).reshape(4, -1).mean(1) for a, b in layers),
    "layer_matching": np.abs(TABLE["real_layers"][0] - TABLE["fake_layers"][0]).mean((1, 2))
    + np.abs(TABLE["real_layers"][1] - TABLE["fake_layers"][1]).mean((1, 2, 3)),
    "gram": sum(((grams(a) - grams(b)) ** 2).sum((1, 2)) for a, b in layers),
    "hole_l1": np.array([np.abs(d[i][holes[i]]).mean() if holes[i].any() else 0 for i in range(4)]),
    "hole_l2": np.array([(d[i][holes[i]] ** 2).mean() if holes[i].any() else 0 for i in range(4)]),
}


ARRAYS = {name: jax.tree.map(jnp.float32, x) for name, x in TABLE.items() if name != "features"}


def call(name, arrays):
    loss = getattr(losses, name)
    return loss(*({**TABLE, **arrays}[read] for read in reads(loss)))


@jax.jit
def values(arrays):
    """Every loss, in one program."""
    return {name: call(name, arrays) for name in LOSSES}


@jax.jit
def second_derivatives(arrays):
    """The gradient of the sum of every loss's gradient, with respect to the table."""

    def slope(inputs, name):
        gradient = jax.grad(lambda table: jnp.mean(call(name, table)))(inputs)
        return sum(jnp.sum(leaf) for leaf in jax.tree.leaves(gradient))

    return {name: jax.value_and_grad(slope)(arrays, name) for name in LOSSES}


def test_every_public_function_is_in_the_table():
    functions = inspect.getmembers(losses, inspect.isfunction)
    public = {n for n, f in functions if f.__module__ in FILES and not n.startswith("_")}
    assert public == set(PUBLIC) and set(EXPECTED) == set(LOSSES)


@pytest.mark.parametrize("name", LOSSES)
def test_value(name):
    np.testing.assert_allclose(call(name, TABLE), EXPECTED[name], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_jit_equals_eager_and_half_precision_becomes_float32(name):
    np.testing.assert_allclose(values(ARRAYS)[name], call(name, ARRAYS), rtol=1e-5, atol=1e-6)
    half = values(jax.tree.map(jnp.bfloat16, ARRAYS))[name]
    chex.assert_type(half, jnp.float32)
    chex.assert_shape(half, (4,))
    np.testing.assert_allclose(half, EXPECTED[name], rtol=0.05, atol=0.02)


@pytest.mark.parametrize("name", LOSSES)
def test_permuting_the_batch_permutes_the_losses(name):
    order = np.array([2, 0, 3, 1])
    moved = values(jax.tree.map(lambda x: x[order], ARRAYS))[name]
    np.testing.assert_allclose(moved, values(ARRAYS)[name][order], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_first_and_second_derivatives_are_finite_at_zero(name):
    chex.assert_tree_all_finite(second_derivatives(jax.tree.map(jnp.zeros_like, ARRAYS))[name])


@pytest.mark.parametrize("name", ["l1", "l2", "perceptual", "gram"])
def test_a_perfect_prediction_costs_nothing(name):
    inputs = [TABLE["target"], TABLE["target"], features][: len(reads(getattr(losses, name)))]
    np.testing.assert_allclose(getattr(losses, name)(*inputs), np.zeros(4), atol=1e-12)


def test_literals():
    images = np.array([[0.0, 1.0], [3.0, 3.0]]).reshape(1, 2, 2, 1)
    np.testing.assert_allclose(losses.l1(images, 0 * images), [1.75])
    np.testing.assert_allclose(losses.l2(images, 0 * images), [4.75])
    np.testing.assert_allclose(losses.total_variation(images), [2.5 + 0.5])  # down 3, 2; across 1, 0
    np.testing.assert_allclose(losses.charbonnier([[0.0, 3.0]], [[0.0, 0.0]], epsilon=4.0), [4.5])
    np.testing.assert_allclose(losses.kl_to_standard_normal([[1.0, 0.0]], [[0.0, 0.0]]), [0.5])


def test_shapes_that_would_broadcast_are_refused():
    with pytest.raises(ValueError, match="expected two arrays of one shape"):
        losses.l1(jnp.zeros((4, 3)), jnp.zeros((4, 1)))
    with pytest.raises(ValueError, match="expected two arrays of one shape"):
        losses.kl_to_standard_normal(jnp.zeros((4, 3)), jnp.zeros((4, 1)))


def test_gram_matrix_knows_no_positions():
    maps = TABLE["prediction"]
    np.testing.assert_allclose(losses.gram_matrix(maps), grams(maps), rtol=1e-5)
    np.testing.assert_allclose(losses.gram(maps, maps[:, ::-1], lambda y: y), np.zeros(4), atol=1e-9)


def test_distance_and_weights_of_layers():
    inputs = TABLE["prediction"], TABLE["target"], features
    each = [np.abs(a - b).reshape(4, -1).mean(1) for a, b in layers]
    found = losses.perceptual(*inputs, distance=losses.l1, weights={"second": 0.25, "first": 2.0})
    np.testing.assert_allclose(found, 2 * each[0] + each[1] / 4, rtol=1e-5)
    # A layer without a weight does not count.
    squares = ((layers[1][0] - layers[1][1]) ** 2).reshape(4, -1).mean(1)
    np.testing.assert_allclose(losses.perceptual(*inputs, weights={"second": 3.0}), 3 * squares, rtol=1e-5)
    styles = ((grams(layers[0][0]) - grams(layers[0][1])) ** 2).sum((1, 2))
    np.testing.assert_allclose(losses.gram(*inputs, weights={"first": 0.5}), styles / 2, rtol=1e-5)
    with pytest.raises(UsageError, match="weights: unknown name 'third'; these exist: first, second"):
        losses.perceptual(*inputs, weights={"third": 1.0})


def test_a_hole_counts_by_its_area():
    """Errors of 2 in a hole of one pixel of four; errors outside of it do not count."""
    error = np.array([2.0, 5.0, 5.0, 5.0]).reshape(1, 2, 2, 1)
    mask = np.array([1.0, 0.0, 0.0, 0.0]).reshape(1, 2, 2, 1)
    assert losses.hole_l1(error, 0 * error, mask) == 2 and losses.hole_l2(error, 0 * error, mask) == 4
    assert losses.hole_l1(error, 0 * error, 0 * mask) == 0


@settings(max_examples=15, deadline=None)
@given(st.floats(-3, 3), st.floats(-3, 3))
def test_divergence_from_the_standard_normal_by_quadrature(mean, log_variance):
    deviation = np.exp(log_variance / 2)
    points = np.linspace(mean - 12 * deviation, mean + 12 * deviation, 4001)
    log_p = -0.5 * np.log(2 * np.pi) - log_variance / 2 - 0.5 * ((points - mean) / deviation) ** 2
    log_q = -0.5 * np.log(2 * np.pi) - 0.5 * points**2
    divergence = np.sum(np.exp(log_p) * (log_p - log_q)) * (points[1] - points[0])
    result = losses.kl_to_standard_normal([[mean]], [[log_variance]])
    np.testing.assert_allclose(result, [divergence], rtol=1e-4, atol=1e-5)


def test_charbonnier_is_square_near_zero_and_absolute_far_away():
    slope = jax.vmap(jax.grad(lambda v: losses.charbonnier(v[None], jnp.zeros((1, 1)))[0]))
    np.testing.assert_allclose(
        slope(jnp.array([[1e-5], [10.0], [-10.0]]))[:, 0], [0.01, 1.0, -1.0], rtol=1e-4
    )
