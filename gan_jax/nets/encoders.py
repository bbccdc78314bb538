"""Encoders, and the discriminators of games that have one.

An encoder returns a dict with `latents` [B, size] among its heads. A Gaussian one has `mean` and
`log_variance` besides, draws its latents in training (from the rng stream `dropout`), and gives the mean in
evaluation. Convolutions are those of DCGAN's discriminator (Radford et al. 2016, arXiv:1511.06434), which
Donahue et al. 2016, arXiv:1605.09782, section 4, take too, at any resolution that `dcgan` takes. Weights
start normal with deviation 0.02.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.nets.convolution import Conv
from gan_jax.nets.dcgan import halvings

_kernel_init = nn.initializers.normal(0.02)


def _dense(features, **options):
    return nn.Dense(features, kernel_init=_kernel_init, **options)


def _batch_norm(train):
    return nn.BatchNorm(use_running_average=not train, momentum=0.9, epsilon=1e-5)


class _Halvings(nn.Module):
    """Strided convolutions with LeakyReLU, and batch norm but after the first."""

    width: int
    kernel_size: int
    slope: float
    batch_norm: bool = True

    @nn.compact
    def __call__(self, images, train):
        """[B, H, W, C] to a small image [B, h, w, width * 2^n]."""
        x, kernel = images, (self.kernel_size, self.kernel_size)
        for level in range(halvings(images.shape[1])):
            normed = self.batch_norm and level > 0
            x = Conv(self.width << level, kernel, (2, 2), use_bias=not normed, kernel_init=_kernel_init)(x)
            x = nn.leaky_relu(_batch_norm(train)(x) if normed else x, self.slope)
        return x


class _Layers(nn.Module):
    """Dense layers with LeakyReLU, and batch norm but after the first."""

    widths: tuple[int, ...]
    slope: float
    batch_norm: bool = True

    @nn.compact
    def __call__(self, x, train):
        """[B, ...] to [B, units of the last layer]."""
        x = x.reshape(x.shape[0], -1)
        for level, width in enumerate(self.widths):
            normed = self.batch_norm and level > 0
            x = _dense(width, use_bias=not normed)(x)
            x = nn.leaky_relu(_batch_norm(train)(x) if normed else x, self.slope)
        return x


class _Gaussian(nn.Module):
    """Normal latents: Kingma and Welling 2013, arXiv:1312.6114, section 2.4 (the reparametrisation)."""

    size: int

    @nn.compact
    def __call__(self, x, train):
        """Features [B, ...] to the heads of a Gaussian encoder."""
        x = x.reshape(x.shape[0], -1)
        mean, log_variance = _dense(self.size, name="mean")(x), _dense(self.size, name="log_variance")(x)
        latents = mean
        if train:
            noise = jax.random.normal(self.make_rng("dropout"), mean.shape, mean.dtype)
            latents = mean + jnp.exp(0.5 * log_variance) * noise
        return {"latents": latents, "mean": mean, "log_variance": log_variance}


class Encoder(nn.Module):
    """Strided convolutions that halve the image, and a dense layer to latents.

    Donahue et al. 2016, arXiv:1605.09782 (BiGAN).

    Attributes:
        size: Dimensions of the latents; those of the generator's.
        width: Channels after the first convolution; each further one doubles them.
        kernel_size: Height and width of the kernels, pixels.
        slope: LeakyReLU's slope below zero.
    """

    size: int
    width: int = 64
    kernel_size: int = 5
    slope: float = 0.2

    @nn.compact
    def __call__(self, images, *, train):
        """Images [B, H, W, C] to `{"latents": [B, size]}`."""
        x = _Halvings(self.width, self.kernel_size, self.slope)(images, train)
        return {"latents": _dense(self.size)(x.reshape(x.shape[0], -1))}


class GaussianEncoder(nn.Module):
    """Strided convolutions that halve the image, and a normal distribution of latents.

    Dumoulin et al. 2016, arXiv:1606.00704 (ALI), and Larsen et al. 2015, arXiv:1512.09300 (VAE-GAN), which
    has a dense layer of 2048 units in front of the distribution's.

    Attributes:
        size: Dimensions of the latents; those of the generator's.
        width: Channels after the first convolution; each further one doubles them.
        kernel_size: Height and width of the kernels, pixels.
        slope: LeakyReLU's slope below zero.
    """

    size: int
    width: int = 64
    kernel_size: int = 5
    slope: float = 0.2

    @nn.compact
    def __call__(self, images, *, train):
        """Images [B, H, W, C] to `latents`, `mean` and `log_variance`, each [B, size]."""
        x = _Halvings(self.width, self.kernel_size, self.slope)(images, train)
        return _Gaussian(self.size, name="distribution")(x, train)


class DenseEncoder(nn.Module):
    """Dense layers to latents.

    Donahue et al. 2016, arXiv:1605.09782, section 4.1: two hidden layers of 1024 units for MNIST, batch norm
    in front of the second nonlinearity; its batch norm has no parameters, here it has.

    Attributes:
        size: Dimensions of the latents; those of the generator's.
        widths: Units of each hidden layer.
        slope: LeakyReLU's slope below zero.
    """

    size: int
    widths: tuple[int, ...] = (1024, 1024)
    slope: float = 0.2

    @nn.compact
    def __call__(self, images, *, train):
        """Images [B, H, W, C] to `{"latents": [B, size]}`."""
        return {"latents": _dense(self.size)(_Layers(self.widths, self.slope)(images, train))}


class DenseGaussianEncoder(nn.Module):
    """Dense layers to a normal distribution of latents: `DenseEncoder` with another end.

    Attributes:
        size: Dimensions of the latents; those of the generator's.
        widths: Units of each hidden layer.
        slope: LeakyReLU's slope below zero.
    """

    size: int
    widths: tuple[int, ...] = (1024, 1024)
    slope: float = 0.2

    @nn.compact
    def __call__(self, images, *, train):
        """Images [B, H, W, C] to `latents`, `mean` and `log_variance`, each [B, size]."""
        x = _Layers(self.widths, self.slope)(images, train)
        return _Gaussian(self.size, name="distribution")(x, train)


class PairDiscriminator(nn.Module):
    """Convolutions of an image and a dense layer of its latents, side by side into dense layers to a logit.

    Donahue et al. 2016, arXiv:1605.09782, and Dumoulin et al. 2016, arXiv:1606.00704: the image and the
    latents meet after the convolutions. ALI's latents pass two layers first, with maxout; here one.

    Attributes:
        width: Channels after the first convolution; each further one doubles them.
        units: Of the latents' layer and of the common one.
        kernel_size: Height and width of the kernels, pixels.
        slope: LeakyReLU's slope below zero.
        dropout: Share of the common features dropped in training, in [0, 1).
        batch_norm: Normalise all but the first convolution; turn off under a penalty on gradients.
    """

    width: int = 64
    units: int = 512
    kernel_size: int = 5
    slope: float = 0.2
    dropout: float = 0.0
    batch_norm: bool = True

    @nn.compact
    def __call__(self, pair, *, train):
        """A pair of images [B, H, W, C] and latents [B, size] to `{"logits": [B]}`."""
        images, latents = pair
        x = _Halvings(self.width, self.kernel_size, self.slope, self.batch_norm)(images, train)
        told = nn.leaky_relu(_dense(self.units)(latents), self.slope)
        x = jnp.concatenate([x.reshape(x.shape[0], -1), told], axis=-1)
        x = nn.Dropout(self.dropout, deterministic=not train)(x)
        x = nn.leaky_relu(_dense(self.units)(x), self.slope)
        x = nn.Dropout(self.dropout, deterministic=not train)(x)
        return {"logits": _dense(1)(x)[:, 0]}


class DensePairDiscriminator(nn.Module):
    """Dense layers over an image and its latents side by side, to a logit.

    Donahue et al. 2016, arXiv:1605.09782, section 4.1: two hidden layers of 1024 units for MNIST.

    Attributes:
        widths: Units of each hidden layer.
        slope: LeakyReLU's slope below zero.
        batch_norm: Normalise all but the first layer; turn off under a penalty on gradients.
    """

    widths: tuple[int, ...] = (1024, 1024)
    slope: float = 0.2
    batch_norm: bool = True

    @nn.compact
    def __call__(self, pair, *, train):
        """A pair of images [B, H, W, C] and latents [B, size] to `{"logits": [B]}`."""
        images, latents = pair
        x = jnp.concatenate([images.reshape(images.shape[0], -1), latents], axis=-1)
        return {"logits": _dense(1)(_Layers(self.widths, self.slope, self.batch_norm)(x, train))[:, 0]}


class FeatureDiscriminator(nn.Module):
    """Strided convolutions, whose last ones are a head of their own, and dense layers to a logit.

    Larsen et al. 2015, arXiv:1512.09300, table 1: reconstructions are compared by the features of the last
    convolution. The paper's first convolution keeps the resolution; here every one halves it.

    Attributes:
        width: Channels after the first convolution; each further one doubles them.
        units: Of the dense layer between features and logit.
        kernel_size: Height and width of the kernels, pixels.
        slope: LeakyReLU's slope below zero; the paper's networks have 0.
        batch_norm: Normalise all but the first convolution; turn off under a penalty on gradients.
    """

    width: int = 64
    units: int = 512
    kernel_size: int = 5
    slope: float = 0.2
    batch_norm: bool = True

    @nn.compact
    def __call__(self, images, *, train):
        """Images [B, H, W, C] to `logits` [B] and `features` [B, h, w, channels]."""
        features = _Halvings(self.width, self.kernel_size, self.slope, self.batch_norm)(images, train)
        x = nn.leaky_relu(_dense(self.units)(features.reshape(features.shape[0], -1)), self.slope)
        return {"logits": _dense(1)(x)[:, 0], "features": features}


class DenseFeatureDiscriminator(nn.Module):
    """Dense layers to a logit, the last hidden one a head of its own.

    Attributes:
        widths: Units of each hidden layer.
        slope: LeakyReLU's slope below zero.
        batch_norm: Normalise all but the first layer; turn off under a penalty on gradients.
    """

    widths: tuple[int, ...] = (512, 512)
    slope: float = 0.2
    batch_norm: bool = True

    @nn.compact
    def __call__(self, images, *, train):
        """Images [B, H, W, C] to `logits` [B] and `features` [B, units of the last layer]."""
        features = _Layers(self.widths, self.slope, self.batch_norm)(images, train)
        return {"logits": _dense(1)(features)[:, 0], "features": features}
