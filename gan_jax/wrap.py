"""Wrappers of networks, Net -> Net: `wrapper(net, *, hyperparameters)`. They compose in any order.

The outer wrapper sees inputs and parameters first and outputs last: `spectral_norm(mixed_precision(net))` normalises
in float32 what `mixed_precision` then rounds. Of two wrappers that reparametrise weights, the inner one has the last
word: `spectral_norm(weight_norm(net))` normalises directions, whose length does not matter.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.errors import UsageError
from gan_jax.nets.batch_norm import BatchNorm
from gan_jax.types import Net


def _name(path):
    return jax.tree_util.keystr(path, simple=True, separator=".")


def _kernels(params):
    """The leaves with at least two axes, by name; the last axis is what a kernel puts out.

    A conditional normalisation has a scale and a bias for each class: two axes, and yet no kernels.
    """
    leaves = {_name(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(params)}
    gains = ("scale", "bias")
    return {
        name: leaf for name, leaf in leaves.items() if leaf.ndim >= 2 and name.rpartition(".")[2] not in gains
    }


def _replaced(params, kernels):
    """Parameters with the kernels of these names in place of their own."""
    return jax.tree_util.tree_map_with_path(lambda path, leaf: kernels.get(_name(path), leaf), params)


def _unit(vector, epsilon):
    """A vector over its length; the epsilon stands in for the length of one that is all but zero."""
    return vector / jnp.maximum(jnp.linalg.norm(vector), epsilon)


def _power_iteration(kernel, u, epsilon):
    """One step towards the largest singular value; no gradient flows through the singular vectors.

    Returns:
        The value, scalar, and the new right singular vector [out].
    """
    weights = jnp.float32(kernel).reshape(-1, kernel.shape[-1])
    stopped = jax.lax.stop_gradient(weights)
    v = _unit(jnp.matmul(stopped, u, precision="highest"), epsilon)
    u = _unit(jnp.matmul(v, stopped, precision="highest"), epsilon)
    return jnp.vdot(v, jnp.matmul(weights, u, precision="highest")), u


def spectral_norm(net, *, epsilon=1e-12):
    """Divides every kernel by its largest singular value.

    Miyato et al. 2018, arXiv:1802.05957, algorithm 1: one power iteration per forward pass in training, on
    each parameter with at least two axes, seen as a matrix of its last axis by all others. In evaluation
    the singular vectors stay as they are. Embeddings are kernels too, as in Miyato and Koyama 2018,
    arXiv:1802.05637; the scales and biases of a conditional normalisation are not.

    Args:
        net: The Net.
        epsilon: Stands in for the length of vectors that are shorter; kernels whose value is at most that
            stay as they are.

    Returns:
        The Net; its carry is `{"spectral_norm": {kernel's name: vector [out]}, "net": carry}`.
    """

    def init(key, *inputs):
        params, carry = net.init(key, *inputs)
        keys = jax.random.split(jax.random.fold_in(key, 1), max(len(_kernels(params)), 1))
        vectors = {
            name: _unit(jax.random.normal(vector_key, kernel.shape[-1:]), epsilon)
            for vector_key, (name, kernel) in zip(keys, _kernels(params).items(), strict=False)
        }
        return params, {"spectral_norm": vectors, "net": carry}

    def apply(params, carry, *inputs, key, train):
        normalised, vectors = {}, {}
        for name, kernel in _kernels(params).items():
            value, vectors[name] = _power_iteration(kernel, carry["spectral_norm"][name], epsilon)
            # A kernel of zeros is left alone: divided by epsilon, its gradient would be enormous.
            normalised[name] = (kernel / jnp.where(value > epsilon, value, 1.0)).astype(kernel.dtype)
        outputs, inner = net.apply(_replaced(params, normalised), carry["net"], *inputs, key=key, train=train)
        return outputs, {"spectral_norm": vectors if train else carry["spectral_norm"], "net": inner}

    return Net(init, apply)


def weight_norm(net, *, epsilon=1e-12):
    """Learns each kernel as a length per output times a direction.

    Salimans and Kingma 2016, arXiv:1602.07868, eq. 2, for every parameter with at least two axes, of which
    the last is the outputs'. Lengths start at those of the network's own initialisation, in place of the
    paper's initialisation from data. A kernel that starts at zero has no direction and stays zero.

    Args:
        net: The Net.
        epsilon: Added to squared lengths inside the root.

    Returns:
        The Net; its params are `{"net": params, "length": {kernel's name: [out]}}`.
    """

    def length(kernel):
        squares = jnp.sum(jnp.square(jnp.float32(kernel)), axis=tuple(range(kernel.ndim - 1)))
        return jnp.sqrt(squares + epsilon)

    def init(key, *inputs):
        params, carry = net.init(key, *inputs)
        return {"net": params, "length": {name: length(w) for name, w in _kernels(params).items()}}, carry

    def apply(params, carry, *inputs, key, train):
        kernels = {
            name: (kernel * (params["length"][name] / length(kernel))).astype(kernel.dtype)
            for name, kernel in _kernels(params["net"]).items()
        }
        return net.apply(_replaced(params["net"], kernels), carry, *inputs, key=key, train=train)

    return Net(init, apply)


def gradient_norm(net, *, epsilon=1e-12):
    """Divides each logit f by |grad f| + |f|, so that it lies in (-1, 1) and f is Lipschitz piece by piece.

    Wu et al. 2021 (GN-GAN), arXiv:2109.02480, section 3; in training, in evaluation and in both players'
    moves, differentiated through the gradient. Heads besides `logits` stay as they are. The gradient is
    that of the sum of logits, so that batch norm, which mixes samples, mixes gradients too.

    Args:
        net: The Net of a discriminator; its first input, any pytree of arrays [B, ...], is differentiated,
            and it returns a dict with `logits`, [n] with n a divisor of B.
        epsilon: Added to the squared norm of the gradient inside the root.

    Returns:
        The Net.

    Raises:
        UsageError: More than one logit per sample.
    """

    def apply(params, carry, samples, *others, key, train):
        def logits(samples):
            outputs, inner = net.apply(params, carry, samples, *others, key=key, train=train)
            return jnp.sum(jnp.float32(outputs["logits"])), (outputs, inner)

        gradients, (outputs, inner) = jax.grad(logits, has_aux=True)(samples)
        value = jnp.float32(outputs["logits"])
        if value.ndim != 1:
            raise UsageError(f"gradient_norm: logits of shape {value.shape}, expected one per sample")
        # Reshaped by logit rather than by sample: a packed discriminator has one for several samples.
        squares = sum(
            jnp.sum(jnp.square(jnp.float32(leaf).reshape(len(value), -1)), axis=1)
            for leaf in jax.tree.leaves(gradients)
        )
        normalised = value / (jnp.sqrt(squares + epsilon) + jnp.abs(value))
        return {**outputs, "logits": normalised}, inner

    return Net(net.init, apply)


def packed(net, *, samples=2):
    """Shows the discriminator several samples at once, all real or all fake, as channels of one.

    Lin et al. 2018 (PacGAN), arXiv:1712.04086. Labels are refused: the paper packs unlabelled
    samples, and a pack has no single label.

    Args:
        net: The Net of a discriminator of [B / samples, H, W, samples * C].
        samples: Consecutive samples per pack, a divisor of the batch.

    Returns:
        The Net, from [B, H, W, C] to heads [B / samples, ...].

    Raises:
        UsageError: `samples` does not divide the batch, or the network is told labels.
    """
    if samples < 1:
        raise UsageError(f"packed(samples={samples}): expected at least 1")

    def pack(images, *others):
        if others:
            raise UsageError("packed: the discriminator is told labels, and a pack has no single label")
        if images.shape[0] % samples:
            raise UsageError(f"packed(samples={samples}): does not divide the batch of {images.shape[0]}")
        packs = images.reshape(-1, samples, *images.shape[1:])
        return jnp.concatenate([packs[:, i] for i in range(samples)], axis=-1)

    def init(key, *inputs):
        return net.init(key, pack(*inputs))

    def apply(params, carry, *inputs, key, train):
        return net.apply(params, carry, pack(*inputs), key=key, train=train)

    return Net(init, apply)


def ghost_batch_norm(net, *, groups: int):
    """Has batch norm take the statistics of groups of the batch in place of the whole batch's.

    Hoffer et al. 2017, arXiv:1705.08741, algorithm 1 (ghost batch normalisation). With as many groups as
    devices, or a multiple, every device normalises its own rows and sends nothing for it; results depend on
    the groups and not on the devices. Differs from the paper: running statistics, which evaluation
    normalises by, follow the whole batch's mean and variance, once a batch, in place of each group's in turn.

    Args:
        net: The Net of a Linen module; a `flax.linen.BatchNorm` in it has features last.
        groups: Number of groups of consecutive samples, a divisor of the batch.

    Returns:
        The Net.

    Raises:
        UsageError: The groups do not divide the batch, or the network has no batch norm.
    """

    def apply(params, carry, *inputs, key, train):
        if not train:
            return net.apply(params, carry, *inputs, key=key, train=train)
        met = []

        def in_groups(call, given, named, context):
            whole, layer = call(*given, **named), context.module
            normalises = isinstance(layer, (nn.BatchNorm, BatchNorm)) and context.method_name == "__call__"
            if not normalises or layer.use_running_average:
                return whole
            met.append(layer)
            # What the batch norm itself made is read by nobody; its running statistics stay.
            return _group_norm(layer, given[0], groups)

        with nn.intercept_methods(in_groups):
            outputs = net.apply(params, carry, *inputs, key=key, train=train)
        if not met:
            raise UsageError(f"ghost_batch_norm(groups={groups}): the network has no batch norm")
        return outputs

    return Net(net.init, apply)


def _group_norm(layer, x, groups):
    """What a batch norm with its parameters makes of each group of samples."""
    if groups < 1 or x.shape[0] % groups:
        raise UsageError(f"ghost_batch_norm(groups={groups}): does not divide the batch of {x.shape[0]}")
    split = jnp.float32(x).reshape(groups, -1, *x.shape[1:])
    axes, params = tuple(range(1, split.ndim - 1)), layer.variables.get("params", {})
    mean, variance = (of(split, axes, keepdims=True) for of in (jnp.mean, jnp.var))
    normalised = ((split - mean) * jax.lax.rsqrt(variance + layer.epsilon)).reshape(x.shape)
    return (normalised * params.get("scale", 1.0) + params.get("bias", 0.0)).astype(x.dtype)


def mixed_precision(net, *, dtype="bfloat16"):
    """Computes in half precision; parameters, carry and outputs stay float32.

    Micikevicius et al. 2018, arXiv:1710.03740, section 3.1. Parameters and inputs are rounded on the way in,
    outputs widened on the way out, so that losses and penalties are float32 and gradients reach the float32
    parameters. float16 needs its loss scaled where gradients fall below 6e-8; bfloat16 does not.

    Args:
        net: The Net.
        dtype: `bfloat16`, `float16`, or `float32`, which leaves a network of float32 as it is.

    Returns:
        The Net.

    Raises:
        UsageError: Another type.
    """
    if dtype not in ("bfloat16", "float16", "float32"):
        raise UsageError(f"mixed_precision(dtype={dtype!r}): expected 'bfloat16', 'float16' or 'float32'")

    def cast(tree, dtype):
        def one(leaf):
            return leaf.astype(dtype) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf

        return jax.tree.map(one, tree)

    def apply(params, carry, *inputs, key, train):
        outputs, inner = net.apply(cast(params, dtype), carry, *cast(inputs, dtype), key=key, train=train)
        return cast(outputs, jnp.float32), cast(inner, jnp.float32)

    return Net(net.init, apply)


def input_noise(net, *, deviation=0.05):
    """Adds normal noise to the network's first input in training, such as a generator's latents.

    Zhao et al. 2020, arXiv:2002.04724, perturb latents so; here as a wrapper of any network, on
    its own and without their penalty.

    Args:
        net: The Net; its first input is an array [B, ...].
        deviation: Standard deviation of the noise, at least 0.

    Returns:
        The Net.

    Raises:
        UsageError: A negative deviation.
    """
    if deviation < 0:
        raise UsageError(f"input_noise(deviation={deviation}): expected at least 0")

    def apply(params, carry, first, *others, key, train):
        if train:
            key, drawn = jax.random.split(key)
            first = first + deviation * jax.random.normal(drawn, first.shape, first.dtype)
        return net.apply(params, carry, first, *others, key=key, train=train)

    return Net(net.init, apply)


def input_dropout(net, *, rate=0.2):
    """Sets elements of the network's first input to zero in training, and scales up the others.

    Hinton et al. 2012, arXiv:1207.0580: 20 % of the inputs; here the expectation is kept in training, so that
    evaluation needs no scaling.

    Args:
        net: The Net; its first input is an array [B, ...].
        rate: Probability that an element is dropped, in [0, 1).

    Returns:
        The Net.

    Raises:
        UsageError: A rate out of range.
    """
    if not 0 <= rate < 1:
        raise UsageError(f"input_dropout(rate={rate}): expected a rate in [0, 1)")

    def apply(params, carry, first, *others, key, train):
        if train:
            key, drawn = jax.random.split(key)
            kept = jax.random.bernoulli(drawn, 1 - rate, first.shape)
            first = jnp.where(kept, first / (1 - rate), 0)
        return net.apply(params, carry, first, *others, key=key, train=train)

    return Net(net.init, apply)
