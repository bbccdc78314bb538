"""Equal to `jax.lax.conv_transpose` in value and in first and second derivatives."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.nets import convolution


def _arrays(height, width, kernel, strides, dtype=jnp.float32):
    keys = jax.random.split(jax.random.key(height * 31 + width), 3)
    x = jax.random.normal(keys[0], (2, height, width, 3), dtype)
    k = jax.random.normal(keys[1], (*kernel, 3, 2), dtype)
    y = jax.random.normal(keys[2], (2, height * strides[0], width * strides[1], 2), dtype)
    return x, k, y


def _ours(x, k, strides):
    return convolution.up(x, k, strides, convolution.same_padding(k.shape[:2], strides))


def _reference(x, k, strides):
    return jax.lax.conv_transpose(x, k, strides, "SAME")


def _derivatives(transpose, strides, x, k, y):
    """Value, gradients, and gradients of the squared norm of the gradients."""

    def first(x, k):
        return jax.grad(lambda x, k: jnp.vdot(jnp.tanh(transpose(x, k, strides)), y), (0, 1))(x, k)

    def second(x, k):
        return sum(jnp.sum(g**2) for g in first(x, k))

    return transpose(x, k, strides), first(x, k), jax.grad(second, (0, 1))(x, k)


# Kernels smaller than, equal to and larger than the stride; even and odd; not square; images of one pixel.
CASES = [
    ((4, 4), (5, 5), (2, 2)),
    ((3, 5), (4, 4), (2, 2)),
    ((1, 4), (3, 5), (2, 3)),
    ((3, 2), (1, 2), (2, 2)),
    ((2, 3), (2, 1), (3, 1)),
    ((4, 3), (3, 3), (1, 1)),
    ((4, 3), (1, 1), (1, 1)),
    ((4, 3), (1, 1), (2, 2)),
]


def _ordinary(y, k, strides):
    return jax.lax.conv_general_dilated(y, k, strides, "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))


@pytest.mark.parametrize("size, kernel, strides", CASES)
def test_transposed_convolution_equals_lax(size, kernel, strides):
    x, k, y = _arrays(*size, kernel, strides)
    _assert_equal((_ours, _reference), strides, x, k, y)


@pytest.mark.parametrize("size, kernel, strides", CASES)
def test_convolution_equals_lax(size, kernel, strides):
    _, k, _ = _arrays(*size, kernel, strides)
    keys = jax.random.split(jax.random.key(1), 2)
    # Odd sizes too, which strides do not divide.
    height, width = size[0] * strides[0] + 1, size[1] * strides[1]
    x = jax.random.normal(keys[0], (2, height, width, 3))
    y = jax.random.normal(keys[1], (2, -(-height // strides[0]), -(-width // strides[1]), 2))
    _assert_equal((convolution.conv, _ordinary), strides, x, k, y)


@pytest.mark.parametrize(
    "size, kernel, strides, padding",
    [
        ((5, 6), (4, 4), (2, 2), ((1, 1), (1, 1))),
        ((7, 5), (3, 2), (2, 3), ((0, 2), (3, 0))),
        ((4, 3), (1, 1), (1, 1), ((1, 0), (0, 0))),
        ((3, 3), (5, 5), (1, 1), ((1, 1), (2, 2))),  # A kernel larger than the image.
    ],
)
def test_convolution_with_other_padding_equals_lax(size, kernel, strides, padding):
    keys = jax.random.split(jax.random.key(3), 3)
    x, k = jax.random.normal(keys[0], (2, *size, 3)), jax.random.normal(keys[1], (*kernel, 3, 2))

    def ours(x, k, strides):
        return convolution.conv(x, k, strides, padding)

    def reference(x, k, strides):
        layout = ("NHWC", "HWIO", "NHWC")
        return jax.lax.conv_general_dilated(x, k, strides, padding, dimension_numbers=layout)

    y = jax.random.normal(keys[2], jax.eval_shape(lambda x, k: reference(x, k, strides), x, k).shape)
    _assert_equal((ours, reference), strides, x, k, y)


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (6, 4)])
@pytest.mark.parametrize("side", [1, 3, 7])
def test_reflected_convolution_goes_on_as_in_a_mirror(size, side):
    x = np.random.default_rng(0).normal(size=(2, *size, 3)).astype(np.float32)
    layer = convolution.ReflectedConv(2, (side, side))
    found, variables = layer.init_with_output(jax.random.key(0), x)
    edges = (side // 2, side // 2)
    padded = np.pad(x, ((0, 0), edges, edges, (0, 0)), mode="reflect")
    layout = ("NHWC", "HWIO", "NHWC")
    kernel = variables["params"]["kernel"]
    expected = jax.lax.conv_general_dilated(padded, kernel, (1, 1), "VALID", dimension_numbers=layout)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_padded_module():
    x = jnp.ones((2, 5, 8, 3))
    layer = convolution.PaddedConv(4, (4, 4), (2, 2), padding=1)
    outputs, variables = layer.init_with_output(jax.random.key(0), x)
    assert outputs.shape == (2, 2, 4, 4) and variables["params"]["kernel"].shape == (4, 4, 3, 4)


@pytest.mark.parametrize(("groups", "strides"), [(2, (1, 1)), (6, (1, 2))])
def test_grouped_convolution_equals_lax(groups, strides):
    keys = jax.random.split(jax.random.key(groups), 3)
    x = jax.random.normal(keys[0], (2, 5, 4, 6))
    k = jax.random.normal(keys[1], (3, 3, 6 // groups, 12))
    y = jax.random.normal(keys[2], (2, -(-5 // strides[0]), -(-4 // strides[1]), 12))

    def ours(x, k, strides):
        return convolution.grouped_conv(x, k, strides, groups)

    def reference(x, k, strides):
        layout = ("NHWC", "HWIO", "NHWC")
        return jax.lax.conv_general_dilated(
            x, k, strides, "SAME", dimension_numbers=layout, feature_group_count=groups
        )

    _assert_equal((ours, reference), strides, x, k, y)


@pytest.mark.parametrize("platform, convolutions", [("cpu", 3), ("cuda", 1), ("tpu", 1)])
def test_only_the_cpu_takes_groups_one_by_one(platform, convolutions):
    x, k = jnp.ones((2, 4, 4, 6)), jnp.ones((3, 3, 2, 12))
    grouped = jax.jit(lambda x, k: convolution.grouped_conv(x, k, (1, 1), 3))
    lowered = grouped.trace(x, k).lower(lowering_platforms=(platform,)).as_text()
    assert lowered.count("stablehlo.convolution(") == convolutions
    assert ("feature_group_count = 3" in lowered) == (convolutions == 1)


def test_grouped_module_has_the_small_kernel():
    layer = convolution.GroupedConv(12, (3, 3), groups=3)
    x = jax.random.normal(jax.random.key(0), (2, 4, 4, 6))
    outputs, variables = layer.init_with_output(jax.random.key(1), x)
    assert variables["params"]["kernel"].shape == (3, 3, 2, 12) and variables["params"]["bias"].shape == (12,)
    # The first of three groups of outputs sees the first two channels only.
    np.testing.assert_array_equal(layer.apply(variables, x.at[..., 2:].set(0.0))[..., :4], outputs[..., :4])


def _assert_equal(pair, strides, x, k, y):
    ours, reference = (jax.jit(functools.partial(_derivatives, f, strides))(x, k, y) for f in pair)
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(reference), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5 * max(1.0, float(jnp.abs(b).max())))


def test_derivatives_of_the_pair_equal_finite_differences():
    with jax.enable_x64(True):
        x, k, y = _arrays(3, 2, (4, 4), (2, 2), jnp.float64)
        penalty = jax.jit(
            lambda k: jnp.sum(jax.grad(lambda x: jnp.vdot(jnp.tanh(_ours(x, k, (2, 2))), y))(x) ** 2)
        )
        direction = jax.random.normal(jax.random.key(9), k.shape, jnp.float64)
        numeric = (penalty(k + 1e-5 * direction) - penalty(k - 1e-5 * direction)) / 2e-5
        np.testing.assert_allclose(jnp.vdot(jax.grad(penalty)(k), direction), numeric, rtol=1e-7)


def test_third_derivative_and_vmap_and_bfloat16():
    x, k, y = _arrays(2, 2, (3, 3), (2, 2))

    def third(f):
        def first(k):
            return jnp.vdot(jnp.tanh(f(x, k, (2, 2))), y)

        def second(k):
            return jnp.sum(jax.grad(first)(k) ** 2)

        return jax.jit(jax.grad(lambda k: jnp.sum(jax.grad(second)(k) ** 2)))(k)

    np.testing.assert_allclose(third(_ours), third(_reference), rtol=1e-4, atol=1e-2)
    stacked = jnp.stack([k, -k])
    many = jax.vmap(jax.grad(lambda k: jnp.vdot(_ours(x, k, (2, 2)), y)))(stacked)
    np.testing.assert_allclose(many[0], many[1], atol=1e-5)
    low = _ours(x.astype(jnp.bfloat16), k.astype(jnp.bfloat16), (2, 2))
    assert low.dtype == jnp.bfloat16


@pytest.mark.parametrize("platform, arranged", [("cpu", True), ("cuda", False), ("tpu", False)])
def test_every_platform_takes_the_ordinary_convolutions_weight_gradient(platform, arranged):
    """It dilates its right side by the stride. GPUs know it by its axes; XLA:CPU needs those of a forward pass."""
    x, k, y = _arrays(4, 4, (5, 5), (2, 2))
    gradient = jax.jit(jax.grad(lambda k, x: jnp.vdot(_ours(x, k, (2, 2)), y)))
    lowered = gradient.trace(k, x).lower(lowering_platforms=(platform,)).as_text()
    (line,) = [line for line in lowered.splitlines() if "rhs_dilate = [2, 2]" in line]
    assert ("[f, 0, 1, b]x[i, 0, 1, o]->[0, 1, b, f]" in line) == (not arranged)
    assert ("[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]" in line) == arranged


def test_weight_gradients_in_a_loop_are_those_outside_bit_for_bit():
    """XLA:CPU has another program for convolutions in loops, far slower, unless their axes are in order."""
    gradient = jax.grad(lambda k, x: jnp.sum(jnp.tanh(convolution.conv(x, k, (2, 2))) ** 2))
    k, images = _arrays(5, 5, (5, 5), (2, 2))[1], jax.random.normal(jax.random.key(2), (3, 4, 9, 9, 3))
    single = jax.jit(lambda k, x: k - 0.1 * gradient(k, x))
    looped = jax.jit(
        lambda k, images: jax.lax.scan(lambda k, x: (k - 0.1 * gradient(k, x), None), k, images)[0]
    )
    np.testing.assert_array_equal(looped(k, images), functools.reduce(single, images, k))


@pytest.fixture
def elsewhere(monkeypatch):
    """The forms for other platforms, computed here."""
    monkeypatch.setattr(jax.lax, "platform_dependent", lambda *args, default, cpu: default(*args))


@pytest.mark.parametrize("size, kernel, strides", [CASES[0], CASES[2]])
def test_other_platforms_forms_equal_lax(size, kernel, strides, elsewhere):
    x, k, y = _arrays(*size, kernel, strides)
    _assert_equal((_ours, _reference), strides, x, k, y)
    k = k.swapaxes(2, 3)[..., :2]
    _assert_equal((convolution.conv, _ordinary), strides, y, k, _ordinary(y, k, strides))


@pytest.mark.parametrize("strides", [(1, 1), (2, 2), (2, 1)])
def test_modules_scale_the_image(strides):
    x = jnp.ones((2, 6, 8, 3))
    up, params = convolution.ConvTranspose(5, (4, 4), strides).init_with_output(jax.random.key(0), x)
    down, _ = convolution.Conv(5, (4, 4), strides).init_with_output(jax.random.key(0), x)
    assert up.shape == (2, 6 * strides[0], 8 * strides[1], 5)
    assert down.shape == (2, 6 // strides[0], 8 // strides[1], 5)
    assert set(params["params"]) == {"kernel", "bias"}
    bare = convolution.Conv(5, (4, 4), use_bias=False).init(jax.random.key(0), x)
    assert set(bare["params"]) == {"kernel"}
