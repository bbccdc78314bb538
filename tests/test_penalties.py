"""Penalties against closed forms, NumPy float64 and finite differences."""

import functools
import inspect

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_jax import augment, penalties, transforms
from gan_jax.errors import UsageError
from gan_jax.terms import reads

KEY = jax.random.key(0)
PUBLIC = {
    name: fn
    for name, fn in vars(penalties).items()
    if inspect.isfunction(fn) and fn.__module__ == penalties.__name__ and not name.startswith("_")
}
OFFERED = {
    "critic",
    "real",
    "fake",
    "key",
    "params",
    "real_logits",
    "fake_logits",
    "average_real_logits",
    "average_fake_logits",
}


def shift_by_one(key, samples):
    return samples + 1.0


def critic_of(params):
    """tanh(x W) v: its gradient at x is W (v * (1 - tanh(x W)^2))."""
    return lambda x: jnp.tanh(x @ params["kernel"]) @ params["out"]["kernel"][:, 0]


def logits64(params, x):
    return np.tanh(x @ params["kernel"]) @ params["out"]["kernel"][:, 0]


def squared_norm64(params, x):
    slope = 1 - np.tanh(x @ params["kernel"]) ** 2
    return (((slope * params["out"]["kernel"][:, 0]) @ params["kernel"].T) ** 2).sum(1)


def example(seed=0, batch=5):
    random = np.random.default_rng(seed)
    params = {
        "bias": random.normal(size=3),
        "kernel": random.normal(size=(3, 4)),
        "out": {"kernel": random.normal(size=(4, 1))},
    }
    return params, random.normal(size=(batch, 3))


def single(tree):
    return jax.tree.map(jnp.float32, tree)


def from_identity(matrix):
    return ((matrix.T @ matrix - np.eye(matrix.shape[1])) ** 2).sum()


def off_diagonal(w):
    gram = w.T @ w
    return ((gram - np.diag(np.diag(gram))) ** 2).sum()


# By name: the function of (params, x), with fakes equal to reals, so that between them there is but one
# point; and the same in NumPy float64.
VALUES = {
    "gradient_penalty": (
        lambda p, x: penalties.gradient_penalty(critic_of(p), x, x, KEY, target=0.5),
        lambda p, x: (np.sqrt(squared_norm64(p, x)) - 0.5) ** 2,
    ),
    "one_sided_gradient_penalty": (
        lambda p, x: penalties.one_sided_gradient_penalty(critic_of(p), x, x, KEY, target=0.8),
        lambda p, x: np.maximum(np.sqrt(squared_norm64(p, x)) - 0.8, 0) ** 2,
    ),
    "dragan": (
        lambda p, x: penalties.dragan(critic_of(p), x, KEY, deviation=0.0),
        lambda p, x: (np.sqrt(squared_norm64(p, x)) - 1) ** 2,
    ),
    "max_gradient_penalty": (
        lambda p, x: penalties.max_gradient_penalty(critic_of(p), x, x, KEY),
        lambda p, x: squared_norm64(p, x).max(keepdims=True),
    ),
    "wasserstein_divergence_penalty": (
        lambda p, x: penalties.wasserstein_divergence_penalty(critic_of(p), x, x, KEY),
        lambda p, x: squared_norm64(p, x) ** 3,
    ),
    "zero_centered_gradient_penalty": (
        lambda p, x: penalties.zero_centered_gradient_penalty(critic_of(p), x, x, KEY),
        squared_norm64,
    ),
    "r1": (lambda p, x: penalties.r1(critic_of(p), x), lambda p, x: squared_norm64(p, x) / 2),
    "r2": (lambda p, x: penalties.r2(critic_of(p), x), lambda p, x: squared_norm64(p, x) / 2),
    "drift": (
        lambda p, x: penalties.drift(critic_of(p)(x)),
        lambda p, x: logits64(p, x) ** 2,
    ),
    "lecam": (
        lambda p, x: penalties.lecam(critic_of(p)(x), critic_of(p)(x + 1), 0.3, -0.2),
        lambda p, x: np.maximum(logits64(p, x) + 0.2, 0) ** 2 + np.maximum(0.3 - logits64(p, x + 1), 0) ** 2,
    ),
    "consistency": (
        lambda p, x: penalties.consistency(critic_of(p), x, KEY, transform=shift_by_one),
        lambda p, x: (logits64(p, x) - logits64(p, x + 1)) ** 2,
    ),
    "balanced_consistency": (
        lambda p, x: penalties.balanced_consistency(
            critic_of(p), x, 2 * x, KEY, fake_weight=0.5, transform=shift_by_one
        ),
        lambda p, x: (
            (logits64(p, x) - logits64(p, x + 1)) ** 2
            + 0.5 * (logits64(p, 2 * x) - logits64(p, 2 * x + 1)) ** 2
        ),
    ),
    "orthogonal": (
        lambda p, x: penalties.orthogonal(p),
        lambda p, x: off_diagonal(p["kernel"]) + off_diagonal(p["out"]["kernel"]),
    ),
    "orthonormal": (
        lambda p, x: penalties.orthonormal(p),
        lambda p, x: from_identity(p["kernel"]) + from_identity(p["out"]["kernel"]),
    ),
    "spectral": (
        lambda p, x: penalties.spectral(p),
        lambda p, x: np.linalg.svd(p["kernel"])[1][0] + np.sqrt((p["out"]["kernel"] ** 2).sum()),
    ),
    "weight_decay": (
        lambda p, x: penalties.weight_decay(p),
        lambda p, x: ((p["kernel"] ** 2).sum() + (p["out"]["kernel"] ** 2).sum()) / 2,
    ),
}
JITTED = {name: jax.jit(ours) for name, (ours, _) in VALUES.items()}
OF_A_BATCH = {
    "max_gradient_penalty": (1,),
    "orthogonal": (),
    "orthonormal": (),
    "spectral": (),
    "weight_decay": (),
}


def test_every_public_function_is_in_the_table():
    assert set(VALUES) == set(PUBLIC)


@pytest.mark.parametrize("name", PUBLIC)
def test_docstrings_name_source_and_shapes(name):
    doc = inspect.getdoc(PUBLIC[name])
    assert "arXiv:" in doc or "Hertz 1991" in doc
    assert "Args:" in doc and "Returns:" in doc and ("[B" in doc or "scalar" in doc)


@pytest.mark.parametrize("name", VALUES)
def test_reads_what_games_offer(name):
    assert set(reads(PUBLIC[name])) <= OFFERED


@pytest.mark.parametrize("name", VALUES)
def test_value_equals_float64_and_jit_equals_eager(name):
    params, x = example()
    ours, theirs = VALUES[name]
    result = ours(single(params), single(x))
    expected = theirs(params, x)
    chex.assert_type(result, jnp.float32)
    chex.assert_shape(result, OF_A_BATCH.get(name, (5,)))
    np.testing.assert_allclose(result, expected, rtol=2e-4, atol=1e-6)
    np.testing.assert_allclose(JITTED[name](single(params), single(x)), result, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", VALUES)
def test_gradient_in_parameters_equals_float64_finite_differences(name):
    params, x = example(seed=1)
    ours, theirs = VALUES[name]
    grads = jax.jit(jax.grad(lambda p: jnp.mean(ours(p, single(x)))))(single(params))
    flat, structure = jax.tree.flatten(params)
    for index, leaf in enumerate(flat):
        expected = np.zeros_like(leaf)
        for place in np.ndindex(leaf.shape):
            value = {}
            for sign in (-1, 1):
                moved = [other.copy() for other in flat]
                moved[index][place] += sign * 1e-6
                value[sign] = np.mean(theirs(structure.unflatten(moved), x))
            expected[place] = (value[1] - value[-1]) / 2e-6
        np.testing.assert_allclose(jax.tree.leaves(grads)[index], expected, rtol=2e-3, atol=2e-4)
    assert any(np.any(np.abs(leaf) > 1e-3) for leaf in jax.tree.leaves(grads))


@pytest.mark.parametrize("name", VALUES)
def test_finite_at_zero_gradient_and_zero_parameters(name):
    params, x = example()
    flat = jax.tree.map(jnp.zeros_like, single(params))
    dead = {**single(params), "out": {"kernel": jnp.zeros((4, 1))}}
    differentiated = jax.jit(jax.value_and_grad(lambda p: jnp.mean(VALUES[name][0](p, single(x)))))
    for where in (flat, dead):
        chex.assert_tree_all_finite(differentiated(where))


@pytest.mark.parametrize("power", [1.5, 2.0, 6.0])
def test_wasserstein_divergence_is_finite_at_zero_for_every_power(power):
    def mean(weights):
        x = jnp.ones((2, 3))
        result = penalties.wasserstein_divergence_penalty(lambda s: s @ weights, x, x, KEY, power=power)
        return jnp.mean(result)

    np.testing.assert_allclose(mean(jnp.array([3.0, 4.0, 0.0])), 5.0**power, rtol=1e-5)
    chex.assert_tree_all_finite(jax.grad(mean)(jnp.zeros(3)))


@pytest.mark.parametrize("name", VALUES)
def test_float32_under_a_bfloat16_network(name):
    params, x = example()
    low = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.bfloat16), params)
    rounded = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), low)
    ours, theirs = JITTED[name], VALUES[name][1]
    x = np.asarray(jnp.asarray(x, jnp.bfloat16), np.float64)
    for result in (ours(low, single(x)), ours(low, jnp.asarray(x, jnp.bfloat16))):
        chex.assert_type(result, jnp.float32)
        np.testing.assert_allclose(result, theirs(rounded, x), rtol=0.1, atol=0.1)


@settings(max_examples=5, deadline=None)
@given(st.permutations(range(5)))
def test_permuting_the_batch_permutes_the_penalties(order):
    params, x = example()
    params, x = single(params), single(x)
    order = np.array(order)
    for name in set(VALUES) - set(OF_A_BATCH):
        ours = JITTED[name]
        np.testing.assert_allclose(ours(params, x[order]), ours(params, x)[order], rtol=1e-4, atol=1e-6)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.floats(-3, 3, width=32), min_size=3, max_size=3))
def test_linear_critic(weights):
    w = np.array(weights, np.float64)
    norm = np.sqrt((w**2).sum())
    real, fake = jax.random.normal(KEY, (2, 4, 3))

    def critic(x):
        return x @ jnp.float32(w) + 7.0

    expected = {
        "gradient_penalty": (norm - 1) ** 2,
        "one_sided_gradient_penalty": max(norm - 1, 0) ** 2,
        "max_gradient_penalty": norm**2,
        "wasserstein_divergence_penalty": norm**6,
        "zero_centered_gradient_penalty": norm**2,
    }
    for name, value in expected.items():
        np.testing.assert_allclose(PUBLIC[name](critic, real, fake, KEY), value, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(penalties.dragan(critic, real, KEY), (norm - 1) ** 2, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(penalties.r1(critic, real), norm**2 / 2, rtol=1e-5)


def test_quadratic_critic():
    matrix = np.array([[2.0, 1.0], [1.0, -1.0]])
    x = np.array([[1.0, 0.0], [0.5, 2.0]])

    def critic(samples):
        return 0.5 * jnp.einsum("bi,ij,bj->b", samples, jnp.float32(matrix), samples)

    # A x is (2, 1) and (3, -1.5).
    np.testing.assert_allclose(penalties.r1(critic, single(x)), [2.5, 5.625], rtol=1e-6)
    np.testing.assert_allclose(penalties.r2(critic, single(x)), [2.5, 5.625], rtol=1e-6)


def test_patch_logits_count_with_their_sum():
    w = np.random.default_rng(0).normal(size=(3, 2, 2))

    def critic(x):
        return jnp.einsum("bi,ihw->bhw", x, jnp.float32(w))

    x = jnp.ones((4, 3))
    expected = 0.5 * (w.sum((1, 2)) ** 2).sum()
    np.testing.assert_allclose(penalties.r1(critic, x), np.full(4, expected), rtol=1e-5)
    result = penalties.consistency(critic, x, KEY, transform=shift_by_one)
    # Patches move with their sample, so that their mean is compared.
    np.testing.assert_allclose(result, np.full(4, w.sum(0).mean() ** 2), rtol=1e-4, atol=1e-6)


def test_samples_may_be_any_pytree():
    real = {"real": jnp.zeros((3, 2, 2, 1)), "latents": (jnp.ones((3, 5)), jnp.ones(3))}
    fake = jax.tree.map(lambda leaf: leaf + 1, real)

    def critic(pair):
        latents, scalars = pair["latents"]
        return 2.0 * pair["real"].sum((1, 2, 3)) + latents.sum(1) - scalars

    # 4 pixels of slope 2, 5 latents of slope 1, one scalar of slope -1.
    squared = 4 * 4 + 5 + 1
    expected = np.full(3, (np.sqrt(squared) - 1) ** 2)
    np.testing.assert_allclose(penalties.gradient_penalty(critic, real, fake, KEY), expected, rtol=1e-5)
    np.testing.assert_allclose(penalties.dragan(critic, real, KEY), expected, rtol=1e-5)
    np.testing.assert_allclose(penalties.max_gradient_penalty(critic, real, fake, KEY), [squared], rtol=1e-5)
    np.testing.assert_allclose(penalties.r1(critic, real), np.full(3, squared / 2), rtol=1e-5)


def test_looks_between_real_and_fake():
    real, fake = jnp.zeros((4000, 2)), jnp.full((4000, 2), 4.0)

    def critic(x):
        return 0.5 * jnp.sum(jnp.square(x), axis=1)

    # The gradient of half a square is the point itself: (4 share, 4 share).
    squared = np.asarray(penalties.zero_centered_gradient_penalty(critic, real, fake, KEY), np.float64)
    shares = np.sqrt(squared / 32)
    # Of a uniform share every quartile holds a quarter; 0.03 is almost four deviations.
    np.testing.assert_allclose(np.quantile(shares, [0.25, 0.5, 0.75]), [0.25, 0.5, 0.75], atol=0.03)
    assert np.all((shares >= 0) & (shares < 1))
    others = {
        "gradient_penalty": (np.sqrt(squared) - 1) ** 2,
        "one_sided_gradient_penalty": np.maximum(np.sqrt(squared) - 1, 0) ** 2,
        "max_gradient_penalty": squared.max(keepdims=True),
        "wasserstein_divergence_penalty": squared**3,
    }
    for name, expected in others.items():
        np.testing.assert_allclose(PUBLIC[name](critic, real, fake, KEY), expected, rtol=1e-4, atol=1e-5)


def test_dragan_looks_around_real_samples():
    count = 4000
    real = 100.0 + jnp.where(jnp.arange(count) % 2 == 0, 2.0, -2.0)[:, None]

    def critic(x):
        return 0.5 * jnp.sum(jnp.square(x), axis=1)

    # The gradient of half a square is the point itself, and the batch's deviation is 2.
    noise = np.sqrt(penalties.dragan(critic, real, KEY, target=0.0)) - np.asarray(real[:, 0])
    np.testing.assert_allclose([noise.mean(), noise.std()], [0.0, 1.0], atol=0.07)
    assert abs(np.mean(noise < 0) - 0.5) < 0.04


def test_lecam_by_hand():
    # (2 - 0.5)^2 + (1 - 0)^2, then nothing of either: both logits are beyond the other's average.
    result = penalties.lecam(jnp.array([2.0, 0.0]), jnp.array([0.0, 3.0]), 1.0, 0.5)
    np.testing.assert_allclose(result, [3.25, 0.0])


def test_orthogonal_by_hand():
    assert penalties.orthogonal({"kernel": jnp.array([[1.0, 1.0], [0.0, 0.0]])}) == 2.0
    assert penalties.orthogonal({"kernel": jnp.diag(jnp.array([3.0, 5.0]))}) == 0.0
    # A convolution's filters are the columns of [height * width * in, out]: (1, 2, 0, 0) and (3, 0, 1, 0).
    filters = jnp.array([[1.0, 3.0], [2.0, 0.0], [0.0, 1.0], [0.0, 0.0]]).reshape(2, 2, 1, 2)
    assert penalties.orthogonal([filters]) == 2 * 3.0**2


def test_orthonormal_by_hand():
    # |W^T W - I|^2 of columns of lengths 3 and 1 with the inner product 1: (9 - 1)^2 + 0 + 2.
    columns = jnp.array([[3.0, 1 / 3], [0.0, np.sqrt(8) / 3]])
    np.testing.assert_allclose(penalties.orthonormal({"kernel": columns}), 64 + 2, rtol=1e-6)
    assert penalties.orthonormal({"kernel": jnp.eye(3)[:, :2]}) == 0.0


@pytest.mark.parametrize("name", ["orthogonal", "orthonormal"])
def test_gradients_of_orthogonal_regularisers_agree_with_finite_differences_in_float64(name):
    matrix = np.random.default_rng(3).normal(size=(5, 4))

    def value(w):
        excess = w.T @ w - np.eye(4)
        return np.sum((excess if name == "orthonormal" else excess * (1 - np.eye(4))) ** 2)

    step, expected = 1e-5, np.zeros((5, 4))
    for place in np.ndindex(5, 4):
        change = np.zeros((5, 4))
        change[place] = step
        expected[place] = (value(matrix + change) - value(matrix - change)) / (2 * step)
    ours = jax.grad(PUBLIC[name])({"kernel": jnp.float32(matrix)})["kernel"]
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-4)


def test_orthogonal_regularisers_leave_kernels_out():
    params = {"Dense_0": {"kernel": jnp.ones((2, 2))}, "Embed_0": {"embedding": jnp.ones((3, 2))}}
    assert penalties.orthogonal(params) == 8 + 18
    assert penalties.orthogonal(params, leave=("^Embed_0/",)) == 8
    gradient = jax.grad(penalties.orthogonal)(params, leave=("^Embed_0/",))
    assert not np.any(gradient["Embed_0"]["embedding"]) and np.all(gradient["Dense_0"]["kernel"])
    decay = transforms.orthogonal_decay(1.0, leave=("^Embed_0/",))
    updates, _ = decay.update(jax.tree.map(jnp.zeros_like, params), decay.init(params), params)
    chex.assert_trees_all_equal(updates, jax.tree.map(jnp.negative, gradient))


def test_spectral_and_weight_decay_by_hand():
    params = {
        "a": {"kernel": jnp.diag(jnp.array([3.0, 1.0])), "bias": jnp.array([50.0, 60.0])},
        "b": {"kernel": jnp.array([1.0, 2.0, 2.0, 0.0]).reshape(2, 2, 1, 1)},
        "table": {"embedding": jnp.array([[0.0, 4.0]])},
    }
    np.testing.assert_allclose(penalties.spectral(params), 3 + 3 + 4, rtol=1e-6)
    np.testing.assert_allclose(penalties.spectral(params, pattern="kernel$"), 3 + 3, rtol=1e-6)
    np.testing.assert_allclose(penalties.weight_decay(params), (10 + 9 + 16) / 2, rtol=1e-6)
    np.testing.assert_allclose(penalties.weight_decay(params, pattern="^a/"), 5, rtol=1e-6)
    # A kernel that starts at zero is not torn away from there.
    assert not np.any(jax.grad(penalties.spectral)({"kernel": jnp.zeros((3, 2))})["kernel"])
    gradient = jax.grad(penalties.weight_decay)(params)
    chex.assert_trees_all_close(gradient["b"], params["b"])
    assert not np.any(gradient["a"]["bias"])


@pytest.mark.parametrize("name", ["orthogonal", "orthonormal", "spectral", "weight_decay"])
def test_pattern_without_a_kernel_is_a_usage_error(name):
    with pytest.raises(UsageError, match="'conv'.*dense/kernel"):
        PUBLIC[name]({"dense": {"kernel": jnp.ones((2, 2)), "bias": jnp.ones(2)}}, pattern="conv")
    with pytest.raises(UsageError, match=r"^leave='conv': expected to match a kernel; .* dense/kernel$"):
        PUBLIC[name]({"dense": {"kernel": jnp.ones((2, 2))}}, leave=("conv",))


def test_consistency_by_default_flips_and_shifts():
    images = jax.random.normal(KEY, (6, 8, 8, 1))

    def mean(x):
        return x.mean((1, 2, 3))

    def corner(x):
        return x[:, 0, 0, 0]

    moved = augment.flip_and_shift(KEY, images)
    np.testing.assert_allclose(
        penalties.consistency(corner, images, KEY), np.square(corner(images) - corner(moved)), rtol=1e-6
    )
    # Nothing can change where every pixel is the same.
    result = penalties.balanced_consistency(mean, jnp.zeros_like(images), jnp.ones_like(images), KEY)
    np.testing.assert_allclose(result, 0, atol=1e-9)


def _critic_of_packs(weights):
    """One logit sum(w x) for each pair of consecutive samples [2, width], w [2 * width]."""
    return lambda x: x.reshape(len(x) // 2, -1) @ jnp.float32(weights)


def test_a_pack_is_one_sample():
    # The slope is 5 by a pack, not by a sample: (|w| - 1)^2 = 16.
    real, fake = np.random.default_rng(4).normal(size=(2, 6, 1)).astype(np.float32)
    critic = _critic_of_packs([3.0, 4.0])
    for expected, found in (
        (16.0, penalties.gradient_penalty(critic, real, fake, KEY)),
        (4.0, penalties.one_sided_gradient_penalty(critic, real, fake, KEY, target=3.0)),
        (16.0, penalties.dragan(critic, real, KEY)),
        (5.0**6, penalties.wasserstein_divergence_penalty(critic, real, fake, KEY)),
        (25.0, penalties.zero_centered_gradient_penalty(critic, real, fake, KEY)),
        (12.5, penalties.r1(critic, real)),
        (12.5, penalties.r2(critic, fake)),
    ):
        np.testing.assert_allclose(found, [expected] * 3, rtol=1e-5)
    np.testing.assert_allclose(penalties.max_gradient_penalty(critic, real, fake, KEY), [25.0], rtol=1e-5)


def test_a_pack_has_one_place_between_real_and_fake():
    # Logit |pack|^2 / 2: its gradient is the pack itself, from zeros to ones.
    def critic(x):
        return 0.5 * jnp.square(x.reshape(len(x) // 2, -1)).sum(1)

    def place(index):
        """The critic sees one of a pack's two samples, so that its slope is that sample's place."""
        masked = functools.partial(lambda seen, x: critic(x * seen), jnp.tile(jnp.eye(2)[index], 3)[:, None])
        zeros, ones = jnp.zeros((6, 1)), jnp.ones((6, 1))
        return np.sqrt(penalties.zero_centered_gradient_penalty(masked, zeros, ones, KEY))

    places = [place(0), place(1)]
    np.testing.assert_allclose(places[0], places[1], rtol=1e-6)
    assert len(set(map(float, places[0]))) == 3


@pytest.mark.parametrize("logits", [jnp.float32(1.0), jnp.ones(4), jnp.ones(12)])
def test_logits_that_belong_to_no_sample(logits):
    with pytest.raises(UsageError, match=r"expected logits for each sample.*for 6 samples"):
        penalties.r1(lambda x: logits * x.sum(), jnp.ones((6, 1)))
