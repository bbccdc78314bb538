"""Gradient transforms against numbers by hand and NumPy float64."""

import inspect

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import orbax.checkpoint as ocp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_jax import transforms
from gan_jax.errors import UsageError
from gan_jax.names import bind

PUBLIC = {
    name: fn
    for name, fn in vars(transforms).items()
    if inspect.isfunction(fn) and fn.__module__ == transforms.__name__ and not name.startswith("_")
}
PARAMS = {
    "Dense_0": {"kernel": jnp.array([[1.0, 1.0], [0.0, 0.0]]), "bias": jnp.array([0.5, -0.5])},
    "Dense_1": {"kernel": jnp.array([[3.0, 0.0], [0.0, -2.0]])},
}
GRADIENTS = {
    "Dense_0": {"kernel": jnp.array([[3.0, 0.0], [0.0, 4.0]]), "bias": jnp.array([0.3, 0.4])},
    "Dense_1": {"kernel": jnp.array([[0.0, 0.0], [12.0, 0.0]])},
}
MADE = {
    "clip_by_layer_norm": transforms.clip_by_layer_norm(1.0),
    "normalize_by_mean_square": transforms.normalize_by_mean_square(),
    "normalize_by_root_mean_square": transforms.normalize_by_root_mean_square(),
    "normalize_by_global_norm": transforms.normalize_by_global_norm(),
    "normalize_by_layer_norm": transforms.normalize_by_layer_norm(),
    "clip_weights": transforms.clip_weights(0.6),
    "weight_decay": transforms.weight_decay(0.1),
    "spectral_decay": transforms.spectral_decay(0.1),
    "orthogonal_decay": transforms.orthogonal_decay(0.1),
    "lookahead": transforms.lookahead(period=1),
    "freeze": transforms.freeze("^Dense_0/"),
    "lazy_adam": transforms.lazy_adam(0.017, every=16),
}
# The update that the gradients above become at the parameters above.
EXPECTED = {
    # The layers' norms are 5, 0.5 and 12.
    "clip_by_layer_norm": ([[0.6, 0], [0, 0.8]], [0.3, 0.4], [[0, 0], [1, 0]]),
    # The layers' mean squares are 6.25, 0.125 and 36.
    "normalize_by_mean_square": ([[0.48, 0], [0, 0.64]], [2.4, 3.2], [[0, 0], [1 / 3, 0]]),
    "normalize_by_root_mean_square": (
        [[1.2, 0], [0, 1.6]],
        [0.3 / np.sqrt(0.125), 0.4 / np.sqrt(0.125)],
        [[0, 0], [2, 0]],
    ),
    # 5^2 + 0.5^2 + 12^2 = 169.25
    "normalize_by_global_norm": tuple(
        np.array(leaf) / np.sqrt(169.25) for leaf in ([[3, 0], [0, 4]], [0.3, 0.4], [[0, 0], [12, 0]])
    ),
    "normalize_by_layer_norm": ([[0.6, 0], [0, 0.8]], [0.6, 0.8], [[0, 0], [1, 0]]),
    # To 0.6 from 1, 0.5, 0 and 3; to -0.1 from -0.5; to -0.6 from -2.
    "clip_weights": ([[-0.4, -0.4], [0, 0.6]], [0.1, 0.4], [[-2.4, 0], [0.6, 1.4]]),
    # Kernels less a tenth of themselves, the bias as it is.
    "weight_decay": ([[2.9, -0.1], [0, 4]], [0.3, 0.4], [[-0.3, 0], [12, 0.2]]),
    # The first singular vectors: (1, 0) and (1, 1) / sqrt(2), and (1, 0) twice.
    "spectral_decay": (
        [[3 - 0.1 / np.sqrt(2), -0.1 / np.sqrt(2)], [0, 4]],
        [0.3, 0.4],
        [[-0.1, 0], [12, 0]],
    ),
    # 4 W (W^T W * (1 - I)) is 4 [[1, 1], [0, 0]] and 0.
    "orthogonal_decay": ([[2.6, -0.4], [0, 4]], [0.3, 0.4], [[0, 0], [12, 0]]),
    "lookahead": ([[1.5, 0], [0, 2]], [0.15, 0.2], [[0, 0], [6, 0]]),
    "freeze": ([[0, 0], [0, 0]], [0, 0], [[0, 0], [12, 0]]),
    # Adam's first step has the size of its learning rate, 16 / 17 of 0.017.
    "lazy_adam": ([[-0.016, 0], [0, -0.016]], [-0.016, -0.016], [[0, 0], [-0.016, 0]]),
}


def of(kernel_0, bias, kernel_1):
    tree = {"Dense_0": {"kernel": kernel_0, "bias": bias}, "Dense_1": {"kernel": kernel_1}}
    return jax.tree.map(jnp.float32, tree, is_leaf=lambda leaf: not isinstance(leaf, dict))


def test_every_public_function_is_in_the_tables():
    assert set(MADE) == set(EXPECTED) == set(PUBLIC)


@pytest.mark.parametrize("name", PUBLIC)
def test_docstrings_name_source_and_sections(name):
    doc = inspect.getdoc(PUBLIC[name])
    assert "arXiv:" in doc or "No paper" in doc
    assert "Args:" in doc and "Returns:" in doc


@pytest.mark.parametrize("name", MADE)
def test_update_by_hand_and_jit_equals_eager(name):
    transform = MADE[name]
    state = transform.init(PARAMS)
    updates, _ = transform.update(GRADIENTS, state, PARAMS)
    chex.assert_trees_all_close(updates, of(*EXPECTED[name]), atol=1e-6)
    jitted, _ = jax.jit(transform.update)(GRADIENTS, state, PARAMS)
    chex.assert_trees_all_close(jitted, updates, atol=1e-6)


@pytest.mark.parametrize("name", MADE)
def test_zeros_stay_zero_and_dtypes_stay(name):
    zeros = jax.tree.map(jnp.zeros_like, PARAMS)
    transform = MADE[name]
    updates, _ = transform.update(zeros, transform.init(zeros), zeros)
    chex.assert_trees_all_equal(updates, zeros)
    low = jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16), (GRADIENTS, PARAMS))
    updates, _ = transform.update(low[0], transform.init(low[1]), low[1])
    chex.assert_trees_all_equal_shapes_and_dtypes(updates, low[0])


@pytest.mark.parametrize("name", MADE)
def test_stands_in_a_chain_whose_state_orbax_saves(name, tmp_path):
    chain = optax.chain(optax.clip(1.0), MADE[name], optax.scale(-0.1))
    _, state = chain.update(GRADIENTS, chain.init(PARAMS), PARAMS)
    with ocp.StandardCheckpointer() as checkpointer:
        checkpointer.save(tmp_path / "state", state)
        checkpointer.wait_until_finished()
        like = jax.tree.map(ocp.utils.to_shape_dtype_struct, state)
        restored = checkpointer.restore(tmp_path / "state", like)
    assert jax.tree.structure(restored) == jax.tree.structure(state)
    chex.assert_trees_all_equal(restored, state)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(-1000, 1000), min_size=4, max_size=4), st.floats(0.01, 100))
def test_normalisations_forget_the_scale_and_clipping_bounds_it(entries, scale):
    gradient = np.array(entries if any(entries) else [1, 0, 0, 0], np.float32) / 10

    def update(name, g):
        return np.asarray(MADE[name].update(jnp.float32(g), optax.EmptyState())[0])

    for name in ("normalize_by_root_mean_square", "normalize_by_global_norm", "normalize_by_layer_norm"):
        np.testing.assert_allclose(
            update(name, scale * gradient), update(name, gradient), rtol=1e-4, atol=1e-6
        )
    root_mean_square = np.sqrt(np.mean(update("normalize_by_root_mean_square", gradient) ** 2))
    lengths = [
        np.linalg.norm(update(name, gradient))
        for name in ("normalize_by_layer_norm", "normalize_by_global_norm", "clip_by_layer_norm")
    ]
    expected = [1, 1, 1, min(1, np.linalg.norm(gradient))]
    np.testing.assert_allclose([root_mean_square, *lengths], expected, rtol=1e-5)
    mean_square = np.mean(np.float64(gradient) ** 2)
    np.testing.assert_allclose(
        update("normalize_by_mean_square", gradient), gradient / mean_square, rtol=1e-4
    )


def test_mean_square_is_bounded_where_gradients_vanish():
    transform = transforms.normalize_by_mean_square(epsilon=1e-8)
    sizes = [float(transform.update(jnp.array([g]), optax.EmptyState())[0][0]) for g in (1e-2, 1e-4, 1e-6)]
    np.testing.assert_allclose(sizes, [1e2, 1e4, 1e2], rtol=1e-4)


def test_clip_weights_holds_after_many_updates():
    chain = optax.chain(optax.rmsprop(0.5), transforms.clip_weights(0.01))
    params, state = PARAMS, chain.init(PARAMS)
    for sign in (1, -1, 1):
        updates, state = chain.update(jax.tree.map(lambda g, s=sign: s * g, GRADIENTS), state, params)
        params = optax.apply_updates(params, updates)
        assert max(jnp.max(jnp.abs(leaf)) for leaf in jax.tree.leaves(params)) <= 0.01 + 1e-7


@pytest.mark.parametrize(
    "decay", [transforms.weight_decay, transforms.spectral_decay, transforms.orthogonal_decay]
)
def test_decays_follow_schedules_and_patterns(decay):
    halving = decay(lambda count: jnp.where(count == 0, 0.0, 0.1))
    params = {"a": PARAMS["Dense_0"]["kernel"], "b": PARAMS["Dense_0"]["kernel"]}
    none = jax.tree.map(jnp.zeros_like, params)
    first, state = halving.update(none, halving.init(params), params)
    second, _ = halving.update(none, state, params)
    constant, _ = decay(0.1).update(none, decay(0.1).init(params), params)
    chex.assert_trees_all_equal(first, none)
    chex.assert_trees_all_close(second, constant)
    only, _ = decay(0.1, pattern="^b$").update(none, decay(0.1).init(params), params)
    chex.assert_trees_all_close(only, {"a": none["a"], "b": constant["b"]})


def test_decays_lead_where_they_should():
    matrix = jnp.asarray(np.random.default_rng(0).normal(size=(6, 3)), jnp.float32)
    chain = transforms.orthogonal_decay(0.02)
    params, state = matrix, chain.init(matrix)
    step = jax.jit(chain.update)
    for _ in range(200):
        updates, state = step(jnp.zeros_like(params), state, params)
        params = optax.apply_updates(params, updates)
    gram = np.asarray(params.T @ params)
    np.testing.assert_allclose(gram - np.diag(np.diag(gram)), np.zeros((3, 3)), atol=1e-3)
    # One spectral step lowers the first singular value by its strength and leaves the others.
    decay = transforms.spectral_decay(0.05)
    updates, _ = decay.update(jnp.zeros_like(matrix), decay.init(matrix), matrix)
    before, after = (np.linalg.svd(np.float64(w), compute_uv=False) for w in (matrix, matrix + updates))
    np.testing.assert_allclose(after, before - [0.05, 0, 0], atol=1e-5)


def test_lookahead_equals_the_algorithm_as_two_loops():
    period, step_size, rate = 3, 0.4, 0.1
    slow = np.array([1.0, -2.0])
    trace = []
    for _ in range(2):
        fast = slow.copy()
        for inner in range(period):
            fast = fast - rate * fast**3
            if inner == period - 1:
                slow = slow + step_size * (fast - slow)
            trace.append(slow if inner == period - 1 else fast)

    chain = optax.chain(optax.sgd(rate), transforms.lookahead(period, step_size))
    params = jnp.array([1.0, -2.0])
    state = chain.init(params)
    step = jax.jit(chain.update, donate_argnums=1)
    for expected in trace:
        updates, state = step(params**3, state, params)
        params = optax.apply_updates(params, updates)
        np.testing.assert_allclose(params, expected, rtol=1e-5)


def test_lookahead_does_not_share_buffers_with_the_parameters():
    params = jnp.ones(3)
    slow = transforms.lookahead().init(params).slow
    assert slow.unsafe_buffer_pointer() != params.unsafe_buffer_pointer()


def test_freeze_keeps_parameters_whatever_the_optimizer_wants():
    chain = optax.chain(optax.adamw(0.1, weight_decay=0.1), transforms.freeze("kernel$"))
    updates, _ = chain.update(GRADIENTS, chain.init(PARAMS), PARAMS)
    after = optax.apply_updates(PARAMS, updates)
    for layer in PARAMS:
        chex.assert_trees_all_equal(after[layer]["kernel"], PARAMS[layer]["kernel"])
    assert np.all(after["Dense_0"]["bias"] != PARAMS["Dense_0"]["bias"])


def test_freeze_without_a_match_lists_the_paths():
    with pytest.raises(UsageError, match="'Conv'.*Dense_0/bias, Dense_0/kernel, Dense_1/kernel"):
        transforms.freeze("Conv").init(PARAMS)
    with pytest.raises(UsageError, match="regular expression"):
        transforms.freeze("(")


def test_lazy_adam_equals_adam_in_float64():
    rate, b1, b2, every = 0.002, 0.5, 0.99, 4
    c = 4 / 5
    gradients = np.array([[1.0, -0.2], [0.5, 0.3], [-2.0, 0.1]])
    transform = transforms.lazy_adam(rate, b1=b1, b2=b2, every=every)
    scheduled = transforms.lazy_adam(lambda count: rate * (count + 1), b1=b1, b2=b2, every=every)
    params, m, v = jnp.zeros(2), np.zeros(2), np.zeros(2)
    state, scheduled_state = transform.init(params), scheduled.init(params)
    for t, gradient in enumerate(gradients, 1):
        m = b1**c * m + (1 - b1**c) * gradient
        v = b2**c * v + (1 - b2**c) * gradient**2
        expected = -c * rate * m / (1 - b1 ** (c * t)) / (np.sqrt(v / (1 - b2 ** (c * t))) + 1e-8)
        updates, state = transform.update(jnp.float32(gradient), state, params)
        np.testing.assert_allclose(updates, expected, rtol=1e-4)
        updates, scheduled_state = scheduled.update(jnp.float32(gradient), scheduled_state, params)
        np.testing.assert_allclose(updates, t * expected, rtol=1e-4)


@pytest.mark.parametrize(
    "name, options",
    [
        ("lazy_adam", dict(learning_rate=dict(constant_schedule=dict(value=1e-3)), every=4)),
        ("lookahead", dict(period=10, step_size=1)),
        ("spectral_decay", dict(strength=dict(constant_schedule=dict(value=0.1)), pattern="kernel$")),
    ],
)
def test_a_recipe_can_give_its_hyperparameters(name, options):
    transform = PUBLIC[name](**bind(PUBLIC[name], options, f"optimizers.discriminator.{name}"))
    updates, _ = transform.update(GRADIENTS, transform.init(PARAMS), PARAMS)
    chex.assert_trees_all_equal_shapes_and_dtypes(updates, GRADIENTS)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: transforms.lookahead(period=0), "period=0"),
        (lambda: transforms.lookahead(step_size=1.5), "step_size=1.5"),
        (lambda: transforms.lazy_adam(1e-3, every=0), "every=0"),
    ],
)
def test_bad_hyperparameters_are_usage_errors(make, message):
    with pytest.raises(UsageError, match=message):
        make()


def test_clip_weights_leaves_nothing_outside_by_rounding():
    random = np.random.default_rng(0)
    updates = {"w": jnp.float32(random.normal(size=100_000) * 0.01)}
    clip = transforms.clip_weights(0.01)
    # Parameters may begin far outside: then the difference, and its rounding, is large.
    for largest in (0.01, 0.3):
        params = {"w": jnp.float32(random.uniform(-largest, largest, 100_000))}
        expected = np.clip(np.float64(params["w"]) + np.float64(updates["w"]), -0.01, 0.01)
        for update in (clip.update, jax.jit(clip.update)):
            after = optax.apply_updates(params, update(updates, clip.init(params), params)[0])["w"]
            assert np.abs(after).max() <= np.float32(0.01)
            np.testing.assert_allclose(after, expected, atol=2**-23 * (largest + 0.01) * 2, rtol=0)
