"""Layers in NumPy float64 with the parameters of Flax layers, which networks are compared with.

Also helpers of these tests: a network's shapes without computing it, and random parameters.
"""

import jax
import numpy as np

from gan_jax.nets.linen import from_linen


def conv(x, layer, stride=1, edges=None, mode="constant"):
    """Windows times the kernel; `edges` is what is added before and behind rows and columns, else "same"."""
    kernel = np.float64(layer["kernel"])
    side = len(kernel)
    edges = edges or ((side - 1) // 2, side // 2)
    x = np.pad(np.float64(x), ((0, 0), edges, edges, (0, 0)), mode=mode)
    height, width = ((length - side) // stride + 1 for length in x.shape[1:3])
    y = np.zeros((len(x), height, width, kernel.shape[3]))
    for row in range(height):
        for column in range(width):
            window = x[:, row * stride : row * stride + side, column * stride : column * stride + side]
            y[:, row, column] = np.tensordot(window, kernel, 3)
    return y + np.float64(layer.get("bias", 0.0))


def transposed(x, layer):
    """Zeros between the pixels, then windows, as `jax.lax.conv_transpose` with stride 2 and SAME."""
    side = layer["kernel"].shape[0]
    dilated = np.zeros((len(x), 2 * x.shape[1] - 1, 2 * x.shape[2] - 1, x.shape[3]))
    dilated[:, ::2, ::2] = x
    return conv(dilated, layer, 1, (-(-side // 2), side // 2))


def repeated(x):
    """Each pixel four times."""
    return np.kron(np.float64(x), np.ones((1, 2, 2, 1)))


def instance_norm(x, layer=None, epsilon=1e-5):
    """Each channel of each image less its mean, over its deviation."""
    x = np.float64(x)
    y = np.stack([(image - image.mean((0, 1))) / np.sqrt(image.var((0, 1)) + epsilon) for image in x])
    return y if layer is None else y * np.float64(layer["scale"]) + np.float64(layer["bias"])


def batch_norm(x, layer, epsilon=1e-5):
    """Each channel less the batch's mean, over its deviation."""
    y = (x - x.mean((0, 1, 2))) / np.sqrt(x.var((0, 1, 2)) + epsilon)
    return y * np.float64(layer["scale"]) + np.float64(layer["bias"])


def leaky(x, slope):
    """LeakyReLU."""
    return np.where(x > 0, x, slope * x)


def relu(x):
    """The positive part."""
    return np.maximum(x, 0.0)


def shapes(module, *sizes):
    """The shapes of a network's outputs, and the number of its parameters."""
    inputs = [jax.ShapeDtypeStruct(size, np.float32) for size in sizes]

    def run(key, *inputs):
        return module.init_with_output({"params": key, "noise": key}, *inputs, train=False)

    outputs, variables = jax.eval_shape(run, jax.random.key(0), *inputs)
    count = sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))
    return jax.tree.map(lambda leaf: leaf.shape, outputs), count


def drawn(module, *inputs, deviation=0.3):
    """A network, parameters of which none is zero, and its carry."""
    net = from_linen(module)
    params, carry = jax.eval_shape(net.init, jax.random.key(0), *inputs)
    random = np.random.default_rng(0)
    params = jax.tree.map(lambda leaf: np.float32(deviation * random.normal(size=leaf.shape)), params)
    carry = jax.tree.map(lambda leaf: np.ones(leaf.shape, leaf.dtype), carry)
    return net, params, carry


def images(*shape, seed=1):
    """Images in [-1, 1], float32."""
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)
