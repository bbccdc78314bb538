"""The one definition of a kernel, and everything that uses it, on networks with conditional batch norms."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import flatten_dict, unflatten_dict

from gan_jax import penalties, transforms, wrap
from gan_jax.errors import UsageError
from gan_jax.kernels import kernels, replace_kernels
from gan_jax.nets import dcgan, mlp, r3gan, resnet
from gan_jax.nets.linen import from_linen
from gan_jax.training import diagnostics
from gan_jax.types import Net

KEY = jax.random.key(0)
LATENTS, LABELS, IMAGES = jnp.zeros((2, 5)), jnp.array([0, 2]), jnp.zeros((2, 8, 8, 1))
KERNELS = {
    "Dense_0/kernel": (5, 4 * 4 * 4),
    "UpBlock_0/Conv_0/kernel": (3, 3, 4, 4),
    "UpBlock_0/Conv_1/kernel": (3, 3, 4, 4),
    "UpBlock_0/Conv_2/kernel": (1, 1, 4, 4),
    "Conv_0/kernel": (3, 3, 4, 1),
}
CONDITIONAL = [f"UpBlock_0/ConditionalBatchNorm_{i}/{name}" for i in (0, 1) for name in ("scale", "bias")]
STRENGTH = 0.01


@functools.cache
def generator():
    """Arrays of a conditional ResNet's generator by path; its norms are larger than its kernels."""
    net = from_linen(resnet.Generator(resolution=8, channels=1, classes=3, width=4))
    shapes, _ = jax.eval_shape(net.init, KEY, LATENTS, LABELS)
    rng = np.random.default_rng(0)
    arrays = {path: rng.normal(size=leaf.shape) for path, leaf in flatten_dict(shapes, sep="/").items()}
    norms = {path: 50 + array for path, array in arrays.items() if "BatchNorm" in path}
    # One singular value dominates, so that a few power iterations find it.
    first = rng.normal(size=(36, 1)) @ rng.normal(size=(1, 4))
    dominant = {"UpBlock_0/Conv_1/kernel": (10 * first).reshape(3, 3, 4, 4)}
    return {path: np.float32(array) for path, array in {**arrays, **norms, **dominant}.items()}


def params():
    return unflatten_dict({path: jnp.asarray(array) for path, array in generator().items()}, sep="/")


def matrices():
    """The kernels of KERNELS as float64 matrices [rest, out]."""
    return {path: np.float64(generator()[path]).reshape(-1, KERNELS[path][-1]) for path in KERNELS}


def flat(tree):
    return {path: np.asarray(leaf) for path, leaf in flatten_dict(tree, sep="/").items()}


def test_kernels_of_a_generator_with_conditional_norms():
    assert {path: generator()[path].shape for path in CONDITIONAL} == dict.fromkeys(CONDITIONAL, (3, 4))
    by_path = kernels(params())
    assert {path: kernel.shape for path, kernel in by_path.items()} == KERNELS
    for path, kernel in by_path.items():
        np.testing.assert_array_equal(kernel, generator()[path])
    assert list(kernels(params(), separator=".")) == [path.replace("/", ".") for path in by_path]


def test_embeddings_of_labels_are_kernels():
    net = from_linen(resnet.Discriminator(classes=3, width=4, heads={"projection": {}}))
    shapes, _ = jax.eval_shape(net.init, KEY, IMAGES, LABELS)
    by_path = kernels(shapes)
    assert by_path["projection_of_label/embedding"].shape == (3, 4)
    assert {path.rpartition("/")[2] for path in by_path} == {"kernel", "embedding"}


@pytest.mark.parametrize(
    "net, inputs",
    [
        (resnet.Generator(resolution=8, channels=1, width=4, attention=(8,)), (LATENTS,)),
        (resnet.Discriminator(width=4, attention=(8,)), (IMAGES,)),
        (dcgan.Generator(resolution=8, channels=1, width=4, classes=3), (LATENTS, LABELS)),
        (dcgan.Discriminator(width=4, classes=3, heads={"projection": {}}), (IMAGES, LABELS)),
        (r3gan.Generator(resolution=8, channels=1, classes=3, widths=(16,)), (LATENTS, LABELS)),
        (r3gan.Discriminator(classes=3, widths=(16,)), (IMAGES, LABELS)),
        (mlp.Generator(resolution=8, channels=1, classes=3), (LATENTS, LABELS)),
    ],
)
def test_without_conditional_norms_every_array_of_two_axes_is_a_kernel_in_order(net, inputs):
    # The same arrays in the same order: sums over kernels do not change in the last bit.
    shapes, _ = jax.eval_shape(from_linen(net).init, KEY, *inputs)
    expected = [leaf for leaf in jax.tree.leaves(shapes) if leaf.ndim >= 2]
    leaves = list(kernels(shapes).values())
    assert len(leaves) == len(expected) > 0
    assert all(leaf is other for leaf, other in zip(leaves, expected))


def test_kernels_of_any_pytree():
    matrix, vector = jnp.ones((2, 3)), jnp.ones(3)
    assert list(kernels([{"a": matrix}, vector, (matrix,)])) == ["0/a", "2/0"]
    assert list(kernels(matrix)) == [""] and kernels(vector) == {} and kernels({}) == {}
    assert list(kernels({"scale": {"kernel": matrix}, "scales": matrix})) == ["scale/kernel", "scales"]


def test_replaced_kernels_leave_the_rest():
    before = params()
    after = replace_kernels(before, {"Conv_0/kernel": jnp.zeros((3, 3, 4, 1))})
    assert jax.tree.structure(before) == jax.tree.structure(after)
    for path, leaf in flatten_dict(after, sep="/").items():
        if path == "Conv_0/kernel":
            np.testing.assert_array_equal(leaf, np.zeros((3, 3, 4, 1)))
        else:
            assert leaf is flatten_dict(before, sep="/")[path]
    dotted = replace_kernels(before, {"UpBlock_0.Conv_0.kernel": jnp.ones(1)}, separator=".")
    assert dotted["UpBlock_0"]["Conv_0"]["kernel"].shape == (1,)


def _off_diagonal(matrix):
    return matrix.T @ matrix * (1 - np.eye(matrix.shape[1]))


def _rank_one(matrix):
    left, _, right = np.linalg.svd(matrix, full_matrices=False)
    return np.outer(left[:, 0], right[0])


# The value of one matrix, and its gradient.
PENALTIES = {
    "weight_decay": (lambda m: (m**2).sum() / 2, lambda m: m),
    "spectral": (lambda m: np.linalg.norm(m, 2), _rank_one),
    "orthogonal": (lambda m: (_off_diagonal(m) ** 2).sum(), lambda m: 4 * m @ _off_diagonal(m)),
}
DECAYS = {
    "weight_decay": transforms.weight_decay,
    "spectral": transforms.spectral_decay,
    "orthogonal": transforms.orthogonal_decay,
}


@pytest.mark.parametrize("name", PENALTIES)
def test_penalties_and_decays_act_on_kernels_only(name):
    value, slope = PENALTIES[name]
    penalty = getattr(penalties, name)
    expected = sum(map(value, matrices().values()))
    np.testing.assert_allclose(penalty(params()), expected, rtol=1e-5)
    slopes = {path: slope(matrix).reshape(KERNELS[path]) for path, matrix in matrices().items()}
    decay = DECAYS[name](STRENGTH)
    updates, _ = decay.update(jax.tree.map(jnp.zeros_like, params()), decay.init(params()), params())
    gradient, updates = flat(jax.grad(penalty)(params())), flat(updates)
    for path in generator():
        scale = np.abs(slopes[path]).max() if path in KERNELS else 0.0
        np.testing.assert_allclose(gradient[path], slopes.get(path, 0), atol=1e-4 * scale)
        np.testing.assert_allclose(updates[path], -STRENGTH * slopes.get(path, 0), atol=1e-6 * scale)


@pytest.mark.parametrize("name", PENALTIES)
def test_a_pattern_of_a_conditional_norm_matches_no_kernel(name):
    with pytest.raises(UsageError, match=r"'scale\$'.*these exist: [^ ]*kernel(, [^ ]*kernel){4}$"):
        getattr(penalties, name)(params(), pattern="scale$")


def _net_of_params():
    """A Net whose outputs are its parameters, as its wrappers change them."""
    return Net(lambda key: (params(), {}), lambda params, carry, *, key, train: (params, carry))


def test_spectral_norm_of_kernels_only():
    net = wrap.spectral_norm(_net_of_params())
    start, carry = net.init(KEY)
    assert set(carry["spectral_norm"]) == {path.replace("/", ".") for path in KERNELS}
    outputs = flat(net.apply(start, carry, key=KEY, train=True)[0])
    for path, array in generator().items():
        if path in KERNELS:
            matrix = matrices()[path]
            v = matrix @ np.float64(carry["spectral_norm"][path.replace("/", ".")])
            # Algorithm 1 of arXiv:1802.05957: u = W^T v / |W^T v| and sigma = v^T W u, which is |W^T v|.
            sigma = np.linalg.norm(v / np.linalg.norm(v) @ matrix)
            np.testing.assert_allclose(outputs[path], array / sigma, rtol=1e-4, atol=1e-6)
        else:
            np.testing.assert_array_equal(outputs[path], array)


def test_weight_norm_of_kernels_only():
    net = wrap.weight_norm(_net_of_params())
    start, carry = net.init(KEY)
    assert set(start["length"]) == {path.replace("/", ".") for path in KERNELS}
    for path, matrix in matrices().items():
        np.testing.assert_allclose(
            start["length"][path.replace("/", ".")], np.linalg.norm(matrix, axis=0), rtol=1e-5
        )
    doubled = {**start, "length": jax.tree.map(lambda length: 2 * length, start["length"])}
    outputs = flat(net.apply(doubled, carry, key=KEY, train=True)[0])
    for path, array in generator().items():
        np.testing.assert_allclose(outputs[path], (2 if path in KERNELS else 1) * array, rtol=1e-5)


def test_largest_singular_value_is_that_of_a_kernel():
    expected = max(np.linalg.norm(matrix, 2) for matrix in matrices().values())
    norms = [np.linalg.norm(np.float64(generator()[path]), 2) for path in CONDITIONAL]
    assert min(abs(norm / expected - 1) for norm in norms) > 0.1
    np.testing.assert_allclose(diagnostics.largest_singular_value(params(), KEY), expected, rtol=1e-4)
    # A scale that dominates everything changes nothing.
    large = params()
    large["UpBlock_0"]["ConditionalBatchNorm_0"]["scale"] *= 1e4
    np.testing.assert_allclose(diagnostics.largest_singular_value(large, KEY), expected, rtol=1e-4)
