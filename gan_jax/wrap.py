"""Wrappers of networks, Net -> Net: `wrapper(net, *, hyperparameters)`. They compose in any order.

The outer wrapper sees inputs and parameters first and outputs last: `spectral_norm(mixed_precision(net))`
normalises in float32, and `mixed_precision` then rounds the result. Of two wrappers that reparametrise
weights, the inner one is applied last: `spectral_norm(weight_norm(net))` normalises directions, whose length
does not matter.
"""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.errors import UsageError
from gan_jax.kernels import kernels, replace_kernels
from gan_jax.losses.gradient_norms import samples_per_logit, squared_norms
from gan_jax.nets.batch_norm import BatchNorm, normalised
from gan_jax.types import Net

# A kernel's path is one key of a dict here: dots tell it from the path of that dict's entry, with slashes.
_kernels = functools.partial(kernels, separator=".")
_replace_kernels = functools.partial(replace_kernels, separator=".")


def _unit(vector, epsilon):
    """A vector divided by its length, or by epsilon if that is larger."""
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


def spectral_norm(net: Net, *, leave: tuple[str, ...] = (), epsilon: float = 1e-12) -> Net:
    """Divides every kernel by its largest singular value.

    Miyato et al. 2018, arXiv:1802.05957, algorithm 1: one power iteration per forward pass in training, on
    each kernel (`kernels.kernels`), reshaped to a matrix [all other axes, last axis]. In evaluation the
    singular vectors do not change. Embeddings are kernels too, as in Miyato and Koyama 2018,
    arXiv:1802.05637; the scales and biases of a conditional normalisation are not. BigGAN (Brock et al. 2019,
    arXiv:1809.11096) leaves out the embedding that its generator's layers share.

    Args:
        net: The Net.
        leave: Regular expressions, searched anywhere in a path such as `Embed_0/embedding`; kernels that
            match one stay as they are.
        epsilon: Smallest divisor of a vector; kernels whose singular value is at most epsilon stay as they
            are.

    Returns:
        The Net; its carry is `{"spectral_norm": {kernel's name: vector [out]}, "net": carry}`.

    Raises:
        UsageError: From its `init`, if an expression in `leave` matches no kernel.
    """

    def init(key, *inputs):
        params, carry = net.init(key, *inputs)
        normalised = _kernels(params, leave=leave)
        keys = jax.random.split(jax.random.fold_in(key, 1), max(len(normalised), 1))
        vectors = {
            name: _unit(jax.random.normal(vector_key, kernel.shape[-1:]), epsilon)
            for vector_key, (name, kernel) in zip(keys, normalised.items(), strict=False)
        }
        return params, {"spectral_norm": vectors, "net": carry}

    def apply(params, carry, *inputs, key, train):
        normalised, vectors = {}, {}
        for name, kernel in _kernels(params, leave=leave).items():
            value, vectors[name] = _power_iteration(kernel, carry["spectral_norm"][name], epsilon)
            # A kernel of zeros is left alone: divided by epsilon, its gradient would be enormous.
            normalised[name] = (kernel / jnp.where(value > epsilon, value, 1.0)).astype(kernel.dtype)
        outputs, inner = net.apply(
            _replace_kernels(params, normalised), carry["net"], *inputs, key=key, train=train
        )
        return outputs, {"spectral_norm": vectors if train else carry["spectral_norm"], "net": inner}

    return net._replace(init=init, apply=apply)


def weight_norm(net: Net, *, epsilon: float = 1e-12) -> Net:
    """Learns each kernel as a length per output times a direction.

    Salimans and Kingma 2016, arXiv:1602.07868, eq. 2, for every kernel (`kernels.kernels`), whose last axis
    is the output. Lengths start at those of the network's own initialisation, instead of the paper's
    initialisation from data. A kernel that starts at zero has no direction and stays zero.

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
        scaled = {
            name: (kernel * (params["length"][name] / length(kernel))).astype(kernel.dtype)
            for name, kernel in _kernels(params["net"]).items()
        }
        return net.apply(_replace_kernels(params["net"], scaled), carry, *inputs, key=key, train=train)

    return net._replace(init=init, apply=apply)


def gradient_norm(net: Net, *, epsilon: float = 1e-12) -> Net:
    """Divides each logit f by |grad f| + |f|, so that it lies in [-1, 1] and is piecewise Lipschitz.

    Wu et al. 2021 (GN-GAN), arXiv:2109.02480, section 3; in training, in evaluation and in both players'
    moves, which differentiate through the gradient. Other heads than `logits` stay as they are. The gradient
    is that of the sum of logits, so that batch norm, which mixes samples, mixes gradients too.

    Args:
        net: The Net of a discriminator; the gradient is with respect to its first input, any pytree of
            arrays [B, ...], and it returns a dict with `logits`, [n] with n a divisor of B.
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
        squares = squared_norms(gradients, samples_per_logit(samples, value))
        normalised = value / (jnp.sqrt(squares + epsilon) + jnp.abs(value))
        return {**outputs, "logits": normalised}, inner

    return net._replace(apply=apply)


def packed(net: Net, *, samples: int = 2) -> Net:
    """Gives the discriminator several samples at once, all real or all fake, stacked along the channels.

    Lin et al. 2018 (PacGAN), arXiv:1712.04086. Labels are an error: the paper packs unlabelled samples, and
    a pack has no single label. To gradient penalties a pack is one sample.

    Args:
        net: The Net of a discriminator of [B / samples, H, W, samples * C].
        samples: Consecutive samples per pack, a divisor of the batch.

    Returns:
        The Net, from [B, H, W, C] to heads [B / samples, ...].

    Raises:
        UsageError: `samples` does not divide the batch, or the network is conditioned on labels.
    """
    if samples < 1:
        raise UsageError(f"packed(samples={samples}): expected at least 1")

    def pack(images, *others):
        if others:
            raise UsageError(
                "packed: the discriminator is conditioned on labels, but a pack has no single label"
            )
        if images.shape[0] % samples:
            raise UsageError(f"packed(samples={samples}): does not divide the batch of {images.shape[0]}")
        packs = images.reshape(-1, samples, *images.shape[1:])
        return jnp.concatenate([packs[:, i] for i in range(samples)], axis=-1)

    def init(key, *inputs):
        return net.init(key, pack(*inputs))

    def apply(params, carry, *inputs, key, train):
        return net.apply(params, carry, pack(*inputs), key=key, train=train)

    return net._replace(init=init, apply=apply)


def ghost_batch_norm(net: Net, *, groups: int) -> Net:
    """Makes batch norm use the statistics of groups of the batch instead of the whole batch.

    Hoffer et al. 2017, arXiv:1705.08741, algorithm 1 (ghost batch normalisation). With as many groups as
    devices, or a multiple, every device normalises its own rows without communication; results depend on the
    groups and not on the devices. Differs from the paper: the running statistics, which evaluation uses,
    follow the mean and variance of the whole batch, once per batch, instead of each group's in turn.

    Args:
        net: The Net of a Linen module; features are the last axis of its `flax.linen.BatchNorm` layers.
        groups: Number of groups of consecutive samples, a divisor of the batch.

    Returns:
        The Net.

    Raises:
        UsageError: The groups do not divide the batch, or the network has no batch norm.
    """

    def apply(params, carry, *inputs, key, train):
        if not train:
            return net.apply(params, carry, *inputs, key=key, train=train)
        batch_norms = []

        def in_groups(call, args, kwargs, context):
            outputs, layer = call(*args, **kwargs), context.module
            normalises = isinstance(layer, (nn.BatchNorm, BatchNorm)) and context.method_name == "__call__"
            if not normalises or layer.use_running_average:
                return outputs
            batch_norms.append(layer)
            # The batch norm's own outputs are unused; its call updated the running statistics.
            return _group_norm(layer, args[0], groups)

        with nn.intercept_methods(in_groups):
            outputs = net.apply(params, carry, *inputs, key=key, train=train)
        if not batch_norms:
            raise UsageError(f"ghost_batch_norm(groups={groups}): the network has no batch norm")
        return outputs

    return net._replace(apply=apply)


def _group_norm(layer, x, groups):
    """A batch norm's outputs, with its parameters, for each group of samples on its own."""
    if groups < 1 or x.shape[0] % groups:
        raise UsageError(f"ghost_batch_norm(groups={groups}): does not divide the batch of {x.shape[0]}")
    split = jnp.float32(x).reshape(groups, -1, *x.shape[1:])
    axes = tuple(range(1, split.ndim - 1))
    mean, variance = (of(split, axes, keepdims=True) for of in (jnp.mean, jnp.var))
    return normalised(layer, split, mean, variance).reshape(x.shape).astype(x.dtype)


def mixed_precision(net: Net, *, dtype: str = "bfloat16") -> Net:
    """Computes in half precision; parameters, carry and outputs stay float32.

    Micikevicius et al. 2018, arXiv:1710.03740, section 3.1. Parameters and inputs are rounded before the
    network and outputs converted back after it, so that losses and penalties are float32 and gradients reach
    the float32 parameters. float16 needs loss scaling where gradients fall below 6e-8; bfloat16 does not.

    Args:
        net: The Net.
        dtype: `bfloat16`, `float16`, or `float32`, which does not change a float32 network.

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

    return net._replace(apply=apply)


def _is_product(primitive, *_, **__):
    """The policy of `jax.checkpoint` that keeps the results of convolutions and matrix products alone."""
    return primitive.name in ("dot_general", "conv_general_dilated")


def remat(net: Net) -> Net:
    """Keeps less of the forward pass for the backward pass: results of convolutions and matrix products.

    Chen et al. 2016, arXiv:1604.06174, section 3, by `jax.checkpoint`. Normalisations and activations are
    computed again, which costs little beside convolutions. Gradients and carry are those of the network
    itself, apart from rounding. XLA:CPU merges the two computations into one again, so that it needs as much
    memory as without; GPUs and TPUs do not.

    Args:
        net: The Net.

    Returns:
        The Net.
    """

    def apply(params, carry, *inputs, key, train):
        if not train:
            return net.apply(params, carry, *inputs, key=key, train=train)

        def call(params, carry, key, *inputs):
            return net.apply(params, carry, *inputs, key=key, train=train)

        return jax.checkpoint(call, policy=_is_product)(params, carry, key, *inputs)

    return net._replace(apply=apply)


def input_noise(net: Net, *, deviation: float = 0.05) -> Net:
    """Adds normal noise to the network's first input in training, such as a generator's latents.

    Zhao et al. 2020, arXiv:2002.04724, perturb latents like this; here as a wrapper of any network, without
    their penalty.

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
            key, noise_key = jax.random.split(key)
            first = first + deviation * jax.random.normal(noise_key, first.shape, first.dtype)
        return net.apply(params, carry, first, *others, key=key, train=train)

    return net._replace(apply=apply)


def input_dropout(net: Net, *, rate: float = 0.2) -> Net:
    """Sets elements of the network's first input to zero in training, and scales up the others.

    Hinton et al. 2012, arXiv:1207.0580: 20 % of the inputs; here training keeps the expectation, so that
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
            key, mask_key = jax.random.split(key)
            mask = jax.random.bernoulli(mask_key, 1 - rate, first.shape)
            first = jnp.where(mask, first / (1 - rate), 0)
        return net.apply(params, carry, first, *others, key=key, train=train)

    return net._replace(apply=apply)
