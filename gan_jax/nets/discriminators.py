"""Discriminators of games with an encoder: of pairs, and with features that compare reconstructions."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.nets.dropout import Dropout
from gan_jax.nets.trunks import convolutions, dense, layers


class PairDiscriminator(nn.Module):
    """Convolutions of an image and a dense layer of its latents, side by side into dense layers to a logit.

    Donahue et al. 2016, arXiv:1605.09782, and Dumoulin et al. 2016, arXiv:1606.00704: the image and the
    latents meet after the convolutions. ALI's latents pass two layers with maxout first; here they pass one.

    Attributes:
        width: Channels after the first convolution; each further one doubles them.
        units: Units of the latents' layer and of the common layer.
        kernel_size: Height and width of the kernels, pixels.
        slope: LeakyReLU's slope below zero.
        dropout: Share of the common features dropped in training, in [0, 1).
        batch_norm: Normalise all but the first convolution; turn it off under a penalty on gradients.
    """

    width: int = 64
    units: int = 512
    kernel_size: int = 5
    slope: float = 0.2
    dropout: float = 0.0
    batch_norm: bool = True

    @nn.compact
    def __call__(self, pair: tuple[jax.Array, jax.Array], *, train: bool) -> dict[str, jax.Array]:
        """A pair of images [B, H, W, C] and latents [B, size] to `{"logits": [B]}`."""
        images, latents = pair
        x = convolutions(self.width, self.kernel_size, self.slope, self.batch_norm)(images, train)
        y = nn.leaky_relu(dense(self.units)(latents), self.slope)
        x = jnp.concatenate([x.reshape(x.shape[0], -1), y], axis=-1)
        x = Dropout(self.dropout)(x, train=train)
        x = nn.leaky_relu(dense(self.units)(x), self.slope)
        x = Dropout(self.dropout)(x, train=train)
        return {"logits": dense(1)(x)[:, 0]}


class DensePairDiscriminator(nn.Module):
    """Dense layers over an image and its latents side by side, to a logit.

    Donahue et al. 2016, arXiv:1605.09782, section 4.1: two hidden layers of 1024 units for MNIST.

    Attributes:
        widths: Units of each hidden layer.
        slope: LeakyReLU's slope below zero.
        batch_norm: Normalise all but the first layer; turn it off under a penalty on gradients.
    """

    widths: tuple[int, ...] = (1024, 1024)
    slope: float = 0.2
    batch_norm: bool = True

    @nn.compact
    def __call__(self, pair: tuple[jax.Array, jax.Array], *, train: bool) -> dict[str, jax.Array]:
        """A pair of images [B, H, W, C] and latents [B, size] to `{"logits": [B]}`."""
        images, latents = pair
        x = jnp.concatenate([images.reshape(images.shape[0], -1), latents], axis=-1)
        return {"logits": dense(1)(layers(self.widths, self.slope, self.batch_norm)(x, train))[:, 0]}


class FeatureDiscriminator(nn.Module):
    """Strided convolutions, whose last features are an output too, and dense layers to a logit.

    Larsen et al. 2015, arXiv:1512.09300, table 1: the features of the last convolution compare
    reconstructions. The paper's first convolution keeps the resolution; here every one halves it.

    Attributes:
        width: Channels after the first convolution; each further one doubles them.
        units: Units of the dense layer between features and logit.
        kernel_size: Height and width of the kernels, pixels.
        slope: LeakyReLU's slope below zero; the paper's networks have 0.
        batch_norm: Normalise all but the first convolution; turn it off under a penalty on gradients.
    """

    width: int = 64
    units: int = 512
    kernel_size: int = 5
    slope: float = 0.2
    batch_norm: bool = True

    @nn.compact
    def __call__(self, images: jax.Array, *, train: bool) -> dict[str, jax.Array]:
        """Images [B, H, W, C] to `logits` [B] and `features` [B, h, w, channels]."""
        features = convolutions(self.width, self.kernel_size, self.slope, self.batch_norm)(images, train)
        x = nn.leaky_relu(dense(self.units)(features.reshape(features.shape[0], -1)), self.slope)
        return {"logits": dense(1)(x)[:, 0], "features": features}


class DenseFeatureDiscriminator(nn.Module):
    """Dense layers to a logit; the last hidden layer is an output too.

    Attributes:
        widths: Units of each hidden layer.
        slope: LeakyReLU's slope below zero.
        batch_norm: Normalise all but the first layer; turn it off under a penalty on gradients.
    """

    widths: tuple[int, ...] = (512, 512)
    slope: float = 0.2
    batch_norm: bool = True

    @nn.compact
    def __call__(self, images: jax.Array, *, train: bool) -> dict[str, jax.Array]:
        """Images [B, H, W, C] to `logits` [B] and `features` [B, units of the last layer]."""
        features = layers(self.widths, self.slope, self.batch_norm)(images, train)
        return {"logits": dense(1)(features)[:, 0], "features": features}
