"""Inception-v3 as FID knows it: the TensorFlow graph of 2015-12-05, not the network of later papers.

Szegedy et al. 2015, arXiv:1512.00567; as the features of the Frechet distance: Heusel et al. 2017,
arXiv:1706.08500. The graph differs from other Inception-v3: 1008 classes, average pools that leave padding
out of the mean, a max pool where the last block (Mixed_7c) should average, no auxiliary head, and pixels
resized as TensorFlow 1 does. pytorch-fid and torch-fidelity have the same topology; parameters carry the
names of their public weight file, which `gan_jax.features.inception_weights` reads.
"""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.errors import UsageError
from gan_jax.images import resize_tf1

SIZE = 299
CLASSES = 1008
_EPSILON = 1e-3  # added to variances


class ConvNorm(nn.Module):
    """Convolution, batch norm by recorded statistics, ReLU.

    Attributes:
        features: Output channels.
        kernel_size: Height and width.
        strides: Vertical and horizontal step.
        padding: SAME or VALID.
    """

    features: int
    kernel_size: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    padding: str = "SAME"

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """[B, H, W, I] to [B, h, w, features]."""
        shape = (*self.kernel_size, x.shape[-1], self.features)
        kernel = self.param("kernel", nn.initializers.he_normal(), shape)
        scale = self.param("scale", nn.initializers.ones, (self.features,))
        offset = self.param("offset", nn.initializers.zeros, (self.features,))
        mean = self.param("mean", nn.initializers.zeros, (self.features,))
        variance = self.param("variance", nn.initializers.ones, (self.features,))
        x = jax.lax.conv_general_dilated(
            x,
            kernel,
            self.strides,
            self.padding,
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            precision="highest",
        )
        return nn.relu((x - mean) * (scale * jax.lax.rsqrt(variance + _EPSILON)) + offset)


class Classifier(nn.Module):
    """The last layer, with and without its bias."""

    @nn.compact
    def __call__(self, features: jax.Array) -> dict[str, jax.Array]:
        """[B, D] to `logits` and `logits_unbiased`, [B, 1008] each."""
        weight = self.param("weight", nn.initializers.lecun_normal(), (features.shape[-1], CLASSES))
        bias = self.param("bias", nn.initializers.zeros, (CLASSES,))
        unbiased = jnp.matmul(features, weight, precision="highest")
        return {"logits": unbiased + bias, "logits_unbiased": unbiased}


def _conv(x, name, features, height, width, strides=1, padding="SAME"):
    return ConvNorm(features, (height, width), (strides, strides), padding, name=name)(x)


def _halve(x):
    return nn.max_pool(x, (3, 3), (2, 2))


def average_pool(x: jax.Array) -> jax.Array:
    """Mean over those of 3x3 pixels that lie inside the image, [B, H, W, C] to the same shape."""
    return nn.avg_pool(x, (3, 3), (1, 1), "SAME", count_include_pad=False)


def max_pool(x: jax.Array) -> jax.Array:
    """Maximum over 3x3 pixels, [B, H, W, C] to the same shape."""
    return nn.max_pool(x, (3, 3), (1, 1), "SAME")


class InceptionA(nn.Module):
    """Branches of 1x1, 5x5 and two 3x3 convolutions and a pool, at 35 pixels (Mixed_5b to Mixed_5d).

    Attributes:
        pool_features: Channels of the pool's branch.
    """

    pool_features: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """[B, H, W, I] to [B, H, W, 224 + pool_features]."""
        one = _conv(x, "branch1x1", 64, 1, 1)
        five = _conv(x, "branch5x5_1", 48, 1, 1)
        five = _conv(five, "branch5x5_2", 64, 5, 5)
        double = _conv(x, "branch3x3dbl_1", 64, 1, 1)
        double = _conv(double, "branch3x3dbl_2", 96, 3, 3)
        double = _conv(double, "branch3x3dbl_3", 96, 3, 3)
        pooled = _conv(average_pool(x), "branch_pool", self.pool_features, 1, 1)
        return jnp.concatenate([one, five, double, pooled], axis=-1)


class InceptionB(nn.Module):
    """Halves the image by strided convolutions and a max pool (Mixed_6a)."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """[B, H, W, I] to [B, (H - 1) // 2, (W - 1) // 2, 480 + I]."""
        three = _conv(x, "branch3x3", 384, 3, 3, 2, "VALID")
        double = _conv(x, "branch3x3dbl_1", 64, 1, 1)
        double = _conv(double, "branch3x3dbl_2", 96, 3, 3)
        double = _conv(double, "branch3x3dbl_3", 96, 3, 3, 2, "VALID")
        return jnp.concatenate([three, double, _halve(x)], axis=-1)


class InceptionC(nn.Module):
    """Branches of convolutions of 7 pixels in one direction at a time, at 17 pixels (Mixed_6b to Mixed_6e).

    Attributes:
        width: Channels inside the branches.
    """

    width: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """[B, H, W, I] to [B, H, W, 768]."""
        one = _conv(x, "branch1x1", 192, 1, 1)
        seven = _conv(x, "branch7x7_1", self.width, 1, 1)
        seven = _conv(seven, "branch7x7_2", self.width, 1, 7)
        seven = _conv(seven, "branch7x7_3", 192, 7, 1)
        double = _conv(x, "branch7x7dbl_1", self.width, 1, 1)
        double = _conv(double, "branch7x7dbl_2", self.width, 7, 1)
        double = _conv(double, "branch7x7dbl_3", self.width, 1, 7)
        double = _conv(double, "branch7x7dbl_4", self.width, 7, 1)
        double = _conv(double, "branch7x7dbl_5", 192, 1, 7)
        pooled = _conv(average_pool(x), "branch_pool", 192, 1, 1)
        return jnp.concatenate([one, seven, double, pooled], axis=-1)


class InceptionD(nn.Module):
    """Halves the image a second time (Mixed_7a)."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """[B, H, W, I] to [B, (H - 1) // 2, (W - 1) // 2, 512 + I]."""
        three = _conv(x, "branch3x3_1", 192, 1, 1)
        three = _conv(three, "branch3x3_2", 320, 3, 3, 2, "VALID")
        seven = _conv(x, "branch7x7x3_1", 192, 1, 1)
        seven = _conv(seven, "branch7x7x3_2", 192, 1, 7)
        seven = _conv(seven, "branch7x7x3_3", 192, 7, 1)
        seven = _conv(seven, "branch7x7x3_4", 192, 3, 3, 2, "VALID")
        return jnp.concatenate([three, seven, _halve(x)], axis=-1)


class InceptionE(nn.Module):
    """Branches that fork into 1x3 and 3x1 convolutions, at 8 pixels (Mixed_7b and Mixed_7c).

    Attributes:
        pool: First operation of the last branch, `average_pool` or `max_pool`.
    """

    pool: Callable[[jax.Array], jax.Array]

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """[B, H, W, I] to [B, H, W, 2048]."""
        one = _conv(x, "branch1x1", 320, 1, 1)
        three = _conv(x, "branch3x3_1", 384, 1, 1)
        double = _conv(x, "branch3x3dbl_1", 448, 1, 1)
        double = _conv(double, "branch3x3dbl_2", 384, 3, 3)
        forks = [
            _conv(three, "branch3x3_2a", 384, 1, 3),
            _conv(three, "branch3x3_2b", 384, 3, 1),
            _conv(double, "branch3x3dbl_3a", 384, 1, 3),
            _conv(double, "branch3x3dbl_3b", 384, 3, 1),
        ]
        pooled = _conv(self.pool(x), "branch_pool", 192, 1, 1)
        return jnp.concatenate([one, *forks, pooled], axis=-1)


class InceptionV3(nn.Module):
    """The whole network, from pixels in [-1, 1] to logits."""

    @nn.compact
    def __call__(self, x: jax.Array) -> dict[str, jax.Array]:
        """[B, 299, 299, 3] to the dict that `apply` returns."""
        x = _conv(x, "Conv2d_1a_3x3", 32, 3, 3, 2, "VALID")
        x = _conv(x, "Conv2d_2a_3x3", 32, 3, 3, 1, "VALID")
        x = _halve(_conv(x, "Conv2d_2b_3x3", 64, 3, 3))
        x = _conv(x, "Conv2d_3b_1x1", 80, 1, 1)
        x = low = _halve(_conv(x, "Conv2d_4a_3x3", 192, 3, 3, 1, "VALID"))
        for name, pool_features in {"Mixed_5b": 32, "Mixed_5c": 64, "Mixed_5d": 64}.items():
            x = InceptionA(pool_features, name=name)(x)
        x = InceptionB(name="Mixed_6a")(x)
        for name, width in {"Mixed_6b": 128, "Mixed_6c": 160, "Mixed_6d": 160, "Mixed_6e": 192}.items():
            x = middle = InceptionC(width, name=name)(x)
        x = InceptionD(name="Mixed_7a")(x)
        x = InceptionE(average_pool, name="Mixed_7b")(x)
        x = InceptionE(max_pool, name="Mixed_7c")(x)
        spatial = {"features_192": low, "features_768": middle, "features_2048": x}
        features = {name: jnp.mean(maps, axis=(1, 2)) for name, maps in spatial.items()}
        return {**features, **Classifier(name="fc")(features["features_2048"])}


def shapes() -> dict[str, Any]:
    """Shapes of the network's parameters.

    Returns:
        Nested dict of jax.ShapeDtypeStruct, float32: by block and branch `kernel` [h, w, I, O], `scale`,
        `offset`, `mean` and `variance` [O]; of the last layer, `fc`, `weight` [2048, 1008] and `bias` [1008].
    """
    pixels = jax.ShapeDtypeStruct((1, SIZE, SIZE, 3), jnp.float32)
    return jax.eval_shape(InceptionV3().init, jax.random.key(0), pixels)["params"]


def apply(params: Any, images: jax.Array) -> dict[str, jax.Array]:
    """Features and logits of images by the Inception-v3 of FID.

    Heusel et al. 2017, arXiv:1706.08500 (features_2048); Salimans et al. 2016, arXiv:1606.03498 (logits).
    Images are resized to 299 pixels by `resize_tf1` and mapped to (x - 128) / 128, as in the graph and in
    torch-fidelity; pytorch-fid resizes with half-pixel centres and maps to x / 127.5 - 1 instead. Feature
    maps are averaged over the image. Jit it with the parameters as an argument.

    Args:
        params: Parameters, as `inception_weights.load` returns them; `shapes` has their structure.
        images: uint8 or float in 0..255, [B, H, W, C] with C 3, or 1 for grey.

    Returns:
        Dict of float32 arrays: `features_192` [B, 192], after the second max pool; `features_768` [B, 768],
        where the auxiliary head would branch off; `features_2048` [B, 2048], of FID and KID; `logits`
        [B, 1008]; `logits_unbiased` [B, 1008], without the last layer's bias, from which the original
        Inception score and torch-fidelity's are computed.

    Raises:
        UsageError: The images are not [B, H, W, 1] or [B, H, W, 3].
    """
    if images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise UsageError(
            f"inception: images of shape {tuple(images.shape)}, expected [B, H, W, 1] or [B, H, W, 3]"
        )
    pixels = (resize_tf1(images, SIZE, SIZE) - 128.0) / 128.0
    colour = jnp.broadcast_to(pixels, (*pixels.shape[:-1], 3))
    outputs: Any = InceptionV3().apply({"params": params}, colour)
    return outputs
