"""Wrappers against closed forms and NumPy, and every pair of them in both orders."""

import functools

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_jax import wrap
from gan_jax.errors import UsageError
from gan_jax.names import bind
from gan_jax.nets.batch_norm import BatchNorm
from gan_jax.nets.linen import from_linen
from gan_jax.terms import reads
from gan_jax.types import Net

# Compiling is most of this file's time; its programs are tiny.
jit = functools.partial(
    jax.jit, compiler_options={"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
)

WRAPPERS = {
    "spectral_norm": (wrap.spectral_norm, {}),
    "weight_norm": (wrap.weight_norm, {}),
    "gradient_norm": (wrap.gradient_norm, {}),
    "packed": (wrap.packed, {"samples": 2}),
    "bfloat16": (wrap.mixed_precision, {}),
    "float16": (wrap.mixed_precision, {"dtype": "float16"}),
    "remat": (wrap.remat, {}),
    "input_noise": (wrap.input_noise, {"deviation": 0.1}),
    "input_dropout": (wrap.input_dropout, {"rate": 0.3}),
}
KEY = jax.random.key(0)


class Critic(nn.Module):
    """Dense layers around a batch norm: every kind of parameter and carry."""

    @nn.compact
    def __call__(self, images, *, train):
        x = nn.Dense(3)(images)
        x = nn.leaky_relu(nn.BatchNorm(use_running_average=not train)(x))
        features = x.mean((1, 2))
        return {"logits": nn.Dense(1)(features)[:, 0], "features": features}


def _images(count=4, channels=1):
    return jax.random.uniform(jax.random.key(1), (count, 3, 3, channels), minval=-1.0)


def _matrix_net(apply=lambda params, x: x @ params["kernel"], **params):
    """A Net of given parameters and without carry."""
    return Net(
        lambda key, *inputs: (params, {}),
        lambda params, carry, *inputs, key, train: ({"logits": apply(params, *inputs)}, carry),
    )


def _same(before, after):
    describe = lambda tree: jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), tree)  # noqa: E731
    assert describe(before) == describe(after)


PAIRS = [(outer, inner) for outer in WRAPPERS for inner in WRAPPERS if outer != inner]


@pytest.mark.parametrize(("outer", "inner"), PAIRS)
def test_every_pair_composes_in_both_orders(outer, inner):
    net = from_linen(Critic())
    for name in (inner, outer):
        wrapper, options = WRAPPERS[name]
        net = wrapper(net, **options)
    images = _images()
    params, carry = net.init(KEY, images)
    assert all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves((params, carry)))

    @jit
    def descend(params, carry, images):
        def loss(params, images):
            outputs, kept = net.apply(params, carry, images, key=KEY, train=True)
            return jnp.sum(jnp.sin(outputs["logits"])), (outputs, kept)

        return jax.grad(loss, argnums=(0, 1), has_aux=True)(params, images)

    (of_params, of_images), (outputs, kept) = descend(params, carry, images)
    _same(carry, kept)
    _same(params, of_params)
    logits = 2 if "packed" in (outer, inner) else 4
    assert outputs["logits"].shape == (logits,) and outputs["features"].shape == (logits, 3)
    assert outputs["logits"].dtype == outputs["features"].dtype == jnp.float32
    for leaf in jax.tree.leaves((of_params, of_images, outputs, kept)):
        assert bool(jnp.all(jnp.isfinite(leaf)))
    assert float(jnp.abs(of_images).max()) > 0
    assert max(float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(of_params)) > 0


@pytest.mark.parametrize("name", WRAPPERS)
def test_evaluation_keeps_the_carry_and_draws_nothing(name):
    wrapper, options = WRAPPERS[name]
    net = wrapper(from_linen(Critic()), **options)
    params, carry = net.init(KEY, _images())
    first, kept = net.apply(params, carry, _images(), key=jax.random.key(1), train=False)
    second, _ = net.apply(params, carry, _images(), key=jax.random.key(2), train=False)
    jax.tree.map(np.testing.assert_array_equal, kept, carry)
    jax.tree.map(np.testing.assert_array_equal, first, second)


@pytest.mark.parametrize("name", WRAPPERS)
def test_jit_equals_eager(name):
    wrapper, options = WRAPPERS[name]
    net = wrapper(
        _matrix_net(lambda p, x: jnp.tanh(x.mean((1, 2)) @ p["kernel"])[:, 0], kernel=jnp.ones((2, 1))),
        **options,
    )
    params, carry = net.init(KEY, _images(4, 1 if name == "packed" else 2))
    call = lambda p, c, x: net.apply(p, c, x, key=KEY, train=True)  # noqa: E731
    images = _images(4, 1 if name == "packed" else 2)
    eager, jitted = call(params, carry, images), jit(call)(params, carry, images)
    tolerance = {"bfloat16": 1e-2, "float16": 1e-3}.get(name, 1e-6)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=tolerance), eager, jitted)


@pytest.mark.parametrize("name", WRAPPERS)
def test_a_recipe_can_bind_its_hyperparameters(name):
    wrapper, options = WRAPPERS[name]
    assert reads(wrapper) == ("net",)
    assert bind(wrapper, options, "nets.discriminator.wrap", reads(wrapper)) == options


def _spectral(leave=(), **params):
    """A spectrally normalised net of these parameters, which shows them as the network sees them."""
    net = Net(lambda key: (params, {}), lambda params, carry, *, key, train: (params, carry))
    wrapped = wrap.spectral_norm(net, leave=leave)
    return wrapped, *wrapped.init(KEY)


def test_spectral_norm_converges_to_the_svd():
    rng = np.random.default_rng(0)
    kernels = {"dense": rng.normal(size=(7, 5)), "conv": rng.normal(size=(3, 2, 4, 6))}
    bias = jnp.arange(5.0)
    net, params, carry = _spectral(bias=bias, **{name: jnp.float32(w) for name, w in kernels.items()})
    step = jax.jit(lambda carry: net.apply(params, carry, key=KEY, train=True))
    for _ in range(100):
        outputs, carry = step(carry)
    for name, kernel in kernels.items():
        largest = np.linalg.svd(kernel.reshape(-1, kernel.shape[-1]), compute_uv=False)[0]
        np.testing.assert_allclose(outputs[name], kernel / largest, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(outputs["bias"], bias)
    assert set(carry) == {"spectral_norm", "net"} and set(carry["spectral_norm"]) == {"dense", "conv"}


def test_spectral_norm_normalises_embeddings_and_no_gains_of_classes():
    rows = np.random.default_rng(7).normal(size=(4, 6)).astype(np.float32)
    names = {"embedding": rows, "scale": rows, "bias": rows}
    net, params, carry = _spectral(layer={name: jnp.array(w) for name, w in names.items()})
    assert set(carry["spectral_norm"]) == {"layer.embedding"}
    for _ in range(200):
        outputs, carry = net.apply(params, carry, key=KEY, train=True)
    largest = np.linalg.svd(rows, compute_uv=False)[0]
    np.testing.assert_allclose(outputs["layer"]["embedding"], rows / largest, rtol=1e-3)
    np.testing.assert_array_equal(outputs["layer"]["scale"], rows)
    np.testing.assert_array_equal(outputs["layer"]["bias"], rows)


def test_spectral_norm_leaves_kernels_out_by_their_paths():
    kernel, table = 3 * jnp.eye(2), jnp.full((4, 2), 5.0)
    net, params, carry = _spectral(
        leave=("^Embed_0/embedding$",), Dense_0={"kernel": kernel}, Embed_0={"embedding": table}
    )
    assert set(carry["spectral_norm"]) == {"Dense_0.kernel"}
    outputs, changed = net.apply(params, carry, key=KEY, train=True)
    np.testing.assert_array_equal(outputs["Embed_0"]["embedding"], table)
    np.testing.assert_allclose(outputs["Dense_0"]["kernel"], jnp.eye(2), rtol=1e-6)
    _same(carry, changed)


@pytest.mark.parametrize(
    ("leave", "message"),
    [
        (("Conv",), r"leave='Conv': expected to match a kernel; these exist: Dense_0/kernel$"),
        (("(",), r"leave='\(': expected a regular expression: "),
    ],
)
def test_spectral_norm_refuses_a_pattern_that_matches_nothing(leave, message):
    with pytest.raises(UsageError, match=f"^{message}"):
        _spectral(leave=leave, Dense_0={"kernel": jnp.eye(2), "bias": jnp.ones(2)})


def test_spectral_norm_does_one_power_iteration_and_freezes_in_evaluation():
    kernel = np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32)
    net, params, carry = _spectral(kernel=jnp.array(kernel))
    u = np.float64(carry["spectral_norm"]["kernel"])
    v = kernel @ u / np.linalg.norm(kernel @ u)
    after = kernel.T @ v / np.linalg.norm(kernel.T @ v)
    for train, kept in ((True, after), (False, u)):
        outputs, changed = net.apply(params, carry, key=KEY, train=train)
        np.testing.assert_allclose(outputs["kernel"], kernel / (v @ kernel @ after), rtol=1e-5)
        np.testing.assert_allclose(changed["spectral_norm"]["kernel"], kept, rtol=1e-5)


def test_spectral_norm_has_the_papers_gradient():
    # Eq. 12: with singular vectors stopped, d sigma / d W = v u^T.
    rng = np.random.default_rng(2)
    kernel, weights = rng.normal(size=(2, 4, 3))
    net, _, carry = _spectral(kernel=jnp.float32(kernel))

    def loss(kernel):
        return jnp.vdot(
            jnp.float32(weights), net.apply({"kernel": kernel}, carry, key=KEY, train=True)[0]["kernel"]
        )

    u = np.float64(carry["spectral_norm"]["kernel"])
    v = kernel @ u / np.linalg.norm(kernel @ u)
    u = kernel.T @ v / np.linalg.norm(kernel.T @ v)
    sigma = v @ kernel @ u
    expected = weights / sigma - np.sum(weights * kernel) / sigma**2 * np.outer(v, u)
    np.testing.assert_allclose(jax.grad(loss)(jnp.float32(kernel)), expected, rtol=1e-4, atol=1e-6)


def test_spectral_norm_of_zeros_is_zero():
    net, params, carry = _spectral(kernel=jnp.zeros((3, 2)))
    outputs, changed = net.apply(params, carry, key=KEY, train=True)
    np.testing.assert_array_equal(outputs["kernel"], 0)
    assert bool(jnp.all(jnp.isfinite(changed["spectral_norm"]["kernel"])))


def test_spectral_norm_leaves_the_gradient_of_a_kernel_of_zeros_alone():
    net, params, carry = _spectral(kernel=jnp.zeros((3, 2)))
    slope = jax.grad(lambda p: net.apply(p, carry, key=KEY, train=True)[0]["kernel"].sum())(params)
    np.testing.assert_array_equal(slope["kernel"], np.ones((3, 2)))


@settings(max_examples=10, deadline=None)
@given(st.floats(0.01, 100))
def test_spectral_norm_forgets_the_scale(scale):
    kernel = jnp.float32(np.random.default_rng(3).normal(size=(4, 3)))
    net, _, carry = _spectral(kernel=kernel)
    one, many = (
        net.apply({"kernel": w}, carry, key=KEY, train=True)[0]["kernel"] for w in (kernel, scale * kernel)
    )
    np.testing.assert_allclose(one, many, rtol=1e-4)


def test_weight_norm_starts_at_the_network_and_learns_lengths():
    kernel = np.random.default_rng(4).normal(size=(2, 3, 4)).astype(np.float32)
    net = wrap.weight_norm(
        Net(
            lambda key: ({"kernel": jnp.array(kernel)}, {}),
            lambda params, carry, *, key, train: (params, carry),
        )
    )
    params, carry = net.init(KEY)
    lengths = np.sqrt((kernel.astype(np.float64) ** 2).sum((0, 1)))
    np.testing.assert_allclose(params["length"]["kernel"], lengths, rtol=1e-5)
    np.testing.assert_allclose(net.apply(params, carry, key=KEY, train=True)[0]["kernel"], kernel, rtol=1e-5)
    changed = {"net": {"kernel": 5 * kernel}, "length": {"kernel": jnp.arange(4.0)}}
    outputs = net.apply(changed, carry, key=KEY, train=True)[0]["kernel"]
    np.testing.assert_allclose(outputs, kernel / lengths * np.arange(4), rtol=1e-5)
    # Eq. 3: a direction's gradient is orthogonal to it.
    gradient = jax.grad(lambda p: jnp.sum(jnp.sin(net.apply(p, carry, key=KEY, train=True)[0]["kernel"])))(
        params
    )
    np.testing.assert_allclose((gradient["net"]["kernel"] * kernel).sum((0, 1)), 0, atol=1e-5)


def test_gradient_norm_of_a_linear_critic():
    weights, bias = np.array([3.0, -4.0]), 2.0
    net = wrap.gradient_norm(
        _matrix_net(lambda p, x: x @ p["w"] + p["b"], w=jnp.float32(weights), b=jnp.float32(bias))
    )
    params, carry = net.init(KEY)
    x = np.random.default_rng(5).normal(size=(6, 2))
    f = x @ weights + bias
    for train in (True, False):
        outputs = net.apply(params, carry, jnp.float32(x), key=KEY, train=train)[0]["logits"]
        np.testing.assert_allclose(outputs, f / (5 + np.abs(f)), rtol=1e-5)
    # With respect to samples: |w| is constant, so the derivative is |w| w / (|w| + |f|)^2.
    gradient = jax.grad(lambda x: net.apply(params, carry, x, key=KEY, train=True)[0]["logits"].sum())(
        jnp.float32(x)
    )
    np.testing.assert_allclose(gradient, 5 * weights / (5 + np.abs(f))[:, None] ** 2, rtol=1e-4)


def test_gradient_norm_of_a_quadratic_critic_differentiates_through_the_norm():
    # f = a |x|^2 / 2: the gradient norm is a |x|, so that the result is |x| / (2 + |x|), whatever a > 0.
    net = wrap.gradient_norm(_matrix_net(lambda p, x: p["a"] * jnp.sum(x**2, 1) / 2, a=jnp.float32(1.7)))
    params, carry = net.init(KEY)
    x = np.random.default_rng(6).normal(size=(5, 3))
    norm = np.linalg.norm(x, axis=1, keepdims=True)

    def total(params, x):
        return net.apply(params, carry, x, key=KEY, train=True)[0]["logits"].sum()

    np.testing.assert_allclose(total(params, jnp.float32(x)), np.sum(norm / (2 + norm)), rtol=1e-5)
    of_params, of_x = jax.grad(total, argnums=(0, 1))(params, jnp.float32(x))
    np.testing.assert_allclose(of_params["a"], 0, atol=1e-5)
    np.testing.assert_allclose(of_x, 2 / (2 + norm) ** 2 * x / norm, rtol=1e-4)


@settings(max_examples=8, deadline=None)
@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
def test_gradient_norm_is_within_one_and_finite(slope, bias):
    net = wrap.gradient_norm(
        _matrix_net(lambda p, x: x @ p["w"] + p["b"], w=jnp.full(2, slope), b=jnp.float32(bias))
    )
    params, carry = net.init(KEY)
    call = lambda p: net.apply(p, carry, jnp.zeros((3, 2)), key=KEY, train=True)[0]["logits"]  # noqa: E731
    assert float(jnp.abs(call(params)).max()) <= 1
    gradient = jax.grad(lambda p: call(p).sum())(params)
    assert all(bool(jnp.all(jnp.isfinite(leaf))) for leaf in jax.tree.leaves(gradient))


def test_gradient_norm_leaves_other_heads_and_refuses_patches():
    net = from_linen(Critic())
    params, carry = net.init(KEY, _images())
    plain, _ = net.apply(params, carry, _images(), key=KEY, train=False)
    normed, _ = wrap.gradient_norm(net).apply(params, carry, _images(), key=KEY, train=False)
    np.testing.assert_array_equal(plain["features"], normed["features"])
    patches = wrap.gradient_norm(_matrix_net(lambda p, x: x[..., 0]))
    with pytest.raises(UsageError, match=r"\(4, 3, 3\)"):
        patches.apply({}, {}, _images(), key=KEY, train=True)


def test_packed_concatenates_consecutive_samples_on_channels():
    inputs = []
    net = Net(
        lambda key, x: (inputs.append(x), ({}, {}))[1],
        lambda params, carry, x, *, key, train: ({"logits": x.sum((1, 2, 3)), "inputs": x}, carry),
    )
    images = np.arange(6 * 2 * 2 * 2, dtype=np.float32).reshape(6, 2, 2, 2)
    wrapped = wrap.packed(net, samples=3)
    wrapped.init(KEY, images)
    assert inputs[0].shape == (2, 2, 2, 6)
    outputs, _ = wrapped.apply({}, {}, images, key=KEY, train=True)
    for pack in range(2):
        expected = np.concatenate([images[3 * pack + i] for i in range(3)], axis=-1)
        np.testing.assert_array_equal(outputs["inputs"][pack], expected)
    assert outputs["logits"].shape == (2,)


def test_gradient_norm_of_packs_is_the_norm_over_a_pack():
    inner = _matrix_net(lambda p, x: jnp.sum(x**2, (1, 2, 3)) / 2)
    x = np.random.default_rng(7).normal(size=(4, 2, 2, 1)).astype(np.float32)
    norm = np.sqrt((x.reshape(2, -1) ** 2).sum(1))
    for net in (wrap.gradient_norm(wrap.packed(inner)), wrap.packed(wrap.gradient_norm(inner))):
        outputs = net.apply({}, {}, x, key=KEY, train=True)[0]["logits"]
        np.testing.assert_allclose(outputs, norm / (2 + norm), rtol=1e-5)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_mixed_precision_computes_in_half_and_keeps_float32(dtype):
    types = {}

    def apply(params, carry, x, labels, *, key, train):
        types.update(
            kernel=params["kernel"].dtype, count=params["count"].dtype, x=x.dtype, labels=labels.dtype
        )
        return {"logits": x @ params["kernel"]}, {"mean": carry["mean"] + x.mean()}

    params = {"kernel": jnp.full(2, 1.001), "count": jnp.int32(3)}
    net = wrap.mixed_precision(
        Net(lambda key, *inputs: (params, {"mean": jnp.zeros(())}), apply), dtype=dtype
    )
    params, carry = net.init(KEY)
    x = jnp.full((3, 2), 1.0)
    outputs, kept = net.apply(params, carry, x, jnp.zeros(3, jnp.int32), key=KEY, train=True)
    assert types == {"kernel": dtype, "count": jnp.int32, "x": dtype, "labels": jnp.int32}
    assert outputs["logits"].dtype == kept["mean"].dtype == jnp.float32
    # 1.001 is 1 in bfloat16 (8 bits) and 1.0009766 in float16 (11 bits); sums of two are exact in both.
    np.testing.assert_array_equal(outputs["logits"], {"bfloat16": 2.0, "float16": 2.001953125}[dtype])
    gradient = jax.grad(
        lambda w: net.apply({**params, "kernel": w}, carry, x, jnp.zeros(3, int), key=KEY, train=True)[0][
            "logits"
        ].sum()
    )(params["kernel"])
    assert gradient.dtype == jnp.float32
    np.testing.assert_array_equal(gradient, 3.0)


def test_mixed_precision_stays_near_float32_with_batch_statistics():
    plain = from_linen(Critic())
    params, carry = plain.init(KEY, _images(16))
    expected, statistics = plain.apply(params, carry, _images(16), key=KEY, train=True)
    outputs, kept = wrap.mixed_precision(plain).apply(params, carry, _images(16), key=KEY, train=True)
    np.testing.assert_allclose(outputs["logits"], expected["logits"], atol=0.1)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=0.01), kept, statistics)


def _shown(wrapper, **options):
    net = Net(lambda key, x: ({}, {}), lambda params, carry, x, *, key, train: (x, carry))
    return lambda x, train=True, key=KEY: wrapper(net, **options).apply({}, {}, x, key=key, train=train)[0]


class _Deep(nn.Module):
    """Many convolutions of one width with batch norm: its activations are most of a step's memory."""

    @nn.compact
    def __call__(self, x, *, train):
        for _ in range(6):
            x = nn.leaky_relu(BatchNorm(not train, 0.9, 1e-5)(nn.Conv(8, (3, 3))(x)), 0.2)
        return {"logits": x.mean((1, 2, 3))}


# XLA:CPU would take out the barriers of `jax.checkpoint`, and order operations for speed rather than memory.
AS_ON_ACCELERATORS = {
    "xla_disable_hlo_passes": "cse_barrier_expander",
    "xla_cpu_scheduler_type": "CPU_SCHEDULER_TYPE_MEMORY_OPTIMIZED",
}


def test_remat_needs_less_memory_and_changes_no_gradient_and_no_carry():
    plain = wrap.spectral_norm(from_linen(_Deep()))
    images = jax.random.normal(KEY, (2, 8, 16, 16, 8))
    params, carry = plain.init(KEY, images[0])

    def compiled(net):
        def loss(params, real, fake):
            of_real, kept = net.apply(params, carry, real, key=KEY, train=True)
            of_fake, kept = net.apply(params, kept, fake, key=KEY, train=True)
            return jnp.sum(jnp.sin(of_real["logits"]) - of_fake["logits"] ** 2), kept

        gradient = jax.jit(jax.grad(loss, has_aux=True), compiler_options=AS_ON_ACCELERATORS)
        return gradient.lower(params, *images).compile()

    before, after = compiled(plain), compiled(wrap.remat(plain))
    chex.assert_trees_all_close(after(params, *images), before(params, *images), rtol=1e-4, atol=1e-6)
    of_before, of_after = (each.memory_analysis().temp_size_in_bytes for each in (before, after))
    assert of_after < 0.8 * of_before


def test_input_noise_has_its_deviation_in_training_only():
    show, latents = _shown(wrap.input_noise, deviation=0.3), jnp.ones((200, 100))
    noise = np.asarray(show(latents)) - 1
    np.testing.assert_allclose([noise.mean(), noise.std()], [0, 0.3], atol=0.01)
    np.testing.assert_array_equal(show(latents, train=False), latents)
    assert np.any(show(latents, key=jax.random.key(1)) != show(latents))


def test_input_dropout_keeps_the_expectation_in_training_only():
    show, images = _shown(wrap.input_dropout, rate=0.25), jnp.ones((100, 10, 10, 1))
    outputs = np.asarray(show(images))
    np.testing.assert_allclose(np.unique(outputs), [0, 4 / 3], rtol=1e-6)
    np.testing.assert_allclose((outputs == 0).mean(), 0.25, atol=0.02)
    np.testing.assert_array_equal(show(images, train=False), images)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda net: wrap.packed(net, samples=3).init(KEY, _images()), r"samples=3.*batch of 4"),
        (lambda net: wrap.packed(net, samples=0), "samples=0"),
        (lambda net: wrap.packed(net).init(KEY, _images(), jnp.zeros(4, int)), "labels"),
        (lambda net: wrap.mixed_precision(net, dtype="float8"), "float8.*bfloat16"),
        (lambda net: wrap.input_noise(net, deviation=-1.0), "deviation=-1.0"),
        (lambda net: wrap.input_dropout(net, rate=1.0), "rate=1.0"),
    ],
)
def test_a_bad_hyperparameter_fails_in_one_line(call, message):
    with pytest.raises(UsageError, match=message):
        call(from_linen(Critic()))
